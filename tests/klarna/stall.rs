//! A process that was stopped wakes with the call's time over, and the answer in its socket.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use klarna_order_worker::vault::answer::Answer;
use klarna_order_worker::vault::http::TokenClient;

use crate::faults::http;
use crate::{SHORT, merchant};

/// More than one look at the socket brings in.
const LONG: usize = 100 * 1024;

/// A server on a thread of its own, which goes on while the process under test stands still. It tells of the request,
/// waits a moment, and answers.
fn answering_elsewhere(answer: String) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, asking) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let length = stream.read(&mut [0; 8192]).unwrap();
        assert!(length > 0);
        asked.send(()).unwrap();
        thread::sleep(SHORT / 4);
        stream.write_all(answer.as_bytes()).unwrap();
        // Open until the client leaves.
        let _ = stream.read(&mut [0; 1]);
    });
    (url, asking)
}

/// The runtime has this one thread: while it sleeps, neither clocks nor sockets are looked at.
#[tokio::test]
async fn an_answer_that_came_while_the_process_stood_still_is_read() {
    let padding = "x".repeat(LONG);
    let grant = format!(r#"{{"access_token":"at","refresh_token":"new","padding":"{padding}"}}"#);
    let (url, asked) = answering_elsewhere(http("200 OK", "", &grant));
    let client = TokenClient::new(SHORT, SHORT).unwrap();
    let presenting = tokio::spawn(async move { client.present(&merchant(&url), &"sent-token".into()).await });
    while asked.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    thread::sleep(SHORT * 2);
    let answer = presenting.await.unwrap();
    assert!(matches!(answer, Answer::Rotated(_)), "{answer:?}");
}
