//! `POST /v1/push/{merchant}/{secret}`

use std::time::Duration;

use reqwest::Method;

use super::{Api, key, send, settings_with};
use crate::Limits;

const SECRET: &str = "9f2c4e7b1a6d8053c2b7e4f1";

#[tokio::test]
async fn a_push_needs_the_secret_and_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let secret = ("KLARNA_WORKER__MERCHANTS__SHOP__PUSH_SECRET".to_owned(), SECRET.to_owned());
    let keys = key("operator", "a-key-that-the-push-does-not-have", "scopes = [\"ops\"]");
    let settings = settings_with(None, folder.path(), &keys, [secret]);
    let api = Api::of(settings, folder, Limits { requests: 10, waits: 10 }).await;
    let push = async |path: &str| send(api.request(Method::POST, &format!("/v1/push/{path}"))).await;

    for stranger in [
        format!("shop/{SECRET}x?klarna_order_id=k-1"),
        "shop/x?klarna_order_id=k-1".to_owned(),
        format!("other/{SECRET}?klarna_order_id=k-1"),
        format!("nobody/{SECRET}?klarna_order_id=k-1"),
    ] {
        push(&stranger).await.problem(404, "not-found");
    }
    for odd in ["", "?klarna_order_id=", "?klarna_order_id=a%20b", "?klarna_order_id=a%2Fb"] {
        push(&format!("shop/{SECRET}{odd}")).await.problem(400, "invalid-request");
    }
    assert!(api.app.store.due_follow_ups().await.unwrap().is_empty(), "nothing was recorded");
    for _ in 0..2 {
        assert_eq!(push(&format!("shop/{SECRET}?klarna_order_id=k-1&more=1")).await.status, 204);
    }
    let due = api.app.store.claim_follow_ups(&"shop".into(), 10, super::SOON).await.unwrap();
    assert_eq!((due.len(), &*due[0].klarna_id), (1, "k-1"), "a push that comes twice is one");
}

#[tokio::test]
async fn a_merchant_that_is_pushed_too_often_waits_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let secret =
        |merchant: &str| (format!("KLARNA_WORKER__MERCHANTS__{merchant}__PUSH_SECRET"), SECRET.to_owned());
    let settings = settings_with(None, folder.path(), "", [secret("SHOP"), secret("OTHER")]);
    let api = Api::of(settings, folder, Limits { requests: 10, waits: 10 }).await;
    let push = async |path: String| send(api.request(Method::POST, &format!("/v1/push/{path}"))).await;
    let shop = async |order: u32| push(format!("shop/{SECRET}?klarna_order_id=k-{order}")).await;

    // The clock stands still: 50 pushes are a second's.
    for order in 0..50 {
        assert_eq!(shop(order).await.status, 204, "{order}");
    }
    let refused = shop(50).await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(push(format!("other/{SECRET}?klarna_order_id=k-50")).await.status, 204);
    // A wrong secret takes nothing, and learns nothing of the limit.
    push("shop/wrong?klarna_order_id=k-50".to_owned()).await.problem(404, "not-found");
    let recorded = api.app.store.claim_follow_ups(&"shop".into(), 100, super::SOON).await.unwrap();
    assert_eq!(recorded.len(), 50, "a refused push is not recorded");

    api.clock.advance(Duration::from_secs(1));
    assert_eq!(shop(50).await.status, 204);
}
