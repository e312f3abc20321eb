//! A shop with its sandbox: users that are signed in, orders by HTTP, and what came of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use klarna_sandbox::{Issued, Stats};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::Database;
use crate::leaks;
use crate::program::{Build, Program, until};
use crate::sandbox::SandboxDoors;

/// The API password that must never be seen anywhere.
pub const PASSWORD: &str = "p4ssw0rd-of-the-checkout-api-9f2c";

/// Everything around a service under test.
pub struct Shop {
    /// Where all its processes work: settings, logs and data.
    pub folder: TempDir,
    /// The service's database.
    pub database: Database,
    /// Klarna's stand-in.
    pub sandbox: Program,
    http: reqwest::Client,
}

/// Latencies that Klarna could have.
pub const SLOW: [&str; 4] = ["--token-latency", "150ms", "--checkout-latency", "250ms"];

impl Shop {
    /// A shop whose sandbox is started with `sandbox` options, and whose settings end with
    /// `settings`.
    pub fn open(database: Database, sandbox: &[&str], settings: &str) -> Self {
        Self::open_by(Build::Own, database, sandbox, settings)
    }

    /// As [`Shop::open`], its database migrated by one build of the program.
    pub fn open_by(build: Build, database: Database, sandbox: &[&str], settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = [&["sandbox", "--bind", "127.0.0.1:0"], sandbox].concat();
        let sandbox = Program::start(folder.path(), "sandbox", &args);
        let shop = Self { folder, database, sandbox, http: reqwest::Client::new() };
        shop.write_settings("a", settings);
        if matches!(shop.database, Database::Postgres { .. }) {
            shop.run_by(build, "a", &["migrate"]);
        }
        shop
    }

    /// Writes `NAME.toml`: the settings of one process.
    pub fn write_settings(&self, name: &str, more: &str) {
        let text = format!(
            r#"
            installation = "e2e"
            [database]
            url = "{url}"
            [server]
            bind = "127.0.0.1:0"
            [vault]
            instance_dir = "data/instance-{name}"
            token_patience = "10m"
            [vault.keys.k1]
            file = "key"
            [merchants.shop]
            region = "eu"
            environment = "playground"
            client_id = "sandbox-client"
            api_username = "sandbox"
            api_password = "{PASSWORD}"
            token_url = "{token}"
            checkout_url = "{checkout}"
            {more}
            "#,
            url = self.database.url(),
            token = self.sandbox.ready["token_url"].as_str().unwrap(),
            checkout = self.sandbox.ready["checkout_url"].as_str().unwrap(),
        );
        std::fs::write(self.folder.path().join(format!("{name}.toml")), text).unwrap();
        let key = self.folder.path().join("key");
        if !key.exists() {
            klarna_order_worker::config::key_file::create(&key).unwrap();
        }
    }

    /// Writes `by` in the place of `from` in `NAME.toml`.
    pub fn change_settings(&self, name: &str, from: &str, by: &str) {
        let path = self.folder.path().join(format!("{name}.toml"));
        let settings = std::fs::read_to_string(&path).unwrap();
        assert!(settings.contains(from), "{settings}");
        std::fs::write(path, settings.replace(from, by)).unwrap();
    }

    /// Runs a command to its end, and answers what it printed.
    pub fn run(&self, name: &str, args: &[&str]) -> Vec<Value> {
        self.run_by(Build::Own, name, args)
    }

    /// As [`Shop::run`], by one build of the program.
    pub fn run_by(&self, build: Build, name: &str, args: &[&str]) -> Vec<Value> {
        let settings = format!("{name}.toml");
        let mut command = build.command(self.folder.path());
        let output = command.args(["--format", "json", "--config", &settings]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts the service with the settings `NAME.toml`.
    pub fn serve(&self, name: &str) -> Served {
        self.serve_with(name, &[])
    }

    /// As [`Shop::serve`], with variables in its environment.
    pub fn serve_with(&self, name: &str, env: &[(&str, &str)]) -> Served {
        self.serve_by(Build::Own, name, env)
    }

    /// As [`Shop::serve_with`], by one build of the program.
    pub fn serve_by(&self, build: Build, name: &str, env: &[(&str, &str)]) -> Served {
        let settings = format!("{name}.toml");
        let args = ["--config", &settings, "serve"];
        let program = Program::start_build(build, self.folder.path(), name, &args, env);
        let url = program.ready["api"].as_str().unwrap().to_owned();
        Served { program, url, http: self.http.clone() }
    }

    /// Signs users in at the sandbox: each with a fresh refresh token.
    pub async fn sign_in(&self, users: usize) -> Vec<(String, String)> {
        let lines = self.sign_in_ago(users, "u-", "0s").await.into_iter();
        lines.map(|line| (text(&line, "user"), text(&line, "refresh_token"))).collect()
    }

    /// As [`Shop::sign_in`], so long ago; the sandbox's answers.
    pub async fn sign_in_ago(&self, users: usize, prefix: &str, age: &str) -> Vec<Value> {
        let body = json!({ "count": users, "prefix": prefix, "age": age });
        let url = format!("{}/sandbox/users", self.sandbox_url());
        let answer = self.http.post(url).body(body.to_string()).header("content-type", "application/json");
        let lines = answer.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The sandbox, for those who outlive a borrow of the shop.
    pub fn sandbox_doors(&self) -> SandboxDoors {
        SandboxDoors { url: self.sandbox_url().to_owned(), http: self.http.clone() }
    }

    /// The base of the sandbox's URLs.
    pub fn sandbox_url(&self) -> &str {
        self.sandbox.ready["sandbox"].as_str().unwrap()
    }

    /// Posts to the sandbox's own doors.
    pub async fn tell_sandbox(&self, path: &str, body: Value) {
        let url = format!("{}{path}", self.sandbox_url());
        let answer = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        answer.send().await.unwrap().error_for_status().unwrap();
    }

    /// What the sandbox saw.
    pub async fn stats(&self) -> Stats {
        let text = self.http.get(format!("{}/stats", self.sandbox_url())).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Everything of the run that must be nowhere.
    pub async fn secrets(&self) -> Vec<String> {
        let url = format!("{}/sandbox/issued", self.sandbox_url());
        let issued = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let issued: Issued = serde_json::from_str(&issued).unwrap();
        assert!(!issued.refresh_tokens.is_empty() && !issued.emails.is_empty());
        let mut secrets = [issued.refresh_tokens, issued.access_tokens, issued.id_tokens, issued.emails].concat();
        secrets.push(PASSWORD.to_owned());
        secrets
    }

    /// Where in a trace orders were taken in, as their rows have it.
    pub async fn traces(&self) -> Vec<String> {
        self.database.traces(self.folder.path()).await
    }

    /// The lines of `NAME.log`.
    pub fn log(&self, name: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap();
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// Looks for every secret of the run in everything it left: rows, files and logs. Then the shop
    /// is closed.
    pub async fn close(self) {
        let secrets = self.secrets().await;
        let mut places = vec![("database", self.database.bytes(self.folder.path()))];
        places.push(("instance folders and files", leaks::files_in(&self.folder.path().join("data"))));
        places.push(("logs", leaks::logs_in(self.folder.path())));
        for (place, bytes) in &places {
            let found = leaks::find(bytes, &secrets);
            assert!(found.is_empty(), "{place}: {} secrets found, the first as {}", found.len(), found[0]);
        }
    }
}

/// A service that is up.
pub struct Served {
    /// The process.
    pub program: Program,
    url: String,
    http: reqwest::Client,
}

impl Served {
    /// Whoever talks to the service by HTTP.
    pub fn client(&self) -> Client {
        Client { url: self.url.clone(), http: self.http.clone() }
    }
}

/// A client of the service\'s HTTP API.
#[derive(Clone)]
pub struct Client {
    url: String,
    http: reqwest::Client,
}

impl Client {
    /// Whoever talks to the service over connections of their own.
    pub fn new(served: &Served) -> Self {
        Self { url: served.url.clone(), http: reqwest::Client::new() }
    }

    /// Registers a user's refresh token.
    pub async fn register(&self, user: &str, refresh_token: &str) {
        let url = format!("{}/v1/merchants/shop/users/{user}/token", self.url);
        let body = json!({ "refresh_token": refresh_token }).to_string();
        let answer = self.http.put(url).header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap_or_default());
    }

    /// The same for many: user and token.
    pub async fn register_all(&self, users: &[(String, String)]) {
        for (user, token) in users {
            self.register(user, token).await;
        }
    }

    /// A user's token, as the API shows it.
    pub async fn token(&self, user: &str) -> Value {
        let url = format!("{}/v1/merchants/shop/users/{user}/token", self.url);
        serde_json::from_str(&self.http.get(url).send().await.unwrap().text().await.unwrap()).unwrap()
    }

    /// As [`Client::token`]; `None` where the service is not there.
    pub async fn try_token(&self, user: &str) -> Option<Value> {
        let url = format!("{}/v1/merchants/shop/users/{user}/token", self.url);
        let answer = self.http.get(url).send().await.ok()?.error_for_status().ok()?;
        Some(serde_json::from_str(&answer.text().await.ok()?).unwrap())
    }

    /// Hands an order in; `None` where the service is not there.
    pub async fn try_post(&self, user: &str, key: &str, order: &Value) -> Option<(u16, Value)> {
        let body = json!({ "merchant": "shop", "user": user, "order": order }).to_string();
        let request = self.http.post(format!("{}/v1/orders", self.url)).header("content-type", "application/json");
        let answer = request.header("idempotency-key", key).body(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_str(&answer.text().await.ok()?).unwrap()))
    }

    /// Hands in the order of [`order`], which must be accepted; its id.
    pub async fn post(&self, user: &str, key: &str) -> String {
        let (status, answer) = self.try_post(user, key, &order()).await.unwrap();
        assert_eq!(status, 202, "{answer}");
        text(&answer, "id")
    }

    /// The order as it is, or as it ends within `wait`.
    pub async fn order(&self, id: &str, wait: &str) -> Value {
        let answer = self.http.get(format!("{}/v1/orders/{id}?wait={wait}", self.url)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// As [`Client::order`]; `None` where the service is not there.
    pub async fn try_order(&self, id: &str, wait: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}/v1/orders/{id}?wait={wait}", self.url)).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        Some(serde_json::from_str(&answer.text().await.ok()?).unwrap())
    }

    /// As [`Client::register`]: whether the service has the token.
    pub async fn try_register(&self, user: &str, refresh_token: &str) -> bool {
        let url = format!("{}/v1/merchants/shop/users/{user}/token", self.url);
        let body = json!({ "refresh_token": refresh_token }).to_string();
        let answer = self.http.put(url).header("content-type", "application/json").body(body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// What a path of the service answers, as text.
    pub async fn get_text(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// Asks a path of the service, and answers how long the answer took; `None` where it is none,
    /// or no success.
    pub async fn timed(&self, path: &str) -> Option<Duration> {
        let begun = tokio::time::Instant::now();
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.ok()?.error_for_status().ok()?;
        answer.bytes().await.ok()?;
        Some(begun.elapsed())
    }

    /// The order once it has ended.
    pub async fn ended(&self, id: &str, patience: Duration) -> Value {
        let mut order = Value::Null;
        until("an order's end", patience, async || {
            order = self.order(id, "5s").await;
            !["queued", "running"].contains(&order["status"].as_str().unwrap())
        })
        .await;
        order
    }

    /// Hands in `orders` orders from 16 clients, going round the users; their ids.
    pub async fn post_all(&self, users: &[(String, String)], orders: usize) -> Vec<String> {
        let next = Arc::new(AtomicUsize::new(0));
        let clients = (0..16).map(|_| {
            let (client, next, users) = (self.clone(), Arc::clone(&next), users.to_vec());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= orders {
                        return ids;
                    }
                    let (user, _) = &users[number % users.len()];
                    ids.push(client.post(user, &format!("cart-{number}")).await);
                }
            })
        });
        let mut ids = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            ids.extend(client.await.unwrap());
        }
        ids
    }

    /// Every one of these orders is submitted with a fresh token, within `patience` in all.
    pub async fn all_submitted_fresh(&self, ids: &[String], patience: Duration) {
        self.all_submitted(ids, &["fresh"], patience).await;
    }

    /// Every one of these orders is submitted, its token's outcome one of `tokens`, within
    /// `patience` in all.
    pub async fn all_submitted(&self, ids: &[String], tokens: &[&str], patience: Duration) {
        let end = tokio::time::Instant::now() + patience;
        for id in ids {
            let order = self.ended(id, end - tokio::time::Instant::now()).await;
            assert_eq!(order["status"], "submitted", "{order}");
            assert!(order["token"].as_str().is_some_and(|token| tokens.contains(&token)), "{order}");
            assert!(order["html_snippet"].as_str().is_some_and(|html| !html.is_empty()), "{order}");
        }
    }
}

/// A lawful order, without any data of the shopper.
pub fn order() -> Value {
    json!({
        "purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE",
        "order_amount": 50000, "order_tax_amount": 4545,
        "order_lines": [{
            "type": "physical", "name": "T-shirt", "quantity": 5, "unit_price": 10000, "tax_rate": 1000,
            "total_amount": 50000, "total_discount_amount": 0, "total_tax_amount": 4545
        }]
    })
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no {member} in {value}")).to_owned()
}

/// `orders` orders went to Klarna, each once and with an exchange of its own; no spent token was
/// ever presented, and no two requests for one token were in flight together.
pub fn assert_sums(stats: &Stats, orders: u64) {
    let (exchanges, created) = (&stats.exchanges, &stats.orders);
    assert_eq!((exchanges.total, exchanges.rotated), (orders, orders), "{stats:?}");
    assert_eq!((exchanges.spent_presented, exchanges.concurrent), (0, 0), "{stats:?}");
    assert_eq!((created.total, created.distinct_references, created.duplicates), (orders, orders, 0), "{stats:?}");
    assert_eq!((created.recognised, created.not_recognised, created.without_token), (orders, 0, 0), "{stats:?}");
    assert_eq!(stats.leaks, klarna_sandbox::Leaks::default(), "{stats:?}");
}
