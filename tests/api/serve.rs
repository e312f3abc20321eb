//! How the server stops.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use klarna_order_worker::api;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{Api, ORDER, SOON, envelope};

/// Returns the body of a request, and a connection on which the server waits for that body.
pub(super) async fn half_sent(api: &Api, method: &str, path: &str, headers: &str) -> (String, TcpStream) {
    let body = envelope("shop", "u-1", ORDER);
    let mut connection = TcpStream::connect(api.address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         {headers}Expect: 100-continue\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // `100 Continue` arrives when the handler reads the body.
    let mut go_on = [0; 25];
    timeout(SOON, connection.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    (body, connection)
}

async fn rest(mut connection: TcpStream) -> String {
    let mut text = String::new();
    timeout(SOON, connection.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn requests_in_flight_are_finished_and_nothing_new_is_taken() {
    let mut api = Api::open().await;
    let (body, mut connection) = half_sent(&api, "POST", "/v1/orders", "").await;
    api.stop.take().unwrap().send(()).unwrap();
    // The listener is closed before the server waits for its connections.
    let refused = async { while TcpStream::connect(api.address).await.is_ok() {} };
    timeout(SOON, refused).await.expect("still listening");

    connection.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(connection).await;
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close\r\n"), "{answer}");
    timeout(SOON, &mut api.server).await.expect("still serving").unwrap().unwrap();
    assert_eq!(api.claim().await.len(), 1);
}

#[tokio::test]
async fn silent_connections_do_not_delay_the_stop() {
    let mut api = Api::open().await;
    let _nothing_sent = TcpStream::connect(api.address).await.unwrap();
    let mut half_a_head = TcpStream::connect(api.address).await.unwrap();
    half_a_head.write_all(b"POST /v1/orders HTTP/1.1\r\nHost: local").await.unwrap();
    // The client keeps this connection; it is accepted after the two others.
    assert_eq!(api.get("/livez").await.status, 200);
    api.stop.take().unwrap().send(()).unwrap();
    timeout(SOON, &mut api.server).await.expect("still serving").unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let began = Arc::new(Notify::new());
    let told = Arc::clone(&began);
    let endless = async move || {
        told.notify_one();
        std::future::pending::<()>().await;
    };
    let router = axum::Router::new().route("/", get(endless));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap_or(()) };
    let server = tokio::spawn(api::serve(listener, None, router, 1000, stopped, Duration::from_millis(100)));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    timeout(SOON, began.notified()).await.expect("not begun");
    drop(stop);
    timeout(SOON, server).await.expect("still serving").unwrap().unwrap();
    assert_eq!(rest(connection).await, "", "no answer, and the connection is closed");
}
