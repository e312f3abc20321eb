//! How a sweep at full rate affects orders.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::RngExt as _;
use serde_json::Value;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::Shop;
use tokio::time::Instant;

use super::{PATIENCE, SANDBOX, by_length, finish, number, rng, seed};
use crate::keeper::import;

both_engines!(orders_pass_a_sweep_at_full_rate);

const SHOPPERS: usize = 8;
/// Settings for a sweep that is limited only by `vault.max_in_flight`.
const FULL: &str = "token_rate_per_second = 2000.0\n[keeper]\nrate_per_second = 1000.0\nschedule";

/// The factor by which an order's median latency may grow at most, in a long run.
const LIMIT: f64 = 1.2;

async fn orders_pass_a_sweep_at_full_rate(database: Database) {
    // `KLARNA_WORKER_TEST_SWEEP` (tokens) sets a longer run, in which the figures are checked too.
    let asked = number("KLARNA_WORKER_TEST_SWEEP");
    let due = usize::try_from(asked.unwrap_or(400)).unwrap();
    let time = asked.map_or(Duration::from_secs(2), |_| Duration::from_secs(40));
    let shop = Shop::open(database, &SANDBOX, &format!("{FULL} = \"off\""));
    let signed_in = shop.sign_in(SHOPPERS * by_length(4, 10)).await;
    let served = shop.serve("a");
    served.client().register_all(&signed_in).await;
    let users: Vec<String> = signed_in.into_iter().map(|(user, _)| user).collect();
    // The age of these sign-ins makes their tokens due.
    import(&shop, due, "due", "45d").await;
    let alone = latencies(&served.client(), &users, "alone", time).await;
    assert!(served.program.terminate().await.success());

    shop.change_settings("a", "schedule = \"off\"", "schedule = \"* * * * * *\"");
    // Its first sweep may begin, and even end, before it is ready.
    let before = shop.stats().await.exchanges.rotated;
    let served = shop.serve("a");
    until("the sweep", PATIENCE, async || shop.stats().await.exchanges.rotated > before).await;
    let begun = (Instant::now(), shop.stats().await.exchanges.rotated);
    let beside = latencies(&served.client(), &users, "beside", time).await;
    let (took, rotated) = (begun.0.elapsed(), shop.stats().await.exchanges.rotated - begun.1);
    let ratio = median(&beside).as_secs_f64() / median(&alone).as_secs_f64();
    println!(
        "a sweep of {due} on {}, seed {}: {rotated} exchanges within {took:?}; orders' median {:?} alone ({} orders), {:?} beside it \
         ({} orders), ratio {ratio:.2}",
        shop.database.name(),
        seed(),
        median(&alone),
        alone.len(),
        median(&beside),
        beside.len(),
    );
    if asked.is_some() {
        let swept = rotated - beside.len() as u64;
        assert!(
            shop.stats().await.exchanges.rotated < (due + alone.len() + beside.len()) as u64,
            "the sweep was over"
        );
        assert!(swept > 1000, "{swept} tokens were swept meanwhile: that is no full rate");
        assert!(ratio < LIMIT, "{ratio}");
    }
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.spent_presented, stats.exchanges.concurrent), (0, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    finish(shop).await;
}

/// Submits orders of a few shoppers for this time. Returns their times from acceptance to end, by
/// the service's own times.
async fn latencies(client: &Client, users: &[String], phase: &str, time: Duration) -> Vec<Duration> {
    let end = Instant::now() + time;
    let shoppers = users.chunks(users.len() / SHOPPERS).enumerate().map(|(number, users)| {
        let (client, users, phase) = (client.clone(), users.to_vec(), phase.to_owned());
        async move {
            let (mut rng, mut taken) = (rng(number as u64), Vec::new());
            while Instant::now() < end {
                let user = &users[rng.random_range(0..users.len())];
                let id = client.post(user, &format!("{phase}-{number}-{}", taken.len())).await;
                let order = client.ended(&id, PATIENCE).await;
                assert_eq!(
                    (&order["status"], &order["token"]),
                    (&"submitted".into(), &"fresh".into()),
                    "{order}"
                );
                taken.push((at(&order, "ended_at") - at(&order, "accepted_at")).to_std().unwrap());
                tokio::time::sleep(Duration::from_millis(rng.random_range(100..300))).await;
            }
            taken
        }
    });
    futures::future::join_all(shoppers).await.concat()
}

fn at(order: &Value, member: &str) -> DateTime<Utc> {
    order[member].as_str().unwrap().parse().unwrap()
}

fn median(latencies: &[Duration]) -> Duration {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
