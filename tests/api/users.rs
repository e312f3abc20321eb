//! `/v1/merchants/{merchant}/users`, and the history of a token.

use klarna_order_worker::token::{ExchangeResult, Purpose, PurposeKind};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Api, key, send};

async fn signed_in(api: &Api, merchant: &str, user: &str) {
    let path = format!("/v1/merchants/{merchant}/users/{user}/token");
    let body = format!(r#"{{"refresh_token":"token-of-{user}"}}"#);
    assert_eq!(send(super::json(api.request(Method::PUT, &path), body)).await.status, 204);
}

async fn names(api: &Api, query: &str) -> Vec<String> {
    let answer = api.get(&format!("/v1/merchants/shop/users{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["user"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn users_are_listed_by_the_state_of_their_token() {
    let api = Api::open().await;
    for user in ["d", "b", "a", "c"] {
        signed_in(&api, "shop", user).await;
    }
    signed_in(&api, "other", "e").await;
    let purpose = Purpose { kind: PurposeKind::Keeper, id: Uuid::now_v7().into() };
    let rejected = ExchangeResult::Rejected(klarna_order_worker::token::DeadReason::Rejected);
    api.exchanged("b", purpose, rejected).await;
    send(api.request(Method::DELETE, "/v1/merchants/shop/users/c/token")).await;

    assert_eq!(names(&api, "").await, ["a", "b", "d"]);
    assert_eq!(names(&api, "?state=active").await, ["a", "d"]);
    assert_eq!(names(&api, "?state=reauth_required").await, ["b"]);
    assert_eq!(names(&api, "?state=forgotten").await, ["c"]);
    assert_eq!(names(&api, "?state=uncertain").await, Vec::<String>::new());
    let page = api.get("/v1/merchants/shop/users?limit=2").await.json();
    assert_eq!(page["next"], "b");
    assert_eq!(names(&api, "?limit=2&cursor=b").await, ["d"]);
    let last = api.get("/v1/merchants/shop/users?state=active&limit=2").await.json();
    assert_eq!((last["users"].as_array().unwrap().len(), last.get("next")), (2, None));
    assert_eq!(last["users"][0], api.get("/v1/merchants/shop/users/a/token").await.json());
    assert_eq!(api.get("/v1/merchants/no-such/users").await.json(), json!({"users": []}));
    for bad in ["state=dead", "limit=0", "limit=201", "cursor=", "cursor=%00", "stat=active"] {
        api.get(&format!("/v1/merchants/shop/users?{bad}")).await.problem(400, "invalid-request");
    }
    api.get("/v1/merchants/%00/users").await.problem(400, "invalid-request");
}

#[tokio::test]
async fn a_history_tells_each_presentation_and_no_secret() {
    let api = Api::open().await;
    let path = "/v1/merchants/shop/users/u-1/token/history";
    api.get(path).await.problem(404, "not-found");
    signed_in(&api, "shop", "u-1").await;
    assert_eq!(api.get(path).await.json(), json!({"history": []}));
    let order = Uuid::now_v7();
    api.exchanged("u-1", Purpose { kind: PurposeKind::Order, id: order.into() }, ExchangeResult::NotSent)
        .await;
    let keeper = Purpose { kind: PurposeKind::Keeper, id: Uuid::now_v7().into() };
    api.exchanged("u-1", keeper, ExchangeResult::Refused).await;
    let answer = api.get(path).await;
    assert!(!answer.text.contains("token-of"), "{answer:?}");
    let rows = answer.json()["history"].as_array().unwrap().clone();
    let told = |row: &Value| {
        ["generation", "presentation", "purpose", "outcome", "worker"].map(|name| row[name].clone())
    };
    assert_eq!(
        told(&rows[0]),
        [json!(1), json!(2), json!("keeper"), json!("refused"), json!("host/17")],
        "newest first"
    );
    assert_eq!(told(&rows[1])[2..4], [json!("order"), json!("not_sent")]);
    assert_eq!(rows[1]["purpose_id"], order.to_string());
    assert!(rows[1]["opened_at"].is_string() && rows[1]["closed_at"].is_string());

    let page = api.get(&format!("{path}?limit=1")).await.json();
    assert_eq!(page, json!({"history": [rows[0]], "next": "1-2"}));
    assert_eq!(api.get(&format!("{path}?limit=1&cursor=1-2")).await.json(), json!({"history": [rows[1]]}));
    send(api.request(Method::DELETE, "/v1/merchants/shop/users/u-1/token")).await;
    assert_eq!(
        api.get(path).await.json()["history"].as_array().unwrap().len(),
        2,
        "the ledger outlives the token"
    );
    for bad in ["cursor=1", "cursor=x-y", "cursor=-1-2", "limit=0", "after=1-1"] {
        api.get(&format!("{path}?{bad}")).await.problem(400, "invalid-request");
    }
}

#[tokio::test]
async fn a_user_is_renamed_with_both_scopes_alone() {
    let keys = [
        key("both", "both-key", "scopes = [\"orders\", \"tokens\"]\nmerchants = [\"shop\"]"),
        key("orders", "orders-key", "scopes = [\"orders\"]"),
        key("tokens", "tokens-key", "scopes = [\"tokens\"]"),
    ];
    let api = Api::with_keys(&keys.concat()).await;
    let ask = async |key: &str, method: Method, path: &str, body: String| {
        send(super::json(api.request(method, path).bearer_auth(key), body)).await
    };
    let rename = async |key: &str, user: &str, body: &str| {
        ask(key, Method::POST, &format!("/v1/merchants/shop/users/{user}/rename"), body.to_owned()).await
    };
    for user in ["u-1", "u-2"] {
        let path = format!("/v1/merchants/shop/users/{user}/token");
        let body = format!(r#"{{"refresh_token":"token-of-{user}"}}"#);
        assert_eq!(ask("tokens-key", Method::PUT, &path, body).await.status, 204);
    }
    for key in ["orders-key", "tokens-key"] {
        rename(key, "u-1", r#"{"to":"u-3"}"#).await.problem(403, "forbidden");
    }
    for body in [r#"{"to":""}"#, r#"{"to":"a\u0000"}"#, r#"{"as":"u-3"}"#] {
        rename("both-key", "u-1", body).await.problem(400, "invalid-request");
    }
    rename("both-key", "nobody", r#"{"to":"u-3"}"#).await.problem(404, "not-found");
    for taken in [r#"{"to":"u-1"}"#, r#"{"to":"u-2"}"#] {
        rename("both-key", "u-1", taken).await.problem(409, "user-exists");
    }
    let moved = rename("both-key", "u-1", r#"{"to":"u-3"}"#).await;
    assert_eq!(
        (moved.status.as_u16(), moved.json()),
        (200, json!({"token": true, "orders": 0, "webhooks": 0}))
    );
    let shown =
        send(api.request(Method::GET, "/v1/merchants/shop/users/u-3/token").bearer_auth("tokens-key")).await;
    assert_eq!(shown.json()["generation"], 1);
}
