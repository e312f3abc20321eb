//! A row that the program cannot read makes only its own order fail.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::shop::{Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(a_row_that_cannot_be_read_fails_alone);

async fn a_row_that_cannot_be_read_fails_alone(database: Database) {
    const ORDERS: usize = 20;
    let shop = Shop::open(database, &[], "");
    let lines: Vec<String> = (0..ORDERS + 3)
        .map(|n| json!({ "merchant": "shop", "user": format!("w-{n}"), "order": order() }).to_string())
        .collect();
    std::fs::write(shop.folder.path().join("orders.jsonl"), lines.join("\n")).unwrap();
    let taken = shop.run("a", &["enqueue", "orders.jsonl"]);
    let ids: Vec<&str> = taken.iter().map(|line| line["id"].as_str().unwrap()).collect();
    let absurd = match shop.database {
        Database::Sqlite => "9000000000000000000",
        Database::Postgres { .. } => "'290000-01-01'",
    };
    for statement in [
        format!("UPDATE {{schema}}orders SET deadline_at = {absurd} WHERE user_id = 'w-1'"),
        "UPDATE {schema}orders SET error = '{broken' WHERE user_id = 'w-2'".to_owned(),
        format!("UPDATE {{schema}}orders SET accepted_at = {absurd} WHERE user_id = 'w-3'"),
    ] {
        shop.database.execute(shop.folder.path(), &statement).await;
    }

    let served = shop.serve("a");
    let client = served.client();
    for (n, id) in ids.iter().enumerate() {
        let order = client.ended(id, PATIENCE).await;
        if (1..=3).contains(&n) {
            assert_eq!(
                (&order["status"], &order["error"]["code"]),
                (&json!("failed"), &json!("unreadable_row")),
                "{order}"
            );
        } else {
            assert_eq!(order["status"], "submitted", "{order}");
        }
    }
    assert_eq!(shop.stats().await.orders.total, ORDERS as u64);

    // Unreadable rows that have ended do not break lists either.
    for statement in [
        "UPDATE {schema}orders SET prefilled = '[broken' WHERE user_id = 'w-5'".to_owned(),
        "UPDATE {schema}orders SET token_outcome = 'unheard_of' WHERE user_id = 'w-6'".to_owned(),
        format!("UPDATE {{schema}}orders SET ended_at = {absurd} WHERE user_id = 'w-7'"),
    ] {
        shop.database.execute(shop.folder.path(), &statement).await;
    }
    let unreadable =
        |orders: &[Value]| orders.iter().filter(|order| order["error"]["code"] == "unreadable_row").count();
    let page: Value = serde_json::from_str(&client.get_text("/v1/orders?limit=100").await).unwrap();
    let listed = page["orders"].as_array().unwrap();
    assert_eq!(listed.len(), ORDERS + 3);
    assert!(unreadable(listed) >= 5, "{page}");
    assert_eq!(shop.run("a", &["orders", "list", "--limit", "100"]).len(), ORDERS + 3);
    assert_eq!(unreadable(&shop.run("a", &["orders", "show", ids[5]])), 1);
    for path in ["/orders", &format!("/orders/{}", ids[6])] {
        assert!(client.get_text(path).await.contains("unreadable_row"), "{path}");
    }
    assert!(served.program.terminate().await.success());
}
