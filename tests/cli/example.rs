//! `examples/in_your_transaction.rs`, run as a reader would.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use test_support::postgres::TestDatabase;

use crate::program::{Home, example};

/// Runs the example with the first order of `examples/orders.jsonl`. Returns the id that it prints.
fn submitted(home: &Home) -> String {
    let line: serde_json::Value = serde_json::from_str(example(1)).unwrap();
    home.write("order.json", line["order"].to_string());
    let id = home.run_example("in_your_transaction", &["config.toml", "alma", "order.json"]).exits(0).stdout;
    let orders = home.run(&["orders", "list", "--format", "json"]).exits(0).json();
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!((&orders[0]["id"], &orders[0]["user"]), (&id.trim().into(), &"alma".into()));
    id
}

#[tokio::test]
async fn an_order_goes_in_with_the_cart_on_sqlite() {
    let home = Home::new();
    submitted(&home);
    let options = SqliteConnectOptions::new().filename(home.path("data/worker.db"));
    let mut connection = options.connect().await.unwrap();
    let carts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(&mut connection).await.unwrap();
    assert_eq!(carts, 1);
}

#[tokio::test]
async fn an_order_goes_in_with_the_cart_on_postgres() {
    let database = TestDatabase::create().await;
    let home = Home::on_postgres(&database);
    submitted(&home);
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let carts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(&mut connection).await.unwrap();
    assert_eq!(carts, 1);
    connection.close().await.unwrap();
    database.remove().await;
}
