use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sqlx::Sqlite;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::time::{Instant, timeout};

use super::live::OpenCount;
use super::{PATIENCE, Pool, PoolSettings, Scarcity};

const AMPLE: Duration = Duration::from_mins(1);

fn pool(most: u32, few: usize) -> Pool<Sqlite> {
    let settings = PoolSettings {
        options: SqliteConnectOptions::new().in_memory(true),
        most,
        few,
        wait: AMPLE,
        ages: false,
        keeps_last: true,
        prepare: None,
        guard: None,
        begin: None,
        scarcity: Scarcity::default(),
    };
    Pool::new(settings)
}

#[tokio::test]
async fn more_than_a_few_connections_are_for_those_who_have_waited() {
    let pool = pool(4, 2);
    let (first, second) = (pool.take().await.unwrap(), pool.take().await.unwrap());
    let begun = Instant::now();
    let third = pool.take().await.unwrap();
    assert!(begun.elapsed() >= PATIENCE, "{:?}", begun.elapsed());
    [first, second, third].into_iter().for_each(super::PooledConnection::give_back);
    // What is idle is taken at once.
    assert_eq!(pool.used("test").idle, 3);
    let _taken = pool.take().await.unwrap();
    assert_eq!(pool.used("test").idle, 2);
}

#[tokio::test]
async fn whoever_waits_takes_what_is_given_back() {
    let pool = pool(2, 1);
    let first = pool.take().await.unwrap();
    let mut second = Box::pin(pool.take());
    assert!(futures::poll!(&mut second).is_pending());
    first.give_back();
    second.await.unwrap().give_back();
    assert_eq!(pool.used("test").idle, 1);
}

/// One that cannot open another connection must not take the news from one that can.
#[tokio::test]
async fn all_that_wait_are_told_that_a_connection_was_closed() {
    let open = Arc::new(OpenCount::default());
    let slot = open.slot(|_| true).unwrap();
    let mut waiting = [Box::pin(open.changed()), Box::pin(open.changed())];
    for waits in &mut waiting {
        assert!(waits.now_or_never().is_none(), "it was told before");
    }
    drop(slot);
    for waits in waiting {
        timeout(AMPLE, waits).await.expect("it was not told");
    }
}
