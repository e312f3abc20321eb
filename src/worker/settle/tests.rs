//! A late result while a later claim sends the order again: in memory, and in the spool.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use tempfile::TempDir;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::*;
use crate::clock::Clock;
use crate::config::{Database, Engine};
use crate::delivery::Waiters;
use crate::order::{
    ErrorCode, OrderError, OrderId, OrderView, Prefill, Status, Summary, Target, TokenOutcome,
};
use crate::store::{self, OrderRow, Store, Worker};
use crate::vault::instance::Replayed;
use crate::vault::sealing::{Cipher, Secrets};

/// An order that an earlier claim has sent, and that a later one is about to send again.
struct SentTwice {
    _folder: TempDir,
    store: Arc<dyn Store>,
    spool: ResultSpool,
    earlier: ClaimedOrder,
    later: ClaimedOrder,
}

impl SentTwice {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        let database = Database {
            url: format!("sqlite:{}", path.display()).as_str().into(),
            engine: Engine::Sqlite { path },
            listen_url: None,
            read_url: None,
            statement_cache: 100,
            max_connections: 4,
        };
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let store = store::open(&database, 1, &Clock::manual(now)).await.unwrap();
        store.migrate().await.unwrap();
        let order = OrderRow {
            id: OrderId::new(now),
            merchant: "shop".into(),
            user: "u".into(),
            idempotency_key: None,
            digest: [1; 32],
            body: "{}".into(),
            summary: Summary::default(),
            target: Some(Target::Checkout),
            prefill: None,
            not_before: None,
            deadline: None,
            order_deadline: Duration::from_hours(1),
            trace: None,
        };
        store.insert_orders(&[order]).await.unwrap();
        let earlier = sent(&*store).await;
        store.lose_order(&earlier.claim).await.unwrap();
        let later = sent(&*store).await;
        let keys = BTreeMap::from([("k".to_owned(), Zeroizing::new([1; 32]))]);
        let cipher = Cipher::new("k", &keys).unwrap();
        let hash_key = Secrets::found(&cipher).unwrap();
        let secrets = Arc::new(Secrets::open(cipher, &hash_key).unwrap());
        let spool = ResultSpool::open(folder.path(), "test", secrets).unwrap();
        Self { _folder: folder, store, spool, earlier, later }
    }

    /// Stores the end of an attempt as its worker does.
    async fn settle(&self, order: &ClaimedOrder, end: &Disposition) -> Stored {
        let run = Waiters::new(self.store.clone()).run_here(order.claim.order, None);
        settle(&*self.store, &self.spool, order, end, &run).await
    }

    /// Waits until so many results are in the spool.
    async fn spooled(&self, files: usize) {
        let there = async {
            while self.spool.waiting().await != files {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(20), there).await.unwrap();
    }

    async fn order(&self) -> OrderView {
        self.store.order(self.earlier.claim.order).await.unwrap().unwrap()
    }
}

/// Claims the order, and writes down that it is about to be sent.
async fn sent(store: &dyn Store) -> ClaimedOrder {
    let worker = Worker { id: Uuid::now_v7().into(), instance: Uuid::new_v4().into(), name: "host/1".into() };
    store.begin_worker(&worker).await.unwrap();
    let shares = BTreeMap::from([("shop".into(), 1)]);
    let claimed = store.claim_orders(worker.id, &shares, None).await.unwrap().remove(0);
    assert!(store.announce_create(&claimed.claim).await.unwrap());
    claimed
}

fn created(klarna_id: &str) -> Disposition {
    Disposition::Submitted {
        klarna_id: klarna_id.to_owned(),
        target: Target::Checkout,
        result: None,
        correlation_id: None,
        token: TokenOutcome::Fresh,
        prefilled: Prefill::default(),
    }
}

fn unavailable() -> Disposition {
    Disposition::Retry {
        after: Duration::from_mins(1),
        error: OrderError::new(ErrorCode::KlarnaUnavailable, "HTTP 503 from Klarna"),
        possible_duplicate: true,
        token_waited: Duration::ZERO,
    }
}

#[tokio::test]
async fn a_late_result_waits_in_memory_and_in_the_spool_for_the_later_claim() {
    let it = SentTwice::new().await;
    let result = created("k-1");
    let later = async {
        it.spooled(1).await;
        assert_eq!(it.order().await.status, Status::Running);
        assert_eq!(it.settle(&it.later, &unavailable()).await, Stored::Written);
    };
    let (stored, ()) = tokio::join!(it.settle(&it.earlier, &result), later);
    assert_eq!((stored, it.spool.waiting().await), (Stored::Written, 0));
    let order = it.order().await;
    assert_eq!((order.status, order.klarna_id.as_deref()), (Status::Submitted, Some("k-1")));
    assert!(order.possible_duplicate);
    it.store.close().await;
}

#[tokio::test]
async fn a_stop_leaves_a_late_result_in_the_spool_until_the_later_claim_has_ended() {
    for (end, replayed, klarna_id) in [
        (unavailable(), Replayed { stored: 1, ..Replayed::default() }, "k-1"),
        (created("k-2"), Replayed { superseded: 1, ..Replayed::default() }, "k-2"),
    ] {
        let it = SentTwice::new().await;
        let result = created("k-1");
        let stopped = tokio::select! {
            stored = it.settle(&it.earlier, &result) => stored,
            never = it.spool.close_after(Duration::from_millis(500)) => never,
        };
        assert_eq!((stopped, it.spool.waiting().await), (Stored::InSpool, 1));
        // The next start neither fails nor waits for long.
        let left = Replayed { left: 1, ..Replayed::default() };
        assert_eq!(it.spool.replay(&*it.store).await.unwrap(), left);
        assert_eq!((it.order().await.status, it.spool.waiting().await), (Status::Running, 1));
        assert_eq!(it.settle(&it.later, &end).await, Stored::Written);
        assert_eq!(it.spool.replay(&*it.store).await.unwrap(), replayed);
        let order = it.order().await;
        assert_eq!((order.status, order.klarna_id.as_deref()), (Status::Submitted, Some(klarna_id)));
        assert_eq!(it.spool.waiting().await, 0);
        it.store.close().await;
    }
}

#[tokio::test]
async fn each_claim_of_an_order_has_a_file_of_its_own() {
    let it = SentTwice::new().await;
    let file = |order: &ClaimedOrder, klarna_id: &str| {
        let late = LateResult { claim: order.claim, possible_duplicate: true };
        it.spool.file(&late, &created(klarna_id)).unwrap()
    };
    let (earlier, later) = (file(&it.earlier, "k-1"), file(&it.later, "k-2"));
    earlier.persist().await;
    later.persist().await;
    assert_eq!(it.spool.waiting().await, 2);
    later.discard().await;
    assert_eq!(it.spool.waiting().await, 1);
    it.store.close().await;
}
