//! A read-only replica for pages and lists: a real hot standby.

use std::time::Duration;

use serde_json::Value;
use test_support::cluster::Cluster;
use test_support::engine::ask;
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(2);
const WARNING: &str = "The read replica cannot be used; pages and lists read from the primary meanwhile";

/// Whether the list of orders has this one.
async fn is_listed(client: &Client, id: &str) -> bool {
    let list = client.get_text("/v1/orders?limit=200").await;
    list.contains(id)
}

/// What `/readyz?verbose` tells of the replica.
async fn told(client: &Client) -> Value {
    let text = client.get_text("/readyz?verbose").await;
    serde_json::from_str::<Value>(&text).unwrap()["read_replica"].clone()
}

/// A gauge about the replica.
async fn gauge(client: &Client, name: &str) -> f64 {
    let text = client.get_text("/metrics").await;
    let name = format!("klarna_worker_read_replica_{name} ");
    text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_pages_read_from_a_standby_while_it_answers() {
    let primary = Cluster::start();
    let standby = tokio::task::block_in_place(|| primary.standby());
    let replica = standby.database().url().to_owned();
    let shop = Shop::open(primary.database(), &[], "");
    let served = shop.serve_with("a", &[("KLARNA_WORKER__DATABASE__READ_URL", &replica)]);
    let client = served.client();
    let submitted = async |user: &str, key: &str| {
        let id = client.post(user, key).await;
        client.ended(&id, PATIENCE).await;
        id
    };

    let first = submitted("u-1", "first").await;
    until("a list from the standby", PATIENCE, async || is_listed(&client, &first).await).await;
    until("a replica in use", PATIENCE, async || told(&client).await["used"] == true).await;

    // It replays nothing more: the lists stay as they are, and a single order is read from the
    // primary.
    ask(&replica, "SELECT pg_wal_replay_pause()");
    let paused = "SELECT pg_get_wal_replay_pause_state() = 'paused'";
    until("a paused standby", PATIENCE, async || ask(&replica, paused) == "t").await;
    let second = submitted("u-2", "second").await;
    // A standby that does not answer within a second is left alone for a while.
    until("a list without it", PATIENCE, async || !is_listed(&client, &second).await).await;
    until("a page without it", PATIENCE, async || !client.get_text("/orders").await.contains(&second)).await;
    assert!(
        client.get_text(&format!("/orders/{second}?done=retried")).await.contains(&second),
        "after a change"
    );
    until("an old page", PATIENCE, async || client.get_text("/orders").await.contains("This page is old"))
        .await;
    until("a metric of its age", PATIENCE, async || gauge(&client, "lag_seconds").await > 10.0).await;
    assert!(gauge(&client, "failing").await < 1.0);
    ask(&replica, "SELECT pg_wal_replay_resume()");
    until("a list that has it", PATIENCE, async || is_listed(&client, &second).await).await;

    // Without it, everything is read from the primary, and said once a minute at most.
    tokio::task::block_in_place(|| standby.down());
    let third = submitted("u-3", "third").await;
    until("a list from the primary", PATIENCE, async || is_listed(&client, &third).await).await;
    until("a replica that is away", PATIENCE, async || told(&client).await["used"] == false).await;
    assert!(told(&client).await["error"].is_string(), "{}", told(&client).await);
    assert!(client.get_text("/").await.contains("Pages read from the"), "the page says so");
    until("a metric of it", PATIENCE, async || gauge(&client, "failing").await > 0.0).await;
    let warned = || shop.log_with("a", WARNING).iter().any(|line| line["message"] == WARNING);
    until("a warning", PATIENCE, async || warned()).await;

    tokio::task::block_in_place(|| standby.up());
    until("a replica in use again", PATIENCE, async || told(&client).await["used"] == true).await;
    until("a metric of that", PATIENCE, async || {
        gauge(&client, "failing").await < 1.0 && gauge(&client, "lag_seconds").await < 10.0
    })
    .await;
    assert!(served.program.terminate().await.success());
}

/// A database of another installation is never shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_another_installation_is_no_replica() {
    let (own, other) = (Cluster::start(), Cluster::start());
    let strange = Shop::open(other.database(), &[], "");
    strange.change_settings("a", r#"installation = "e2e""#, r#"installation = "strange""#);
    let served = strange.serve("a");
    assert!(served.program.terminate().await.success());

    let shop = Shop::open(own.database(), &[], "");
    let url = other.database().url().to_owned();
    let served = shop.serve_with("a", &[("KLARNA_WORKER__DATABASE__READ_URL", &url)]);
    let client = served.client();
    let id = client.post("u-1", "one").await;
    until("a list from the primary", PATIENCE, async || is_listed(&client, &id).await).await;
    until("the reason", PATIENCE, async || {
        told(&client).await["error"].as_str().is_some_and(|error| error.contains("another installation"))
    })
    .await;
    assert!(served.program.terminate().await.success());
}

/// A role may lack the right to read a table, and what is replayed may cancel a read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_the_replica_refuses_is_repeated_on_the_primary() {
    let cluster = Cluster::start();
    let shop = Shop::open(cluster.database(), &[], "");
    let url = cluster.database().url().to_owned();
    ask(
        &url,
        "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA klarna_worker TO reader; \
         GRANT SELECT ON klarna_worker.installation TO reader",
    );
    let reader = url.replace("postgres@", "reader@");
    let served = shop.serve_with("a", &[("KLARNA_WORKER__DATABASE__READ_URL", &reader)]);
    let client = served.client();
    let id = client.post("u-1", "one").await;
    until("a refusal that nobody notices", PATIENCE, async || {
        assert!(is_listed(&client, &id).await, "at each try");
        told(&client).await["error"].as_str().is_some_and(|error| error.contains("permission denied"))
    })
    .await;
    until("another try", PATIENCE, async || told(&client).await["used"] == true).await;
    assert!(client.get_text("/orders").await.contains(&id), "at the first try");
    assert!(served.program.terminate().await.success());
}
