//! `DELETE /v1/merchants/{merchant}/users/{user}`

use klarna_order_worker::order::{Disposition, OrderResult, Prefill, Target, TokenOutcome};
use reqwest::Method;

use super::{Api, json, key, send};

const PATH: &str = "/v1/merchants/shop/users/u-1";

#[tokio::test]
async fn an_erased_user_is_gone_from_every_answer() {
    let api = Api::open().await;
    let token = format!("{PATH}/token");
    send(json(api.request(Method::PUT, &token), r#"{"refresh_token":"t-1"}"#)).await;
    let submitted = api.accepted("shop", "u-1").await;
    api.settle(&Disposition::Submitted {
        klarna_id: "k-1".into(),
        target: Target::Checkout,
        result: Some(OrderResult::Checkout { html_snippet: "<div>".into() }),
        correlation_id: None,
        token: TokenOutcome::Fresh,
        prefilled: Prefill::default(),
    })
    .await;
    let queued = api.accepted("shop", "u-1").await;
    let erased = send(api.request(Method::DELETE, PATH)).await;
    assert_eq!((erased.status.as_u16(), erased.text.as_str()), (204, ""));
    api.get(&token).await.problem(404, "not-found");
    for (id, status) in [(submitted, "submitted"), (queued, "cancelled")] {
        let order = api.get(&format!("/v1/orders/{id}")).await.json();
        assert_eq!(order["status"], status);
        assert!(order["user"].as_str().unwrap().starts_with("erased-"), "{order}");
        assert!(order.get("html_snippet").is_none() && order.get("klarna_order_id").is_none(), "{order}");
    }
    let list = api.get("/v1/orders?user=u-1").await.json();
    assert_eq!(list["orders"].as_array().unwrap().len(), 0);
    // A second request succeeds, although nothing is left to erase.
    assert_eq!(send(api.request(Method::DELETE, PATH)).await.status, 204);
}

#[tokio::test]
async fn erasing_needs_both_scopes_and_the_merchant() {
    let keys = [
        key("both", "both-key", "scopes = [\"orders\", \"tokens\"]\nmerchants = [\"shop\"]"),
        key("orders", "orders-key", "scopes = [\"orders\", \"ops\"]"),
        key("tokens", "tokens-key", "scopes = [\"tokens\", \"ops\"]"),
    ];
    let api = Api::with_keys(&keys.concat()).await;
    let delete = |path: &str, key: &str| send(api.request(Method::DELETE, path).bearer_auth(key));
    assert_eq!(send(api.request(Method::DELETE, PATH)).await.status, 401);
    for key in ["orders-key", "tokens-key"] {
        delete(PATH, key).await.problem(403, "forbidden");
    }
    delete("/v1/merchants/other/users/u-1", "both-key").await.problem(403, "forbidden");
    assert_eq!(delete(PATH, "both-key").await.status, 204);
    delete("/v1/merchants/shop/users/%00", "both-key").await.problem(400, "invalid-request");
}

#[tokio::test]
async fn readiness_tells_of_webhook_endpoints_where_asked() {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use klarna_order_worker::store::{Answer, Delivery, Published};

    let api = Api::open().await;
    let webhooks = BTreeMap::from([("shop".into(), [1; 32])]);
    let store = &api.app.store;
    store.publish(&Published { order_deadline: Duration::from_mins(10), webhooks }).await.unwrap();
    let verbose = async || api.get("/readyz?verbose").await.json()["webhooks"].clone();
    assert_eq!(verbose().await, serde_json::json!({ "shop": {} }));
    assert!(api.get("/readyz").await.json().get("webhooks").is_none());
    api.accepted("shop", "u-1").await;
    let failed = klarna_order_worker::order::OrderError {
        code: "bad_order".into(),
        message: "why".into(),
        ..klarna_order_worker::order::OrderError::default()
    };
    api.settle(&Disposition::Failed { error: failed, token: None, prefilled: Prefill::default() }).await;
    let shares = BTreeMap::from([("shop".into(), 1)]);
    let event = store.claim_webhooks(&shares, Duration::from_mins(1)).await.unwrap().remove(0);
    let gone = Delivery::Retry { after: Duration::from_secs(5), error: "HTTP 410".into(), gone: true };
    store.settle_webhook(event.claim, &gone, Answer::default()).await.unwrap();
    let told = verbose().await;
    assert_eq!(told["shop"]["disabled_why"], "gone");
    assert!(told["shop"]["disabled_at"].is_string() && told["shop"]["failing_since"].is_string(), "{told}");
}
