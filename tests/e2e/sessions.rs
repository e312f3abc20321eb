//! What becomes of a submitted order at Klarna.

use std::time::Duration;

use klarna_sandbox::{Event, What};
use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::receiver::{Answer, Receiver};
use test_support::service::Client;
use test_support::shop::{PASSWORD, Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const PUSH_SECRET: &str = "9f2c4e7b1a6d8053c2b7e4f1";

both_engines!(an_order_is_read_at_klarna);
both_engines!(a_cart_changes_before_and_after_it_is_submitted);
both_engines!(a_carts_key_never_leads_into_a_dead_end);
both_engines!(a_push_becomes_one_event_and_is_acknowledged);

/// Submits an order for a target, and waits for its end.
pub async fn submitted(client: &Client, key: &str, target: &str) -> Value {
    let envelope = json!({ "merchant": "shop", "user": "u-1", "order": order(), "target": target });
    let (status, answer) = client.try_submit(key, &envelope).await.unwrap();
    assert_eq!(status, 202, "{answer}");
    let ended = client.ended(answer["id"].as_str().unwrap(), PATIENCE).await;
    assert_eq!(ended["status"], "submitted", "{ended}");
    ended
}

/// Gets an order after it was read at Klarna.
pub async fn refreshed(client: &Client, order: &Value) -> Value {
    let path = format!("/v1/orders/{}?refresh=true", order["id"].as_str().unwrap());
    serde_json::from_str(&client.get_text(&path).await).unwrap()
}

/// Gets an order as the service knows it.
pub async fn kept(client: &Client, order: &Value) -> Value {
    serde_json::from_str(&client.get_text(&format!("/v1/orders/{}", order["id"].as_str().unwrap())).await)
        .unwrap()
}

fn without(order: &Value, member: &str) -> Value {
    let mut order = order.clone();
    order.as_object_mut().unwrap().remove(member);
    order
}

async fn an_order_is_read_at_klarna(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;

    // Checkout: open, then paid. What was read stays with the order, snippet included.
    let first = submitted(&client, "k-1", "checkout").await;
    assert!(first.get("session").is_none(), "{first}");
    let open = refreshed(&client, &first).await;
    let session = &open["session"];
    assert_eq!(
        (&session["phase"], &session["status"]),
        (&json!("open"), &json!("checkout_incomplete")),
        "{open}"
    );
    assert_eq!(
        (&session["order_amount"], &session["purchase_currency"]),
        (&json!(50_000), &json!("SEK")),
        "{open}"
    );
    assert_eq!(without(&open, "session"), first, "nothing else has changed");
    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": first["klarna_order_id"] })).await;
    let paid = refreshed(&client, &first).await;
    assert_eq!(
        (&paid["session"]["phase"], &paid["attempts"]),
        (&json!("completed"), &first["attempts"]),
        "{paid}"
    );
    assert!(paid["html_snippet"].as_str().unwrap().contains("confirmation"), "{paid}");
    assert_eq!(kept(&client, &first).await, paid);

    // Payments.
    let second = submitted(&client, "k-2", "payments").await;
    let open = refreshed(&client, &second).await;
    assert_eq!(
        (&open["session"]["status"], &open["client_token"]),
        (&json!("incomplete"), &second["client_token"])
    );

    // Klarna does not know it any more.
    let third = submitted(&client, "k-3", "checkout").await;
    let klarna_id = third["klarna_order_id"].as_str().unwrap();
    abort(&shop, klarna_id).await;
    let over = refreshed(&client, &third).await;
    assert_eq!(
        (&over["session"]["phase"], &over["session"]["status"]),
        (&json!("ended"), &json!("not_found"))
    );
    assert_eq!(
        (&over["status"], &over["html_snippet"]),
        (&json!("submitted"), &third["html_snippet"]),
        "{over}"
    );

    // A call that fails costs the order nothing, and nothing opens the breaker of the create calls.
    for _ in 0..6 {
        let fails = json!({ "endpoint": "payments", "failure": "500" });
        shop.tell_sandbox("/sandbox/fail", fails).await;
        let failed = refreshed(&client, &second).await;
        let code = failed["refresh_error"]["code"].as_str().unwrap();
        assert!(["klarna_unavailable", "klarna_paused"].contains(&code), "{failed}");
        assert_eq!(without(&failed, "refresh_error"), open, "the order is as it was");
    }
    let paused = &refreshed(&client, &second).await["refresh_error"];
    assert_eq!(paused["code"], "klarna_paused", "{paused}");
    assert!(paused["message"].as_str().unwrap().contains("; next try in "), "{paused}");
    let metrics = client.get_text("/metrics").await;
    assert!(
        metrics.contains(
            r#"klarna_worker_breaker_openings_total{merchant="shop",endpoint="payments_session"} 1"#
        ),
        "{metrics}"
    );
    assert!(!metrics.contains(r#"endpoint="payments"} 1"#), "{metrics}");

    // A command reads it, too.
    let shown = shop.run("a", &["orders", "show", third["id"].as_str().unwrap(), "--refresh"]);
    assert_eq!(shown[0]["session"]["status"], "not_found", "{shown:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// The order with six T-shirts.
pub fn more() -> Value {
    let mut order = order();
    order["order_amount"] = json!(60_000);
    order["order_tax_amount"] = json!(5_455);
    let line = &mut order["order_lines"][0];
    line["quantity"] = json!(6);
    line["total_amount"] = json!(60_000);
    line["total_tax_amount"] = json!(5_455);
    order
}

#[track_caller]
pub fn is_problem(answer: (u16, Value), status: u16, kind: &str) -> Value {
    let (answered, problem) = answer;
    let expected = json!(format!("urn:klarna-order-worker:problem:{kind}"));
    assert_eq!((answered, &problem["type"]), (status, &expected), "{problem}");
    problem
}

async fn a_cart_changes_before_and_after_it_is_submitted(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(2).await).await;

    // While it is queued: Klarna gets the new body only.
    let not_before = klarna_order_worker::clock::Clock::system().now() + Duration::from_secs(10);
    let envelope = json!({ "merchant": "shop", "user": "u-2", "order": order(), "not_before": not_before });
    let (_, queued) = client.try_submit("k-0", &envelope).await.unwrap();
    let (status, changed) = client.change(queued["id"].as_str().unwrap(), "\"1\"", &more()).await;
    assert_eq!(
        (status, &changed["version"], &changed["status"]),
        (200, &json!(2), &json!("queued")),
        "{changed}"
    );
    client.ended(queued["id"].as_str().unwrap(), PATIENCE).await;
    assert_eq!(refreshed(&client, &queued).await["session"]["order_amount"], 60_000);

    // Once it is submitted: at Klarna, without a token.
    for (key, target, secret) in [("k-1", "checkout", "html_snippet"), ("k-2", "payments", "client_token")] {
        let first = submitted(&client, key, target).await;
        let id = first["id"].as_str().unwrap();
        let exchanges = shop.stats().await.exchanges;
        let (status, changed) = client.change(id, "\"1\"", &more()).await;
        assert_eq!((status, &changed["version"]), (200, &json!(2)), "{changed}");
        assert_eq!(changed[secret], first[secret], "{changed}");
        assert_eq!(client.change(id, "\"1\"", &more()).await.1["version"], 2, "a repeated request");
        assert_eq!(refreshed(&client, &first).await["session"]["order_amount"], 60_000, "{target}");
        assert_eq!(shop.stats().await.exchanges, exchanges, "no token was used");
        is_problem(client.change(id, "\"1\"", &order()).await, 412, "precondition-failed");

        // Klarna refuses it, or cannot be asked.
        let mut antarctic = order();
        antarctic["purchase_country"] = json!("AQ");
        let refused = is_problem(client.change(id, "*", &antarctic).await, 422, "klarna-refused");
        assert!(refused["faults"][0]["message"].as_str().unwrap().contains("purchase_country"), "{refused}");
        shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": target, "failure": "500" })).await;
        is_problem(client.change(id, "\"2\"", &order()).await, 503, "klarna-unavailable");
        assert_eq!(kept(&client, &first).await["version"], 2);
        let (status, changed) = client.change(id, "\"2\"", &order()).await;
        assert_eq!((status, &changed["version"]), (200, &json!(3)), "{changed}");
        // A call without an answer may still arrive, and must not overtake the next one.
        shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": target, "failure": "lost" })).await;
        is_problem(client.change(id, "\"3\"", &more()).await, 503, "klarna-unavailable");
        is_problem(client.change(id, "\"3\"", &order()).await, 409, "order-busy");
    }
    let id = queued["id"].as_str().unwrap();
    std::fs::write(shop.folder.path().join("order.json"), order().to_string()).unwrap();
    let printed = shop.run("a", &["orders", "update", id, "order.json", "--if-version", "2", "--yes"]);
    assert_eq!((&printed[0]["version"], &printed[0]["session"]["order_amount"]), (&json!(3), &json!(50_000)));

    // Completed.
    let paid = kept(&client, &queued).await;
    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": paid["klarna_order_id"] })).await;
    let problem = is_problem(client.change(id, "\"3\"", &more()).await, 409, "wrong-status");
    assert!(problem["detail"].as_str().unwrap().contains("completed"), "{problem}");
    assert_eq!(kept(&client, &queued).await["session"]["phase"], "completed");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_carts_key_never_leads_into_a_dead_end(database: Database) {
    let shop = Shop::open(database, &[], "[retention]\nbodies = \"30d\"");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let post = async |order: &Value| {
        let envelope = json!({ "merchant": "shop", "user": "u-1", "order": order });
        let (status, answer) = client.try_submit("cart-1", &envelope).await.unwrap();
        (status, answer)
    };

    // While the session is open, the same order, also after two days: Klarna is asked.
    let first = submitted(&client, "cart-1", "checkout").await;
    let two_days_ago = |id: &Value| {
        let id = id.as_str().unwrap().to_owned();
        match &shop.database {
            Database::Sqlite => format!(
                "UPDATE orders SET ended_at = ended_at - 172800000000 WHERE id = x'{}'",
                id.replace('-', "")
            ),
            Database::Postgres { .. } => format!(
                "UPDATE klarna_worker.orders SET ended_at = ended_at - interval '48 hours' WHERE id = '{id}'"
            ),
        }
    };
    shop.database.execute(shop.folder.path(), &two_days_ago(&first["id"])).await;
    let same = json!({ "merchant": "shop", "user": "u-1", "order": order(), "target": "checkout" });
    let again = client.try_submit("cart-1", &same).await.unwrap().1;
    assert_eq!((&again["id"], &again["session"]["phase"]), (&first["id"], &json!("open")), "{again}");
    assert_eq!(post(&more()).await.0, 422, "another request");

    // It has ended at Klarna: the same request makes a new order.
    abort(&shop, first["klarna_order_id"].as_str().unwrap()).await;
    let second = client.try_submit("cart-1", &same).await.unwrap().1;
    assert_eq!(second["supersedes"], first["id"], "{second}");
    assert_eq!(kept(&client, &first).await["superseded_by"], second["id"]);
    let second = client.ended(second["id"].as_str().unwrap(), PATIENCE).await;
    assert_ne!(second["klarna_order_id"], first["klarna_order_id"]);

    // One that was paid is never made again.
    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": second["klarna_order_id"] })).await;
    shop.database.execute(shop.folder.path(), &two_days_ago(&second["id"])).await;
    let paid = client.try_submit("cart-1", &same).await.unwrap().1;
    assert_eq!((&paid["id"], &paid["session"]["phase"]), (&second["id"], &json!("completed")), "{paid}");
    assert_eq!(shop.stats().await.orders.total, 2);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_push_becomes_one_event_and_is_acknowledged(database: Database) {
    let receiver = Receiver::start(|_| Answer::status(204)).await;
    let settings = format!(
        "webhook_url = \"{}\"\nwebhook_secrets = [\"{SIGNING}\"]\npush_secret = \"{PUSH_SECRET}\"",
        receiver.url
    );
    let shop = Shop::open(database, &[], &settings);
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let push = async |secret: &str, klarna_id: &Value| {
        let id = klarna_id.as_str().unwrap();
        let path = format!("/v1/push/shop/{secret}?klarna_order_id={id}");
        client.send_post(&path).await.status().as_u16()
    };

    let mut cart = order();
    cart["merchant_reference1"] = json!("cart-1001");
    let envelope = json!({ "merchant": "shop", "user": "u-1", "order": cart });
    let first = client.try_submit("k-1", &envelope).await.unwrap().1;
    let first = client.ended(first["id"].as_str().unwrap(), PATIENCE).await;
    assert_eq!(push("another-secret-that-is-wrong", &first["klarna_order_id"]).await, 404);
    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": first["klarna_order_id"] })).await;
    // The first call to Klarna fails: it is tried again.
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "checkout", "failure": "500" })).await;
    assert_eq!(push(PUSH_SECRET, &first["klarna_order_id"]).await, 204);
    acknowledged(&shop, &first["klarna_order_id"], 1).await;
    let done = r#"klarna_worker_follow_ups_total{merchant="shop",kind="push",result="done"} 1"#;
    until("the end of the call", PATIENCE, async || client.get_text("/metrics").await.contains(done)).await;
    // A push that comes again is read and acknowledged again, and tells nothing new.
    assert_eq!(push(PUSH_SECRET, &first["klarna_order_id"]).await, 204);
    acknowledged(&shop, &first["klarna_order_id"], 2).await;
    let shown = shop.run("a", &["orders", "show", first["id"].as_str().unwrap()]);
    let events = shown[0]["history"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap());
    let after = ["Klarna pushed the order", "its payment was read at Klarna", "acknowledged at Klarna"];
    let told = events.filter_map(|event| after.into_iter().find(|what| event.starts_with(what)));
    assert_eq!(told.collect::<Vec<_>>(), after, "{shown:?}");

    // Klarna has created an order twice, and the shopper has paid the one that the shop does not
    // know.
    let second = submitted(&client, "k-2", "checkout").await;
    let mut twin = order();
    twin["merchant_reference2"] = second["id"].clone();
    let url = format!("{}/checkout/v3/orders", shop.sandbox_url());
    let created = shop.sandbox_client().http.post(url).basic_auth("user", Some(PASSWORD));
    let created = created.body(twin.to_string()).send().await.unwrap().text().await.unwrap();
    let created: Value = serde_json::from_str(&created).unwrap();
    shop.tell_sandbox("/sandbox/pay", json!({ "klarna_id": created["order_id"] })).await;
    assert_eq!(push(PUSH_SECRET, &created["order_id"]).await, 204);
    acknowledged(&shop, &created["order_id"], 1).await;
    let told = kept(&client, &second).await;
    assert_eq!(told["session"]["other_klarna_order_id"], created["order_id"], "{told}");

    // One that nobody can pay any more, as a refresh finds.
    let third = submitted(&client, "k-3", "checkout").await;
    abort(&shop, third["klarna_order_id"].as_str().unwrap()).await;
    refreshed(&client, &third).await;
    receiver.reached(6).await;

    // What an erased user could still pay is aborted.
    let fourth = submitted(&client, "k-4", "checkout").await;
    assert_eq!(client.send_delete("/v1/merchants/shop/users/u-1").await.status(), 204);
    until("an abort", PATIENCE, async || {
        let record = shop.sandbox_client().record().await;
        let aborted = record.iter().filter_map(|event| match &event.what {
            What::Aborted { klarna_id } => Some(json!(klarna_id)),
            _ => None,
        });
        aborted.collect::<Vec<_>>() == [third["klarna_order_id"].clone(), fourth["klarna_order_id"].clone()]
    })
    .await;
    assert!(served.program.terminate().await.success());

    let events: Vec<Value> =
        receiver.requests().iter().map(|event| serde_json::from_slice(&event.body).unwrap()).collect();
    let of = |kind: &str| {
        let of_kind = events.iter().filter(|event| event["type"] == kind);
        of_kind.map(|event| event["data"].clone()).collect::<Vec<_>>()
    };
    let completed = of("order.completed");
    assert_eq!(completed.len(), 2, "{events:#?}");
    let expected = json!({
        "order_id": first["id"], "merchant": "shop", "user": "u-1", "target": "checkout",
        "klarna_order_id": first["klarna_order_id"], "merchant_reference1": "cart-1001",
        "order_amount": 50_000, "purchase_currency": "SEK", "status": "AUTHORIZED",
    });
    assert!(completed.contains(&expected), "{completed:#?}");
    let twin = completed.iter().find(|data| data["order_id"] == second["id"]).unwrap();
    assert_eq!(twin["klarna_order_id"], created["order_id"]);
    let expired = of("order.expired");
    assert_eq!((expired.len(), &expired[0]["order_id"]), (1, &third["id"]), "{events:#?}");
    assert_eq!(expired[0]["status"], "not_found");
    let log = std::fs::read_to_string(shop.folder.path().join("a.log")).unwrap();
    assert!(!log.contains(PUSH_SECRET), "the secret is in the log");
    shop.close().await;
}

/// Waits until the sandbox has seen this many acknowledgements of an order.
async fn acknowledged(shop: &Shop, klarna_id: &Value, times: usize) {
    until("an acknowledgement", PATIENCE, async || {
        let record = shop.sandbox_client().record().await;
        let of = |event: &&Event| matches!(&event.what, What::Acknowledged { klarna_id: id } if *klarna_id == json!(id));
        record.iter().filter(of).count() >= times
    })
    .await;
}

/// Aborts an order of Checkout at the sandbox, as the merchant.
async fn abort(shop: &Shop, klarna_id: &str) {
    let url = format!("{}/checkout/v3/orders/{klarna_id}/abort", shop.sandbox_url());
    let answer = shop.sandbox_client().http.post(url).basic_auth("user", Some(PASSWORD)).send().await;
    assert_eq!(answer.unwrap().status(), 200);
}
