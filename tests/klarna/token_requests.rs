//! The HTTP request of a presentation.

use klarna_order_worker::config::ClientAuth;
use klarna_order_worker::klarna::token::TokenClient;
use klarna_order_worker::token::Answer;
use secrecy::ExposeSecret;
use test_support::faults::{FaultyServer, Step, http, refusing_url};
use test_support::mockito::{Matcher, Mock, Server, ServerGuard};

use crate::{AMPLE, merchant};

const GRANT: &str =
    r#"{"access_token":"ory_at_1","refresh_token":"ory_rt_2","expires_in":299,"token_type":"bearer"}"#;

fn client() -> TokenClient {
    TokenClient::new(AMPLE, AMPLE).unwrap()
}

/// Expects exactly one `POST` with this body and no query.
fn post(server: &mut ServerGuard, body: &str) -> Mock {
    server
        .mock("POST", "/oauth2/token")
        .match_query(Matcher::Missing)
        .match_header("content-type", "application/x-www-form-urlencoded")
        .match_header("accept", "application/json")
        .match_header("user-agent", concat!("klarna-order-worker/", env!("CARGO_PKG_VERSION")))
        .match_body(Matcher::Exact(body.into()))
        .with_status(200)
        .with_body(GRANT)
        .expect(1)
}

#[tokio::test]
async fn a_public_client_sends_the_fields_in_the_body_and_no_secret() {
    let mut server = Server::new_async().await;
    let mock = post(&mut server, "grant_type=refresh_token&refresh_token=ory_rt_1%2B%26&client_id=client-1")
        .match_header("authorization", Matcher::Missing)
        .create_async()
        .await;

    let answer = client().present(&merchant(&server.url()), &"ory_rt_1+&".into()).await.answer;

    let Answer::Rotated(tokens) = answer else { panic!("{answer:?}") };
    assert_eq!(tokens.access_token.unwrap().expose_secret(), "ory_at_1");
    assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "ory_rt_2");
    mock.assert_async().await;
}

#[tokio::test]
async fn client_secret_post_adds_the_secret_to_the_body() {
    let mut server = Server::new_async().await;
    let body = "grant_type=refresh_token&refresh_token=ory_rt_1&client_id=client-1&client_secret=s%3Ac";
    let mock = post(&mut server, body).match_header("authorization", Matcher::Missing).create_async().await;
    let mut merchant = merchant(&server.url());
    merchant.client_secret = Some("s:c".into());

    let answer = client().present(&merchant, &"ory_rt_1".into()).await.answer;

    assert!(matches!(answer, Answer::Rotated(_)), "{answer:?}");
    mock.assert_async().await;
}

#[tokio::test]
async fn client_secret_basic_encodes_both_halves_and_keeps_the_secret_out_of_the_body() {
    let mut server = Server::new_async().await;
    // base64("client-1:s%3Ac"), encoded first as RFC 6749 section 2.3.1 asks.
    let mock = post(&mut server, "grant_type=refresh_token&refresh_token=ory_rt_1&client_id=client-1")
        .match_header("authorization", "Basic Y2xpZW50LTE6cyUzQWM=")
        .create_async()
        .await;
    let mut merchant = merchant(&server.url());
    merchant.client_secret = Some("s:c".into());
    merchant.client_auth = ClientAuth::ClientSecretBasic;

    let answer = client().present(&merchant, &"ory_rt_1".into()).await.answer;

    assert!(matches!(answer, Answer::Rotated(_)), "{answer:?}");
    mock.assert_async().await;
}

#[tokio::test]
async fn the_table_of_answers_holds_over_the_wire_with_one_request_each() {
    let mut server = Server::new_async().await;
    let client = client();
    for (status, body, expected) in [
        (200, r#"{"access_token":"at"}"#, "Unchanged("),
        (200, r#"{"access_token":"at","refresh_token":"ory_rt_1"}"#, "Unchanged("),
        (200, "<html>", "NoAnswer { over: true"),
        (400, r#"{"error":"invalid_grant"}"#, "InvalidGrant"),
        (401, r#"{"error":"token_inactive"}"#, "InvalidGrant"),
        (401, r#"{"error":"invalid_client"}"#, "Refused { configuration: true"),
        (429, "", "Refused { configuration: false, retry_after: Some(7s)"),
        (503, "", "Refused { configuration: false, retry_after: Some(7s)"),
        (500, "", "NoAnswer { over: true"),
        (502, "", "NoAnswer { over: false"),
        (504, "", "NoAnswer { over: false"),
    ] {
        let mock = server
            .mock("POST", "/oauth2/token")
            .with_status(status)
            .with_header("retry-after", "7")
            .with_body(body)
            .expect(1)
            .create_async()
            .await;
        let answer =
            format!("{:?}", client.present(&merchant(&server.url()), &"ory_rt_1".into()).await.answer);
        assert!(answer.starts_with(expected), "{status} {body}: {answer}");
        mock.assert_async().await;
        mock.remove_async().await;
    }
}

#[tokio::test]
async fn a_proxy_of_the_settings_is_used_for_everything_or_nothing_is_sent() {
    let grant = http("200 OK", "", r#"{"access_token":"at","refresh_token":"new"}"#);
    let (proxy, klarna) = (FaultyServer::start([Step::answer(grant)]).await, FaultyServer::start([]).await);
    let client = TokenClient::new(AMPLE, AMPLE).unwrap();
    let mut through = merchant(&klarna.url());
    through.http_proxy = Some(proxy.url().replace("http://", "http://user:pw@").into());
    let answer = client.present(&through, &"one".into()).await.answer;
    assert!(matches!(answer, Answer::Rotated(_)), "{answer:?}");
    let seen = proxy.seen();
    assert!(seen.starts_with(&format!("POST {}/oauth2/token HTTP/1.1", klarna.url())), "{seen}");
    assert!(seen.contains("proxy-authorization: Basic dXNlcjpwdw=="), "{seen}");

    through.http_proxy = Some(refusing_url().into());
    let answer = client.present(&through, &"two".into()).await.answer;
    assert!(matches!(answer, Answer::NotSent { .. }), "{answer:?}");
    assert_eq!(klarna.connections(), 0);
}
