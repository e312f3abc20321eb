//! Creating an order: the request, and the meaning of the answers.

use std::time::Duration;

use klarna_order_worker::breaker::UsedUp;
use klarna_order_worker::config::{ApiCredentials, CredentialSet, LongestPauses, Merchant};
use klarna_order_worker::klarna::accepted_credentials::AcceptedCredentials;
use klarna_order_worker::klarna::create::{Called, CreateAnswer, CreateClient};
use klarna_order_worker::klarna::session::{SessionAnswer, SessionClient};
use klarna_order_worker::order::{OrderResult, Target};
use serde_json::json;
use test_support::faults::{FaultyServer, Step, deflate, gzip, http, http_bytes, refusing_url};
use test_support::mockito::{Matcher, Mock, Server, ServerGuard};
use zeroize::Zeroizing;

use crate::{AMPLE, SHORT, merchant};

pub(crate) const BODY: &str = r#"{"purchase_country":"SE","billing_address":{"email":"karl@klarna.example","country":"SE"},"customer":{"klarna_access_token":"krn:at:secret-1"}}"#;

pub(crate) async fn create(base: &str) -> CreateAnswer {
    send(&merchant(base), AMPLE, BODY).await.answer
}

/// Sends an order to Checkout with the first credentials.
pub(crate) async fn send(merchant: &Merchant, timeout: Duration, body: &str) -> Called {
    let client = CreateClient::new(timeout, AcceptedCredentials::default()).unwrap();
    let body = Zeroizing::new(body.to_owned());
    client.create_with(CredentialSet::First, merchant, Target::Checkout, "order-1", body).await
}

/// Sends one request, which gets this answer.
pub(crate) async fn answer_to(status: usize, headers: &[(&'static str, &str)], body: &str) -> CreateAnswer {
    answer_within(LongestPauses::default(), status, headers, body).await.answer
}

/// As [`answer_to`], with the merchant's longest pauses.
async fn answer_within(
    longest_pauses: LongestPauses,
    status: usize,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Called {
    let mut server = Server::new_async().await;
    let mut mock = orders(&mut server).with_status(status).with_body(body);
    for (name, value) in headers {
        mock = mock.with_header(*name, value);
    }
    let mock = mock.create_async().await;
    let merchant = Merchant { longest_pauses, ..merchant(&server.url()) };
    let called = send(&merchant, AMPLE, BODY).await;
    mock.assert_async().await;
    called
}

pub(crate) fn orders(server: &mut ServerGuard) -> Mock {
    server.mock("POST", "/checkout/v3/orders").expect(1)
}

pub(crate) fn refusal(messages: &serde_json::Value) -> String {
    json!({"error_code": "BAD_VALUE", "error_messages": messages, "correlation_id": "c-1"}).to_string()
}

#[tokio::test]
async fn the_order_goes_out_as_klarna_asks_and_comes_back_created() {
    let mut server = Server::new_async().await;
    let snippet = format!("<div>{}</div>", "x".repeat(300_000));
    let mock = orders(&mut server)
        .match_query(Matcher::Missing)
        // base64("PK1_user:pass word:1")
        .match_header("authorization", "Basic UEsxX3VzZXI6cGFzcyB3b3JkOjE=")
        .match_header("content-type", "application/json")
        .match_header("klarna-idempotency-key", "order-1")
        .match_header("user-agent", concat!("klarna-order-worker/", env!("CARGO_PKG_VERSION")))
        .match_body(Matcher::Exact(BODY.into()))
        .with_status(201)
        .with_header("klarna-correlation-id", "c-9")
        .with_body(
            json!({"order_id": "o-1", "status": "checkout_incomplete", "html_snippet": snippet}).to_string(),
        )
        .create_async()
        .await;

    let answer = create(&server.url()).await;

    mock.assert_async().await;
    let CreateAnswer::Created { klarna_id, result, correlation_id } = answer else { panic!("{answer:?}") };
    assert_eq!(klarna_id, "o-1");
    assert!(result == Some(OrderResult::Checkout { html_snippet: snippet }));
    assert_eq!(correlation_id.as_deref(), Some("c-9"));
}

#[tokio::test]
async fn an_api_key_is_sent_as_it_was_issued() {
    let mut server = Server::new_async().await;
    let mock = orders(&mut server)
        .match_header("authorization", "Basic kco_test_api_1+/=")
        .with_status(201)
        .with_body(r#"{"order_id":"o-1","html_snippet":"<div/>"}"#)
        .create_async()
        .await;
    let mut merchant = merchant(&server.url());
    merchant.api_credentials = ApiCredentials::Key("kco_test_api_1+/=".into());
    let answer = send(&merchant, AMPLE, BODY).await.answer;
    mock.assert_async().await;
    assert!(matches!(answer, CreateAnswer::Created { .. }), "{answer:?}");

    // A key that is not valid in a header is never sent.
    merchant.api_credentials = ApiCredentials::Key("line\nbreak".into());
    let answer = send(&merchant, AMPLE, BODY).await.answer;
    assert_unavailable(&answer, false);
}

#[tokio::test]
async fn a_call_about_an_order_is_sent_again_with_the_other_credentials() {
    let mut server = Server::new_async().await;
    let mut mocks = Vec::new();
    for (key, status, times) in [("Basic old", 401, 1), ("Basic new", 200, 2)] {
        let mock = server.mock("GET", "/checkout/v3/orders/k-1").match_header("authorization", key);
        let mock = mock.with_status(status).with_body(r#"{"status":"checkout_incomplete"}"#);
        mocks.push(mock.expect(times).create_async().await);
    }
    let client = SessionClient::new(AMPLE, AcceptedCredentials::default()).unwrap();
    let mut merchant = merchant(&server.url());
    merchant.api_credentials = ApiCredentials::Key("old".into());
    merchant.second_api_credentials = Some(ApiCredentials::Key("new".into()));
    for _ in 0..2 {
        let answer = client.read(&merchant, Target::Checkout, "k-1").await;
        assert!(matches!(answer, SessionAnswer::Done(_)), "{answer:?}");
    }
    for mock in mocks {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn the_credentials_that_were_accepted_last_are_in_use() {
    let mut server = Server::new_async().await;
    let answers = [
        ("Basic old", 401, r#"{"error_messages":["old and new"]}"#),
        ("Basic new", 400, r#"{"error_messages":["Bad value"]}"#),
    ];
    let mut mocks = Vec::new();
    for (key, status, body) in answers {
        let mock = orders(&mut server).match_header("authorization", key).with_status(status).with_body(body);
        mocks.push(mock.create_async().await);
    }
    let open = server.mock("GET", "/checkout/v3/orders/k-1").match_header("authorization", "Basic new");
    mocks.push(open.with_status(404).create_async().await);
    // The clients of a process share what they know.
    let accepted = AcceptedCredentials::default();
    let client = CreateClient::new(AMPLE, accepted.clone()).unwrap();
    let sessions = SessionClient::new(AMPLE, accepted).unwrap();
    let mut merchant = merchant(&server.url());
    merchant.api_credentials = ApiCredentials::Key("old".into());
    merchant.second_api_credentials = Some(ApiCredentials::Key("new".into()));
    let create = async |set: CredentialSet| {
        let body = Zeroizing::new(BODY.to_owned());
        client.create_with(set, &merchant, Target::Checkout, "order-1", body).await.answer
    };
    let in_use = |target| client.credentials_in_use(&merchant, target);
    assert_eq!(in_use(Target::Checkout), CredentialSet::First);
    let answer = create(CredentialSet::First).await;
    assert!(matches!(answer, CreateAnswer::Unauthorised { status: 401, .. }), "{answer:?}");
    // A refusal alone says nothing of the other set.
    assert_eq!(in_use(Target::Checkout), CredentialSet::First);
    // A refusal of the order says that the credentials were accepted.
    create(CredentialSet::Second).await;
    assert_eq!(in_use(Target::Checkout), CredentialSet::Second);
    assert_eq!(in_use(Target::Payments), CredentialSet::First, "it may be another provider's");
    assert_eq!(sessions.read(&merchant, Target::Checkout, "k-1").await, SessionAnswer::Gone);
    for mock in mocks {
        mock.assert_async().await;
    }
    // After the old one was taken out of the settings.
    merchant.api_credentials = merchant.second_api_credentials.take().unwrap();
    assert_eq!(merchant.credentials(CredentialSet::Second).map(|_| ()), None);
}

#[tokio::test]
async fn a_bad_order_brings_klarnas_messages() {
    for status in [400, 413, 422] {
        let answer =
            answer_to(status, &[], &refusal(&json!(["Bad value: order_tax_amount", "And\nmore"]))).await;
        assert_eq!(
            answer,
            CreateAnswer::BadOrder {
                status: u16::try_from(status).unwrap(),
                messages: vec!["Bad value: order_tax_amount".into(), "And more".into()],
                error_code: Some("BAD_VALUE".into()),
                correlation_id: Some("c-1".into()),
            }
        );
    }
}

#[tokio::test]
async fn a_refusal_always_has_a_message() {
    for (body, expected) in [
        (r#"{"error_message":"Just one"}"#, "Just one"),
        (r#"{"error_messages":"No list"}"#, "No list"),
        ("", "no reason given (empty answer)"),
        ("<html>Bad Request</html>", "no reason given (an HTML page)"),
        (r#"{"error_messages":[null,7," "]}"#, "no reason given (JSON without a message)"),
    ] {
        let CreateAnswer::BadOrder { messages, .. } = answer_to(400, &[], body).await else {
            panic!("{body}")
        };
        assert_eq!(messages, [expected], "{body}");
    }
}

#[tokio::test]
async fn codes_and_ids_that_are_none_are_dropped() {
    let body = json!({"error_code": "krn:at:secret-1", "correlation_id": "<script>"}).to_string();
    let CreateAnswer::BadOrder { error_code, correlation_id, .. } = answer_to(400, &[], &body).await else {
        panic!()
    };
    assert_eq!((error_code, correlation_id), (None, None));
}

#[tokio::test]
async fn settings_at_fault_concern_every_order_of_the_merchant() {
    for (status, headers) in
        [(401, vec![]), (403, vec![]), (404, vec![]), (302, vec![("location", "http://127.0.0.1:1/")])]
    {
        let answer = answer_to(status, &headers, "").await;
        let CreateAnswer::Unauthorised { status: seen, messages, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(usize::from(seen), status);
        assert_eq!(messages.len(), 1);
    }
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_told_beside_any_answer() {
    let headers =
        [("X-RateLimit-Limit", "40, 40;w=1"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "7")];
    let created = r#"{"order_id":"k-1","html_snippet":"<div/>"}"#;
    for (status, body) in [(201, created), (400, "{}"), (429, "")] {
        let called = answer_within(LongestPauses::default(), status, &headers, body).await;
        assert_eq!(called.used_up, Some(UsedUp { limit: Some(40), wait: Duration::from_secs(7) }));
    }
}

#[tokio::test]
async fn throttling_passes_on_the_requested_wait() {
    let CreateAnswer::Throttled { retry_after } = answer_to(429, &[("x-ratelimit-reset", "2")], "").await
    else {
        panic!()
    };
    assert_eq!(retry_after.unwrap().as_secs(), 2);
}

#[tokio::test]
async fn a_requested_wait_is_at_most_the_longest_pause() {
    let waits = async |longest: LongestPauses| {
        let answer = answer_within(longest, 503, &[("retry-after", "7200")], "").await.answer;
        let CreateAnswer::Unavailable { retry_after, .. } = answer else { panic!("{answer:?}") };
        retry_after.unwrap().as_secs()
    };
    assert_eq!(waits(LongestPauses::default()).await, 3600);
    assert_eq!(waits(LongestPauses { asked: Duration::from_secs(90), ..LongestPauses::default() }).await, 90);
}

#[track_caller]
pub(crate) fn assert_unavailable(answer: &CreateAnswer, maybe: bool) {
    let CreateAnswer::Unavailable { maybe_created, cause, words, .. } = answer else { panic!("{answer:?}") };
    let what = format!("{cause} {words:?}");
    assert_eq!(*maybe_created, maybe, "{what}");
    assert!(!what.contains("127.0.0.1") && !what.contains("secret"), "{what}");
}

#[tokio::test]
async fn klarnas_words_are_kept_apart_from_the_cause_that_others_see() {
    let body = refusal(&json!(["no place for Alma Berg"]));
    let answer = answer_to(503, &[], &body).await;
    let CreateAnswer::Unavailable { cause, words, .. } = answer else { panic!("{answer:?}") };
    assert!(!cause.to_string().contains("Alma"), "{cause}");
    assert!(words.is_some_and(|words| words.contains("Alma Berg")), "Klarna's words are lost");
}

#[tokio::test]
async fn an_answer_that_names_no_order_may_have_created_one() {
    for (status, body) in [
        (500, ""),
        (503, ""),
        (504, "<html>"),
        (409, ""),
        (201, ""),
        (201, "<html>"),
        (201, r#"{"order_id":"","html_snippet":"<div/>"}"#),
    ] {
        assert_unavailable(&answer_to(status, &[], body).await, true);
    }
    assert_unavailable(&answer_to(408, &[], "").await, false);
}

#[tokio::test]
async fn an_order_is_read_from_whatever_can_be_read() {
    let order = r#"{"order_id":"o-1","html_snippet":"<div/>"}"#;
    for (headers, body) in [
        ("", format!("\u{feff}{order}").into_bytes()),
        ("content-encoding: gzip\r\n", gzip(order)),
        ("content-encoding: deflate\r\n", deflate(order)),
        ("", br#"{"order_id":1,"order_id":"o-1","html_snippet":"<div/>","x":1e999,"y":"\ud800"}"#.to_vec()),
        ("", b"{\"order_id\":\"o-1\\u0000\\udc00\",\"html_snippet\":\"<div/>\",\"z\":\"\xff\"}\n--".to_vec()),
    ] {
        let server = FaultyServer::start([Step::answer(http_bytes("201 Created", headers, &body))]).await;
        let answer = create(&server.url()).await;
        let CreateAnswer::Created { klarna_id, result, .. } = answer else {
            panic!("{answer:?}: {}", String::from_utf8_lossy(&body))
        };
        assert_eq!((klarna_id.as_str(), &*result.unwrap().to_text()), ("o-1", "<div/>"));
        assert!(server.seen().contains("accept-encoding: identity"));
    }
    // Characters that no database can store are replaced.
    let CreateAnswer::Created { result, .. } =
        answer_to(201, &[], r#"{"order_id":"o-1","html_snippet":"<a>\u0000\ud800</a>"}"#).await
    else {
        panic!()
    };
    assert_eq!(result.unwrap().to_text(), "<a>\u{fffd}\u{fffd}</a>");
    let CreateAnswer::BadOrder { messages, .. } =
        answer_to(400, &[], r#"{"error_messages":["a\u0000b\ud800"]}"#).await
    else {
        panic!()
    };
    assert_eq!(messages, ["a b\u{fffd}"]);
}

#[tokio::test]
async fn broken_connections_tell_sent_from_not_sent() {
    assert_unavailable(&create(&refusing_url()).await, false);

    let whole = http("201 Created", "", r#"{"order_id":"o-1","html_snippet":"<div/>"}"#);
    let unnamed = &whole[..whole.len() - 30];
    let flood = Step::flood_after("HTTP/1.1 201 Created\r\nconnection: close\r\n\r\n");
    for step in
        [Step::reset_unread(), Step::reset(), Step::close_after(""), Step::close_after(unnamed), flood]
    {
        let server = FaultyServer::start([step]).await;
        assert_unavailable(&create(&server.url()).await, true);
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn silence_ends_with_the_time_out() {
    let server = FaultyServer::start([Step::hang_after("")]).await;
    let answer = send(&merchant(&server.url()), SHORT, BODY).await.answer;
    assert_unavailable(&answer, true);
    assert_eq!(server.requests(), 1);
}
