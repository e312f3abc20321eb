//! Creating a session of Klarna Payments: the request, and what is read from the answer.

use klarna_order_worker::config::CredentialSet;
use klarna_order_worker::klarna::accepted_credentials::AcceptedCredentials;
use klarna_order_worker::klarna::create::{CreateAnswer, CreateClient};
use klarna_order_worker::order::{OrderResult, PaymentsSession, Target};
use serde_json::json;
use test_support::mockito::{Matcher, Server};
use zeroize::Zeroizing;

use crate::{AMPLE, merchant};

const BODY: &str = r#"{"purchase_country":"SE","customer":{"klarna_access_token":"krn:at:secret-1"}}"#;

async fn answer_to(status: usize, body: &str) -> CreateAnswer {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/payments/v1/sessions")
        .match_query(Matcher::Missing)
        // base64("PK1_user:pass word:1")
        .match_header("authorization", "Basic UEsxX3VzZXI6cGFzcyB3b3JkOjE=")
        .match_header("content-type", "application/json")
        .match_body(Matcher::Exact(BODY.into()))
        .with_status(status)
        .with_header("klarna-correlation-id", "c-9")
        .with_body(body)
        .expect(1)
        .create_async()
        .await;
    let client = CreateClient::new(AMPLE, AcceptedCredentials::default()).unwrap();
    let (set, body) = (CredentialSet::First, Zeroizing::new(BODY.into()));
    let answer =
        client.create_with(set, &merchant(&server.url()), Target::Payments, "order-1", body).await.answer;
    mock.assert_async().await;
    answer
}

#[tokio::test]
async fn a_session_comes_back_with_its_client_token_and_methods() {
    let categories =
        json!([{"identifier": "klarna", "name": "Klarna", "asset_urls": {"standard": "https://k.example"}}]);
    let body =
        json!({"session_id": "s-1", "client_token": "secret.jwt", "payment_method_categories": categories});
    let answer = answer_to(200, &body.to_string()).await;
    assert!(!format!("{answer:?}").contains("secret"));
    let session =
        PaymentsSession { client_token: "secret.jwt".into(), payment_method_categories: categories };
    assert_eq!(
        answer,
        CreateAnswer::Created {
            klarna_id: "s-1".into(),
            result: Some(OrderResult::Payments(session)),
            correlation_id: Some("c-9".into()),
        }
    );
    // Klarna leaves out the payment methods if it offers none.
    let CreateAnswer::Created { result, .. } =
        answer_to(200, r#"{"session_id":"s","client_token":"t"}"#).await
    else {
        panic!("not created")
    };
    let Some(OrderResult::Payments(session)) = result else { panic!("{result:?}") };
    assert_eq!(session.payment_method_categories, json!([]));
}

#[tokio::test]
async fn every_other_answer_is_named_as_for_checkout() {
    for body in ["", "<html>", r#"{"client_token":"t"}"#, r#"{"session_id":"","client_token":"t"}"#] {
        let CreateAnswer::Unavailable { maybe_created: true, .. } = answer_to(200, body).await else {
            panic!("{body}")
        };
    }
    let refusal = r#"{"error_code":"BAD_VALUE","error_messages":["Bad value: locale, not krn:at:secret-1"]}"#;
    let CreateAnswer::BadOrder { messages, .. } = answer_to(400, refusal).await else {
        panic!("not refused")
    };
    assert_eq!(messages, ["Bad value: locale, not [redacted]"]);
    assert!(matches!(answer_to(403, "").await, CreateAnswer::Unauthorised { status: 403, .. }));
    assert!(matches!(answer_to(429, "").await, CreateAnswer::Throttled { .. }));
    assert!(matches!(answer_to(503, "").await, CreateAnswer::Unavailable { maybe_created: true, .. }));
}
