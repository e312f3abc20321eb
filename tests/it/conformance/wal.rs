//! SQLite's write-ahead log, which grows while a reader uses an old state.

use super::orders::order;
use crate::support::stores::{Db, on_sqlite};

/// The limit that the store sets.
const LIMIT: u64 = 16 * 1024 * 1024;

#[tokio::test]
async fn the_log_is_small_again_after_a_long_reader() {
    on_sqlite(async |db: Db| {
        let log = db.folder().join("orders.db-wal");
        let size = || std::fs::metadata(&log).map_or(0, |file| file.len());
        let mut reader = db.raw().await;
        reader.execute("BEGIN; SELECT count(*) FROM orders").await;
        for n in 0..40 {
            let mut large = order(&db, &format!("u-{n}"));
            large.body = "x".repeat(1_000_000);
            db.store.insert_orders(&[large]).await.unwrap();
        }
        assert!(size() > 2 * LIMIT, "{}", size());
        reader.execute("COMMIT").await;
        // A checkpoint, and a write that starts the log again. A service's heartbeats do both.
        for n in 0..3 {
            db.store.insert_orders(&[order(&db, &format!("v-{n}"))]).await.unwrap();
        }
        assert!(size() <= LIMIT, "{}", size());
    })
    .await;
}
