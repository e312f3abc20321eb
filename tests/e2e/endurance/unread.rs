//! Nobody reads the service's log, under load.

use std::time::Duration;

use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Client;
use tokio::time::Instant;

use super::crowd::{Crowd, is_settled};
use super::sums::Sums;
use super::{MANY, PATIENCE, finish, number, open_steady, seed};
use crate::few_or;

both_engines!(orders_go_on_and_a_stop_works_although_nobody_reads_the_log);

async fn dropped(client: &Client) -> u64 {
    let text = client.get_text("/metrics").await;
    let line = text.lines().find(|line| line.starts_with("klarna_worker_log_lines_dropped_total "));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

async fn orders_go_on_and_a_stop_works_although_nobody_reads_the_log(database: Database) {
    // `KLARNA_WORKER_TEST_UNREAD` (seconds) sets a longer run.
    let time = Duration::from_secs(number("KLARNA_WORKER_TEST_UNREAD").unwrap_or(1));
    let shop = open_steady(database);
    let signed_in = shop.sign_in(few_or(16, MANY)).await;
    // The finest level of all libraries gives more lines than the pipe and the queue can hold.
    let served = shop.serve_unread("a", &[("KLARNA_WORKER_LOG", "trace")]);
    let client = served.client();
    client.register_all(&signed_in).await;
    let users: Vec<String> = signed_in.into_iter().map(|(user, _)| user).collect();
    let crowd = Crowd::gather(&shop, &users);
    crowd.turn_to(&served);
    until("dropped lines", PATIENCE, async || dropped(&client).await > 0).await;

    let (begun, memory) = (Instant::now(), served.program.memory());
    let (mut slowest, mut longest, mut grown) = (Duration::ZERO, Duration::ZERO, 0);
    while begun.elapsed() < time {
        let (before, waiting) = (crowd.seen(|_, order| is_settled(order)), Instant::now());
        let took = client.timed("/readyz").await;
        slowest = slowest.max(took.expect("/readyz is not well"));
        until("more submitted orders", PATIENCE, async || crowd.seen(|_, order| is_settled(order)) > before)
            .await;
        longest = longest.max(waiting.elapsed());
        grown = grown.max(served.program.memory().saturating_sub(memory));
    }
    let lines = dropped(&client).await;

    let accepted = crowd.go_home().await;
    let sums = Sums::draw(&shop, &client, accepted, &users).await;
    println!(
        "{time:?} without a reader of the log on {}, seed {}: {lines} lines dropped; \
         slowest /readyz {slowest:?}, longest wait for a next order {longest:?}, memory grew by {} KiB; {sums}",
        shop.database.name(),
        seed(),
        grown / 1024
    );
    assert_eq!((sums.lost, sums.live, sums.created_twice), (0, users.len(), 0), "{sums}");
    assert!(served.program.terminate().await.success(), "SIGTERM is no graceful stop");
    finish(shop).await;
}
