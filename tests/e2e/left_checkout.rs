//! Orders that Checkout does not know any more.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::Shop;

use crate::sessions::{is_problem, kept, more, refreshed, submitted};

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(a_completed_order_that_has_left_checkout_is_found_in_order_management);

async fn a_completed_order_that_has_left_checkout_is_found_in_order_management(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let first = submitted(&client, "k-1", "checkout").await;
    let leave = async || {
        shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "checkout", "failure": "404" })).await;
    };
    // It is not paid, so order management does not know it either.
    let second = submitted(&client, "k-2", "checkout").await;
    leave().await;
    assert_eq!(refreshed(&client, &second).await["session"]["status"], "not_found");

    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": first["klarna_order_id"] })).await;
    // What order management does not say now is not known, and it is asked again.
    leave().await;
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "checkout", "failure": "401" })).await;
    let unknown = refreshed(&client, &first).await;
    let error = &unknown["refresh_error"];
    assert_eq!(error["code"], "klarna_unauthorised", "{unknown}");
    assert!(error["message"].as_str().unwrap().contains("order management"), "{unknown}");
    assert!(unknown.get("session").is_none(), "{unknown}");
    until("what order management says", PATIENCE, async || {
        kept(&client, &first).await["session"]["status"] == "AUTHORIZED"
    })
    .await;

    let first = submitted(&client, "k-4", "checkout").await;
    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": first["klarna_order_id"] })).await;
    leave().await;
    let paid = refreshed(&client, &first).await;
    assert_eq!(
        (&paid["session"]["phase"], &paid["session"]["status"]),
        (&json!("completed"), &json!("AUTHORIZED")),
        "{paid}"
    );
    assert_eq!(
        (&paid["session"]["order_amount"], &paid["html_snippet"]),
        (&json!(50_000), &first["html_snippet"]),
        "{paid}"
    );
    // A change finds the same.
    let third = submitted(&client, "k-3", "checkout").await;
    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": third["klarna_order_id"] })).await;
    leave().await;
    leave().await;
    let problem =
        is_problem(client.change(third["id"].as_str().unwrap(), "*", &more()).await, 409, "wrong-status");
    assert!(problem["detail"].as_str().unwrap().contains("completed"), "{problem}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
