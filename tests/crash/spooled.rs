//! A process that stops while its spool has what the database could not take.

use test_support::engine::{Database, both_engines, on_postgres};
use test_support::lock::Lock;
use test_support::program::{command, until};
use test_support::shop::Shop;

use crate::setup::{PATIENCE, open_with, sign_in};

both_engines![
    a_stop_with_a_spool_says_so_and_a_restart_stores_it,
    a_stop_with_a_result_in_the_spool_doubles_nothing,
    a_refresh_that_leaves_a_spool_says_so_and_a_restart_stores_it,
    a_refresh_that_cannot_sweep_names_its_spool_first,
];

/// The exit code of a process that leaves files in its spool.
const SPOOLED: Option<i32> = Some(5);
/// In a line of the program itself.
const OWN: &str = "\"target\":\"klarna_order_worker";
const NO_KEEPER: &str = "[keeper]\nschedule = \"off\"";

/// How many rows of `workers` are recorded as ended.
async fn ended(shop: &Shop) -> String {
    shop.database
        .value(shop.folder.path(), "(SELECT count(*) FROM {schema}workers WHERE ended_at IS NOT NULL)")
        .await
}

fn successors(shop: &Shop, instance: &str) -> usize {
    let folder = shop.folder.path().join("data").join(instance).join("spool");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|ending| ending == "successor")).count()
}

/// Whether the program's last line says so. Threads of libraries, as the SQLite driver's that still
/// waited for the database, may tell of something afterwards.
fn left_a_spool(shop: &Shop, log: &str) -> bool {
    let log = std::fs::read_to_string(shop.folder.path().join(log)).unwrap();
    let last = log.lines().rfind(|line| !line.starts_with('{') || line.contains(OWN));
    last.is_some_and(|line| line.contains("Stopped with files in the spool"))
}

/// A process whose only successor is in its spool stops; its exit code and last line say so.
async fn stop_with_a_spool(shop: &Shop) -> (String, Lock) {
    shop.hold("token", true).await;
    let served = shop.serve("a");
    let user = sign_in(shop, &served).await;
    served.client().post(&user, "cart-1").await;
    until("an exchange under way", PATIENCE, async || shop.stats().await.exchanges.total == 1).await;
    let lock = Lock::take(shop).await;
    shop.hold("token", false).await;
    until("the successor in the spool", PATIENCE, async || successors(shop, "instance-a") == 1).await;
    assert_eq!(served.program.terminate().await.code(), SPOOLED);
    assert!(left_a_spool(shop, "a.log"));
    (user, lock)
}

async fn a_stop_with_a_spool_says_so_and_a_restart_stores_it(database: Database) {
    let shop = open_with(database, "strict", NO_KEEPER);
    let (user, lock) = stop_with_a_spool(&shop).await;
    drop(lock);
    assert_eq!(ended(&shop).await, "0", "a process with a spool was recorded as ended");
    let served = shop.serve("a");
    assert_eq!((ended(&shop).await.as_str(), successors(&shop, "instance-a")), ("1", 0));
    let token = served.client().token(&user).await;
    assert_eq!((&token["state"], &token["generation"]), (&"active".into(), &2.into()), "{token}");
    let order = served.client().post(&user, "cart-2").await;
    assert_eq!(served.client().ended(&order, PATIENCE).await["token"], "fresh");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (2, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// The database takes no result while the order is being created, and until the process has
/// stopped.
async fn a_stop_with_a_result_in_the_spool_doubles_nothing(database: Database) {
    let shop = open_with(database, "strict", NO_KEEPER);
    shop.hold("checkout", true).await;
    let served = shop.serve("a");
    let user = sign_in(&shop, &served).await;
    let order = served.client().post(&user, "cart-1").await;
    until("a create under way", PATIENCE, async || shop.stats().await.orders.requests == 1).await;
    let lock = Lock::take_orders(&shop).await;
    shop.hold("checkout", false).await;
    let spool = shop.folder.path().join("data/instance-a/spool");
    let results =
        || std::fs::read_dir(&spool).unwrap().filter(|entry| is_result(entry.as_ref().unwrap())).count();
    until("the result in the spool", PATIENCE, async || results() == 1).await;
    assert_eq!(served.program.terminate().await.code(), SPOOLED);
    assert!(left_a_spool(&shop, "a.log"));
    drop(lock);
    let served = shop.serve("a");
    assert_eq!(results(), 0);
    let order = served.client().ended(&order, PATIENCE).await;
    assert_eq!(
        (&order["status"], &order["possible_duplicate"]),
        (&"submitted".into(), &false.into()),
        "{order}"
    );
    assert!(order["html_snippet"].is_string(), "{order}");
    assert_eq!(shop.stats().await.orders.total, 1);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

fn is_result(entry: &std::fs::DirEntry) -> bool {
    entry.path().extension().is_some_and(|ending| ending == "result")
}

#[tokio::test]
async fn others_do_not_present_the_token_of_a_process_that_stopped_with_a_spool() {
    on_postgres(|database| async {
        let shop = open_with(database, "strict", NO_KEEPER);
        shop.write_settings("b", NO_KEEPER);
        crate::setup::hurry(&shop, "b");
        let (user, lock) = stop_with_a_spool(&shop).await;
        drop(lock);
        let b = shop.serve_on_new_machine("b");
        // Its order looks at the token again every 200 ms: for longer than a lost answer has to
        // wait (2.5 s), and for much less than `orphan_after`.
        let waits = || {
            let log = std::fs::read_to_string(shop.folder.path().join("b.log")).unwrap();
            log.matches("The order waits").count()
        };
        let order = b.client().post(&user, "cart-2").await;
        until("an order that looked again and again", PATIENCE, async || waits() >= 20).await;
        let stats = shop.stats().await;
        assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (1, 0), "{stats:?}");

        let a = shop.serve("a");
        assert_eq!(b.client().ended(&order, PATIENCE).await["token"], "fresh");
        let stats = shop.stats().await;
        assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (2, 0), "{stats:?}");
        assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}

async fn a_refresh_that_leaves_a_spool_says_so_and_a_restart_stores_it(database: Database) {
    let shop = open_with(database, "strict", NO_KEEPER);
    let served = shop.serve("a");
    let user = sign_in(&shop, &served).await;
    assert!(served.program.terminate().await.success());
    let before = ended(&shop).await;
    shop.hold("token", true).await;
    let log = std::fs::File::create(shop.folder.path().join("refresh.log")).unwrap();
    let mut refresh = command(shop.folder.path());
    // Without the debug lines of the connections that close last.
    refresh.env("KLARNA_WORKER_LOG", "warn");
    refresh.args(["--config", "a.toml", "refresh", "--within", "90d"]).stderr(log);
    let refresh = tokio::task::spawn_blocking(move || refresh.status().unwrap());
    until("an exchange under way", PATIENCE, async || shop.stats().await.exchanges.total == 1).await;
    let lock = Lock::take(&shop).await;
    shop.hold("token", false).await;
    assert_eq!(refresh.await.unwrap().code(), SPOOLED);
    assert!(left_a_spool(&shop, "refresh.log"));
    drop(lock);
    assert_eq!((ended(&shop).await, successors(&shop, "instance-a-refresh")), (before, 1));
    shop.run("a", &["refresh"]);
    assert_eq!(successors(&shop, "instance-a-refresh"), 0);
    assert_eq!(shop.run("a", &["tokens", "show", "shop", &user])[0]["generation"], 2);
    assert_eq!(shop.stats().await.exchanges.spent_presented, 0);
    shop.close().await;
}

/// A file that cannot be stored lies in the spool, and the sweep cannot run: first another process
/// sweeps, then the store fails.
async fn a_refresh_that_cannot_sweep_names_its_spool_first(database: Database) {
    let shop = open_with(database, "strict", NO_KEEPER);
    let served = shop.serve("a");
    shop.run("a", &["refresh"]);
    let spool = shop.folder.path().join("data/instance-a-refresh/spool");
    std::fs::write(spool.join("damaged.successor"), "not a successor").unwrap();
    let refresh = async || {
        let log = std::fs::File::create(shop.folder.path().join("refresh.log")).unwrap();
        let mut refresh = command(shop.folder.path());
        refresh.env("KLARNA_WORKER_LOG", "warn").args(["--config", "a.toml", "refresh"]).stderr(log);
        let status = tokio::task::spawn_blocking(move || refresh.status().unwrap()).await.unwrap();
        (status.code(), std::fs::read_to_string(shop.folder.path().join("refresh.log")).unwrap())
    };
    // The living worker of `serve` has the sweep lease.
    let soon = match shop.database {
        Database::Sqlite => "CAST(unixepoch() AS integer) * 1000000 + 25000000",
        Database::Postgres { .. } => "clock_timestamp() + interval '25 seconds'",
    };
    let holder = "(SELECT id FROM {schema}workers WHERE ended_at IS NULL)";
    let lease = format!("UPDATE {{schema}}keeper SET holder = {holder}, leased_until = {soon}");
    shop.database.execute(shop.folder.path(), &lease).await;
    let (code, log) = refresh().await;
    assert!(log.contains("another process is sweeping"), "{log}");
    assert!(code == SPOOLED && left_a_spool(&shop, "refresh.log"), "{code:?}: {log}");

    shop.database.execute(shop.folder.path(), "ALTER TABLE {schema}keeper RENAME TO no_keeper").await;
    let (code, log) = refresh().await;
    assert!(log.contains("cannot refresh tokens"), "{log}");
    assert!(code == SPOOLED && left_a_spool(&shop, "refresh.log"), "{code:?}: {log}");
    served.program.kill();
    std::fs::remove_dir_all(spool).unwrap();
}
