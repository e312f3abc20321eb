//! `POST /v1/orders/{id}/cancel` and `/retry`, and the same for many orders

use std::time::Duration;

use klarna_order_worker::order::{Disposition, OrderError, OrderResult, Prefill, Target, TokenOutcome};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Api, key, send};

impl Api {
    async fn post_to(&self, path: &str) -> Answer {
        send(self.request(Method::POST, path)).await
    }

    async fn retry_many(&self, body: &Value) -> Answer {
        send(super::json(self.request(Method::POST, "/v1/orders/retry"), body.to_string())).await
    }
}

fn failed(code: &str) -> Disposition {
    let error = OrderError { code: code.into(), message: "No.".into(), ..OrderError::default() };
    Disposition::Failed { error, token: Some(TokenOutcome::Fresh), prefilled: Prefill::default() }
}

fn submitted() -> Disposition {
    Disposition::Submitted {
        klarna_id: "k".into(),
        target: Target::Checkout,
        result: Some(OrderResult::Checkout { html_snippet: "<p>".into() }),
        correlation_id: None,
        token: TokenOutcome::Fresh,
        prefilled: Prefill::default(),
    }
}

/// Checks that a refusal says what to do.
#[track_caller]
fn refused(answer: &Answer, kind: &str, says: &str) {
    let problem = answer.problem(409, kind);
    assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
}

#[tokio::test]
async fn a_queued_order_is_cancelled_and_who_waits_is_told() {
    let api = Api::open().await;
    let path = format!("/v1/orders/{}", api.accepted("shop", "u-1").await);
    let cancelled = api.post_to(&format!("{path}/cancel")).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json()["status"]), (200, &json!("cancelled")));
    assert!(cancelled.json()["ended_at"].is_string());
    assert!(api.claim().await.is_empty(), "no worker gets it");
    assert_eq!(
        api.post_to(&format!("{path}/cancel")).await.json(),
        cancelled.json(),
        "again, and nothing changes"
    );
    refused(&api.post_to(&format!("{path}/retry")).await, "wrong-status", "submit it again");
}

#[tokio::test]
async fn a_running_or_ended_order_is_not_cancelled() {
    let api = Api::open().await;
    let path = |id: &str| format!("/v1/orders/{id}/cancel");
    let running = api.accepted("shop", "u-1").await;
    let claimed = api.claim().await.remove(0);
    refused(&api.post_to(&path(&running)).await, "wrong-status", "is being submitted");
    assert!(
        api.app.store.settle_order(&claimed.claim, &submitted()).await.unwrap().is_some(),
        "the worker goes on"
    );
    refused(&api.post_to(&path(&running)).await, "wrong-status", "was submitted");
    let lost = api.accepted("shop", "u-1").await;
    api.settle(&failed("bad_order")).await;
    refused(&api.post_to(&path(&lost)).await, "wrong-status", "has failed");
    for id in ["00000000-0000-7000-8000-000000000000", "none"] {
        api.post_to(&path(id)).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_failed_order_is_tried_again() {
    let api = Api::open().await;
    let id = api.accepted("shop", "u-1").await;
    let path = format!("/v1/orders/{id}/retry");
    refused(&api.post_to(&path).await, "wrong-status", "is queued");
    let before = api.get(&format!("/v1/orders/{id}")).await.json();
    api.settle(&failed("deadline_exceeded")).await;
    let retried = api.post_to(&path).await;
    assert_eq!(retried.status, 200, "{retried:?}");
    let retried = retried.json();
    assert_eq!(
        (&retried["id"], &retried["status"], &retried["attempts"]),
        (&json!(id), &json!("queued"), &json!(0))
    );
    assert_eq!((retried.get("error"), retried.get("ended_at")), (None, None));
    assert!(retried["deadline_at"].as_str() > before["deadline_at"].as_str(), "{retried}");
    api.settle(&submitted()).await;
    refused(&api.post_to(&path).await, "wrong-status", "was submitted");
}

#[tokio::test]
async fn a_retry_keeps_the_idempotency_key() {
    let api = Api::open().await;
    let order = super::envelope("shop", "u-1", super::ORDER);
    let post = || {
        send(super::json(
            api.request(Method::POST, "/v1/orders").header("idempotency-key", "k"),
            order.clone(),
        ))
    };
    let id = post().await.json()["id"].clone();
    api.settle(&failed("bad_order")).await;
    assert_eq!(api.post_to(&format!("/v1/orders/{}/retry", id.as_str().unwrap())).await.status, 200);
    assert_eq!(post().await.json()["id"], id);
    assert_eq!(api.claim().await.len(), 1);
}

#[tokio::test]
async fn many_are_tried_again_by_filter() {
    let api = Api::open().await;
    let mut ids = Vec::new();
    for (merchant, user, code) in [
        ("shop", "u-1", "crashed_worker"),
        ("shop", "u-2", "deadline_exceeded"),
        ("other", "u-1", "crashed_worker"),
        ("shop", "u-3", "crashed_worker"),
    ] {
        ids.push(api.accepted(merchant, user).await);
        api.settle(&failed(code)).await;
    }
    let queued = api.accepted("shop", "u-4").await;
    let status = async |id: &str| {
        api.get(&format!("/v1/orders/{id}")).await.json()["status"].as_str().unwrap().to_owned()
    };

    assert_eq!(api.retry_many(&json!({"until": "2001-01-01T00:00:00Z"})).await.json(), json!({"changed": 0}));
    let first =
        api.retry_many(&json!({"merchant": "shop", "error": "crashed_worker", "limit": 1.0})).await.json();
    assert_eq!(first, json!({"changed": 1, "next": ids[3]}), "the newest first");
    let rest = api
        .retry_many(&json!({"merchant": "shop", "error": "crashed_worker", "cursor": ids[3]}))
        .await
        .json();
    assert_eq!(rest, json!({"changed": 1}));
    assert_eq!(
        (status(&ids[0]).await, status(&ids[1]).await, status(&ids[2]).await),
        ("queued".into(), "failed".into(), "failed".into())
    );
    assert_eq!(
        api.retry_many(&json!({"all": true})).await.json(),
        json!({"changed": 2}),
        "all that are left"
    );
    assert_eq!(status(&queued).await, "queued");
    for bad in [
        json!({}),
        json!({"all": true, "user": "u-1"}),
        json!({"all": true, "limit": 0}),
        json!({"all": true, "limit": 1.5}),
        json!({"all": true, "limit": 1001}),
        json!({"orders": vec![&queued; 1001]}),
        json!({"orders": ["17"]}),
        json!({"mercahnt": "shop"}),
        json!({"user": ""}),
        json!([]),
        json!({"all": true, "cursor": "x"}),
        json!({"ended_since": "yesterday"}),
        json!({"possible_duplicate": "no"}),
    ] {
        api.retry_many(&bad).await.problem(400, "invalid-request");
    }
    let told =
        api.retry_many(&json!({"error": "bad_order"})).await.problem(400, "invalid-request").to_string();
    assert!(told.contains("klarna_refused_order") && told.contains("deadline_exceeded"), "{told}");
    let told = api.retry_many(&json!({"error": "klarna_unavailable"})).await.problem(400, "invalid-request");
    let told = told.to_string();
    assert!(told.contains("failed orders never have the code klarna_unavailable"), "{told}");
}

/// What failed in an outage, without what failed before and after, and without what Klarna may have
/// already.
#[tokio::test]
async fn one_outage_is_bounded_by_the_times_of_failure() {
    let api = Api::open().await;
    let mut ids = Vec::new();
    for (user, duplicate) in [("u-1", false), ("u-2", false), ("u-3", true), ("u-4", false)] {
        ids.push(api.accepted("shop", user).await);
        let error = OrderError {
            code: "klarna_unavailable".into(),
            message: "HTTP 503".into(),
            ..OrderError::default()
        };
        let after = Duration::ZERO;
        api.settle(&Disposition::Retry {
            after,
            error,
            possible_duplicate: duplicate,
            token_waited: Duration::ZERO,
        })
        .await;
        let waits = api.get(&format!("/v1/orders/{}", ids.last().unwrap())).await.json();
        let due = &waits["due_at"].as_str().unwrap()["2026-01-31T".len()..][..8];
        assert_eq!(waits["error"]["message"], format!("HTTP 503; next try {due} UTC"));
        api.settle(&failed("deadline_exceeded")).await;
    }
    let ended = async |id: &str| api.get(&format!("/v1/orders/{id}")).await.json()["ended_at"].clone();
    let (since, until) = (ended(&ids[1]).await, ended(&ids[3]).await);
    let outage = json!({"error": "deadline_exceeded", "ended_since": since, "ended_until": until});
    let text = |value: &Value| value.as_str().unwrap().replace('+', "%2B");
    let times = format!("status=failed&ended_since={}&ended_until={}", text(&since), text(&until));
    let listed = async |more: &str| {
        let list = api.get(&format!("/v1/orders?{times}{more}")).await.json();
        let orders = list["orders"].as_array().unwrap().clone();
        orders.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("").await, [ids[2].clone(), ids[1].clone()]);
    assert_eq!(listed("&possible_duplicate=true").await, [ids[2].clone()]);
    assert_eq!(listed("&possible_duplicate=false&error=deadline_exceeded").await, [ids[1].clone()]);
    assert_eq!(listed("&error=klarna_unavailable").await, Vec::<String>::new());
    api.get("/v1/orders?error=bad_order").await.problem(400, "invalid-request");
    let mut without = outage.clone();
    without["possible_duplicate"] = json!(false);
    assert_eq!(api.retry_many(&without).await.json(), json!({"changed": 1}));
    assert_eq!(api.retry_many(&outage).await.json(), json!({"changed": 1}));
    // Giving up at the deadline is no attempt.
    assert_eq!(api.get(&format!("/v1/orders/{}", ids[0])).await.json()["attempts"], 1);
}

#[tokio::test]
async fn many_are_cancelled_and_it_is_said_which_were_not() {
    let api = Api::open().await;
    let failed_one = api.accepted("shop", "u-1").await;
    api.settle(&failed("a")).await;
    let queued = [api.accepted("shop", "u-2").await, api.accepted("shop", "u-3").await];
    let cancel = async |body: Value| {
        send(super::json(api.request(Method::POST, "/v1/orders/cancel"), body.to_string())).await
    };
    let answer = cancel(json!({"orders": [failed_one, queued[0], "00000000-0000-7000-8000-000000000000"]}));
    let unchanged = json!([{"reason": "not_found", "orders": 1}, {"reason": "failed", "orders": 1}]);
    assert_eq!(answer.await.json(), json!({"changed": 1, "unchanged": unchanged}));
    // A list finds it by the beginning of its id. What is changed has the whole.
    assert_eq!(cancel(json!({"q": queued[1][..23]})).await.json(), json!({"changed": 0}));
    assert_eq!(cancel(json!({"user": "u-3"})).await.json(), json!({"changed": 1}));
    cancel(json!({})).await.problem(400, "invalid-request");
    assert!(api.claim().await.is_empty());
    // Each order has a row, and so has each request.
    api.app.audit.flush().await;
    let rows = api.get("/v1/audit?action=order.cancel").await.json();
    let objects: Vec<&str> =
        rows["rows"].as_array().unwrap().iter().filter_map(|row| row["object"].as_str()).collect();
    assert!(queued.iter().all(|order| objects.contains(&order.as_str())), "{objects:?}");
    assert_eq!(objects.iter().filter(|object| **object == "1 orders").count(), 2, "{objects:?}");
    assert!(!objects.contains(&failed_one.as_str()), "{objects:?}");
}

#[tokio::test]
async fn keys_change_orders_of_their_merchants_and_many_only_with_ops() {
    let all = key("all", "key-of-all", r#"scopes = ["orders", "ops"]"#);
    let orders = key("orders", "key-of-orders", r#"scopes = ["orders"]"#);
    let limited = key("limited", "key-of-other", "scopes = [\"orders\", \"ops\"]\nmerchants = [\"other\"]");
    let api = Api::with_keys(&[all, orders, limited].concat()).await;
    let as_key = async |key: &str, path: &str, body: &str| {
        send(super::json(api.request(Method::POST, path).bearer_auth(key), body.to_owned())).await
    };
    let order = |merchant| super::envelope(merchant, "u-1", super::ORDER);
    let id =
        as_key("key-of-all", "/v1/orders", &order("shop")).await.json()["id"].as_str().unwrap().to_owned();
    for verb in ["cancel", "retry"] {
        as_key("key-of-other", &format!("/v1/orders/{id}/{verb}"), "").await.problem(404, "not-found");
    }
    as_key("key-of-orders", "/v1/orders/retry", "{}").await.problem(403, "forbidden");
    as_key("key-of-other", "/v1/orders/retry", r#"{"merchant":"shop"}"#).await.problem(403, "forbidden");
    api.settle(&failed("a")).await;
    // With a key for a single merchant, the request is for that merchant.
    let all = r#"{"all":true}"#;
    assert_eq!(as_key("key-of-other", "/v1/orders/retry", all).await.json(), json!({"changed": 0}));
    let named = json!({"orders": [id]}).to_string();
    let unchanged = json!({"changed": 0, "unchanged": [{"reason": "not_found", "orders": 1}]});
    assert_eq!(as_key("key-of-other", "/v1/orders/retry", &named).await.json(), unchanged);
    assert_eq!(as_key("key-of-all", "/v1/orders/retry", all).await.json(), json!({"changed": 1}));
    assert_eq!(as_key("key-of-orders", &format!("/v1/orders/{id}/cancel"), "").await.status, 200);
}

#[tokio::test]
async fn webhooks_are_sent_again_by_filter() {
    let api = Api::open().await;
    api.has_an_endpoint().await;
    for user in ["u-1", "u-2", "u-3"] {
        api.accepted("shop", user).await;
        api.settle(&failed("a")).await;
    }
    let resend = async |body: Value| {
        send(super::json(api.request(Method::POST, "/v1/webhooks/resend"), body.to_string())).await
    };
    assert_eq!(resend(json!({"user": "u-1", "status": "pending"})).await.json(), json!({"resent": 1}));
    let first = resend(json!({"merchant": "shop", "kind": "order.failed", "limit": 2})).await.json();
    assert_eq!(first["resent"], 2);
    let rest = json!({"merchant": "shop", "kind": "order.failed", "limit": 2, "cursor": first["next"]});
    assert_eq!(resend(rest).await.json(), json!({"resent": 1}));
    assert_eq!(resend(json!({"since": "2100-01-01T00:00:00Z"})).await.json(), json!({"resent": 0}));
    assert_eq!(resend(json!({"all": true})).await.json(), json!({"resent": 3}));
    let wrong = resend(json!({"status": "lost"})).await.problem(400, "invalid-request");
    assert_eq!(wrong["detail"], "Unknown status \"lost\". Use: pending, delivered, failed.");
    for bad in [json!({}), json!({"all": true, "user": "u-1"}), json!({"kind": "order.eaten"})] {
        resend(bad).await.problem(400, "invalid-request");
    }
}
