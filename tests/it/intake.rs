//! Orders that a Rust program submits inside its own transaction. `examples/in_your_transaction.rs`
//! shows this, and `tests/cli/example.rs` runs it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use klarna_order_worker::config::Merchant;
use klarna_order_worker::intake::{Intake, IntakeError};
use klarna_order_worker::order::{NewOrder, Rejection, Target};
use test_support::merchant::merchant;

use crate::support::stores::{Db, both_engines};

both_engines![
    an_order_exists_if_and_only_if_its_transaction_commits,
    an_order_for_a_target_without_an_address_is_refused,
    the_check_of_a_batch_lets_others_run,
];

fn order(user: &str) -> NewOrder {
    let order = r#"{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_tax_amount":4545}]}"#;
    let envelope = format!(r#"{{"merchant":"shop","user":"{user}","order":{order},"idempotency_key":"k"}}"#);
    NewOrder::parse(&envelope, |_| Target::Checkout).unwrap()
}

fn intake(db: &Db) -> Intake {
    let merchants = BTreeMap::from([("shop".into(), Arc::new(merchant("http://127.0.0.1:1")))]);
    Intake::new(db.store.clone(), merchants.into(), Duration::from_mins(10), db.clock.clone())
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

async fn an_order_for_a_target_without_an_address_is_refused(db: Db) {
    let payments =
        Merchant { target: Target::Payments, checkout_url: None, ..merchant("http://127.0.0.1:1") };
    let merchants = BTreeMap::from([("shop".into(), Arc::new(payments))]);
    let intake = Intake::new(db.store.clone(), merchants.into(), Duration::from_mins(10), db.clock.clone());
    let accepted = intake.submit(order("u")).await.unwrap().accepted;
    assert_eq!(db.store.order(accepted.id).await.unwrap().unwrap().target, Some(Target::Payments));
    let other = NewOrder { target: Some(Target::Checkout), idempotency_key: None, ..order("u") };
    let IntakeError::Rejected(Rejection::Faults(faults)) = intake.submit(other).await.unwrap_err() else {
        panic!("not refused")
    };
    assert_eq!(faults[0].pointer, "/target");
}

/// On one thread. The orders are refused, so nothing else is waited for.
async fn the_check_of_a_batch_lets_others_run(db: Db) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    });
    let unknown = || NewOrder { merchant: "nobody".into(), ..order("u") };
    let outcomes = intake(&db).submit_all((0..100).map(|_| unknown()).collect()).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(IntakeError::Rejected(_)))));
    let runs = runs.load(Ordering::SeqCst);
    assert!(runs > 50, "{runs}");
    other.abort();
}
