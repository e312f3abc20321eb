//! Complete answers of Klarna in an unexpected form.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(odd_answers_cost_no_token_and_double_no_order);

/// Both endpoints answer in each unexpected form. Every token is presented once, every successor is
/// stored, and every order is created once.
async fn odd_answers_cost_no_token_and_double_no_order(database: Database) {
    const ODD: [&str; 5] = ["bom", "gzip", "deflate", "no-access-token", "odd-members"];
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(ODD.len()).await;
    client.register_all(&users).await;
    for ((user, _), failure) in users.iter().zip(ODD) {
        for endpoint in ["token", "checkout"] {
            let fail = json!({ "endpoint": endpoint, "user": user, "failure": failure });
            shop.tell_sandbox("/sandbox/fail", fail).await;
        }
    }
    for ((user, _), failure) in users.iter().zip(ODD) {
        let order = client.ended(&client.post(user, &format!("odd-{user}")).await, PATIENCE).await;
        let expected = if failure == "no-access-token" { "unavailable" } else { "fresh" };
        assert_eq!(
            (&order["status"], &order["token"]),
            (&json!("submitted"), &json!(expected)),
            "{failure}: {order}"
        );
        assert_eq!((&order["possible_duplicate"], &order["attempts"]), (&json!(false), &json!(1)), "{order}");
        assert!(order["html_snippet"].as_str().unwrap().starts_with("<div"), "{order}");
    }
    let ids = client.post_all(&users, ODD.len()).await;
    client.all_submitted_fresh(&ids, PATIENCE).await;
    for (user, _) in &users {
        let token = client.token(user).await;
        assert_eq!((&token["state"], &token["generation"]), (&json!("active"), &json!(3)), "{token}");
    }
    // A user who withdrew consent, and an answer whose error code is inside an object.
    shop.tell_sandbox("/sandbox/revoke", json!({ "user": "u-1" })).await;
    shop.tell_sandbox(
        "/sandbox/fail",
        json!({ "endpoint": "token", "user": "u-1", "failure": "odd-members" }),
    )
    .await;
    let revoked = client.ended(&client.post("u-1", "revoked").await, PATIENCE).await;
    assert_eq!(
        (&revoked["status"], &revoked["token"]),
        (&json!("submitted"), &json!("reauth_required")),
        "{revoked}"
    );

    let stats = shop.stats().await;
    let orders = 2 * ODD.len() as u64 + 1;
    assert_eq!((stats.exchanges.total, stats.exchanges.rotated), (orders, orders - 1), "{stats:?}");
    assert_eq!((stats.exchanges.spent_presented, stats.exchanges.concurrent), (0, 0), "{stats:?}");
    assert_eq!((stats.orders.total, stats.orders.duplicates), (orders, 0), "{stats:?}");
    shop.close().await;
}
