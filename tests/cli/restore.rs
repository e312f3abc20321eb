//! A database that was restored from a backup: refused starts and `tokens after-restore`.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::program::{EXAMPLES, Home};

/// Waits for a file that the service writes, such as the mark of its first confirmed heartbeat.
fn wait_for(home: &Home, file: &str) {
    let until = Instant::now() + Duration::from_mins(1);
    while !home.path(file).exists() {
        assert!(Instant::now() < until, "no {file}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn seen(home: &Home) {
    let mut service = home.start(&["serve"]);
    assert!(service.line().starts_with("ready"));
    wait_for(home, "data/instance/seen");
    service.signal("-TERM");
    assert_eq!(service.end().code, Some(0));
}

async fn back_up(home: &Home) {
    let file = SqliteConnectOptions::new().filename(home.path("data/worker.db"));
    let mut connection = SqliteConnection::connect_with(&file).await.unwrap();
    let backup = home.path("backup.db").display().to_string();
    sqlx::query("VACUUM INTO $1").bind(backup).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn restore(home: &Home) {
    for leftover in ["data/worker.db-wal", "data/worker.db-shm"] {
        let _ = std::fs::remove_file(home.path(leftover));
    }
    std::fs::copy(home.path("backup.db"), home.path("data/worker.db")).unwrap();
}

#[tokio::test]
async fn a_start_on_a_restored_database_is_refused_until_its_operator_has_seen_to_it() {
    // Nothing listens at these addresses, so orders stay queued.
    let home = Home::new()
        .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", "http://127.0.0.1:1/token")
        .with("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", "http://127.0.0.1:1");
    let order = EXAMPLES.lines().next().unwrap();
    home.feed(&["enqueue", "-"], order).exits(0);
    let token = json!({"merchant": "shop", "user": "u-1", "refresh_token": "rt-1", "issued_at": "2026-11-01T00:00:00Z"});
    home.feed(&["tokens", "import", "-"], token.to_string()).exits(0);
    back_up(&home).await;
    seen(&home);
    // A stop and a start on the same database are no restore.
    seen(&home);

    restore(&home);
    home.run(&["serve"]).exits(1).tells_in_one_line("run `klarna-order-worker tokens after-restore`");
    let doctor = home.run(&["doctor"]).exits(3).stdout;
    assert!(doctor.contains("the database does not know the heartbeat"), "{doctor}");
    home.run(&["tokens", "after-restore"]).exits(2).tells_in_one_line("add --yes");
    let doubted = home.run(&["tokens", "after-restore", "--yes", "--format", "json"]).exits(0).json();
    assert_eq!(
        doubted,
        [json!({"tokens": 1, "orders": 1, "spool": {"stored": 0, "superseded": 0, "left": 0}})]
    );

    let tokens = home.run(&["tokens", "list", "--format", "json"]).exits(0).json();
    assert_eq!(tokens[0]["state"], "uncertain");
    let orders = home.run(&["orders", "list", "--format", "json"]).exits(0).json();
    assert_eq!((&orders[0]["status"], &orders[0]["possible_duplicate"]), (&json!("failed"), &json!(true)));
    assert_eq!(orders[0]["error"]["code"], "database_restored");
    seen(&home);
}

#[test]
fn nothing_is_doubted_while_a_process_works() {
    let home = Home::new();
    let mut service = home.start(&["serve"]);
    assert!(service.line().starts_with("ready"));
    home.run(&["tokens", "after-restore", "--yes"]).exits(1).tells_in_one_line("stop every process first");
    service.signal("-TERM");
    assert_eq!(service.end().code, Some(0));
    let doubted = home.run(&["tokens", "after-restore", "--yes", "--format", "json"]).exits(0).json();
    assert_eq!(
        doubted,
        [json!({"tokens": 0, "orders": 0, "spool": {"stored": 0, "superseded": 0, "left": 0}})]
    );
}
