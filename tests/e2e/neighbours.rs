//! One merchant's slow token endpoint, and the orders and tokens of another merchant.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::{Program, until};
use test_support::sandbox::SandboxClient;
use test_support::service::Client;
use test_support::shop::{PASSWORD, Shop};

const PATIENCE: Duration = Duration::from_mins(3);
/// Longer than what the other merchant's orders take, and shorter than the time-out of an exchange.
const LATENCY: &str = "20m";
const SLOW_ORDERS: usize = 70;

both_engines!(
    a_slow_token_endpoint_delays_neither_orders_nor_the_keeper_of_another_merchant,
    a_first_exchange_that_hangs_delays_no_other_merchant,
);

/// The merchant `shop`, and the merchant `slow` with a sandbox of its own.
struct Neighbours {
    shop: Shop,
    slow: Program,
}

impl Neighbours {
    fn open(database: Database) -> Self {
        let shop = Shop::open(database, &[], "");
        let slow = Program::start(shop.folder.path(), "slow", &["sandbox", "--bind", "127.0.0.1:0"]);
        let url = |name: &str| slow.ready[name].as_str().unwrap();
        let merchant = format!(
            r#"
            [keeper]
            schedule = "* * * * * *"
            [queue]
            concurrency = 8
            [merchants.slow]
            region = "eu"
            environment = "playground"
            client_id = "sandbox-client"
            api_username = "sandbox"
            api_password = "{PASSWORD}"
            token_url = "{}"
            checkout_url = "{}"
            "#,
            url("token_url"),
            url("checkout_url"),
        );
        shop.write_settings("a", &merchant);
        let timeouts = "[vault]\nmax_in_flight = 4\nexchange_timeout = \"30m\"\nreplay_after = \"15m\"\norphan_after = \"3h\"";
        shop.change_settings("a", "[vault]", timeouts);
        shop.change_settings("a", "[server]", "[server]\nshutdown_grace = \"40m\"");
        Self { shop, slow }
    }

    fn sandbox_of_slow(&self) -> SandboxClient {
        SandboxClient {
            url: self.slow.ready["sandbox"].as_str().unwrap().to_owned(),
            http: reqwest::Client::new(),
        }
    }

    async fn slow_down(&self) {
        let url = format!("{}/sandbox/options", self.sandbox_of_slow().url);
        let options = json!({ "token": { "latency": LATENCY } }).to_string();
        let request =
            reqwest::Client::new().post(url).header("content-type", "application/json").body(options);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// Makes tokens of both merchants due at once. Those of `slow` are more than a sweep may have
    /// in flight, and come first, because they expire first. Returns the users of `shop`.
    async fn make_due(&self) -> Vec<String> {
        let slow = self.sandbox_of_slow().sign_in_ago(6, "slow-due-", "50d").await;
        let due = self.shop.sandbox_client().sign_in_ago(3, "due-", "45d").await;
        let lines = [("slow", &slow), ("shop", &due)].map(|(merchant, signed_in)| {
            let line = |signed_in: &Value| {
                let (user, issued_at) = (&signed_in["user"], &signed_in["issued_at"]);
                let token = &signed_in["refresh_token"];
                json!({ "merchant": merchant, "user": user, "refresh_token": token, "issued_at": issued_at })
                    .to_string()
            };
            signed_in.iter().map(line).collect::<Vec<_>>()
        });
        let file = self.shop.folder.path().join("due.jsonl");
        std::fs::write(&file, lines.concat().join("\n")).unwrap();
        self.shop.run("a", &["tokens", "import", "due.jsonl"]);
        std::fs::remove_file(file).unwrap();
        due.iter().map(|line| line["user"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the keeper has refreshed the tokens of these users of `shop`.
    async fn refreshed(&self, client: &Client, users: &[String]) {
        until("the keeper's refresh", PATIENCE, async || {
            let mut refreshed = 0;
            for user in users {
                refreshed += usize::from(client.token(user).await["generation"] == 2);
            }
            refreshed == users.len()
        })
        .await;
    }

    /// Hands in orders of as many users who are signed in at `slow`, and waits until `permits` of
    /// them use a permit.
    async fn crowd(&self, client: &Client, permits: usize) -> Vec<String> {
        let sandbox = self.sandbox_of_slow();
        let mut orders = Vec::new();
        for number in 0..SLOW_ORDERS {
            let user = format!("slow-{number}");
            client.register_at("slow", &user, &sandbox.sign_in(&user).await).await;
            orders.push(client.post_at("slow", &user, &user).await);
        }
        let used = format!("klarna_worker_exchange_permits_used {permits}\n");
        until("exchanges of the slow merchant", PATIENCE, async || {
            client.get_text("/metrics").await.contains(&used)
        })
        .await;
        orders
    }

    /// Guests and signed-in users of `shop` order, and all orders end.
    async fn order_at_shop(&self, client: &Client) {
        let users = self.shop.sign_in(4).await;
        client.register_all(&users).await;
        let mut orders = Vec::new();
        for (user, _) in &users {
            let guest = format!("guest-of-{user}");
            orders.push((client.post(&guest, &guest).await, "not_registered"));
            orders.push((client.post(user, user).await, "fresh"));
        }
        for (order, token) in orders {
            let order = client.ended(&order, PATIENCE).await;
            assert_eq!((&order["status"], &order["token"]), (&json!("submitted"), &json!(token)), "{order}");
        }
    }
}

/// Checks that the orders of `slow` still wait.
async fn assert_waiting(client: &Client, orders: &[String]) {
    for order in orders {
        let order = client.order(order, "0s").await;
        assert!(["queued", "running"].contains(&order["status"].as_str().unwrap()), "{order}");
        assert_eq!(order["attempts"], 0, "{order}");
    }
}

async fn a_slow_token_endpoint_delays_neither_orders_nor_the_keeper_of_another_merchant(database: Database) {
    let neighbours = Neighbours::open(database);
    let served = neighbours.shop.serve("a");
    let client = served.client();
    // Until a first exchange has succeeded, tokens are exchanged one at a time.
    let sandbox = neighbours.sandbox_of_slow();
    client.register_at("slow", "first", &sandbox.sign_in("first").await).await;
    let first = client.post_at("slow", "first", "first").await;
    assert_eq!(client.ended(&first, PATIENCE).await["token"], "fresh");
    neighbours.slow_down().await;

    let slow = neighbours.crowd(&client, 3).await;
    neighbours.order_at_shop(&client).await;
    let due = neighbours.make_due().await;
    neighbours.refreshed(&client, &due).await;
    assert_waiting(&client, &slow).await;
    served.program.kill();
    neighbours.shop.close().await;
}

async fn a_first_exchange_that_hangs_delays_no_other_merchant(database: Database) {
    let neighbours = Neighbours::open(database);
    neighbours.slow_down().await;
    let served = neighbours.shop.serve("a");
    let client = served.client();
    let slow = neighbours.crowd(&client, 1).await;
    neighbours.order_at_shop(&client).await;
    let due = neighbours.make_due().await;
    neighbours.refreshed(&client, &due).await;
    assert_waiting(&client, &slow).await;
    served.program.kill();
    neighbours.shop.close().await;
}
