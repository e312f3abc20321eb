//! Orders with each possible result.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::shop::{PASSWORD, PATIENT, Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(
    every_other_end_is_told_so_that_a_shop_understands,
    an_uncertain_token_waits_for_an_operator,
    a_merchant_may_want_no_order_without_a_token,
    a_merchant_may_want_no_token_in_its_orders
);

async fn every_other_end_is_told_so_that_a_shop_understands(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(4).await;
    client.register_all(&users).await;

    // A user who has never signed in.
    let unknown = client.ended(&client.post("stranger", "k-1").await, PATIENCE).await;
    assert_eq!(
        (&unknown["status"], &unknown["token"]),
        (&json!("submitted"), &json!("not_registered")),
        "{unknown}"
    );

    // A user who withdrew consent in Klarna's app.
    shop.tell_sandbox("/sandbox/revoke", json!({ "user": "u-1" })).await;
    let revoked = client.ended(&client.post("u-1", "k-2").await, PATIENCE).await;
    assert_eq!(
        (&revoked["status"], &revoked["token"]),
        (&json!("submitted"), &json!("reauth_required")),
        "{revoked}"
    );

    // A wrong sum: the service refuses the order and names the pointer.
    let mut wrong = order();
    wrong["order_amount"] = json!(49000);
    let (status, problem) = client.try_post("u-2", "k-3", &wrong).await.unwrap();
    assert_eq!(status, 422, "{problem}");
    assert_eq!(problem["faults"][0]["pointer"], "/order/order_amount", "{problem}");
    assert!(problem["faults"][0]["message"].as_str().unwrap().contains("50000"), "{problem}");

    // An order that only Klarna refuses.
    let mut refused = order();
    refused["purchase_country"] = json!("AQ");
    let (_, accepted) = client.try_post("u-2", "k-4", &refused).await.unwrap();
    let refused = client.ended(accepted["id"].as_str().unwrap(), PATIENCE).await;
    assert_eq!((&refused["status"], &refused["attempts"]), (&json!("failed"), &json!(1)), "{refused}");
    assert_eq!(refused["error"]["code"], "klarna_refused_order", "{refused}");
    let words = "Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value: purchase_country";
    assert_eq!(message(&refused), words, "{refused}");
    assert!(
        refused["prefilled"].as_array().unwrap().len() > 3 && refused["prefill_withdrawn"].is_null(),
        "{refused}"
    );
    assert!(refused["error"]["correlation_id"].is_string(), "{refused}");

    // Klarna refuses a prefilled field: the order is sent once more without it, in the same
    // attempt.
    let claims = json!({ "email": "alma@refused.example" });
    shop.tell_sandbox("/sandbox/users", json!({ "user": "u-4", "claims": claims })).await;
    let requests = shop.stats().await.orders.requests;
    let plain = client.ended(&client.post("u-4", "k-prefill").await, PATIENCE).await;
    assert_eq!((&plain["status"], &plain["token"]), (&json!("submitted"), &json!("fresh")), "{plain}");
    assert_eq!((&plain["prefilled"], &plain["attempts"]), (&json!([]), &json!(1)), "{plain}");
    let withdrawn = plain["prefill_withdrawn"].as_array().unwrap();
    assert!(withdrawn.contains(&json!("/billing_address/email")) && withdrawn.len() > 3, "{plain}");
    assert_eq!(shop.stats().await.orders.requests, requests + 2);

    // The token endpoint is down for longer than the order's patience: neither order nor token is
    // lost.
    assert!(served.program.terminate().await.success());
    let short = r#"token_patience = "3s""#;
    shop.change_settings("a", PATIENT, short);
    let served = shop.serve("a");
    let client = served.client();
    let down = json!({ "token": { "failure_rate": 1.0, "failures": ["503"] } });
    shop.tell_sandbox("/sandbox/options", down).await;
    let late = client.ended(&client.post("u-3", "k-5").await, PATIENCE).await;
    assert_eq!((&late["status"], &late["token"]), (&json!("submitted"), &json!("unavailable")), "{late}");
    shop.tell_sandbox("/sandbox/options", json!({ "token": { "failure_rate": 0.0 } })).await;
    assert!(served.program.terminate().await.success());
    shop.change_settings("a", short, PATIENT);
    let served = shop.serve("a");
    let client = served.client();
    let back = client.ended(&client.post("u-3", "k-6").await, PATIENCE).await;
    assert_eq!((&back["status"], &back["token"]), (&json!("submitted"), &json!("fresh")), "{back}");

    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn an_uncertain_token_waits_for_an_operator(database: Database) {
    let shop = Shop::open(database, &[], "");
    let hold = r#"lost_answer = "hold"
            replay_after = "5s"
            token_patience = "10m""#;
    shop.change_settings("a", r#"token_patience = "10m""#, hold);
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(2).await).await;

    // One answer is lost, and one request is lost. The service cannot distinguish them.
    for (user, failure) in [("u-1", "lost"), ("u-2", "cut")] {
        let fail = json!({ "endpoint": "token", "user": user, "failure": failure });
        shop.tell_sandbox("/sandbox/fail", fail).await;
        let order = client.ended(&client.post(user, &format!("first-{user}")).await, PATIENCE).await;
        assert_eq!(
            (&order["status"], &order["token"]),
            (&json!("submitted"), &json!("uncertain")),
            "{order}"
        );
        assert_eq!(client.token(user).await["state"], "uncertain");
    }
    let dead = shop.run("a", &["tokens", "resolve", "shop", "u-1", "--dead"]);
    assert_eq!((&dead[0]["state"], &dead[0]["reason"]), (&json!("reauth_required"), &json!("answer_lost")));
    let active = shop.run("a", &["tokens", "resolve", "shop", "u-2", "--retry"]);
    assert_eq!((&active[0]["state"], &active[0]["generation"]), (&json!("active"), &json!(1)));
    for (user, token) in [("u-1", "reauth_required"), ("u-2", "fresh")] {
        let order = client.ended(&client.post(user, &format!("second-{user}")).await, PATIENCE).await;
        assert_eq!((&order["status"], &order["token"]), (&json!("submitted"), &json!(token)), "{order}");
    }
    assert_eq!(shop.stats().await.exchanges.spent_presented, 0);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_merchant_may_want_no_order_without_a_token(database: Database) {
    let shop = Shop::open(database, &[], r#"on_unusable_token = "fail""#);
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let unknown = client.ended(&client.post("stranger", "k-1").await, PATIENCE).await;
    assert_eq!(
        (&unknown["status"], &unknown["token"]),
        (&json!("failed"), &json!("not_registered")),
        "{unknown}"
    );
    assert_eq!(unknown["error"]["code"], "token_not_registered", "{unknown}");
    shop.tell_sandbox("/sandbox/revoke", json!({ "user": "u-1" })).await;
    let revoked = client.ended(&client.post("u-1", "k-2").await, PATIENCE).await;
    assert_eq!(
        (&revoked["status"], &revoked["token"]),
        (&json!("failed"), &json!("reauth_required")),
        "{revoked}"
    );
    assert_eq!(shop.stats().await.orders.requests, 0);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_merchant_may_want_no_token_in_its_orders(database: Database) {
    let shop = Shop::open(database, &["--api-key", PASSWORD], "send_access_token = false");
    shop.change_settings("a", "api_username = \"sandbox\"\n", "");
    shop.change_settings("a", "api_password =", "api_key =");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let order = client.ended(&client.post("u-1", "k-1").await, PATIENCE).await;
    assert_eq!((&order["status"], &order["token"]), (&json!("submitted"), &json!("turned_off")), "{order}");
    assert_eq!(order["prefilled"], json!([]), "{order}");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.orders.without_token), (0, 1), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

fn message(order: &Value) -> &str {
    order["error"]["message"].as_str().unwrap_or_else(|| panic!("no error in {order}"))
}
