//! The token endpoint reads requests and never answers, under load.

use std::fmt;
use std::time::Duration;

use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::{Client, Served};
use test_support::shop::{PATIENT, Shop};
use tokio::time::Instant;

use super::proxy::Proxy;
use super::sums::Sums;
use super::{MANY, PATIENCE, SANDBOX, by_length, finish, number, seed, under_load};
use crate::few_or;

both_engines!(orders_go_out_while_the_token_endpoint_is_silent_and_tokens_are_used_again_after);

/// The longest that an answer of the service may take, in a long run.
const ANSWER: Duration = Duration::from_millis(50);
/// The most bytes by which its memory may grow, in a long run.
const GROWTH: u64 = 20 * 1024 * 1024;
const TOKEN_PATIENCE: Duration = Duration::from_secs(3);

async fn orders_go_out_while_the_token_endpoint_is_silent_and_tokens_are_used_again_after(
    database: Database,
) {
    // `KLARNA_WORKER_TEST_SILENCE` (seconds) sets a longer run, in which the figures are checked
    // too.
    let asked = number("KLARNA_WORKER_TEST_SILENCE").map(Duration::from_secs);
    // Longer than the time-out of an exchange.
    let silence = asked.unwrap_or(Duration::from_secs(9));
    let (shop, proxy) = behind_a_proxy(database).await;
    // So many that no token is lost twice: it would be presented again only minutes later. A short
    // silence ends before any is presented again.
    let (served, crowd, users) = under_load(&shop, few_or(40, MANY)).await;
    let fresh = || crowd.seen(|_, order| order["token"] == "fresh");
    let warm = asked.map_or(20, |_| 2 * users.len());
    until("orders with tokens", PATIENCE, async || fresh() > warm).await;

    // The figures of the same load without a fault.
    let usual = Figures::take(&served, silence / 4).await;
    proxy.fall_silent(true);
    let figures = Figures::take(&served, silence).await;
    let without = || crowd.seen(|_, order| order["token"] == "unavailable");
    until("orders without a token", PATIENCE, async || without() > 0).await;
    let sent_without = without();
    proxy.fall_silent(false);
    let before = fresh();
    until("orders with tokens again", PATIENCE, async || fresh() > before + by_length(20, 50)).await;

    let accepted = crowd.go_home().await;
    let sums = Sums::draw(&shop, &served.client(), accepted, &users).await;
    println!(
        "{silence:?} of silence on {}, seed {}: {figures} (before: {usual}); {sent_without} orders seen to go out without a token; {sums}",
        shop.database.name(),
        seed()
    );
    assert_eq!((sums.lost, sums.live, sums.created_twice), (0, users.len(), 0), "{sums}");
    if asked.is_some() {
        assert!(figures.slowest <= ANSWER && figures.grown <= GROWTH, "{figures}");
    }
    assert!(served.program.terminate().await.success());
    finish(shop).await;
}

async fn behind_a_proxy(database: Database) -> (Shop, Proxy) {
    // The issuer of the id_tokens is the sandbox, not the proxy.
    let shop = Shop::open(database, &SANDBOX, "");
    let url: url::Url = shop.sandbox.ready["token_url"].as_str().unwrap().parse().unwrap();
    let proxy = Proxy::before(format!("127.0.0.1:{}", url.port().unwrap())).await;
    let issuer = url.as_str().strip_suffix("/oauth2/token").unwrap();
    let jwks = shop.sandbox.ready["jwks_url"].as_str().unwrap();
    let through =
        url.as_str().replace(&format!(":{}", url.port().unwrap()), &format!(":{}", proxy.address.port()));
    shop.change_settings(
        "a",
        &format!("token_url = \"{url}\""),
        &format!("token_url = \"{through}\"\nissuer = \"{issuer}\"\njwks_url = \"{jwks}\""),
    );
    let patience = format!("token_patience = \"{TOKEN_PATIENCE:?}\"");
    // Short, and long enough for an answer on a busy machine.
    let waits = "exchange_timeout = \"8s\"\nreplay_after = \"4s\"";
    shop.change_settings("a", PATIENT, &format!("{patience}\n{waits}"));
    (shop, proxy)
}

/// The measurements of a service.
struct Figures {
    /// The slowest answer.
    slowest: Duration,
    /// The median answer.
    median: Duration,
    answers: usize,
    over_the_limit: usize,
    /// The largest growth of its memory since the beginning, in bytes.
    grown: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slowest, median, answers, over_the_limit, grown } = self;
        write!(
            f,
            "{answers} answers, median {median:?}, slowest {slowest:?}, {over_the_limit} over {ANSWER:?}; "
        )?;
        write!(f, "memory grew by {} KiB", grown / 1024)
    }
}

impl Figures {
    /// Measures on a thread of its own, so that the clients' work does not count.
    async fn take(served: &Served, time: Duration) -> Self {
        let (client, memory) = (Client::new(served), served.program.memory());
        let taking = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (begun, mut taken) = (Instant::now(), Vec::new());
                while begun.elapsed() < time {
                    for path in ["/livez", "/readyz", "/v1/orders?limit=1"] {
                        let took = client.timed(path).await;
                        taken.push(took.unwrap_or_else(|| panic!("{path} was not answered")));
                    }
                    tokio::time::sleep(Duration::from_millis(by_length(100, 20))).await;
                }
                taken
            })
        });
        let mut most = memory;
        while !taking.is_finished() {
            most = most.max(served.program.memory());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut taken = taking.await.unwrap();
        taken.sort_unstable();
        Self {
            slowest: taken.last().copied().unwrap_or_default(),
            median: taken.get(taken.len() / 2).copied().unwrap_or_default(),
            answers: taken.len(),
            over_the_limit: taken.iter().filter(|time| **time > ANSWER).count(),
            grown: most - memory,
        }
    }
}
