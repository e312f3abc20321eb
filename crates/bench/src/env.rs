//! The environment of a measurement: a folder, a database, a sandbox, settings, users with tokens,
//! and orders.

use std::path::Path;
use std::time::Duration;

use crate::dir::{BenchDir, Databases};
use crate::light::Light;
use crate::measure::Mock;
use crate::process::{Process, Program};
use crate::shop::{MERCHANT, Shop, envelope};
use crate::{BenchError, Options};

/// The file that the sandbox writes the users' tokens to.
const TOKENS: &str = "tokens.jsonl";
/// The file that `enqueue` reads.
const ORDERS: &str = "orders.jsonl";
/// The client's id at Klarna.
pub const CLIENT_ID: &str = "bench";
/// The user name and the password for orders at Klarna.
pub const API_CREDENTIALS: &str = "bench";

/// What a measurement needs.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Number of users with a token, named `u-1`, `u-2` and so on.
    pub users: u64,
    /// Age of the tokens.
    pub age: Duration,
    /// Latency of the sandbox's token endpoint.
    pub token_latency: Duration,
    /// Latency of the sandbox's Checkout endpoint.
    pub checkout_latency: Duration,
    /// The setting `queue.concurrency`.
    pub concurrency: usize,
    /// The setting `vault.max_in_flight`.
    pub max_in_flight: u32,
}

impl Workload {
    pub fn new(users: u64, options: &Options) -> Self {
        let (age, token_latency, checkout_latency) = Default::default();
        let Options { concurrency, max_in_flight, .. } = *options;
        Self { users, age, token_latency, checkout_latency, concurrency, max_in_flight }
    }
}

/// A stand-in for Klarna and a database; after [`BenchEnv::prepare`] also settings, the service's
/// tables, and users whose tokens are registered.
pub struct BenchEnv {
    pub dir: BenchDir,
    /// A client of the stand-in.
    pub shop: Shop,
    program: Program,
    klarna: Klarna,
}

/// The running stand-in for Klarna.
enum Klarna {
    Sandbox(Box<Process>),
    Light(Light),
}

impl Klarna {
    /// Returns the base of its URLs.
    fn url(&self) -> String {
        match self {
            Self::Sandbox(process) => process.said("sandbox"),
            Self::Light(light) => light.url.clone(),
        }
    }
}

impl BenchEnv {
    /// Creates a database and starts the stand-in for Klarna, which writes its users' tokens to a
    /// file.
    pub async fn start(
        databases: &Databases,
        options: &Options,
        workload: Workload,
    ) -> Result<Self, BenchError> {
        let dir = databases.dir(options.database.as_ref()).await?;
        let program = Program::new(&options.program, dir.folder());
        let klarna = match options.mock {
            Mock::Sandbox => Klarna::Sandbox(Box::new(sandbox(&program, workload).await?)),
            Mock::Light => Klarna::Light(Light::start(workload, &dir.join(TOKENS)).await?),
        };
        let shop = Shop::new(klarna.url())?;
        Ok(Self { dir, shop, program, klarna })
    }

    /// Starts the stand-in for Klarna, writes the settings, migrates the database and imports the
    /// tokens.
    pub async fn prepare(
        databases: &Databases,
        options: &Options,
        workload: Workload,
    ) -> Result<Self, BenchError> {
        let mut env = Self::start(databases, options, workload).await?;
        let (dir, program) = (&env.dir, &mut env.program);
        program.run(&["keys", "generate", "--out", "k1.key"]).await?;
        let text = settings(dir, &env.klarna.url(), options, workload);
        std::fs::write(dir.join("config.toml"), &text).map_err(BenchError::io("write the settings"))?;
        // Not in the settings file, because the URL may have a password.
        program.set("KLARNA_WORKER__DATABASE__URL", dir.url());
        program.run(&["migrate"]).await?;
        if workload.users > 0 {
            program.run(&["tokens", "import", TOKENS]).await?;
        }
        Ok(env)
    }

    /// Returns the base of the stand-in's URLs.
    pub fn klarna_url(&self) -> String {
        self.klarna.url()
    }

    /// Writes `count` orders to a file; `user` returns the user of an order by its number, from 1.
    pub fn write_orders(&self, count: u64, user: impl Fn(u64) -> String) -> Result<(), BenchError> {
        let orders: String = (1..=count).map(|number| envelope(&user(number)) + "\n").collect();
        std::fs::write(self.dir.join(ORDERS), orders).map_err(BenchError::io("write the orders"))
    }

    /// Enqueues `count` orders; `user` returns the user of an order by its number, from 1.
    pub async fn load(&self, count: u64, user: impl Fn(u64) -> String) -> Result<(), BenchError> {
        self.write_orders(count, user)?;
        self.program.run(&["enqueue", ORDERS]).await
    }

    /// Starts the service.
    pub async fn serve(&self, roles: &str) -> Result<Process, BenchError> {
        self.program.start(&["serve", "--roles", roles]).await
    }

    /// Starts the service with a log line for each SQL statement.
    pub async fn serve_with_sql_log(&self) -> Result<Process, BenchError> {
        let mut program = self.program.clone();
        program.set("KLARNA_WORKER_LOG", "sqlx=debug".to_owned());
        program.start(&["serve"]).await
    }

    /// Starts one run of the keeper.
    pub async fn refresh(&self) -> Result<Process, BenchError> {
        self.program.start(&["refresh"]).await
    }

    /// Stops the stand-in, and removes the database and the folder.
    pub async fn tear_down(self) -> Result<(), BenchError> {
        if let Klarna::Sandbox(process) = self.klarna {
            process.stop().await?;
        }
        self.dir.remove().await
    }
}

async fn sandbox(program: &Program, workload: Workload) -> Result<Process, BenchError> {
    let text = |time: Duration| format!("{}ms", time.as_millis());
    let (users, age) = (workload.users.to_string(), format!("{}s", workload.age.as_secs()));
    let (token, checkout) = (text(workload.token_latency), text(workload.checkout_latency));
    let arguments = [
        ["sandbox", "--no-record", "--bind", "127.0.0.1:0"].as_slice(),
        &["--users", &users, "--users-age", &age, "--tokens-file", TOKENS],
        &["--token-latency", &token, "--checkout-latency", &checkout],
    ];
    program.start(&arguments.concat()).await
}

fn settings(dir: &BenchDir, klarna: &str, options: &Options, workload: Workload) -> String {
    format!(
        "installation = \"bench\"

[database]
max_connections = {connections}

[server]
bind = \"127.0.0.1:0\"

[vault]
instance_dir = {instance}
max_in_flight = {max_in_flight}

[vault.keys.k1]
file = {key}

[queue]
concurrency = {concurrency}
order_deadline = \"1h\"

[keeper]
schedule = \"off\"
rate_per_second = 10000.0

[audit]
submissions = {audit}

[merchants.{MERCHANT}]
region = \"eu\"
environment = \"playground\"
client_id = \"{CLIENT_ID}\"
api_username = \"{API_CREDENTIALS}\"
api_password = \"{API_CREDENTIALS}\"
token_url = \"{klarna}/eu/lp/idp/oauth2/token\"
checkout_url = \"{klarna}\"
checkout_rate_per_second = 100000.0
token_rate_per_second = 100000.0
",
        instance = quoted(&dir.join("instance")),
        key = quoted(&dir.join("k1.key")),
        connections = options.connections,
        audit = options.audit,
        max_in_flight = workload.max_in_flight,
        concurrency = workload.concurrency,
    )
}

fn quoted(path: &Path) -> toml::Value {
    toml::Value::String(path.display().to_string())
}
