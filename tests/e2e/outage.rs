//! The database is unreachable for longer than any time-out.

use std::time::Duration;

use serde_json::json;
use test_support::cluster::Cluster;
use test_support::program::{command, until};
use test_support::shop::{SLOW, Shop};

use crate::refused_starts::refused;
use crate::{few_or, keys};

const PATIENCE: Duration = Duration::from_mins(3);
/// For [`slow_down`].
const LONG_EXCHANGES: &str = "[vault]\nexchange_timeout = \"20s\"\nreplay_after = \"10s\"";

/// The length of the outage: longer than the time-outs for a connection (5 s) and a statement (10
/// s), and than `worker_lost_after` (10 s). `KLARNA_WORKER_TEST_OUTAGE` (seconds) sets a longer
/// one.
fn outage() -> Duration {
    let asked = std::env::var("KLARNA_WORKER_TEST_OUTAGE").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(asked.unwrap_or(16))
}

/// Makes an exchange long enough to stop the database while every token is in flight.
async fn slow_down(shop: &Shop) {
    shop.tell_sandbox("/sandbox/options", json!({ "token": { "latency": "12s" } })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_outage_of_the_database_ends_no_process_and_loses_no_order() {
    let cluster = Cluster::start();
    let shop = Shop::open(cluster.database(), &SLOW, "");
    shop.write_settings("b", "");
    let (mut a, mut b) = (shop.serve("a"), shop.serve("b"));
    let orders = few_or(150, 300);
    let users = shop.sign_in(few_or(20, 40)).await;
    a.client().register_all(&users).await;
    let ids = crate::pauses::post_during_pause(&shop, &a.client(), &users, orders).await;
    let orders = orders as u64;
    until("a part of the orders", PATIENCE, async || shop.stats().await.orders.total >= orders / 5).await;

    cluster.down();
    tokio::time::sleep(outage()).await;
    assert!(a.program.is_running() && b.program.is_running());
    assert!(shop.stats().await.orders.total < orders, "all orders were done before the outage");
    cluster.up();

    b.client().all_submitted(&ids, &["fresh", "cached"], PATIENCE).await;
    let stats = shop.stats().await;
    assert_eq!((stats.orders.distinct_references, stats.orders.duplicates), (orders, 0), "{stats:?}");
    assert_eq!((stats.exchanges.spent_presented, stats.exchanges.concurrent), (0, 0), "{stats:?}");
    assert_eq!(stats.orders.recognised, orders, "{stats:?}");
    assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_the_database_is_away_loses_no_successor() {
    const USERS: usize = 20;
    let cluster = Cluster::start();
    let shop = Shop::open(cluster.database(), &[], "");
    shop.change_settings("a", "[vault]", LONG_EXCHANGES);
    let served = shop.serve("a");
    // Until a first exchange has succeeded, tokens are exchanged one at a time.
    let first = shop.sign_in_ago(1, "first-", "0s").await.remove(0);
    let text = |member: &str| first[member].as_str().unwrap().to_owned();
    served.client().register(&text("user"), &text("refresh_token")).await;
    served.client().ended(&served.client().post(&text("user"), "first").await, PATIENCE).await;
    slow_down(&shop).await;
    let users = shop.sign_in(USERS).await;
    served.client().register_all(&users).await;
    let ids = served.client().post_all(&users, USERS).await;
    let in_flight = 1 + USERS as u64;
    until("every token in flight", PATIENCE, async || shop.stats().await.exchanges.total == in_flight).await;
    cluster.down();
    let spool = shop.folder.path().join("data/instance-a/spool");
    let spooled = async || {
        let names = std::fs::read_dir(&spool).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|ending| ending == "successor")).count() == USERS
    };
    until("every successor in the spool", PATIENCE, spooled).await;
    served.program.kill();
    cluster.up();

    // A key is removed although the spool needs it. The service does not start until it is back.
    keys::give_second_key(&shop, "a");
    keys::make_second_key_active(&shop, "a");
    shop.run("a", &["keys", "rotate"]);
    let with_both = std::fs::read_to_string(shop.folder.path().join("a.toml")).unwrap();
    keys::take_first_key_out(&shop, "a");
    refused(
        shop.folder.path(),
        "a.toml",
        1,
        "vault.keys has no k1, which 20 files in data/instance-a/spool are encrypted with",
    );
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), USERS);
    std::fs::write(shop.folder.path().join("a.toml"), with_both).unwrap();
    assert_eq!(shop.run("a", &["keys", "status"])[0]["spool_files"], USERS);

    let served = shop.serve("a");
    served.client().all_submitted(&ids, &["cached"], PATIENCE).await;
    // The records of the spool were encrypted with the old key.
    assert_eq!(keys::status(&shop)[0], ("k1".to_owned(), 20, 0, false));
    for (user, _) in &users {
        let token = served.client().token(user).await;
        assert_eq!((&token["state"], &token["generation"]), (&"active".into(), &2.into()), "{token}");
    }
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (in_flight, 0), "{stats:?}");
    assert_eq!((stats.orders.total, stats.orders.recognised), (in_flight, in_flight), "{stats:?}");
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_stores_what_a_killed_refresh_left_in_its_spool() {
    const TOKENS: usize = 5;
    let cluster = Cluster::start();
    let settings = "[keeper]\nschedule = \"off\"\nrate_per_second = 50.0";
    let shop = Shop::open(cluster.database(), &[], settings);
    shop.change_settings("a", "[vault]", LONG_EXCHANGES);
    // Until a first exchange has succeeded, tokens are exchanged one at a time.
    crate::keeper::import(&shop, 1, "first", "45d").await;
    shop.run("a", &["refresh"]);
    let users = crate::keeper::import(&shop, TOKENS, "old", "45d").await;
    slow_down(&shop).await;
    let mut refresh = command(shop.folder.path()).args(["--config", "a.toml", "refresh"]).spawn().unwrap();
    until("every token in flight", PATIENCE, async || {
        shop.stats().await.exchanges.total == 1 + TOKENS as u64
    })
    .await;
    cluster.down();
    let spool = shop.folder.path().join("data/instance-a-refresh/spool");
    let successors = || {
        let names = std::fs::read_dir(&spool).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|ending| ending == "successor")).count()
    };
    until("every successor in the spool", PATIENCE, async || successors() == TOKENS).await;
    refresh.kill().unwrap();
    refresh.wait().unwrap();
    cluster.up();

    let served = shop.serve("a");
    until("an empty spool", PATIENCE, async || successors() == 0).await;
    for user in &users {
        let token = served.client().token(user).await;
        assert_eq!((&token["state"], &token["generation"]), (&"active".into(), &2.into()), "{token}");
    }
    assert_eq!(shop.stats().await.exchanges.spent_presented, 0);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
