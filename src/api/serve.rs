//! Runs the HTTP server: how many connections there may be, how long they may be silent, and how
//! they end.
//!
//! Callers without an API key can hold nothing for long: a head must arrive within ten seconds, the
//! TLS handshake included, and have at most 20 KB, and a form must arrive within five seconds. If
//! there are too many connections, the oldest one without a key is closed, so that strangers take
//! no connection from callers with a key.

mod connection;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

pub(super) use connection::Connection;
use connection::{HeadDeadline, Strangers};

use crate::tls::TlsServer;

/// How long a connection may be idle between two requests. It must be longer than the 60 s of
/// common proxies: if this side closed first, a proxy's next request could be lost.
const IDLE: Duration = Duration::from_secs(75);

/// The most headers of a request, and the most bytes of a head. `frame.rs` refuses less than that,
/// with an explanation.
const HEADERS: usize = 256;
const BUFFER: usize = 20 * 1024;

/// How long after the stop a request's head may still arrive.
const LAST_HEADS: Duration = Duration::from_secs(1);

/// How long a caller may take.
#[derive(Clone, Copy)]
struct Timeouts {
    /// For a head: from the connection for the first one, TLS handshake included; from the first
    /// byte for the others.
    head: Duration,
    /// How long it may stop reading while an answer is written.
    write_stall: Duration,
}

const TIMEOUTS: Timeouts = Timeouts { head: Duration::from_secs(10), write_stall: Duration::from_secs(30) };

/// What each connection needs.
#[derive(Clone)]
struct Service {
    router: Router,
    /// Does handshakes; `None`: plain HTTP.
    tls: Option<TlsServer>,
    timeouts: Timeouts,
}

/// Serves HTTP/1.1, with TLS if `tls` is given, on at most `most` connections until `shutdown`
/// resolves. After that, no connection is accepted, and requests in flight are finished. What has
/// not ended after `drain` is closed.
///
/// axum's own server is not used because it waits forever for a request that never arrives whole.
///
/// # Errors
/// Never, at present. Errors of single connections and missing file descriptors are survived.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsServer>,
    router: Router,
    most: usize,
    shutdown: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
) -> io::Result<()> {
    serve_within(listener, Service { router, tls, timeouts: TIMEOUTS }, most, shutdown, drain).await
}

async fn serve_within(
    mut listener: TcpListener,
    service: Service,
    most: usize,
    shutdown: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut strangers = Strangers::default();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, peer) = Listener::accept(&mut listener) => {
                if !make_room(&mut connections, &mut strangers, most).await {
                    continue;
                }
                let connection = Arc::new(Connection::default());
                let conversation = converse(stream, peer, service.clone(), stopping.clone(), Arc::clone(&connection));
                strangers.add(connections.spawn(conversation), connection, most);
            }
            // Forget connections that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    stop.send_replace(true);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(drain, all_ended).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "Requests that did not end within the shutdown grace \
            were cut off"
        );
        connections.shutdown().await;
    }
    Ok(())
}

/// Closes connections of strangers until there is room for another one. `false` if there is none,
/// because all callers have shown a key.
async fn make_room(connections: &mut JoinSet<()>, strangers: &mut Strangers, most: usize) -> bool {
    while connections.try_join_next().is_some() {}
    while connections.len() >= most {
        if !strangers.close_one() {
            return false;
        }
        connections.join_next().await;
    }
    true
}

/// Serves one connection until it ends.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    service: Service,
    mut stopping: watch::Receiver<bool>,
    connection: Arc<Connection>,
) {
    // Send small answers at once. If the socket refuses the option, it is only slower.
    let _ = stream.set_nodelay(true);
    let until = Instant::now() + service.timeouts.head;
    // Until the first byte is there, a connection has no buffers.
    let came = tokio::select! {
        came = timeout_at(until, first_byte(&stream)) => Some(came),
        _ = stopping.wait_for(|stop| *stop) => None,
    };
    let came = match came {
        Some(came) => came.unwrap_or(false),
        None => timeout(LAST_HEADS, first_byte(&stream)).await.unwrap_or(false),
    };
    if came {
        // Boxed, so that a connection that sends nothing does not take the memory.
        Box::pin(shake_hands(stream, peer, service, stopping, connection, until)).await;
    }
}

/// Waits until there is something to read. `false`: the caller has closed the connection.
///
/// A new stream may say that it is readable before it knows, so that only a read tells.
async fn first_byte(stream: &TcpStream) -> bool {
    matches!(stream.peek(&mut [0]).await, Ok(1..))
}

/// Does the TLS handshake if there is one, and serves the requests. Handshake and first head must
/// be done at `until`.
async fn shake_hands(
    stream: TcpStream,
    peer: SocketAddr,
    service: Service,
    mut stopping: watch::Receiver<bool>,
    connection: Arc<Connection>,
    until: Instant,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(service.timeouts.write_stall));
    let stream = Box::pin(stream);
    let Some(tls) = service.tls.clone() else {
        return serve_requests(stream, peer, service, stopping, connection, until).await;
    };
    let handshake = {
        let mut handshake = pin!(timeout_at(until, tls.accept(stream)));
        let done = tokio::select! {
            done = handshake.as_mut() => Some(done),
            _ = stopping.wait_for(|stop| *stop) => None,
        };
        match done {
            Some(done) => done,
            None => timeout(LAST_HEADS, handshake).await.and_then(|done| done),
        }
    };
    match handshake.unwrap_or_else(|late| Err(late.into())) {
        Ok((stream, certificate)) => {
            connection.set_encrypted(certificate);
            serve_requests(stream, peer, service, stopping, connection, until).await;
        }
        // Scanners and clients without TLS cause it at any time.
        Err(error) => tracing::debug!(%peer, %error, "A TLS handshake failed"),
    }
}

/// Serves the requests on a connection. The first head must be there at `until`.
async fn serve_requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: SocketAddr,
    Service { router, timeouts, .. }: Service,
    mut stopping: watch::Receiver<bool>,
    connection: Arc<Connection>,
    until: Instant,
) {
    let stream = HeadDeadline::new(stream, Arc::clone(&connection), timeouts.head, until);
    let service = service_fn(|mut request: Request<Incoming>| {
        connection.begin_request();
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(peer));
        extensions.insert(Arc::clone(&connection));
        let answer = router.clone().oneshot(request.map(Body::new));
        let connection = &connection;
        async move {
            let answer = answer.await;
            connection.end_request();
            answer
        }
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_headers(HEADERS)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        // Ignore how it ended: callers close connections at any time.
        _ = serving.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => serving.as_mut().graceful_shutdown(),
    }
    // From here on, hyper closes the connection between two requests or after an answer. It still
    // waits for a first request.
    tokio::select! {
        _ = serving.as_mut() => {}
        () = sleep(LAST_HEADS), if !connection.was_heard() => {}
    }
}

#[cfg(test)]
mod tests;
