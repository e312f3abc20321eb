//! Past outages: what is kept of circuit breakers that were open.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::{Shop, order};

const PATIENCE: Duration = Duration::from_mins(2);
/// Failures in a row that open a circuit breaker.
const FAILURES: usize = 5;

both_engines!(an_outage_of_two_processes_is_kept_once_with_its_end);

async fn an_outage_of_two_processes_is_kept_once_with_its_end(database: Database) {
    let shop = Shop::open(database, &[], "");
    // One process alone works on a SQLite file.
    let alone = matches!(shop.database, Database::Sqlite);
    shop.write_settings("b", "");
    let mut served = vec![shop.serve("a")];
    served.extend((!alone).then(|| shop.serve("b")));
    let client = served[0].client();
    client.register_all(&shop.sign_in(1).await).await;
    let listed = async || {
        let text = client.get_text("/v1/ops/outages").await;
        serde_json::from_str::<Value>(&text).unwrap()["outages"].as_array().unwrap().clone()
    };
    assert_eq!(listed().await, Vec::<Value>::new());

    let fails = |rate: f64| json!({ "checkout": { "failure_rate": rate, "failures": ["503"] } });
    shop.tell_sandbox("/sandbox/options", fails(1.0)).await;
    let mut ids = Vec::new();
    // Each process has its own failures, and runs its own orders first.
    for (at, served) in served.iter().enumerate() {
        let client = served.client();
        for number in 0..FAILURES {
            ids.push(client.post(&format!("nobody-{at}-{number}"), &format!("cart-{at}-{number}")).await);
        }
    }
    let waiting = || shop.run("a", &["breakers", "list"]);
    until("open circuit breakers in each process", PATIENCE, async || {
        waiting().iter().filter(|row| row["endpoint"] == "checkout").count() == served.len()
    })
    .await;
    // One order fails meanwhile.
    let deadline = klarna_order_worker::clock::Clock::system().now() + Duration::from_secs(5);
    let envelope = json!({ "merchant": "shop", "user": "nobody", "order": order(), "deadline": deadline });
    let (_, late) = client.try_submit("late", &envelope).await.unwrap();
    let late = client.ended(late["id"].as_str().unwrap(), PATIENCE).await;
    assert_eq!(late["error"]["code"], "deadline_exceeded", "{late}");
    until("a kept outage", PATIENCE, async || !listed().await.is_empty()).await;
    let [running] = &listed().await[..] else { panic!("{:?}", listed().await) };
    assert_eq!(
        (&running["merchant"], &running["endpoint"]),
        (&json!("shop"), &json!("checkout")),
        "{running}"
    );
    assert!(
        running["cause"].as_str().unwrap().contains("503") && running.get("until").is_none(),
        "{running}"
    );

    shop.tell_sandbox("/sandbox/options", fails(0.0)).await;
    shop.run("a", &["breakers", "probe", "--merchant", "shop"]);
    client.all_submitted(&ids, &["not_registered"], PATIENCE).await;
    until("the end of the outage", PATIENCE, async || listed().await[0].get("until").is_some()).await;
    let [over] = &listed().await[..] else { panic!("{:?}", listed().await) };
    assert_eq!((&over["since"], &over["cause"]), (&running["since"], &running["cause"]), "{over}");
    assert_eq!(shop.run("a", &["breakers", "outages"]), std::slice::from_ref(over));
    assert!(shop.run("a", &["breakers", "outages", "--merchant", "other"]).is_empty());

    // The page leads to the order that failed.
    assert!(client.get_text("/").await.contains("href=\"/outages\""));
    let page = client.get_text("/outages").await;
    let (_, link) = page.split_once("href=\"/orders?").expect(&page);
    let link = format!("/orders?{}", link.split_once('"').unwrap().0.replace("&amp;", "&"));
    let orders = client.get_text(&link).await;
    assert_eq!(orders.matches("<a class=\"id\"").count(), 1, "{link}: {orders}");
    assert!(orders.contains(late["id"].as_str().unwrap()), "{link}: {orders}");
    for served in served {
        assert!(served.program.terminate().await.success());
    }
    shop.close().await;
}
