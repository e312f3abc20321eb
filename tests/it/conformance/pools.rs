//! PostgreSQL only: a server that has no connection left.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::config::Database;
use klarna_order_worker::store::{self, Store};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::orders::{claim, insert, order};
use crate::support::stores::{CLAIM_SESSIONS, Db, postgres_alone};

postgres_alone![
    a_pool_gives_an_idle_connection_up_to_one_that_has_none,
    whoever_waits_for_a_new_connection_takes_one_that_is_given_back,
];

/// Shorter than a wait for a connection, which lasts 5 s.
const SOON: Duration = Duration::from_millis(4500);
const AMPLE: Duration = Duration::from_mins(1);
/// More callers than any pool here has connections.
const CROWD: usize = 16;

/// A store whose role has so many connections.
struct Limited {
    db: Db,
    role: String,
    store: Arc<dyn Store>,
}

impl Limited {
    async fn open(db: &Db, connections: u32) -> Self {
        let role = format!("limited_{}", Uuid::new_v4().simple());
        db.execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'limited' CONNECTION LIMIT {connections};
             GRANT USAGE ON SCHEMA klarna_worker TO {role};
             GRANT ALL ON ALL TABLES IN SCHEMA klarna_worker TO {role}"
        ))
        .await;
        let mut url = url::Url::parse(db.direct_url()).unwrap();
        url.set_username(&role).unwrap();
        url.set_password(Some("limited")).unwrap();
        let database = Database { url: String::from(url).into(), listen_url: None, ..db.database().clone() };
        let store = store::open(&database, CLAIM_SESSIONS, &db.clock).await.unwrap();
        let limited = Self { db: db.clone(), role, store };
        limited.until_forgotten().await;
        limited
    }

    /// Waits until the server has noticed that the connection of the checks at the start was
    /// closed.
    async fn until_forgotten(&self) {
        let sessions = format!("count(*) FROM pg_stat_activity WHERE usename = '{}'", self.role);
        let mut watch = self.db.raw().await;
        let none = async {
            while watch.column(&sessions).await[0].as_deref() != Some("0") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(AMPLE, none).await.expect("the server still counts a session");
    }

    fn idle(&self, pool: &str) -> u32 {
        self.store.pools().iter().find(|used| used.pool == pool).unwrap().idle
    }

    /// Waits until each of these pools has so many idle connections: they come back a moment later.
    async fn until_idle(&self, pools: &[(&str, u32)]) {
        let idle = async {
            while pools.iter().any(|(pool, connections)| self.idle(pool) != *connections) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(AMPLE, idle).await.unwrap_or_else(|_| panic!("{:?}", self.store.pools()));
    }

    async fn close(self) {
        self.store.close().await;
        self.db.execute(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.role)).await;
    }
}

async fn a_pool_gives_an_idle_connection_up_to_one_that_has_none(db: Db) {
    let worker = db.begin_worker().await;
    let limited = Limited::open(&db, 2).await;
    let both = join_all((0..2).map(|_| limited.store.health())).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    limited.until_idle(&[("queue", 2)]).await;

    let heartbeat = timeout(SOON, limited.store.heartbeat(worker)).await.expect("a heartbeat waited");
    assert!(heartbeat.unwrap().is_some());
    limited.until_idle(&[("queue", 1), ("heartbeats", 1)]).await;
    // Heartbeats keep their connection; the queue's last one goes to whoever has none.
    let order = insert(&db, order(&db, "guest")).await;
    let claimed = claim(&db, worker, 1).await.remove(0).claim;
    assert_eq!(claimed.order, order);
    for _ in 0..2 {
        let announced =
            timeout(SOON, limited.store.announce_create(&claimed)).await.expect("a create call waited");
        assert!(announced.unwrap());
        limited.until_idle(&[("intents", 1), ("queue", 0), ("heartbeats", 1)]).await;
        timeout(SOON, limited.store.health()).await.expect("the queue waited").unwrap();
        limited.until_idle(&[("intents", 0), ("queue", 1), ("heartbeats", 1)]).await;
    }
    limited.close().await;
}

async fn whoever_waits_for_a_new_connection_takes_one_that_is_given_back(db: Db) {
    let limited = Limited::open(&db, 1).await;
    let begun = Instant::now();
    let all = join_all((0..CROWD).map(|_| limited.store.health())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    limited.close().await;
}
