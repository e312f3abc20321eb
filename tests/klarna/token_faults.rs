//! The meaning of each kind of broken connection. Each call sends at most one request.

use klarna_order_worker::klarna::token::TokenClient;
use klarna_order_worker::token::Answer;
use test_support::faults::{FaultyServer, Step, http, refusing_url};

use crate::{AMPLE, SHORT, merchant};

const NO_FILE: &str = "/nonexistent";

const GRANT: &str = r#"{"access_token":"at","refresh_token":"new"}"#;

/// Presents a token to a server that takes this step. Fails if the call sends a second request.
async fn present(step: Step) -> Answer {
    present_within(AMPLE, step).await
}

async fn present_within(timeout: std::time::Duration, step: Step) -> Answer {
    let server = FaultyServer::start([step]).await;
    let client = TokenClient::new(timeout, timeout).unwrap();
    let answer = client.present(&merchant(&server.url()), &"sent-token".into()).await.answer;
    assert_eq!((server.requests(), server.connections()), (1, 1));
    answer
}

async fn present_to(base: &str) -> Answer {
    TokenClient::new(AMPLE, AMPLE).unwrap().present(&merchant(base), &"sent-token".into()).await.answer
}

#[track_caller]
fn assert_travelling(answer: &Answer) {
    assert!(matches!(answer, Answer::NoAnswer { over: false, .. }), "{answer:?}");
}

#[track_caller]
fn assert_over(answer: &Answer) {
    assert!(matches!(answer, Answer::NoAnswer { over: true, .. }), "{answer:?}");
}

#[track_caller]
fn assert_not_sent(answer: &Answer, because: &str) {
    assert!(matches!(answer, Answer::NotSent { cause } if cause.to_string().contains(because)), "{answer:?}");
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    assert_not_sent(&present_to(&refusing_url()).await, "connection refused");
}

#[tokio::test]
async fn an_unknown_host_is_not_sent() {
    assert_not_sent(&present_to("http://nowhere.invalid").await, "cannot be resolved");
}

#[tokio::test]
async fn a_failed_tls_handshake_is_not_sent() {
    let server = FaultyServer::start([Step::speak_first("HTTP/1.1 400 Bad Request\r\n\r\n")]).await;
    assert_not_sent(&present_to(&server.https_url()).await, "TLS handshake failed");
}

#[tokio::test]
async fn a_silent_tls_handshake_is_not_sent_even_where_both_time_outs_are_set_alike() {
    let server = FaultyServer::start([Step::speak_first("")]).await;
    let client = TokenClient::new(SHORT, SHORT).unwrap();
    let answer = client.present(&merchant(&server.https_url()), &"sent-token".into()).await.answer;
    assert_not_sent(&answer, "timed out");
}

#[tokio::test]
async fn a_reset_before_reading_may_have_been_read() {
    assert_travelling(&present(Step::reset_unread()).await);
}

#[tokio::test]
async fn a_reset_after_reading_leaves_no_answer() {
    assert_travelling(&present(Step::reset()).await);
}

#[tokio::test]
async fn a_close_without_an_answer_leaves_no_answer() {
    assert_travelling(&present(Step::close_after("")).await);
}

#[tokio::test]
async fn silence_leaves_no_answer() {
    assert_travelling(&present_within(SHORT, Step::hang_after("")).await);
}

#[tokio::test]
async fn silence_within_the_body_is_timed_out_too() {
    let half = http("200 OK", "", GRANT);
    assert_travelling(&present_within(SHORT, Step::hang_after(&half[..half.len() - 4])).await);
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    for whole in [http("200 OK", "", GRANT), http("400 Bad Request", "", r#"{"error":"invalid_grant"}"#)] {
        assert_travelling(&present(Step::close_after(&whole[..whole.len() - 4])).await);
    }
}

#[tokio::test]
async fn a_successor_that_came_before_the_answer_broke_off_is_kept() {
    let whole = http("200 OK", "", r#"{"access_token":"at","refresh_token":"new","token_type":"Bearer"}"#);
    let half = &whole[..whole.len() - 4];
    for answer in
        [present(Step::close_after(half)).await, present_within(SHORT, Step::hang_after(half)).await]
    {
        assert!(matches!(answer, Answer::Rotated(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn garbage_is_no_answer() {
    assert_travelling(&present(Step::close_after("SSH-2.0-OpenSSH_9.9\r\n\r\n")).await);
}

#[tokio::test]
async fn an_endless_body_is_cut_and_unreadable() {
    assert_over(&present(Step::flood_after("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")).await);
}

#[tokio::test]
async fn an_oversized_refusal_is_not_taken_for_a_dead_grant() {
    let answer = present(Step::flood_after("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")).await;
    assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
}

#[tokio::test]
async fn a_wrong_content_type_costs_no_successor() {
    let answer = present(Step::answer(http("200 OK", "content-type: text/html\r\n", GRANT))).await;
    assert!(matches!(answer, Answer::Rotated(_)), "{answer:?}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = FaultyServer::start([]).await;
    for (status, over) in [("302 Found", false), ("307 Temporary Redirect", false), ("303 See Other", true)] {
        let location = format!("location: {}/\r\n", elsewhere.url());
        let answer = present(Step::answer(http(status, &location, ""))).await;
        match answer {
            Answer::Refused { configuration: true, .. } => assert!(!over, "{status}"),
            other => {
                assert!(over, "{status}");
                assert_over(&other);
            }
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// The server keeps each connection after its first answer and resets it when a second request
/// comes.
#[tokio::test]
async fn no_exchange_meets_a_connection_that_was_used_before() {
    let server = FaultyServer::start([
        Step::answer(http("200 OK", "", GRANT)),
        Step::answer(http("400 Bad Request", "", r#"{"error":"invalid_grant"}"#)),
        Step::answer(http("200 OK", "", GRANT)),
    ])
    .await;
    let client = TokenClient::new(AMPLE, AMPLE).unwrap();
    let merchant = merchant(&server.url());

    assert!(matches!(client.present(&merchant, &"one".into()).await.answer, Answer::Rotated(_)));
    assert!(matches!(client.present(&merchant, &"two".into()).await.answer, Answer::InvalidGrant));
    assert!(matches!(client.present(&merchant, &"three".into()).await.answer, Answer::Rotated(_)));

    assert_eq!((server.requests(), server.connections()), (3, 3));
}

#[tokio::test]
async fn no_failure_names_the_token_or_the_url() {
    for step in [
        Step::reset(),
        Step::close_after("sent-token"),
        Step::answer(http("400 No", "", r#"{"error":"sent-token"}"#)),
    ] {
        let shown = format!("{:?}", present(step).await);
        assert!(!shown.contains("sent-token") && !shown.contains("127.0.0.1"), "{shown}");
    }
}

/// The environment belongs to the whole process, so the test runs itself in another process.
#[test]
fn without_ca_certificates_the_error_names_the_package() {
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|file| file == NO_FILE) {
        let error = TokenClient::new(AMPLE, AMPLE).unwrap_err();
        println!("{error}");
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["without_ca_certificates_the_error_names_the_package", "--nocapture"])
        .env("SSL_CERT_FILE", NO_FILE)
        .env("SSL_CERT_DIR", NO_FILE)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("install its `ca-certificates` package"), "{said}");
}
