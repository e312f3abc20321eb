//! A token endpoint that asks everybody for a pause that is longer than an order waits for its
//! token.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::{PATIENT, Shop};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_mins(2);
/// How long an order waits for its token.
const TOKEN_PATIENCE: u32 = 10;
/// The pause that the token endpoint asks for, in seconds.
const PAUSE: u32 = 25;
/// Exchanges in flight together, one more than open the circuit breaker. None of them knows of the
/// pause that another is asked for.
const IN_FLIGHT: usize = 6;
const LATER: usize = 4;

both_engines!(
    orders_go_out_at_once_while_the_token_endpoint_asks_for_a_long_pause,
    an_order_that_waits_for_checkout_keeps_its_patience_for_a_token,
    a_wait_for_the_token_counts_although_the_attempt_failed,
);

async fn orders_go_out_at_once_while_the_token_endpoint_asks_for_a_long_pause(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.change_settings("a", PATIENT, &format!("token_patience = \"{TOKEN_PATIENCE}s\""));
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(1 + IN_FLIGHT + LATER).await;
    client.register_all(&users).await;
    // Until a first exchange has succeeded, tokens are exchanged one at a time.
    client.all_submitted_fresh(&[client.post("u-1", "first").await], PATIENCE).await;

    let retry_after = format!("{PAUSE}s");
    let busy = json!({ "failure_rate": 1.0, "failures": ["503"], "retry_after": retry_after, "held": true });
    shop.tell_sandbox("/sandbox/options", json!({ "token": busy })).await;
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "token", "failure": "429" })).await;
    let first = client.post_all(&users[1..=IN_FLIGHT], IN_FLIGHT).await;
    let all = 1 + IN_FLIGHT as u64;
    until("exchanges", PATIENCE, async || shop.stats().await.exchanges.total == all).await;
    shop.hold("token", false).await;
    client.all_submitted(&first, &["unavailable"], PATIENCE).await;
    let opened = || told(&shop, "circuit breaker opened");
    until("an open circuit breaker", PATIENCE, async || !opened().is_empty()).await;
    let presented = shop.stats().await.exchanges.total;
    assert_eq!(presented, 1 + IN_FLIGHT as u64);

    for (user, _) in &users[1 + IN_FLIGHT..] {
        let begun = Instant::now();
        client
            .all_submitted(&[client.post(user, &format!("later-{user}")).await], &["unavailable"], PATIENCE)
            .await;
        assert!(begun.elapsed() < Duration::from_secs(TOKEN_PATIENCE.into()), "it waited for a token");
    }
    // No order was put off, and nobody was asked again.
    let claims = "(SELECT max(claim_number) FROM {schema}orders)";
    assert_eq!(shop.database.value(shop.folder.path(), claims).await, "1");
    assert_eq!(shop.stats().await.exchanges.total, presented);

    let well = json!({ "failure_rate": 0.0 });
    shop.tell_sandbox("/sandbox/options", json!({ "token": well })).await;
    let mut cart = 0;
    until("orders with tokens", PATIENCE, async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cart += 1;
        let order = client.ended(&client.post("u-2", &format!("again-{cart}")).await, PATIENCE).await;
        order["token"] == "fresh"
    })
    .await;
    assert!(served.program.terminate().await.success());

    let [opened] = &opened()[..] else { panic!("not told once: {:#?}", opened()) };
    assert_eq!((&opened["level"], &opened["endpoint"]), (&json!("WARN"), &json!("token")), "{opened}");
    assert!(opened["cause"].as_str().unwrap().ends_with("5 failures in a row"), "{opened}");
    let pause = opened["pause_s"].as_f64().unwrap();
    assert!((f64::from(TOKEN_PATIENCE)..=f64::from(PAUSE)).contains(&pause), "{opened}");
    let [closed] = &told(&shop, "circuit breaker closed")[..] else { panic!("not told once") };
    assert_eq!((&closed["level"], &closed["endpoint"]), (&json!("INFO"), &json!("token")), "{closed}");
    // Nothing else warns of it.
    let own = |line: &&Value| line["target"].as_str().unwrap().starts_with("klarna_order_worker");
    let about = |line: &&Value| {
        ["vault", "klarna", "worker"].iter().any(|module| {
            line["target"].as_str().unwrap().starts_with(&format!("klarna_order_worker::{module}"))
        })
    };
    let log = shop.log("a");
    let others = log
        .iter()
        .filter(own)
        .filter(about)
        .filter(|line| line["level"] == "WARN" || line["level"] == "ERROR");
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&Value>::new());

    let stats = shop.stats().await;
    assert_eq!((stats.orders.duplicates, stats.exchanges.spent_presented), (0, 0), "{stats:?}");
    shop.close().await;
}

/// The lines of the log with these words.
fn told(shop: &Shop, words: &str) -> Vec<Value> {
    let said = |line: &Value| line["message"].as_str().is_some_and(|message| message.contains(words));
    shop.log_with("a", words).into_iter().filter(said).collect()
}

/// What the order waited for, or waits for, as its history tells.
async fn waited(client: &Client, order: &str) -> Vec<String> {
    let text = client.get_text(&format!("/v1/orders/{order}?history=true")).await;
    let order: Value = serde_json::from_str(&text).unwrap();
    let events = order["history"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap());
    events.filter(|what| what.starts_with("wait")).map(str::to_owned).collect()
}

/// The pause is longer than an order waits for its token. Before the order asks for one, it waits
/// for Checkout.
async fn an_order_that_waits_for_checkout_keeps_its_patience_for_a_token(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.change_settings("a", PATIENT, "token_patience = \"5s\"");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(2).await).await;
    let busy = |rate: u32| json!({ "failure_rate": rate, "failures": ["503"], "retry_after": "6s" });
    shop.tell_sandbox("/sandbox/options", json!({ "checkout": busy(1) })).await;
    let first = client.post("u-1", "first").await;
    until("a pause", PATIENCE, async || client.order(&first, "100ms").await["attempts"] == 1).await;
    shop.tell_sandbox("/sandbox/options", json!({ "checkout": busy(0) })).await;

    let second = client.post("u-2", "second").await;
    let ended = client.ended(&second, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["token"]), (&json!("submitted"), &json!("fresh")), "{ended}");
    client.all_submitted(std::slice::from_ref(&first), &["cached"], PATIENCE).await;
    // Its history says so, at each entry point. The other order waited between its attempts only.
    let waits = "for a pause of checkout calls that Klarna asked for";
    let events = waited(&client, &second).await;
    let [only] = &events[..] else { panic!("{events:?}") };
    assert!(only.starts_with("waited ") && only.ends_with(waits), "{only}");
    let shown = shop.run("a", &["orders", "show", &second]);
    let told = |event: &Value| event["what"] == only.as_str();
    assert_eq!(
        shown[0]["history"].as_array().unwrap().iter().filter(|event| told(event)).count(),
        1,
        "{shown:?}"
    );
    let page = client.get_text(&format!("/orders/{second}")).await;
    assert_eq!(page.matches(waits).count(), 1, "{page}");
    assert_eq!(waited(&client, &first).await, [""; 0]);

    // So it does while an order waits for its token.
    let busy = |rate: f64| json!({ "failure_rate": rate, "failures": ["429"], "retry_after": "1s" });
    shop.tell_sandbox("/sandbox/options", json!({ "token": busy(1.0) })).await;
    let third = client.post("u-2", "third").await;
    until("a wait", PATIENCE, async || {
        waited(&client, &third).await.iter().any(|event| event.ends_with("for its token"))
    })
    .await;
    shop.tell_sandbox("/sandbox/options", json!({ "token": busy(0.0) })).await;
    assert_eq!(client.ended(&third, PATIENCE).await["status"], "submitted");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// The order is sent without a token, and Checkout fails. At the next attempt, its patience is
/// over.
async fn a_wait_for_the_token_counts_although_the_attempt_failed(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.change_settings("a", PATIENT, "token_patience = \"2s\"");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    shop.hold("token", true).await;
    let busy = |rate: u32| json!({ "failure_rate": rate, "failures": ["503"] });
    shop.tell_sandbox("/sandbox/options", json!({ "checkout": busy(1) })).await;
    let id = client.post("u-1", "first").await;
    until("a failed attempt", PATIENCE, async || client.order(&id, "100ms").await["attempts"] != 0).await;
    let waited = "(SELECT CAST(token_waited AS TEXT) FROM {schema}orders)";
    let waited = shop.database.value(shop.folder.path(), waited).await;
    assert!(waited.parse::<u64>().unwrap() >= 2_000_000, "{waited}");
    shop.hold("token", false).await;
    shop.tell_sandbox("/sandbox/options", json!({ "checkout": busy(0) })).await;
    assert_eq!(client.ended(&id, PATIENCE).await["status"], "submitted");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
