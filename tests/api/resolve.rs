//! `POST /v1/merchants/{merchant}/users/{user}/token/resolve`

use reqwest::Method;
use serde_json::{Value, json as value};

use super::{Answer, Api, json, key, send};

const PATH: &str = "/v1/merchants/shop/users/u-1/token/resolve";

impl Api {
    async fn resolve(&self, key: &str, path: &str, body: &Value) -> Answer {
        send(json(self.request(Method::POST, path).bearer_auth(key), body.to_string())).await
    }
}

async fn keyed() -> Api {
    let shop = key("shop", "key-of-the-shop", r#"scopes = ["orders", "tokens"]"#);
    let ops = key("ops", "key-of-ops", r#"scopes = ["ops"]"#);
    let elsewhere = key("elsewhere", "key-of-elsewhere", "scopes = [\"ops\"]\nmerchants = [\"other\"]");
    Api::with_keys(&[shop, ops, elsewhere].concat()).await
}

#[tokio::test]
async fn an_operator_decides_about_an_uncertain_token() {
    let api = keyed().await;
    for (user, decision, state, reason) in [
        ("u-1", "retry", "active", Value::Null),
        ("u-2", "present", "active", Value::Null),
        ("u-3", "dead", "reauth_required", value!("answer_lost")),
    ] {
        api.has_token(user).await;
        api.uncertain(user).await;
        let path = PATH.replace("u-1", user);
        let resolved = api.resolve("key-of-ops", &path, &value!({ "decision": decision })).await;
        assert_eq!(resolved.status, 200, "{resolved:?}");
        let token = resolved.json();
        assert_eq!(
            (&token["user"], &token["state"], &token["reason"]),
            (&value!(user), &value!(state), &reason)
        );
        assert_eq!(token["refresh_due_at"].is_string(), decision == "present", "{token}");
        let again = api.resolve("key-of-ops", &path, &value!({ "decision": decision })).await;
        let problem = again.problem(409, "wrong-state");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("is {state}")), "{problem}");
    }
}

#[tokio::test]
async fn who_may_not_decide_or_decides_nothing_changes_nothing() {
    let api = keyed().await;
    api.has_token("u-1").await;
    api.uncertain("u-1").await;
    let retry = value!({ "decision": "retry" });
    api.resolve("key-of-the-shop", PATH, &retry).await.problem(403, "forbidden");
    api.resolve("key-of-elsewhere", PATH, &retry).await.problem(403, "forbidden");
    for body in [
        value!({}),
        value!({"decision": "perhaps"}),
        value!({"decision": "retry", "all": true}),
        value!(["retry"]),
    ] {
        api.resolve("key-of-ops", PATH, &body).await.problem(400, "invalid-request");
    }
    api.resolve("key-of-ops", &PATH.replace("u-1", "nobody"), &retry).await.problem(404, "not-found");
    let shown =
        send(api.request(Method::GET, "/v1/merchants/shop/users/u-1/token").bearer_auth("key-of-the-shop"))
            .await;
    assert_eq!(shown.json()["state"], "uncertain");
    send(api.request(Method::DELETE, "/v1/merchants/shop/users/u-1/token").bearer_auth("key-of-the-shop"))
        .await;
    api.resolve("key-of-ops", PATH, &retry).await.problem(404, "not-found");
}
