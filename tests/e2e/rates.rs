//! The rate of a merchant is that of all processes.

use std::time::Duration;

use serde_json::json;
use test_support::engine::on_postgres;
use test_support::program::until;
use test_support::shop::Shop;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_mins(2);
const SETTINGS: &str = "checkout_rate_per_second = 10.0";
/// The orders that each of the two processes gets.
const ORDERS: usize = 40;
/// Both make at most ten calls a second, two seconds' calls at once, and one each. Without sharing
/// it would be three seconds.
const LEAST: Duration = Duration::from_millis(5800);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_keep_to_one_rate() {
    on_postgres(async |database| {
        let shop = Shop::open(database, &[], SETTINGS);
        shop.write_settings("b", SETTINGS);
        let (a, b) = (shop.serve("a"), shop.serve("b"));
        let message = "So many processes share the rates of these endpoints now";
        let both = |line: &serde_json::Value| {
            line["message"] == message
                && line["processes"] == json!(2)
                && line["endpoints"] == "checkout payments"
        };
        until("they know of each other", PATIENCE, async || {
            ["a", "b"].iter().all(|name| shop.log_with(name, message).iter().any(both))
        })
        .await;

        let (one, other) = (a.client(), b.client());
        // Secrets that the run must not leave anywhere.
        one.register_all(&shop.sign_in(1).await).await;
        let begun = Instant::now();
        let mut orders = Vec::new();
        for number in 0..ORDERS {
            let user = format!("u-{number}");
            orders.push(one.post(&user, &format!("a-{number}")).await);
            orders.push(other.post(&user, &format!("b-{number}")).await);
        }
        for order in &orders {
            assert_eq!(one.ended(order, PATIENCE).await["status"], "submitted");
        }
        let took = begun.elapsed();
        assert!(took >= LEAST, "{} orders took {took:?}", orders.len());
        assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}

/// A process that starts makes no call before the others have divided the rate anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_joins_another_keeps_to_the_rate_from_its_start() {
    on_postgres(async |database| {
        let shop = Shop::open(database, &[], SETTINGS);
        shop.write_settings("b", SETTINGS);
        let a = shop.serve("a");
        let client = a.client();
        // Secrets that the run must not leave anywhere.
        client.register_all(&shop.sign_in(1).await).await;
        let begun = Instant::now();
        let mut orders = Vec::new();
        for number in 0..2 * ORDERS {
            orders.push(client.post(&format!("u-{number}"), &format!("a-{number}")).await);
        }
        // It takes orders as soon as it runs.
        let b = shop.serve("b");
        for order in &orders {
            assert_eq!(client.ended(order, PATIENCE).await["status"], "submitted");
        }
        let took = begun.elapsed();
        assert!(took >= LEAST, "{} orders took {took:?}", orders.len());
        assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}
