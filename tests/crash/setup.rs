//! One shopper, one order, and a process that dies.

use std::time::Duration;

use klarna_sandbox::Stats;
use serde_json::{Value, json};
use test_support::engine::Database;
use test_support::lock::Lock;
use test_support::program::until;
use test_support::service::Served;
use test_support::shop::{Shop, order};

pub const PATIENCE: Duration = Duration::from_mins(1);

/// Latencies that are longer than a process needs to reach a point while a request is in flight.
const SANDBOX: [&str; 4] = ["--token-latency", "600ms", "--checkout-latency", "300ms"];

/// Short times, so that lost answers are replayed soon, and long enough for a busy machine. On
/// PostgreSQL, all exchanges share one session.
const VAULT: &str = r#"token_patience = "10m"
            claim_sessions = 1
            exchange_timeout = "5s"
            send_within = "2s"
            replay_after = "2500ms""#;

/// Whether writes to the token's row are blocked during the exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    Free,
    Blocked,
    /// Likewise the order's row, once the order is being created.
    BlockedOrders,
}

/// What the test found after the restart.
pub struct Seen {
    pub order: Value,
    pub token: Value,
    pub stats: Stats,
    /// How many orders of other users were submitted before.
    pub earlier: u64,
}

impl Seen {
    /// Returns the order's token outcome, the token's state and generation, the number of
    /// exchanges, and the number of orders created.
    pub fn sums(&self) -> (&str, (&str, i64), u64, u64) {
        assert_eq!(self.order["status"], "submitted", "{}", self.order);
        assert_eq!(self.stats.orders.distinct_references, 1 + self.earlier, "{:?}", self.stats);
        assert_eq!(self.stats.exchanges.concurrent, 0, "{:?}", self.stats);
        // Each earlier order had an exchange, and the shopper signed in again after it.
        let generation =
            self.token["generation"].as_i64().unwrap() - 2 * i64::try_from(self.earlier).unwrap();
        let row = (self.token["state"].as_str().unwrap(), generation);
        let (exchanges, orders) = (self.stats.exchanges.total, self.stats.orders.total);
        let token = self.order["token"].as_str().unwrap();
        (token, row, exchanges - self.earlier, orders - self.earlier)
    }

    pub fn possible_duplicate(&self) -> bool {
        self.order["possible_duplicate"] == true
    }
}

pub fn open(database: Database, provider: &str) -> Shop {
    open_with(database, provider, "")
}

/// Like [`open`], with more settings at the end of the file.
pub fn open_with(database: Database, provider: &str, settings: &str) -> Shop {
    let shop = Shop::open(database, &[&SANDBOX[..], &["--rotation", provider]].concat(), settings);
    hurry(&shop, "a");
    shop
}

/// Shortens the times in `NAME.toml`.
pub fn hurry(shop: &Shop, name: &str) {
    shop.change_settings(name, r#"token_patience = "10m""#, VAULT);
}

/// Signs a user in and registers the token.
pub async fn sign_in(shop: &Shop, served: &Served) -> String {
    let (user, token) = shop.sign_in(1).await.remove(0);
    served.client().register(&user, &token).await;
    user
}

/// Lets a process die at `point` during an order, and starts another in its folder. `failure` is
/// the sandbox's answer to the first presentation.
pub async fn crash(
    database: Database,
    provider: &str,
    point: &str,
    failure: Option<&str>,
    writes: Writes,
) -> Seen {
    let shop = open(database, provider);
    // Answers are held until the database is blocked.
    match writes {
        Writes::Free => {}
        Writes::Blocked => shop.hold("token", true).await,
        Writes::BlockedOrders => shop.hold("checkout", true).await,
    }
    if let Some(failure) = failure {
        shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "token", "failure": failure })).await;
    }
    let served = shop.serve_with("a", &[("KLARNA_WORKER_CRASH_AT", point)]);
    let mut user = sign_in(&shop, &served).await;
    let mut earlier = 0;
    let mut key = "cart-0".to_owned();
    // The process may die before it answers. The idempotency key finds the order again.
    let mut accepted = served.client().try_post(&user, &key, &order()).await;
    // Once a second the queue polls. An order that comes at that moment does not start with its
    // insert.
    while point == "order_inserted"
        && let Some((_, taken)) = &accepted
    {
        served.client().ended(taken["id"].as_str().unwrap(), PATIENCE).await;
        earlier += 1;
        user = sign_in(&shop, &served).await;
        key = format!("cart-{earlier}");
        accepted = served.client().try_post(&user, &key, &order()).await;
    }
    let lock = match writes {
        Writes::Free => None,
        Writes::Blocked => {
            until("an exchange under way", PATIENCE, async || shop.stats().await.exchanges.total == 1).await;
            let lock = Lock::take(&shop).await;
            shop.hold("token", false).await;
            Some(lock)
        }
        Writes::BlockedOrders => {
            until("a create under way", PATIENCE, async || shop.stats().await.orders.requests == 1).await;
            let lock = Lock::take_orders(&shop).await;
            shop.hold("checkout", false).await;
            Some(lock)
        }
    };
    let mut dying = served.program;
    until("the crash", PATIENCE, async || !dying.is_running()).await;
    drop(lock);

    let served = shop.serve("a");
    let again = served.client().try_post(&user, &key, &order()).await;
    let (_, taken) = again.or(accepted).unwrap();
    let order = served.client().ended(taken["id"].as_str().unwrap(), PATIENCE).await;
    let seen = Seen { order, token: served.client().token(&user).await, stats: shop.stats().await, earlier };
    assert!(served.program.terminate().await.success());
    let spooled = std::fs::read_dir(shop.folder.path().join("data/instance-a/spool")).unwrap().count();
    assert_eq!(spooled, 0, "the spool was not emptied");
    shop.close().await;
    seen
}
