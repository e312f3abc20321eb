//! Access tokens for the shop's own programs, from a running service.

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::service::Client;
use test_support::shop::{PASSWORD, PATIENT, Shop, order};

both_engines!(an_access_token_is_given_and_lies_nowhere);

const PATH: &str = "/v1/merchants/shop/users";

/// Asks for an access token, which must be given.
async fn vended(client: &Client, user: &str, query: &str) -> Value {
    let answer = client.send_post(&format!("{PATH}/{user}/access-token{query}")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// Asks for an access token, which must be refused with this kind. Returns the header
/// `Retry-After`.
async fn refused(client: &Client, path: &str, status: u16, kind: &str) -> Option<u64> {
    let answer = client.send_post(path).await;
    assert_eq!(answer.status(), status, "{path}");
    let wait = answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap().parse().unwrap());
    let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(problem["type"], format!("urn:klarna-order-worker:problem:{kind}"), "{problem}");
    wait
}

async fn an_access_token_is_given_and_lies_nowhere(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(3).await).await;

    let first = vended(&client, "u-1", "?claims=true").await;
    let token = first["access_token"].as_str().unwrap();
    assert!((200..=300).contains(&first["expires_in"].as_u64().unwrap()), "{}", first["expires_in"]);
    let claims = &first["claims"];
    assert!(claims["sub"].as_str().unwrap().starts_with("krn:") && claims["email"].is_string());
    assert_eq!(claims["billing_address"]["country"], "SE");
    let again = vended(&client, "u-1", "").await;
    assert_eq!(again["access_token"], token, "the cached one");
    assert!(again.get("claims").is_none());
    let printed = shop.run("a", &["tokens", "vend", "shop", "u-1"]).remove(0);
    assert_eq!(
        (&printed["access_token"], printed.get("claims")),
        (&json!(token), None),
        "also beside the service"
    );
    let anew = vended(&client, "u-1", "?min_validity=3600").await;
    assert_ne!(anew["access_token"], token);

    // Klarna recognises the shopper by it.
    let mut body = order();
    body["customer"] = json!({ "klarna_access_token": anew["access_token"] });
    let url = format!("{}/checkout/v3/orders", shop.sandbox.ready["checkout_url"].as_str().unwrap());
    let create = reqwest::Client::new().post(url).basic_auth("sandbox", Some(PASSWORD));
    let created =
        create.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    assert_eq!(created.status(), 201);
    let stats = shop.stats().await;
    assert_eq!(
        (stats.orders.recognised, stats.exchanges.rotated, stats.exchanges.spent_presented),
        (1, 2, 0)
    );

    // The ledger and the metrics tell of it.
    let history: Value =
        serde_json::from_str(&client.get_text(&format!("{PATH}/u-1/token/history")).await).unwrap();
    let purposes: Vec<&str> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["purpose"].as_str().unwrap())
        .collect();
    assert_eq!(purposes, ["vend", "vend"]);
    let metrics = client.get_text("/metrics").await;
    for series in [
        r#"klarna_worker_vends_total{merchant="shop",result="exchanged"} 2"#,
        r#"klarna_worker_vends_total{merchant="shop",result="cached"} 1"#,
        r#"klarna_worker_exchanges_total{merchant="shop",purpose="vend",result="rotated"} 2"#,
    ] {
        assert!(metrics.contains(series), "{series}: {metrics}");
    }

    // Every refusal.
    let path = |user: &str| format!("{PATH}/{user}/access-token");
    assert_eq!(refused(&client, &path("stranger"), 404, "not-found").await, None);
    refused(&client, "/v1/merchants/no-such/users/u-1/access-token", 404, "unknown-merchant").await;
    for query in ["min_validity=3601", "min_validity=-1", "min_validity=soon", "claims=maybe", "validity=1"] {
        refused(&client, &format!("{}?{query}", path("u-1")), 400, "invalid-request").await;
    }
    shop.tell_sandbox("/sandbox/revoke", json!({ "user": "u-2" })).await;
    assert_eq!(refused(&client, &path("u-2"), 409, "reauth-required").await, None);
    for text in [client.get_text("/metrics").await, client.readiness().await] {
        assert!(!text.contains(token) && !text.contains(anew["access_token"].as_str().unwrap()));
    }
    assert!(served.program.terminate().await.success());

    // Klarna is away for longer than the service waits.
    shop.change_settings("a", PATIENT, "token_patience = \"1s\"");
    let served = shop.serve("a");
    let client = served.client();
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "token", "user": "u-3", "failure": "503" })).await;
    let wait = refused(&client, &path("u-3"), 503, "no-access-token").await.unwrap();
    assert!(wait > 0);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
