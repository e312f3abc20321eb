//! `/v1/ops/pauses`

use reqwest::Method;
use serde_json::{Value, json as value};

use super::{Answer, Api, json, key, send};

const PATH: &str = "/v1/ops/pauses";

async fn keyed() -> Api {
    let ops = key("operator", "key-of-ops", r#"scopes = ["ops"]"#);
    let limited = key("limited", "key-of-limited", "scopes = [\"ops\"]\nmerchants = [\"other\"]");
    Api::with_keys(&[ops, limited].concat()).await
}

impl Api {
    async fn ask(&self, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path).bearer_auth(key);
        send(match body {
            Some(body) => json(request, body.to_string()),
            None => request,
        })
        .await
    }

    async fn pause(&self, key: &str, body: &Value) -> Answer {
        self.ask(key, Method::POST, PATH, Some(body)).await
    }

    /// The pauses that a key sees: merchant and kind.
    async fn paused(&self, key: &str) -> Vec<(Value, Value)> {
        let listed = self.ask(key, Method::GET, PATH, None).await.json();
        let pauses = listed["pauses"].as_array().unwrap().iter();
        pauses.map(|pause| (pause["merchant"].clone(), pause["kind"].clone())).collect()
    }
}

#[tokio::test]
async fn an_operator_pauses_and_resumes() {
    let api = keyed().await;
    let body = value!({"merchant": "shop", "kind": "orders", "for": "10m", "reason": "Klarna is down"});
    let paused = api.pause("key-of-ops", &body).await;
    assert_eq!(paused.status, 200, "{paused:?}");
    let paused = paused.json();
    assert_eq!(
        (&paused["merchant"], &paused["kind"], &paused["reason"], &paused["paused_by"]),
        (&value!("shop"), &value!("orders"), &value!("Klarna is down"), &value!("key:operator"))
    );
    assert!(paused["until"].as_str() > paused["since"].as_str(), "{paused}");
    let all = api.pause("key-of-ops", &value!({"kind": "webhooks", "reason": "the shop moves"})).await.json();
    assert!(all.get("merchant").is_none() && all.get("until").is_none(), "{all}");
    assert_eq!(
        api.paused("key-of-ops").await,
        [(Value::Null, value!("webhooks")), (value!("shop"), value!("orders"))]
    );
    // It does not make the process unready.
    let ready = api.ask("key-of-ops", Method::GET, "/readyz?verbose", None).await.json();
    assert_eq!((&ready["status"], &ready["pauses"][1]), (&value!("ok"), &paused));
    assert!(api.get("/readyz").await.json().get("pauses").is_none());
    // Orders are accepted all the same: nothing here asks whether they are paused.
    let resume = format!("{PATH}?kind=orders&merchant=shop");
    assert_eq!(api.ask("key-of-ops", Method::DELETE, &resume, None).await.status, 204);
    api.ask("key-of-ops", Method::DELETE, &resume, None).await.problem(404, "not-found");
    assert_eq!(api.paused("key-of-ops").await, [(Value::Null, value!("webhooks"))]);

    let rows = api.audited("key=operator").await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let object = row["object"].as_str().unwrap_or_default();
            (row["action"].as_str().unwrap(), row["outcome"].as_str().unwrap(), object)
        })
        .filter(|(action, ..)| action.starts_with("ops."))
        .collect();
    let until = paused["until"].as_str().unwrap().split('.').next().unwrap().trim_end_matches('Z');
    assert_eq!(
        told,
        [
            ("ops.pause", "done", format!("orders until {until}Z: Klarna is down").as_str()),
            ("ops.pause", "done", "webhooks: the shop moves"),
            ("ops.resume", "done", "orders"),
            ("ops.resume", "not_found", ""),
        ]
    );
    assert_eq!(rows[0]["merchant"], "shop");
}

#[tokio::test]
async fn a_key_pauses_its_own_merchants_alone() {
    let api = keyed().await;
    let of = |merchant: &str| value!({"merchant": merchant, "kind": "keeper", "reason": "a test"});
    api.pause("key-of-limited", &of("shop")).await.problem(403, "forbidden");
    api.pause("key-of-limited", &value!({"kind": "keeper", "reason": "a test"}))
        .await
        .problem(403, "forbidden");
    assert_eq!(api.pause("key-of-limited", &of("other")).await.status, 200);
    assert_eq!(api.pause("key-of-ops", &of("shop")).await.status, 200);
    assert_eq!(api.paused("key-of-limited").await, [(value!("other"), value!("keeper"))]);
    let resume = |query: &str| format!("{PATH}?kind=keeper{query}");
    for query in ["", "&merchant=shop"] {
        let answer = api.ask("key-of-limited", Method::DELETE, &resume(query), None).await;
        answer.problem(403, "forbidden");
    }
    let own = api.ask("key-of-limited", Method::DELETE, &resume("&merchant=other"), None).await;
    assert_eq!(own.status, 204);
    assert_eq!(api.paused("key-of-ops").await, [(value!("shop"), value!("keeper"))]);
}

#[tokio::test]
async fn what_cannot_be_paused_is_refused() {
    let api = keyed().await;
    let unknown = value!({"merchant": "no-such", "kind": "orders", "reason": "a test"});
    api.pause("key-of-ops", &unknown).await.problem(404, "unknown-merchant");
    for body in [
        value!({}),
        value!({"kind": "orders"}),
        value!({"kind": "everything", "reason": "a test"}),
        value!({"kind": "orders", "reason": " "}),
        value!({"kind": "orders", "reason": "a\nb"}),
        value!({"kind": "orders", "reason": "x".repeat(501)}),
        value!({"kind": "orders", "reason": "a test", "for": "soon"}),
        value!({"kind": "orders", "reason": "a test", "for": "0s"}),
        value!({"kind": "orders", "reason": "a test", "merchant": ""}),
        value!({"kind": "orders", "reason": "a test", "until": "tomorrow"}),
    ] {
        api.pause("key-of-ops", &body).await.problem(400, "invalid-request");
    }
    for query in ["", "?kind=everything", "?kind=orders&merchant=", "?kind=orders&all=true"] {
        let answer = api.ask("key-of-ops", Method::DELETE, &format!("{PATH}{query}"), None).await;
        answer.problem(400, "invalid-request");
    }
    assert_eq!(api.paused("key-of-ops").await, []);
}
