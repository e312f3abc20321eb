//! What a measurement runs on: ground, sandbox, settings, users with their tokens, and orders.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::dir::{BenchDir, BenchDirs};
use super::process::Process;
use super::shop::Shop;
use super::{BenchError, Options};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Settings, key_file};
use crate::order::{NewOrder, OrderId};
use crate::store::OrderRow;
use crate::vault::Registration;

pub(super) const MERCHANT: &str = "shop";
/// Registrations at once.
const REGISTRARS: usize = 32;
/// The default of `vault.max_in_flight`.
const PLACES: u32 = 32;
/// Orders in one transaction.
const BATCH: u64 = 500;

/// What a measurement asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    /// Users `u-1` to `u-n` have a token.
    pub(super) users: u64,
    /// How old it is.
    pub(super) age: Duration,
    /// Of the sandbox's token endpoint.
    pub(super) token_latency: Duration,
    /// Of its Checkout endpoint.
    pub(super) checkout_latency: Duration,
    /// `queue.concurrency`
    pub(super) concurrency: usize,
    /// `vault.max_in_flight`
    pub(super) places: u32,
}

impl Workload {
    pub(super) fn new(users: u64, concurrency: usize) -> Self {
        let (age, token_latency, checkout_latency) = Default::default();
        Self { users, age, token_latency, checkout_latency, concurrency, places: PLACES }
    }
}

pub(super) struct BenchEnv {
    pub(super) dir: BenchDir,
    pub(super) app: App,
    /// The sandbox's.
    pub(super) shop: Shop,
    sandbox: Process,
    /// Of the processes started on it.
    environment: BTreeMap<String, String>,
}

/// A line of the sandbox's file of tokens.
#[derive(Deserialize)]
struct SignedIn {
    user: String,
    refresh_token: secrecy::SecretString,
    issued_at: DateTime<Utc>,
}

impl BenchEnv {
    pub(super) async fn set(dirs: &BenchDirs, options: &Options, wish: Workload) -> Result<Self, BenchError> {
        let dir = dirs.make(options.database.as_ref()).await?;
        let sandbox = sandbox(&dir, wish).await?;
        let shop = Shop::new(sandbox.said("sandbox"))?;
        key_file::create(&dir.join("k1.key")).map_err(BenchError::io("write a key"))?;
        let text = settings(&dir, &sandbox, options, wish);
        std::fs::write(dir.join("config.toml"), &text).map_err(BenchError::io("write the settings"))?;
        // Not into the file: it may hold a password.
        let environment = BTreeMap::from([("KLARNA_WORKER__DATABASE__URL".to_owned(), dir.url())]);
        let settings = Settings::parse("the bench's settings", &text, environment.clone().into_iter())?;
        crate::app::open_database(&settings, &Clock::system()).await?.migrate().await?;
        let app = App::open(settings, &environment, Clock::system()).await?;
        let env = Self { dir, app, shop, sandbox, environment };
        env.register().await?;
        Ok(env)
    }

    async fn register(&self) -> Result<(), BenchError> {
        let tokens = std::fs::read_to_string(self.dir.join("tokens.jsonl")).unwrap_or_default();
        let (registry, merchants) = (self.app.registry(), self.app.merchants());
        let lines = tokens.lines().filter_map(|line| serde_json::from_str::<SignedIn>(line).ok());
        stream::iter(lines.map(Ok))
            .try_for_each_concurrent(REGISTRARS, |SignedIn { user, refresh_token, issued_at }| {
                let (registry, merchant) = (registry.clone(), merchants[MERCHANT].clone());
                async move {
                    let registration =
                        Registration { user, refresh_token, issued_at: Some(issued_at), expires_at: None };
                    registry.register(&merchant, &registration).await?;
                    Ok(())
                }
            })
            .await
    }

    /// Puts orders into their rows, where no service is told of them.
    pub(super) async fn load(&self, count: u64, user: impl Fn(u64) -> String) -> Result<(), BenchError> {
        let batches = (0..count.div_ceil(BATCH)).map(|batch| batch * BATCH..count.min((batch + 1) * BATCH));
        let rows =
            batches.map(|numbers| numbers.map(|number| self.row(&user(number + 1))).collect::<Result<Vec<_>, _>>());
        stream::iter(rows)
            .map(|rows| async { self.app.store.insert_orders(&rows?).await.map(drop).map_err(BenchError::from) })
            .buffer_unordered(4)
            .try_collect()
            .await
    }

    fn row(&self, user: &str) -> Result<OrderRow, BenchError> {
        let order = NewOrder::parse(&envelope(user)).map_err(|error| BenchError::Unclean(error.to_string()))?;
        Ok(OrderRow {
            id: OrderId::new(self.app.clock.now()),
            digest: order.digest(),
            merchant: order.merchant,
            user: order.user,
            idempotency_key: None,
            body: order.body.into_string(),
            prefill: None,
            not_before: None,
            deadline: None,
            order_deadline: self.app.settings.queue.order_deadline,
            trace: None,
        })
    }

    /// Starts the service.
    pub(super) async fn serve(&self, roles: &str) -> Result<Process, BenchError> {
        Process::start(self.dir.folder(), &["serve", "--roles", roles], &self.environment).await
    }

    /// Starts the service, which logs every statement.
    pub(super) async fn serve_telling(&self) -> Result<Process, BenchError> {
        let mut environment = self.environment.clone();
        environment.insert(crate::telemetry::VARIABLE.to_owned(), "sqlx=debug".to_owned());
        Process::start(self.dir.folder(), &["serve"], &environment).await
    }

    /// Starts one run of the keeper.
    pub(super) async fn refresh(&self) -> Result<Process, BenchError> {
        Process::start(self.dir.folder(), &["refresh"], &self.environment).await
    }

    /// Ends the sandbox and removes all that was made.
    pub(super) async fn strike(self) -> Result<(), BenchError> {
        self.sandbox.stop().await?;
        self.app.store.close().await;
        self.dir.remove().await
    }
}

async fn sandbox(dir: &BenchDir, wish: Workload) -> Result<Process, BenchError> {
    let text = |time: Duration| format!("{}ms", time.as_millis());
    let (users, age) = (wish.users.to_string(), format!("{}s", wish.age.as_secs()));
    let (token, checkout) = (text(wish.token_latency), text(wish.checkout_latency));
    let arguments = [
        ["sandbox", "--no-record", "--bind", "127.0.0.1:0"].as_slice(),
        &["--users", &users, "--users-age", &age, "--tokens-file", "tokens.jsonl"],
        &["--token-latency", &token, "--checkout-latency", &checkout],
    ];
    Process::start(dir.folder(), &arguments.concat(), &BTreeMap::new()).await
}

fn settings(dir: &BenchDir, sandbox: &Process, options: &Options, wish: Workload) -> String {
    format!(
        "installation = \"bench\"

[database]
max_connections = {connections}

[server]
bind = \"127.0.0.1:0\"

[vault]
instance_dir = {instance}
max_in_flight = {places}

[vault.keys.k1]
file = {key}

[queue]
concurrency = {concurrency}
order_deadline = \"1h\"

[keeper]
schedule = \"off\"
rate_per_second = 10000.0

[merchants.{MERCHANT}]
region = \"eu\"
environment = \"playground\"
client_id = \"bench\"
api_username = \"bench\"
api_password = \"bench\"
token_url = \"{token_url}\"
checkout_url = \"{checkout_url}\"
checkout_rate_per_second = 100000.0
token_rate_per_second = 100000.0
",
        instance = quoted(&dir.join("instance")),
        key = quoted(&dir.join("k1.key")),
        connections = options.connections,
        places = wish.places,
        concurrency = wish.concurrency,
        token_url = sandbox.said("token_url"),
        checkout_url = sandbox.said("checkout_url"),
    )
}

fn quoted(path: &Path) -> toml::Value {
    toml::Value::String(path.display().to_string())
}

/// A cart of three lines, as a shop sends it.
pub(super) fn envelope(user: &str) -> String {
    format!(r#"{{"merchant":"{MERCHANT}","user":"{user}","order":{}}}"#, include_str!("order.json").trim_end())
}
