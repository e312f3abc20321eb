//! Users who are signed out at Klarna, by a running service.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(forgotten_erased_and_signed_out_users_are_revoked_at_klarna);

/// The users whose tokens the sandbox has revoked.
async fn revoked(shop: &Shop) -> Vec<String> {
    let url = format!("{}/sandbox/record", shop.sandbox_url());
    let record = reqwest::get(url).await.unwrap().text().await.unwrap();
    let record: Vec<Value> = serde_json::from_str(&record).unwrap();
    let revoked = record.iter().filter(|event| event["event"] == "revoked");
    let mut users: Vec<String> = revoked.map(|event| event["user"].as_str().unwrap().to_owned()).collect();
    users.sort();
    users
}

async fn forgotten_erased_and_signed_out_users_are_revoked_at_klarna(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(6).await).await;
    // Klarna does not answer the first request: the local deletion does not wait for it.
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "revoke", "user": "u-1", "failure": "lost" }))
        .await;
    for path in ["u-1/token", "u-2", "u-3/token?revoke=true", "u-4/token?revoke=false"] {
        let path = format!("/v1/merchants/shop/users/{path}");
        assert_eq!(client.send_delete(&path).await.status(), 204, "{path}");
    }
    for user in ["u-1", "u-2", "u-3", "u-4"] {
        assert_eq!(client.token(user).await["status"], 404, "{user}");
    }
    until("revocations", PATIENCE, async || revoked(&shop).await.len() >= 3).await;
    until("the end of all", PATIENCE, async || {
        let metrics = client.get_text("/metrics").await;
        metrics.contains(r#"klarna_worker_revocations_total{merchant="shop",result="revoked"} 3"#)
    })
    .await;
    assert!(served.program.terminate().await.success());
    // The request lies in the database until a service runs.
    shop.run("a", &["users", "revoke", "shop", "u-5", "--yes"]);
    shop.run("a", &["tokens", "forget", "shop", "u-6", "--yes"]);
    assert!(!revoked(&shop).await.contains(&"u-5".to_owned()));
    let served = shop.serve("a");
    until("the revocations of before", PATIENCE, async || {
        let users = revoked(&shop).await;
        ["u-5", "u-6"].iter().all(|user| users.contains(&(*user).to_owned()))
    })
    .await;
    assert!(!revoked(&shop).await.contains(&"u-4".to_owned()));
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
