//! Orders for Klarna Payments, submitted in every way.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _};
use test_support::engine::{Database, both_engines};
use test_support::receiver::{Answer, Receiver};
use test_support::service::Client;
use test_support::shop::{Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

both_engines!(a_merchants_orders_become_sessions);

/// A body that only the rules of Klarna Payments allow: without tax, and with a sum that is off by
/// three for five items.
fn session() -> Value {
    let mut session = order();
    session.as_object_mut().unwrap().remove("order_tax_amount");
    session["order_amount"] = json!(50_003);
    session["intent"] = json!("buy");
    session
}

/// Submits an order with more members of the envelope, and waits for its end.
async fn ended(client: &Client, user: &str, key: &str, order: &Value, more: Value) -> Value {
    let mut envelope = json!({ "merchant": "shop", "user": user, "order": order });
    envelope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, answer) = client.try_submit(key, &envelope).await.unwrap();
    assert_eq!(status, 202, "{answer}");
    client.ended(answer["id"].as_str().unwrap(), PATIENCE).await
}

#[track_caller]
fn is_session(order: &Value, token: &str) {
    assert_eq!((&order["status"], &order["token"]), (&json!("submitted"), &json!(token)), "{order}");
    assert_eq!((&order["target"], &order["prefilled"]), (&json!("payments"), &json!([])), "{order}");
    assert!(order["session_id"].is_string() && order["client_token"].is_string(), "{order}");
    assert_eq!(order["payment_method_categories"][0]["identifier"], "klarna", "{order}");
    assert!(order.get("klarna_order_id").is_none() && order.get("html_snippet").is_none(), "{order}");
}

async fn a_merchants_orders_become_sessions(database: Database) {
    let receiver = Receiver::start(|_| Answer::status(204)).await;
    let settings = format!(
        "target = \"payments\"\nwebhook_url = \"{}\"\nwebhook_secrets = [\"{SECRET}\"]",
        receiver.url
    );
    let shop = Shop::open(database, &[], &settings);
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(6).await).await;

    // By the merchant's setting, with and without a token.
    let first = ended(&client, "u-1", "k-1", &session(), json!({})).await;
    is_session(&first, "fresh");
    let (status, again) = client.try_post("u-1", "k-1", &session()).await.unwrap();
    assert_eq!((status, &again["session_id"]), (202, &first["session_id"]), "the same order again");
    is_session(&ended(&client, "stranger", "k-2", &session(), json!({})).await, "not_registered");

    // By the order's own `target`.
    let page = ended(&client, "u-2", "k-3", &order(), json!({ "target": "checkout" })).await;
    assert_eq!((&page["target"], &page["status"]), (&json!("checkout"), &json!("submitted")), "{page}");
    assert!(page["html_snippet"].is_string() && page.get("client_token").is_none(), "{page}");
    assert_ne!(page["prefilled"], json!([]), "{page}");
    let filled = ended(&client, "u-3", "k-4", &session(), json!({ "prefill": true })).await;
    assert_eq!((&filled["token"], filled["prefilled"] != json!([])), (&json!("fresh"), true), "{filled}");
    let checkout = json!({ "merchant": "shop", "user": "u-1", "order": session(), "target": "checkout" });
    let (status, problem) = client.try_submit("k-5", &checkout).await.unwrap();
    assert_eq!(
        (status, &problem["faults"][0]["pointer"]),
        (422, &json!("/order/order_tax_amount")),
        "{problem}"
    );

    // Klarna's other answers are handled as for every target.
    for (user, failure, doubtful) in
        [("u-4", "500-processed", true), ("u-5", "429", false), ("u-6", "lost", true)]
    {
        shop.tell_sandbox(
            "/sandbox/fail",
            json!({ "endpoint": "payments", "user": user, "failure": failure }),
        )
        .await;
        let order = ended(&client, user, &format!("k-{user}"), &session(), json!({})).await;
        assert_eq!(
            (&order["status"], &order["attempts"]),
            (&json!("submitted"), &json!(2)),
            "{failure}: {order}"
        );
        assert_eq!(order["possible_duplicate"], json!(doubtful), "{failure}: {order}");
    }
    let mut antarctic = session();
    antarctic["purchase_country"] = json!("AQ");
    let refused = ended(&client, "u-1", "k-6", &antarctic, json!({})).await;
    assert_eq!(refused["error"]["code"], "klarna_refused_order", "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("purchase_country"), "{refused}");

    if let Database::Postgres { url } = &shop.database {
        by_sql(url, &client).await;
    }

    let seen = shop.stats().await;
    assert_eq!((seen.sessions.not_recognised, seen.sessions.duplicates), (0, 2), "{seen:?}");
    assert_eq!(seen.leaks, klarna_sandbox::Leaks::default());
    let metrics = client.get_text("/metrics").await;
    for series in [
        r#"klarna_worker_orders_ended_total{merchant="shop",target="payments",status="submitted",token="fresh"}"#,
        r#"klarna_worker_create_duration_seconds_count{merchant="shop",target="payments",result="throttled"} 1"#,
    ] {
        assert!(metrics.contains(series), "{series}: {metrics}");
    }
    assert!(served.program.terminate().await.success());

    let events = receiver.requests();
    let events: Vec<Value> =
        events.iter().map(|event| serde_json::from_slice(&event.body).unwrap()).collect();
    let of = |order: &Value| events.iter().find(|event| event["data"]["order_id"] == order["id"]).unwrap();
    let told = &of(&first)["data"];
    assert_eq!((&told["target"], &told["session_id"]), (&json!("payments"), &first["session_id"]), "{told}");
    assert!(told.get("klarna_order_id").is_none(), "{told}");
    let told = &of(&page)["data"];
    assert_eq!(
        (&told["target"], &told["klarna_order_id"]),
        (&json!("checkout"), &page["klarna_order_id"]),
        "{told}"
    );
    assert_eq!(of(&refused)["data"]["target"], "payments");
    let secret = first["client_token"].as_str().unwrap();
    assert!(events.iter().all(|event| !event.to_string().contains(secret)));
    shop.close().await;
}

/// The SQL function takes the target as an argument, or leaves it to the merchant's setting.
async fn by_sql(url: &str, client: &Client) {
    let mut cart = PgConnection::connect(url).await.unwrap();
    for (arguments, body, target, member) in [
        ("", session(), "payments", "client_token"),
        (", target => 'checkout'", order(), "checkout", "html_snippet"),
    ] {
        let sql = format!("SELECT klarna_worker.enqueue_order('shop', 'u-1', $1::json{arguments})::text");
        let enqueue = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(body.to_string());
        let id: String = enqueue.fetch_one(&mut cart).await.unwrap().get(0);
        let ended = client.ended(&id, PATIENCE).await;
        assert_eq!((&ended["status"], &ended["target"]), (&json!("submitted"), &json!(target)), "{ended}");
        assert!(ended[member].is_string(), "{ended}");
    }
    let other = "SELECT klarna_worker.enqueue_order('shop', 'u-1', '{}', target => 'card')";
    let error = sqlx::query(other).execute(&mut cart).await.unwrap_err().into_database_error().unwrap();
    assert_eq!(error.message(), "target is 'card': write checkout or payments, or leave it out");
    cart.close().await.unwrap();
}
