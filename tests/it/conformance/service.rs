//! The service's clock: the system's, or the database's if that is another machine's.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::clock::Clock;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::order::{Disposition, OrderId, Status, Waits};
use klarna_order_worker::store::{ClaimAttempt, Inserted, OrderRow, Reclaimed, Worker};
use klarna_order_worker::token::{Intended, Registered, Settled};
use uuid::Uuid;

use super::orders::order;
use super::settling::error;
use super::tokens::{end, intent, new_token, provider, successor};
use crate::support::stores::{Db, both_engines};

both_engines![an_order_and_its_token_go_their_way, an_order_goes_in_with_the_transaction_of_its_caller,];

/// The largest difference between two clocks on one machine.
const CLOSE: TimeDelta = TimeDelta::seconds(30);

pub async fn an_order_and_its_token_go_their_way(db: Db) {
    let clock = Clock::system();
    let store = db.open_with(&clock).await;
    let worker = Worker { id: Uuid::now_v7().into(), instance: Uuid::new_v4().into(), name: "host/1".into() };
    store.begin_worker(&worker).await.unwrap();
    let row = OrderRow { id: OrderId::new(clock.now()), ..order(&db, "u") };
    assert_eq!(store.insert_orders(std::slice::from_ref(&row)).await.unwrap(), [Inserted::New(row.id)]);
    assert_eq!(store.due_merchants().await.unwrap(), ["shop"]);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert!(matches!(store.register_token(&new_token(&db, "u", 1)).await.unwrap(), Registered::Stored(_)));

    let shares = BTreeMap::from([("shop".into(), 1)]);
    let claimed = store.claim_orders(worker.id, &shares, None).await.unwrap().remove(0);
    assert!((claimed.claimed_at - clock.now()).abs() < CLOSE);
    let ClaimAttempt::Claimed(mut claim) =
        store.claim_token(&UserKey::new("shop", "u"), provider()).await.unwrap()
    else {
        panic!()
    };
    assert!((claim.token().now - clock.now()).abs() < CLOSE);
    let sent = intent(&*claim, worker.id);
    assert_eq!(claim.intend(&sent).await.unwrap(), Intended::Recorded);
    assert_eq!(claim.settle(&end(&db, &sent, successor(&db, 2))).await.unwrap(), Settled::Written);
    assert!(
        (store.token(&UserKey::new("shop", "u")).await.unwrap().unwrap().updated_at - clock.now()).abs()
            < CLOSE
    );

    let retry = Disposition::Retry {
        after: Duration::ZERO,
        error: error("away"),
        possible_duplicate: false,
        token_waited: Duration::ZERO,
    };
    assert!(store.settle_order(&claimed.claim, &retry).await.unwrap().is_some());
    let again = store.claim_orders(worker.id, &shares, None).await.unwrap().remove(0);
    assert!(store.heartbeat(worker.id).await.unwrap().is_some());
    assert_eq!(store.reclaim(&[]).await.unwrap(), Reclaimed::default());
    let snooze = Disposition::Snooze {
        after: Duration::from_mins(10),
        error: None,
        token_waited: Duration::ZERO,
        waits: Waits::default(),
    };
    assert!(store.settle_order(&again.claim, &snooze).await.unwrap().is_some());
    let due = store.next_due().await.unwrap().unwrap();
    assert!(due > Duration::from_mins(9) && due <= Duration::from_mins(10), "{due:?}");

    let view = store.order(row.id).await.unwrap().unwrap();
    assert_eq!((view.status, view.attempts), (Status::Queued, 1));
    assert_eq!(view.deadline_at, view.accepted_at + row.order_deadline);
    assert!((view.accepted_at - clock.now()).abs() < CLOSE);
    store.end_worker(worker.id).await.unwrap();
}

async fn an_order_goes_in_with_the_transaction_of_its_caller(db: Db) {
    let mut shop = db.raw().await;
    let row = OrderRow { idempotency_key: Some("k".into()), ..order(&db, "u") };
    for end in ["ROLLBACK", "COMMIT"] {
        shop.execute("BEGIN").await;
        assert_eq!(shop.orders().insert_order(&row).await.unwrap(), Inserted::New(row.id));
        assert_eq!(shop.orders().insert_order(&row).await.unwrap(), Inserted::Same(row.id));
        shop.execute(end).await;
        assert_eq!(db.store.order(row.id).await.unwrap().is_some(), end == "COMMIT");
    }
}
