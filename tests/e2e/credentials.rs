//! Credentials of Klarna's APIs are changed while orders go on.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::{PASSWORD, Shop};

const PATIENCE: Duration = Duration::from_mins(1);
const CHANGED: &str = "Klarna refuses one set of the merchant's API credentials";

both_engines!(the_second_credentials_are_tried_at_once);

/// The lines of the log that say which credentials are in use, each with its set.
fn sets_in_use(shop: &Shop) -> Vec<String> {
    let log = shop.log_with("a", CHANGED);
    let lines = log.iter().filter(|line| line["message"].as_str().is_some_and(|said| said.contains(CHANGED)));
    lines.map(|line| line["in_use"].as_str().unwrap().to_owned()).collect()
}

/// Returns how often the sandbox was asked to create an order.
async fn requests(shop: &Shop) -> u64 {
    shop.stats().await.orders.requests
}

async fn the_second_credentials_are_tried_at_once(database: Database) {
    let accepted = ["--api-username", "sandbox", "--api-password", PASSWORD];
    let shop = Shop::open(database, &accepted, "");
    let users = shop.sign_in(4).await;
    let given = format!("api_password = \"{PASSWORD}\"");
    let two = |first: &str, second: &str| format!("api_password = [\"{first}\", \"{second}\"]");
    let old = two("the-old-password-of-the-shop", PASSWORD);
    shop.change_settings("a", &given, &old);
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&users).await;
    // One order alone, so that the number of requests is known.
    let id = client.post(&users[0].0, "cart-1").await;
    client.all_submitted_fresh(std::slice::from_ref(&id), PATIENCE).await;
    let order = client.order(&id, "0s").await;
    assert_eq!((&order["attempts"], &order["error"]), (&Value::from(1), &Value::Null), "{order}");
    assert_eq!(requests(&shop).await, 2);
    until("the line in the log", PATIENCE, async || sets_in_use(&shop) == ["second"]).await;
    let mut ids = Vec::new();
    for (user, _) in &users[1..] {
        ids.push(client.post(user, &format!("cart-of-{user}")).await);
    }
    client.all_submitted_fresh(&ids, PATIENCE).await;
    // The refused one is not tried again.
    assert_eq!((requests(&shop).await, sets_in_use(&shop).len()), (5, 1));
    // The answer of a reload says which is in use.
    let wrong_first = two("an-older-password-of-the-shop", PASSWORD);
    shop.change_settings("a", &old, &wrong_first);
    let changes = shop.run("a", &["reload"]).remove(0);
    let told = "shop has two API passwords: calls use the second now, and the other where Klarna refuses it";
    assert_eq!(changes["two_credentials"], json!([told]), "{changes}");
    shop.change_settings("a", &wrong_first, &old);
    assert!(served.program.terminate().await.success());

    // In the other order, the second is never needed.
    let new = two(PASSWORD, "the-old-password-of-the-shop");
    shop.change_settings("a", &old, &new);
    let served = shop.serve("a");
    let id = served.client().post(&users[0].0, "cart-3").await;
    served.client().all_submitted_fresh(&[id], PATIENCE).await;
    assert_eq!((requests(&shop).await, sets_in_use(&shop).len()), (6, 1));
    assert!(served.program.terminate().await.success());

    // If both are refused, the order waits as with one set, with both tried once for each attempt.
    shop.change_settings("a", &new, &two("an-older-password-of-the-shop", "the-old-password-of-the-shop"));
    let served = shop.serve("a");
    let client = served.client();
    let id = client.post(&users[0].0, "cart-4").await;
    until("the refusal", PATIENCE, async || {
        client.order(&id, "0s").await["error"]["code"] == "klarna_refused_merchant"
    })
    .await;
    assert!(requests(&shop).await >= 8);
    assert_eq!(sets_in_use(&shop).len(), 1);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
