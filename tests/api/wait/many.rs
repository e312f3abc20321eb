//! Five hundred shops' requests wait for their orders at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use klarna_order_worker::app::{App, Role, Service};
use klarna_order_worker::delivery::Waiters;
use klarna_order_worker::order::{OrderId, Summary};
use klarna_order_worker::store::{OrderRow, Store, Worker};
use serde_json::Value;
use test_support::postgres::TestDatabase;
use uuid::Uuid;

use super::submitted;
use crate::{open, settings};

const WAITERS: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_wait_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(settings(None, folder.path(), "")).await;
    // On SQLite workers and waiters are in one process.
    all_are_answered(app.clone(), app, "SQLite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_wait_at_once_for_another_process() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::create().await);
    let settings = settings(Some(database.url()), folder.path(), "");
    let (here, there) = (open(settings.clone()).await, open(settings).await);
    all_are_answered(here, there.clone(), "PostgreSQL").await;
    there.store.close().await;
    database.remove().await;
}

/// The API runs in `here`, the worker in `there`.
async fn all_are_answered(here: App, there: App, engine: &str) {
    let _ = raise_files_limit();
    let store = Arc::clone(&there.store);
    let rows: Vec<OrderRow> = (0..WAITERS).map(|n| row(&here, n)).collect();
    for chunk in rows.chunks(500) {
        store.insert_orders(chunk).await.unwrap();
    }
    let service = Service::start(here, &BTreeSet::from([Role::Api])).await.unwrap();
    let address = service.address().unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let wait = async |id: OrderId| {
        // Repeats the request as a shop does: on a busy machine, the longest wait may end before
        // all requests have arrived.
        loop {
            let answer = http.get(format!("http://{address}/v1/orders/{id}?wait=60s")).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let order: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            if order["status"] == "submitted" {
                return (id, Instant::now());
            }
        }
    };
    let ending = tokio::spawn(end_all(service.waiters().clone(), Arc::clone(&store), rows[0].id));
    let answered = join_all(rows.iter().map(|row| wait(row.id))).await;
    let ended = ending.await.unwrap();
    let lag = |(id, answered): (OrderId, Instant)| answered.saturating_duration_since(ended[&id]);
    let mut lags: Vec<Duration> = answered.into_iter().map(lag).collect();
    assert_eq!(lags.len(), WAITERS);
    lags.sort_unstable();
    let at = |share: usize| lags[(lags.len() - 1) * share / 100];
    println!(
        "{engine}: {WAITERS} answers after their orders' ends: p50 {:?}, p99 {:?}, last {:?}",
        at(50),
        at(99),
        at(100)
    );
    service.stop(Duration::from_secs(10)).await;
}

/// Ends each order as soon as all requests wait. Returns when each ended.
async fn end_all(waiters: Waiters, store: Arc<dyn Store>, last: OrderId) -> BTreeMap<OrderId, Instant> {
    while waiters.count() < WAITERS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The waiters read their rows in turn. After this one, all have read theirs, so only the delay
    // of the notifications is measured.
    waiters.wait(last, Duration::ZERO, |_| true).await.unwrap();
    let worker = Worker { id: Uuid::now_v7().into(), instance: Uuid::new_v4().into(), name: "test".into() };
    store.begin_worker(&worker).await.unwrap();
    let mut ended = BTreeMap::new();
    // 250 a second, so that the delay of an answer is measured and not the machine's throughput.
    let mut pace = tokio::time::interval(Duration::from_millis(4));
    loop {
        let claimed = store.claim_orders(worker.id, &[("shop".into(), 64)].into(), None).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        for order in claimed {
            pace.tick().await;
            assert!(store.settle_order(&order.claim, &submitted()).await.unwrap().is_some());
            ended.insert(order.claim.order, Instant::now());
        }
    }
    ended
}

fn row(app: &App, number: usize) -> OrderRow {
    OrderRow {
        id: OrderId::new(app.clock.now()),
        merchant: "shop".into(),
        user: format!("u-{number}").into(),
        idempotency_key: None,
        digest: [1; 32],
        body: "{}".into(),
        summary: Summary::default(),
        target: None,
        prefill: None,
        not_before: None,
        deadline: None,
        order_deadline: Duration::from_mins(10),
        trace: None,
    }
}

/// Raises the limit of open files: both ends of each connection are in this process.
fn raise_files_limit() -> Result<(), rustix::io::Errno> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit })
}
