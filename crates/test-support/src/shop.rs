//! A shop with its sandbox, its service, and users that are signed in.

use aho_corasick::AhoCorasick;
use klarna_sandbox::{Issued, Stats};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::Database;
use crate::leaks;
use crate::program::{Build, Program};
use crate::sandbox::SandboxClient;
use crate::service::Served;

/// The API password, which must not appear anywhere.
pub const PASSWORD: &str = "p4ssw0rd-of-the-checkout-api-9f2c";

/// The environment of a tested service.
pub struct Shop {
    /// The folder of all its processes: settings, logs and data.
    pub folder: TempDir,
    /// The service's database.
    pub database: Database,
    /// The sandbox.
    pub sandbox: Program,
    http: reqwest::Client,
}

/// The patience of orders in the settings of [`Shop::write_settings`].
pub const PATIENT: &str = "token_patience = \"10m\"";
/// The shortest waits that the settings allow, so that lost answers are resolved within seconds:
/// they are put after [`PATIENT`].
pub const QUICK: &str = "exchange_timeout = \"2s\"\nreplay_after = \"1s\"";

/// Latencies that Klarna could have.
pub const SLOW: [&str; 4] = ["--token-latency", "150ms", "--checkout-latency", "250ms"];

impl Shop {
    /// Opens a shop. `sandbox` has options for its sandbox, and `settings` is appended to its
    /// settings.
    pub fn open(database: Database, sandbox: &[&str], settings: &str) -> Self {
        Self::open_by(Build::Own, database, sandbox, settings)
    }

    /// Like [`Shop::open`], with a database that one of the builds migrated.
    pub fn open_by(build: Build, database: Database, sandbox: &[&str], settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = [&["sandbox", "--bind", "127.0.0.1:0"], sandbox].concat();
        let sandbox = Program::start(folder.path(), "sandbox", &args);
        let shop = Self { folder, database, sandbox, http: reqwest::Client::new() };
        shop.write_settings("a", settings);
        if shop.database.lacks_tables() {
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
            {PATIENT}
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
            payments_url = "{payments}"
            {more}
            "#,
            url = self.database.url(),
            token = self.sandbox.ready["token_url"].as_str().unwrap(),
            checkout = self.sandbox.ready["checkout_url"].as_str().unwrap(),
            payments = self.sandbox.ready["payments_url"].as_str().unwrap(),
        );
        std::fs::write(self.folder.path().join(format!("{name}.toml")), text).unwrap();
        let key = self.folder.path().join("key");
        if !key.exists() {
            klarna_order_worker::config::key_file::create(&key).unwrap();
        }
    }

    /// Replaces `from` by `by` in `NAME.toml`.
    pub fn change_settings(&self, name: &str, from: &str, by: &str) {
        let path = self.folder.path().join(format!("{name}.toml"));
        let settings = std::fs::read_to_string(&path).unwrap();
        assert!(settings.contains(from), "{settings}");
        std::fs::write(path, settings.replace(from, by)).unwrap();
    }

    /// Runs a command to its end, and returns what it printed.
    pub fn run(&self, name: &str, args: &[&str]) -> Vec<Value> {
        self.run_by(Build::Own, name, args)
    }

    /// Like [`Shop::run`], with one of the builds.
    pub fn run_by(&self, build: Build, name: &str, args: &[&str]) -> Vec<Value> {
        let settings = format!("{name}.toml");
        let mut command = build.command(self.folder.path());
        let output = command.args(["--format", "json", "--config", &settings]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Starts the service with the settings `NAME.toml`.
    pub fn serve(&self, name: &str) -> Served {
        self.serve_with(name, &[])
    }

    /// Like [`Shop::serve`], with environment variables.
    pub fn serve_with(&self, name: &str, env: &[(&str, &str)]) -> Served {
        self.serve_by(Build::Own, name, env)
    }

    /// Like [`Shop::serve_with`], with one of the builds.
    pub fn serve_by(&self, build: Build, name: &str, env: &[(&str, &str)]) -> Served {
        self.served(build, name, &[], env)
    }

    /// Starts the service in an instance folder of its own, although another process died and none
    /// lives.
    pub fn serve_on_new_machine(&self, name: &str) -> Served {
        self.served(Build::Own, name, &["--new-machine"], &[])
    }

    fn served(&self, build: Build, name: &str, options: &[&str], env: &[(&str, &str)]) -> Served {
        let settings = format!("{name}.toml");
        let args = [&["--config", &settings, "serve"], options].concat();
        let program = Program::start_build(build, self.folder.path(), name, &args, env);
        let url = program.ready["api"].as_str().unwrap().to_owned();
        Served { program, url, http: self.http.clone() }
    }

    /// As [`Shop::serve_with`], with a log that nobody reads.
    pub fn serve_unread(&self, name: &str, env: &[(&str, &str)]) -> Served {
        let settings = format!("{name}.toml");
        let program = Program::start_unread(self.folder.path(), name, &["--config", &settings, "serve"], env);
        let url = program.ready["api"].as_str().unwrap().to_owned();
        Served { program, url, http: self.http.clone() }
    }

    /// Signs users in at the sandbox. Returns each user with a new refresh token.
    pub async fn sign_in(&self, users: usize) -> Vec<(String, String)> {
        let lines = self.sign_in_ago(users, "u-", "0s").await.into_iter();
        lines.map(|line| (text(&line, "user"), text(&line, "refresh_token"))).collect()
    }

    /// Like [`Shop::sign_in`], with sign-ins of this age. Returns the sandbox's answers.
    pub async fn sign_in_ago(&self, users: usize, prefix: &str, age: &str) -> Vec<Value> {
        self.sandbox_client().sign_in_ago(users, prefix, age).await
    }

    /// Returns a client of the sandbox that does not borrow the shop.
    pub fn sandbox_client(&self) -> SandboxClient {
        SandboxClient { url: self.sandbox_url().to_owned(), http: self.http.clone() }
    }

    /// The base of the sandbox's URLs.
    pub fn sandbox_url(&self) -> &str {
        self.sandbox.ready["sandbox"].as_str().unwrap()
    }

    /// Posts to one of the sandbox's own paths.
    pub async fn tell_sandbox(&self, path: &str, body: Value) {
        let url = format!("{}{path}", self.sandbox_url());
        let answer = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        answer.send().await.unwrap().error_for_status().unwrap();
    }

    /// Lets an endpoint of the sandbox process requests and hold its answers, or lets the answers
    /// go.
    pub async fn hold(&self, endpoint: &str, held: bool) {
        self.tell_sandbox("/sandbox/options", json!({ endpoint: { "held": held } })).await;
    }

    /// Returns the sandbox's counts.
    pub async fn stats(&self) -> Stats {
        let text = self
            .http
            .get(format!("{}/stats", self.sandbox_url()))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Returns every secret of the run.
    pub async fn secrets(&self) -> Vec<String> {
        let issued = self.issued().await;
        assert!(!issued.refresh_tokens.is_empty() && !issued.emails.is_empty());
        let mut secrets =
            [issued.refresh_tokens, issued.access_tokens, issued.id_tokens, issued.emails].concat();
        secrets.push(PASSWORD.to_owned());
        secrets
    }

    /// Returns every refresh token that the sandbox issued.
    pub async fn refresh_tokens(&self) -> Vec<String> {
        self.issued().await.refresh_tokens
    }

    /// Returns everything that the sandbox issued.
    async fn issued(&self) -> Issued {
        let url = format!("{}/sandbox/issued", self.sandbox_url());
        let issued = self.http.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&issued).unwrap()
    }

    /// Returns the trace contexts that orders are stored with.
    pub async fn traces(&self) -> Vec<String> {
        self.database.traces(self.folder.path()).await
    }

    /// The lines of `NAME.log`, without one that is being written.
    pub fn log(&self, name: &str) -> Vec<Value> {
        let log = std::fs::read(self.folder.path().join(format!("{name}.log"))).unwrap();
        let end = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        str::from_utf8(&log[..end])
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// The lines of `NAME.log` that contain these words, which need no escape in JSON. Only those
    /// are parsed: a test may ask often while it waits for a line.
    pub fn log_with(&self, name: &str, words: &str) -> Vec<Value> {
        let log = std::fs::read(self.folder.path().join(format!("{name}.log"))).unwrap();
        let search = AhoCorasick::new([words]).unwrap();
        let (mut lines, mut from) = (Vec::new(), 0);
        while let Some(found) = search.find(&log[from..]) {
            let at = from + found.start();
            let start = log[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            // One that is being written has no end yet.
            let Some(end) = log[at..].iter().position(|byte| *byte == b'\n') else { break };
            from = at + end;
            let line = str::from_utf8(&log[start..from]).unwrap();
            lines.push(serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
        }
        lines
    }

    /// Searches everything that the run left for its secrets: rows, files and logs. A client token
    /// is in the order's row until retention deletes it, and nowhere else. Then closes the shop.
    pub async fn close(self) {
        let secrets = self.secrets().await;
        let client_tokens = self.issued().await.client_tokens;
        let mut places = vec![("database", self.database.bytes(self.folder.path()))];
        places.push(("instance folders and files", leaks::files_in(&self.folder.path().join("data"))));
        places.push(("logs", leaks::logs_in(self.folder.path())));
        let search = leaks::Search::new(&secrets);
        for (place, bytes) in &places {
            let found = search.find(bytes);
            assert!(found.is_empty(), "{place}: {} secrets found, the first as {}", found.len(), found[0]);
        }
        let (_, logs) = &places[places.len() - 1];
        let found = leaks::find(logs, &client_tokens);
        assert!(found.is_empty(), "logs: a client token was found as {}", found[0]);
    }
}

/// Returns a valid order without data of the shopper.
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

pub(crate) fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no {member} in {value}")).to_owned()
}

/// Checks that `orders` orders went to Klarna, each once and with one exchange; that no spent token
/// was presented; and that no token had two requests in flight.
pub fn assert_sums(stats: &Stats, orders: u64) {
    let (exchanges, created) = (&stats.exchanges, &stats.orders);
    assert_eq!((exchanges.total, exchanges.rotated), (orders, orders), "{stats:?}");
    assert_eq!((exchanges.spent_presented, exchanges.concurrent), (0, 0), "{stats:?}");
    assert_eq!(
        (created.total, created.distinct_references, created.duplicates),
        (orders, orders, 0),
        "{stats:?}"
    );
    assert_eq!(
        (created.recognised, created.not_recognised, created.without_token),
        (orders, 0, 0),
        "{stats:?}"
    );
    assert_eq!(stats.leaks, klarna_sandbox::Leaks::default(), "{stats:?}");
}
