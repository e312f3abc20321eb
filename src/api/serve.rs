//! Connections: how long they may be silent, and how they end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

/// How long a connection may take to send a request's head, counted from the end of the answer before: so long it is
/// also kept between requests. Proxies keep theirs for 60 s, and must be the first to close, or a request of theirs
/// crosses with the close.
const HEAD_READ: Duration = Duration::from_secs(75);

/// How long a caller may take nothing of an answer that is being written.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// How many headers a request may have, and how many bytes are kept of one: see `frame.rs`, which refuses less than that in
/// words.
const HEADERS: usize = 256;
const BUFFER: usize = 128 * 1024;

/// How long after the stop a request's head may still arrive whole.
const LAST_HEADS: Duration = Duration::from_secs(1);

/// Serves HTTP/1.1 until `shutdown` resolves. Then nothing new is accepted, requests in flight are finished, and what
/// has not ended after `drain` is cut off.
///
/// axum's own server waits for ever for the other half of a request.
///
/// # Errors
/// None at present: errors of single connections, and a want of file descriptors, are ridden out.
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, peer) = Listener::accept(&mut listener) => {
                connections.spawn(converse((stream, peer), router.clone(), stopping.clone(), WRITE_STALL));
            }
            // Those that have ended are let go.
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

/// One connection, to its end.
async fn converse(
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    mut stopping: watch::Receiver<bool>,
    write_stall: Duration,
) {
    // Small answers must not wait for more to fill their packet; a socket that refuses is only slower.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_stall));
    let heard = AtomicBool::new(false);
    let service = service_fn(|mut request: Request<Incoming>| {
        heard.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_READ)
            .max_headers(HEADERS)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
    );
    tokio::select! {
        // How it ended is the caller's affair: most break off at will.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    // Now hyper closes the connection between two requests, and behind the answer to one; but for the first it waits on.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = sleep(LAST_HEADS), if !heard.load(Ordering::Relaxed) => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_caller_that_takes_nothing_of_its_answer_is_let_go() {
        let router = Router::new().route("/", get(|| async { vec![0_u8; 64 << 20] }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        caller.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let (_stop, stopping) = watch::channel(false);
        let accepted = listener.accept().await.unwrap();
        // It ends by itself, though the caller is there and reads nothing.
        converse(accepted, router, stopping, Duration::from_millis(200)).await;
        let mut taken = Vec::new();
        let _ = caller.read_to_end(&mut taken).await;
        assert!(taken.len() < 64 << 20, "all was written");
    }
}
