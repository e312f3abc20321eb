//! The SQLite file is renamed, replaced or deleted while a service runs.

use std::time::Duration;

use test_support::engine::Database;
use test_support::program::{command, until};
use test_support::shop::{Shop, order};

use crate::refused_starts::refused;

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_accepted_or_exchanged_into_a_lost_file() {
    let shop = Shop::open(Database::Sqlite, &[], "");
    let file = shop.folder.path().join("data/worker.db");
    let away = shop.folder.path().join("data/away.db");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(2).await;
    client.register_all(&users).await;
    client.all_submitted_fresh(&[client.post("u-1", "before").await], PATIENCE).await;

    let is_refused = async |key: &str| {
        let (status, problem) = client.try_post("u-2", key, &order()).await.unwrap();
        assert_eq!(status, 503, "{problem}");
        assert!(client.timed("/readyz").await.is_none());
    };
    // Renamed and replaced by a copy.
    std::fs::rename(&file, &away).unwrap();
    is_refused("renamed").await;
    std::fs::copy(&away, &file).unwrap();
    is_refused("replaced").await;
    until("an error in the log", PATIENCE, async || {
        let words = "was renamed, deleted or replaced";
        let told =
            |line: &serde_json::Value| line["error"].as_str().is_some_and(|error| error.contains(words));
        shop.log_with("a", words).iter().any(|line| line["level"] == "ERROR" && told(line))
    })
    .await;
    assert_eq!(shop.stats().await.exchanges.total, 1);
    // The original file is put back.
    std::fs::rename(&away, &file).unwrap();
    client.all_submitted_fresh(&[client.post("u-2", "after").await], PATIENCE).await;
    assert!(client.timed("/readyz").await.is_some());
    assert!(served.program.terminate().await.success());

    // A start with an instance folder that has used a database, but without the database.
    for name in ["worker.db", "worker.db-wal", "worker.db-shm"] {
        let _ = std::fs::remove_file(shop.folder.path().join("data").join(name));
    }
    refused(shop.folder.path(), "a.toml", 1, "there is no database file data/worker.db");
    // Commands that only read do not create one either.
    for args in [
        &["tokens", "list"][..],
        &["tokens", "stats"],
        &["orders", "list"],
        &["webhooks", "list"],
        &["keys", "status"],
        &["refresh", "--dry-run"],
        &["migrate", "--check"],
        &["doctor"],
    ] {
        let output = command(shop.folder.path()).args(["--config", "a.toml"]).args(args).output().unwrap();
        assert!(!output.status.success(), "{args:?}");
        assert!(!file.exists(), "{args:?}");
    }
    std::fs::remove_dir_all(shop.folder.path().join("data/instance-a")).unwrap();
    for args in [&["tokens", "list"][..], &["tokens", "stats"], &["orders", "list"], &["keys", "status"]] {
        let output = command(shop.folder.path()).args(["--config", "a.toml"]).args(args).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(told.contains("there is no database file data/worker.db yet"), "{told}");
        assert!(!file.exists(), "{args:?}");
    }
}
