//! A server that takes no writes for a while, as a replica or during a failover.

use std::time::Duration;

use test_support::cluster::Cluster;
use test_support::engine::{Database, ask, on_postgres};
use test_support::program::{command, until};
use test_support::shop::{Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_server_is_named_and_waited_for() {
    on_postgres(async |database: Database| {
        let url = database.url().to_owned();
        let shop = Shop::open(database, &[], "");
        let served = shop.serve("a");
        let client = served.client();
        let users = shop.sign_in(3).await;
        client.register_all(&users).await;
        client.all_submitted_fresh(&[client.post("u-1", "before").await], PATIENCE).await;
        let name = ask(&url, "SELECT current_database()");
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        // In a statement of its own, so that a session that comes back at once finds it.
        ask(&url, &format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on"));
        ask(&url, others);

        until("a read-only database", PATIENCE, async || client.readiness().await.contains("read_only"))
            .await;
        let (status, problem) = client.try_post("u-2", "meanwhile", &order()).await.unwrap();
        assert_eq!(status, 503, "{problem}");
        let set = format!(
            "SET transaction_read_only = off; ALTER DATABASE \"{name}\" RESET default_transaction_read_only"
        );
        ask(&url, &set);
        ask(&url, others);

        until("a database that takes writes", PATIENCE, async || client.timed("/readyz").await.is_some())
            .await;
        client.all_submitted_fresh(&[client.post("u-3", "after").await], PATIENCE).await;
        let seen = shop.stats().await;
        assert_eq!((seen.orders.total, seen.exchanges.spent_presented), (2, 0), "{seen:?}");
        assert!(served.program.terminate().await.success());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_named_and_waited_for_until_it_is_promoted() {
    let cluster = Cluster::start();
    let shop = Shop::open(cluster.database(), &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(2).await).await;
    client.all_submitted_fresh(&[client.post("u-1", "before").await], PATIENCE).await;
    cluster.become_standby();

    until("a read-only database", PATIENCE, async || client.readiness().await.contains("read_only")).await;
    let mut doctor = command(shop.folder.path());
    doctor.args(["--config", "a.toml", "doctor"]);
    let told = tokio::task::spawn_blocking(move || doctor.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(3), "{said}");
    assert!(said.contains("the server is a standby") && said.contains("to the primary"), "{said}");

    cluster.promote();
    until("a database that takes writes", PATIENCE, async || client.timed("/readyz").await.is_some()).await;
    client.all_submitted_fresh(&[client.post("u-2", "after").await], PATIENCE).await;
    let seen = shop.stats().await;
    assert_eq!((seen.orders.total, seen.exchanges.spent_presented), (2, 0), "{seen:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
