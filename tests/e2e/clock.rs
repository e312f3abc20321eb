//! The database's clock is put forward and back under load.

use std::time::Duration;

use test_support::cluster::Cluster;
use test_support::engine::ask;
use test_support::program::until;
use test_support::shop::{SLOW, Shop};

use crate::few_or;

const PATIENCE: Duration = Duration::from_mins(3);

/// As far as each step puts the clock from the machine's.
const STEPS: [&str; 4] = ["+15s", "-1h", "+1d", "+0"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_doubles_no_order_and_loses_no_token() {
    let cluster = Cluster::start_with_clock();
    // A worker is lost only after a silence that no busy machine causes.
    let queue = "[queue]\nworker_lost_after = \"1m\"";
    let shop = Shop::open(cluster.database(), &SLOW, queue);
    shop.write_settings("b", queue);
    let (a, b) = (shop.serve("a"), shop.serve("b"));
    // Orders before each step.
    let orders = few_or(20, 40);
    let users = shop.sign_in(orders).await;
    a.client().register_all(&users).await;
    let mut ids = Vec::new();
    let url = cluster.database();
    let now =
        || ask(url.url(), "SELECT extract(epoch FROM clock_timestamp())::bigint").parse::<i64>().unwrap();
    for offset in STEPS {
        // Those of before a step back are not due for an hour, so each step has its own.
        let earlier = shop.stats().await.orders.total;
        ids.extend(a.client().post_all(&users, orders).await);
        let done = earlier + u64::try_from(orders / 2).unwrap();
        until("half of the orders", PATIENCE, async || shop.stats().await.orders.total >= done).await;
        let before = now();
        cluster.step_clock(offset);
        assert!((now() - before).abs() >= 10, "the clock did not step");
    }
    let due_or_running = "SELECT count(*) FROM klarna_worker.orders WHERE status = 'running' \
        OR status = 'queued' AND due_at <= clock_timestamp()";
    until("no order runs", PATIENCE, async || ask(url.url(), due_or_running) == "0").await;
    // The last step went a day back. An order that waited for its next try then is due in a day.
    cluster.step_clock("+2d");
    let client = b.client();
    let mut in_time = 0;
    for id in &ids {
        let order = client.ended(id, PATIENCE).await;
        // Days were over by the database's clock: deadlines are its times.
        let late = order["error"]["code"] == "deadline_exceeded";
        assert!(order["status"] == "submitted" || late, "{order}");
        assert_eq!(order["possible_duplicate"], false, "{order}");
        in_time += usize::from(!late);
    }
    // Each step waits for half of its orders.
    assert!(in_time * 2 >= ids.len(), "{in_time} of {} orders were submitted", ids.len());
    let stats = shop.stats().await;
    assert_eq!((stats.orders.duplicates, stats.exchanges.spent_presented), (0, 0), "{stats:?}");
    assert_eq!(stats.exchanges.concurrent, 0, "{stats:?}");
    // What comes after is sane: every token is good, and an order needs no longer than before.
    let after = client.post_all(&users[..10], 10).await;
    client.all_submitted(&after, &["fresh", "cached"], PATIENCE).await;
    for (user, _) in &users {
        assert_eq!(client.token(user).await["state"], "active", "{user}");
    }
    assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
    shop.close().await;
}
