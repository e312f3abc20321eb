//! Runs the HTTP server: how long connections may be silent, and how they end.

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

/// How long a connection may take to send a request's head, counted from the end of the previous
/// answer. This is also how long an idle connection is kept. It must be longer than the 60 s of
/// common proxies: if this side closed first, a proxy's next request could be lost.
const HEAD_READ: Duration = Duration::from_secs(75);

/// How long a caller may stop reading while an answer is written.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// The most headers of a request, and the most bytes that are buffered for one. `frame.rs` refuses
/// less than that, with an explanation.
const HEADERS: usize = 256;
const BUFFER: usize = 128 * 1024;

/// How long after the stop a request's head may still arrive.
const LAST_HEADS: Duration = Duration::from_secs(1);

/// Serves HTTP/1.1 until `shutdown` resolves. After that, no connection is accepted, and requests
/// in flight are finished. What has not ended after `drain` is closed.
///
/// axum's own server is not used because it waits forever for a request that never arrives whole.
///
/// # Errors
/// Never, at present. Errors of single connections and missing file descriptors are survived.
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
                connections.spawn(converse(stream, peer, router.clone(), stopping.clone(), WRITE_STALL));
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

/// Serves one connection until it ends.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    write_stall: Duration,
) {
    // Send small answers at once. If the socket refuses the option, it is only slower.
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
        // Ignore how it ended: callers close connections at any time.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    // From here on, hyper closes the connection between two requests or after an answer. It still
    // waits for a first request.
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
        let (stream, peer) = listener.accept().await.unwrap();
        // It ends by itself, although the caller stays connected and reads nothing.
        converse(stream, peer, router, stopping, Duration::from_millis(200)).await;
        let mut taken = Vec::new();
        let _ = caller.read_to_end(&mut taken).await;
        assert!(taken.len() < 64 << 20, "all was written");
    }
}
