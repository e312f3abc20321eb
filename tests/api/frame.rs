//! Request ids, unknown paths, and health.

use reqwest::Method;

use super::{Api, send};

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let api = Api::open().await;
    for path in ["/nowhere", "/v1", "/v1/orders/", "/v2/orders", "/v1/orders/batch/"] {
        api.get(path).await.problem(404, "not-found");
    }
    let answer = send(api.request(Method::DELETE, "/v1/orders")).await;
    answer.problem(405, "method-not-allowed");
    let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    send(api.request(Method::POST, "/livez")).await.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_not_stored() {
    let api = Api::open().await;
    for path in ["/livez", "/v1/orders", "/nowhere", "/v1/orders/none"] {
        let (one, other) = (api.get(path).await, api.get(path).await);
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"), "{path}");
        assert_eq!(one.header("cache-control"), "no-store");
        let named = send(api.request(Method::GET, path).header("x-request-id", "mine-1")).await;
        assert_eq!(named.header("x-request-id"), "mine-1", "{path}");
    }
}

#[tokio::test]
async fn readiness_follows_the_process_and_the_database() {
    let api = Api::open().await;
    assert_eq!(api.get("/readyz").await.json(), serde_json::json!({"status": "ok"}));
    api.ready.set_ready(false);
    api.get("/readyz").await.problem(503, "not-ready");
    api.ready.set_ready(true);
    assert_eq!(api.get("/readyz").await.status, 200);

    api.app.store.close().await;
    assert_eq!(api.get("/readyz").await.header("retry-after"), "2");
    assert_eq!(api.get("/livez").await.status, 200, "a database that is away is no reason to restart");
}
