//! The disk of the instance folder hangs under a running service.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::Shop;

use crate::refusing::{no_trigger, refusing};

const PATIENCE: Duration = Duration::from_mins(2);
const USERS: usize = 6;
/// The exit code of a process that leaves files in its spool.
const SPOOLED: Option<i32> = Some(5);

both_engines!(
    pipes_in_the_place_of_files_stop_neither_heartbeats_nor_orders,
    a_result_whose_file_is_never_synced_is_stored_once_by_the_database,
);

/// `fsync` of a file in a spool does not return while the file `HANGS` exists.
const FSYNC: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    const char *hangs = getenv("HANGS");
    while (hangs && strstr(path, "/spool/") && access(hangs, F_OK) == 0) usleep(20000);
    return (int)syscall(SYS_fsync, file);
}
"#;

fn hanging_fsync(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("fsync.c"), folder.join("fsync.so"));
    std::fs::write(&source, FSYNC).unwrap();
    let mut compile = Command::new("cc");
    compile.args(["-D_GNU_SOURCE", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    assert!(compile.status().unwrap().success());
    library
}

/// Makes a pipe that nobody reads. Returns whether its name was free.
fn make_pipe(path: &Path) -> bool {
    Command::new("mkfifo").arg(path).stderr(std::process::Stdio::null()).status().unwrap().success()
}

fn tells(shop: &Shop, level: &str, words: &str) -> bool {
    let log = shop.log_with("a", words);
    log.iter().any(|line| line["level"] == level && line["message"].as_str().unwrap().contains(words))
}

async fn heartbeats(shop: &Shop) -> i64 {
    let heartbeats = "(SELECT max(heartbeats) FROM {schema}workers)";
    shop.database.value(shop.folder.path(), heartbeats).await.parse().unwrap()
}

/// Heartbeats go on, and so do orders, one of each of these users.
async fn goes_on(shop: &Shop, client: &Client, users: &[(String, String)], name: &str) {
    let (before, mut ids) = (heartbeats(shop).await, Vec::new());
    for (user, _) in users {
        ids.push(client.post(user, &format!("{name}-{user}")).await);
    }
    client.all_submitted_fresh(&ids, PATIENCE).await;
    until("more heartbeats", PATIENCE, async || heartbeats(shop).await >= before + 3).await;
    assert!(client.timed("/readyz").await.is_some());
}

async fn assert_created_once(shop: &Shop, orders: usize) {
    let stats = shop.stats().await;
    assert_eq!((stats.orders.total, stats.orders.duplicates), (orders as u64, 0), "{stats:?}");
    assert_eq!(stats.exchanges.spent_presented, 0, "{stats:?}");
}

async fn pipes_in_the_place_of_files_stop_neither_heartbeats_nor_orders(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(USERS).await;
    client.register_all(&users).await;
    let folder = shop.folder.path().join("data/instance-a");
    // The heartbeat's record, while no heartbeat is being written; and a file among the results.
    let (record, result) = (folder.join("seen.writing"), folder.join("spool/pipe.result"));
    until("a free name", PATIENCE, async || make_pipe(&record)).await;
    assert!(make_pipe(&result));
    until("an error about the disk", PATIENCE, async || {
        tells(&shop, "ERROR", "The disk of vault.instance_dir does not answer")
    })
    .await;
    goes_on(&shop, &client, &users, "hangs").await;
    // The spool is read every minute.
    until("an error about the file", PATIENCE, async || {
        tells(&shop, "ERROR", "A spool file was not replayed")
    })
    .await;
    goes_on(&shop, &client, &users, "told").await;
    assert_eq!(served.program.terminate().await.code(), SPOOLED);
    assert_created_once(&shop, 2 * USERS).await;
    for pipe in [record, result] {
        std::fs::remove_file(pipe).unwrap();
    }
    assert!(shop.serve("a").program.terminate().await.success());
    shop.close().await;
}

async fn a_result_whose_file_is_never_synced_is_stored_once_by_the_database(database: Database) {
    let shop = Shop::open(database, &[], "");
    let (folder, database) = (shop.folder.path(), &shop.database);
    let (library, hangs) = (hanging_fsync(folder), folder.join("hangs"));
    let environment = [("LD_PRELOAD", library.to_str().unwrap()), ("HANGS", hangs.to_str().unwrap())];
    let served = shop.serve_with("a", &environment);
    let client = served.client();
    let users = shop.sign_in(USERS).await;
    client.register_all(&users).await;
    let rows = "NEW.status = 'submitted' AND NEW.user_id = 'u-1'";
    database.execute(folder, &refusing(database, rows)).await;
    std::fs::write(&hangs, "").unwrap();
    let id = client.post("u-1", "refused").await;
    until("an error about the spool", PATIENCE, async || {
        tells(&shop, "ERROR", "could not be written to the spool either")
    })
    .await;
    goes_on(&shop, &client, &users[1..], "hangs").await;
    assert_eq!(client.order(&id, "0s").await["status"], "running");

    database.execute(folder, no_trigger(database)).await;
    let order = client.ended(&id, PATIENCE).await;
    assert_eq!((&order["status"], &order["token"]), (&"submitted".into(), &"fresh".into()), "{order}");
    assert_eq!((&order["attempts"], &order["possible_duplicate"]), (&1.into(), &false.into()), "{order}");
    // What hung and goes on now leaves nothing behind.
    std::fs::remove_file(&hangs).unwrap();
    let spool = folder.join("data/instance-a/spool");
    until("an empty spool", PATIENCE, async || std::fs::read_dir(&spool).unwrap().count() == 0).await;
    assert!(served.program.terminate().await.success());
    assert_created_once(&shop, USERS).await;
    shop.close().await;
}
