//! Without API keys, the API serves only this machine.

use reqwest::Method;

use super::{Api, ORDER, envelope, json, key, send};

#[tokio::test]
async fn names_that_only_lead_here_are_not_served() {
    let api = Api::open().await;
    let port = api.address.port();
    for own in [format!("localhost:{port}"), "127.0.0.1".to_owned(), format!("[::1]:{port}")] {
        assert_eq!(
            send(api.request(Method::GET, "/v1/orders").header("host", &own)).await.status,
            200,
            "{own}"
        );
    }
    for path in ["/v1/orders", "/readyz", "/docs/", "/nowhere"] {
        let rebound =
            send(api.request(Method::GET, path).header("host", format!("evil.example:{port}"))).await;
        rebound.problem(421, "misdirected");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_not_served() {
    let api = Api::open().await;
    let post = |origin: String| {
        let request = json(
            api.request(Method::POST, "/v1/orders").header("origin", origin),
            envelope("shop", "u-1", ORDER),
        );
        send(request)
    };
    for other in [
        "http://evil.example".to_owned(),
        "null".to_owned(),
        "http://127.0.0.1:1".to_owned(),
        format!("https://{}", api.address),
    ] {
        post(other).await.problem(403, "forbidden");
    }
    assert_eq!(post(format!("http://{}", api.address)).await.status, 202, "the pages at /docs are its own");
    assert_eq!(api.claim().await.len(), 1);
}

#[tokio::test]
async fn with_keys_a_proxy_may_pass_on_any_name() {
    let api = Api::with_keys(&key("all", "key-of-all", r#"scopes = ["orders"]"#)).await;
    let request = api.request(Method::GET, "/v1/orders").bearer_auth("key-of-all");
    assert_eq!(send(request.header("host", "orders.shop.example")).await.status, 200);
}
