//! The Rust door: an order in a transaction of the caller's own. `examples/in_your_transaction.rs` shows it, and
//! `tests/cli/example.rs` runs that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::intake::{Intake, IntakeError};
use klarna_order_worker::order::NewOrder;
use test_support::merchant::merchant;

use crate::support::stores::{Db, both_engines};

both_engines![an_order_exists_if_and_only_if_its_transaction_commits];

fn order(user: &str) -> NewOrder {
    let order = r#"{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_tax_amount":4545}]}"#;
    NewOrder::parse(&format!(r#"{{"merchant":"shop","user":"{user}","order":{order},"idempotency_key":"k"}}"#)).unwrap()
}

fn intake(db: &Db) -> Intake {
    let merchants = BTreeMap::from([("shop".into(), Arc::new(merchant("http://127.0.0.1:1")))]);
    Intake::new(db.store.clone(), Arc::new(merchants), Duration::from_mins(10), db.clock.clone())
}

async fn an_order_exists_if_and_only_if_its_transaction_commits(db: Db) {
    let intake = intake(&db);
    let mut shop = db.raw().await;
    for (end, there) in [("ROLLBACK", 0), ("COMMIT", 1)] {
        shop.execute("BEGIN").await;
        let first = intake.accept(shop.orders(), order("u")).await.unwrap();
        let again = intake.accept(shop.orders(), order("u")).await.unwrap();
        assert_eq!((first.new, again.new, again.id), (true, false, first.id));
        let other = intake.accept(shop.orders(), order("v")).await.unwrap_err();
        assert!(matches!(other, IntakeError::KeyReused(id) if id == first.id), "{other}");
        shop.execute(end).await;
        assert_eq!(db.count("orders").await, there, "{end}");
        assert_eq!(db.store.order(first.id).await.unwrap().is_some(), there == 1);
    }
}
