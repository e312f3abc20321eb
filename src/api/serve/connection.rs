//! The state of a connection: whether its caller has shown a key, whether a request is being
//! processed, and until when the next head must arrive.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::tls::{CertificateInfo, ClientCertificate};

/// The state of one connection, shared by the server and the requests on it.
#[derive(Debug, Default)]
pub(in crate::api) struct Connection {
    /// Whether a request on this connection had a valid key, or needed none.
    known: AtomicBool,
    /// Whether a request is being processed.
    busy: AtomicBool,
    /// How many requests have arrived.
    requests: AtomicU64,
    /// Set once the TLS handshake is done; inside is the client's certificate if it showed one.
    tls: OnceLock<Option<ClientCertificate>>,
}

impl Connection {
    /// Records that the caller may use the API. The connection is then not closed to make room for
    /// others.
    pub(in crate::api) fn set_known(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    /// Returns whether the connection uses TLS.
    pub(in crate::api) fn is_encrypted(&self) -> bool {
        self.tls.get().is_some()
    }

    /// Returns the verified certificate of the caller, if it showed one.
    pub(in crate::api) fn client_certificate(&self) -> Option<&CertificateInfo> {
        self.tls.get()?.as_deref()
    }

    /// Records that the TLS handshake is done.
    pub(super) fn set_encrypted(&self, certificate: Option<ClientCertificate>) {
        // There is one handshake.
        let _ = self.tls.set(certificate);
    }

    pub(super) fn begin_request(&self) {
        self.busy.store(true, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_request(&self) {
        self.busy.store(false, Ordering::Relaxed);
    }

    pub(super) fn was_heard(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }
}

/// The connections whose callers have shown no key yet, the oldest first.
#[derive(Default)]
pub(super) struct Strangers(VecDeque<(AbortHandle, Arc<Connection>)>);

impl Strangers {
    /// Adds a new connection. At most `most` are open at a time.
    pub(super) fn add(&mut self, handle: AbortHandle, connection: Arc<Connection>, most: usize) {
        if self.0.len() >= most.saturating_mul(2) {
            self.0.retain(|(handle, connection)| is_stranger(handle, connection));
        }
        self.0.push_back((handle, connection));
    }

    /// Closes the oldest connection, preferably one without a running request. Returns `false` if
    /// there is none.
    pub(super) fn close_one(&mut self) -> bool {
        while self.0.front().is_some_and(|(handle, connection)| !is_stranger(handle, connection)) {
            self.0.pop_front();
        }
        let idle = self.0.iter().position(|(handle, connection)| {
            is_stranger(handle, connection) && !connection.busy.load(Ordering::Relaxed)
        });
        let chosen = self.0.remove(idle.unwrap_or_default());
        chosen.inspect(|(handle, _)| handle.abort()).is_some()
    }
}

fn is_stranger(handle: &AbortHandle, connection: &Connection) -> bool {
    !handle.is_finished() && !connection.known.load(Ordering::Relaxed)
}

/// A stream that fails if a head does not arrive in time. hyper's own time-out also runs while a
/// connection is idle between two requests, so it cannot be as short.
pub(super) struct HeadDeadline<S> {
    stream: S,
    connection: Arc<Connection>,
    /// How long a head may take from its first byte.
    within: Duration,
    /// When the present head must have arrived, and the number of requests before it.
    deadline: Option<(Pin<Box<Sleep>>, u64)>,
}

impl<S> HeadDeadline<S> {
    /// `until` is when the first head must be there.
    pub(super) fn new(stream: S, connection: Arc<Connection>, within: Duration, until: Instant) -> Self {
        Self { stream, connection, within, deadline: Some((Box::pin(sleep_until(until)), 0)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let requests = self.connection.requests.load(Ordering::Relaxed);
        if self.deadline.as_ref().is_some_and(|(_, begun)| *begun != requests) {
            self.deadline = None;
        }
        // A body has deadlines of its own.
        if self.connection.busy.load(Ordering::Relaxed) {
            return read;
        }
        if self.deadline.is_none() && buffer.filled().len() > before {
            self.deadline = Some((Box::pin(sleep(self.within)), requests));
        }
        let late = self.deadline.as_mut().is_some_and(|(deadline, _)| deadline.as_mut().poll(cx).is_ready());
        if late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { read }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadDeadline<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
