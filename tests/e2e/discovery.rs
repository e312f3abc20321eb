//! The provider's OpenID documents, compared with the addresses in force.

use std::time::Duration;

use serde_json::Value;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);
const OTHER_ADDRESS: &str = "list another address than the one in force";

both_engines!(another_address_of_the_provider_is_told_and_nothing_is_changed);

/// Waits until a comparison has told whether a setting differs.
async fn until_reported(client: &Client, setting: &str, differs: u8) {
    let sample =
        format!("klarna_worker_endpoint_moved{{merchant=\"shop\",setting=\"{setting}\"}} {differs}\n");
    until(&sample, PATIENCE, async || client.get_text("/metrics").await.contains(&sample)).await;
}

fn log(shop: &Shop) -> String {
    std::fs::read_to_string(shop.folder.path().join("a.log")).unwrap()
}

async fn another_address_of_the_provider_is_told_and_nothing_is_changed(database: Database) {
    let shop = Shop::open(database, &[], "discovery = true");
    let served = shop.serve("a");
    for setting in ["token_url", "jwks_url", "revoke_url", "issuer"] {
        until_reported(&served.client(), setting, 0).await;
    }
    assert!(served.program.terminate().await.success());
    assert!(!log(&shop).contains("OpenID documents"), "{}", log(&shop));

    let other = format!("{}/eu/lp/idp/oauth2/other", shop.sandbox_url());
    shop.change_settings("a", "discovery = true", &format!("discovery = true\nrevoke_url = \"{other}\""));
    let served = shop.serve("a");
    let client = served.client();
    until_reported(&client, "revoke_url", 1).await;
    until_reported(&client, "token_url", 0).await;
    let mut line = Value::Null;
    until("the line in the log", PATIENCE, async || {
        let said = |line: &Value| line["message"].as_str().unwrap_or_default().contains(OTHER_ADDRESS);
        line = shop.log_with("a", OTHER_ADDRESS).into_iter().find(said).unwrap_or_default();
        !line.is_null()
    })
    .await;
    assert_eq!(
        (line["level"].as_str(), line["setting"].as_str(), line["in_force"].as_str()),
        (Some("WARN"), Some("revoke_url"), Some(&*other))
    );
    assert!(line["listed"].as_str().unwrap().ends_with("/eu/lp/idp/oauth2/revoke"), "{line}");
    // What the settings say stays in use.
    let users = shop.sign_in(1).await;
    client.register_all(&users).await;
    let id = client.post(&users[0].0, "cart").await;
    client.all_submitted_fresh(&[id], PATIENCE).await;
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
