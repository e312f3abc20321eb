//! A suspended process wakes up after the call's time-out, with the answer in its socket or on its
//! way.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use klarna_order_worker::klarna::token::TokenClient;
use klarna_order_worker::token::Answer;
use test_support::faults::http;

use crate::{SHORT, merchant};

/// Starts a server on a thread of its own, which continues while the tested runtime is stopped. It
/// reports the request, sends a part of the answer at once, and the rest when it is told to.
fn answering_elsewhere(answer: String) -> (String, Receiver<()>, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, asking) = channel();
    let (awake, woken) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let length = stream.read(&mut [0; 8192]).unwrap();
        assert!(length > 0);
        asked.send(()).unwrap();
        let (first, rest) = answer.as_bytes().split_at(answer.len() - 4);
        stream.write_all(first).unwrap();
        woken.recv().unwrap();
        thread::sleep(Duration::from_millis(30));
        stream.write_all(rest).unwrap();
        // Keep the connection open until the client closes it.
        let _ = stream.read(&mut [0; 1]);
    });
    (url, asking, awake)
}

/// The runtime has only this thread. While it sleeps, neither timers nor sockets are polled.
#[tokio::test]
async fn an_answer_that_is_under_way_when_the_process_goes_on_is_read() {
    let grant = r#"{"access_token":"at","refresh_token":"new"}"#;
    let (url, asked, awake) = answering_elsewhere(http("200 OK", "", grant));
    let client = TokenClient::new(SHORT, SHORT).unwrap();
    let presenting =
        tokio::spawn(async move { client.present(&merchant(&url), &"sent-token".into()).await.answer });
    while asked.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    thread::sleep(SHORT * 2);
    awake.send(()).unwrap();
    let answer = presenting.await.unwrap();
    assert!(matches!(answer, Answer::Rotated(_)), "{answer:?}");
}
