//! `/metrics` of a running service, read as Prometheus does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use klarna_order_worker::ops::metrics::CATALOGUE;
use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::{Program, until};
use test_support::receiver::{Answer, Receiver};
use test_support::service::Client;
use test_support::shop::Shop;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_mins(2);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

const WITHOUT_TOKEN: &str =
    "orders_ended_total{merchant=\"shop\",target=\"checkout\",status=\"submitted\",token=\"unavailable\"}";

both_engines!(what_happens_is_counted_and_told, a_process_without_the_api_is_watched_at_its_probes);

/// A scrape: values by name and labels, and the help and type of each name.
struct Scraped {
    text: String,
    values: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
}

impl Scraped {
    async fn of(client: &Client) -> Self {
        let text = client.get_text("/metrics").await;
        let lines = || text.lines().filter(|line| !line.is_empty());
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.to_owned())
        };
        let values = lines().filter(|line| !line.starts_with('#')).map(sample).collect();
        let type_of = |line: &str| {
            line.strip_prefix("# TYPE ")?.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        let types = lines().filter_map(type_of).collect();
        Self { text, values, types }
    }

    /// Returns the value of a name with its labels, written as in the scrape.
    fn value(&self, name: &str) -> &str {
        let name = format!("klarna_worker_{name}");
        self.values.get(&name).unwrap_or_else(|| panic!("no {name} in\n{}", self.text))
    }

    fn count(&self, name: &str) -> u64 {
        self.value(name).parse().unwrap_or_else(|_| panic!("{name} {}", self.value(name)))
    }

    /// Whether a value has reached a least one.
    fn reached(&self, name: &str, least: u64) -> bool {
        let value = self.values.get(&format!("klarna_worker_{name}")).and_then(|value| value.parse().ok());
        value.is_some_and(|value: u64| value >= least)
    }

    /// Checks names, help and types against Prometheus' conventions.
    fn check(&self) {
        for (sample, value) in &self.values {
            let name = sample.split('{').next().unwrap();
            assert!(name.starts_with("klarna_worker_"), "{sample}");
            let number: f64 = value.parse().unwrap();
            assert!(number.is_finite() && number >= 0.0, "{sample} {value}");
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|ending| {
                let family = name.strip_suffix(ending)?;
                (self.types.get(family).map(String::as_str) == Some("histogram")).then_some(family)
            });
            let family = family.unwrap_or(name);
            let kind = self.types.get(family).unwrap_or_else(|| panic!("{family} has no type"));
            assert_eq!(kind == "counter", family.ends_with("_total"), "{family} is a {kind}");
            assert!(self.text.contains(&format!("# HELP {family} ")), "{family} has no help");
            assert_ne!(kind, "summary", "{family} cannot be added up over processes");
        }
        for sample in self.values.keys() {
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            let metric = CATALOGUE
                .iter()
                .filter(|metric| name.starts_with(metric.name))
                .max_by_key(|metric| metric.name.len());
            let metric = metric.unwrap_or_else(|| panic!("{name} is not in the catalogue"));
            let labels: BTreeSet<&str> =
                labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
            let known: BTreeSet<&str> = metric.labels.iter().copied().collect();
            assert_eq!(
                labels.into_iter().filter(|label| *label != "le").collect::<BTreeSet<_>>(),
                known,
                "{sample}"
            );
        }
    }

    /// Checks the text with Prometheus' own tool, if it is installed.
    fn ask_promtool(&self) {
        let mut promtool = Command::new("promtool");
        promtool
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let Ok(mut promtool) = promtool.spawn() else { return };
        promtool.stdin.take().unwrap().write_all(self.text.as_bytes()).unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

/// Scrapes until a scrape is complete, or for as long as [`PATIENCE`]: a process counts after it
/// has told a client, and figures of the installation may be some seconds old.
async fn scraped(client: &Client, is_complete: impl Fn(&Scraped) -> bool) -> Scraped {
    let end = Instant::now() + PATIENCE;
    loop {
        let scraped = Scraped::of(client).await;
        if is_complete(&scraped) || Instant::now() >= end {
            return scraped;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Every metric of the catalogue has a value.
fn tells_all(now: &Scraped) {
    for metric in CATALOGUE {
        assert!(now.values.keys().any(|name| name.starts_with(metric.name)), "{} is never told", metric.name);
    }
}

async fn what_happens_is_counted_and_told(database: Database) {
    // It accepts only the first event.
    let receiver = Receiver::start(|n| Answer::status(if n == 0 { 204 } else { 500 })).await;
    let webhook = format!("webhook_url = \"{}\"\nwebhook_secrets = [\"{SECRET}\"]", receiver.url);
    let shop = Shop::open(
        database,
        &[],
        &format!("{webhook}\ndiscovery = true\n[keeper]\nschedule = \"* * * * * *\""),
    );
    shop.change_settings("a", "token_patience = \"10m\"", "token_patience = \"15s\"\nreplay_after = \"5s\"");
    let users = shop.sign_in(8).await;
    let served = shop.serve("a");
    let client = served.client();
    let before = Scraped::of(&client).await;
    before.check();
    assert_eq!(before.count("lost_answers_total{merchant=\"shop\"}"), 0, "an alert needs a beginning");
    assert_eq!(before.count("breaker_openings_total{merchant=\"shop\",endpoint=\"token\"}"), 0);
    assert_eq!(before.count("tokens{state=\"active\",reason=\"\"}"), 0);
    assert_eq!(before.count("webhook_attempts_total{merchant=\"shop\",result=\"failed\"}"), 0);
    assert_eq!(before.count("secrets{key=\"k1\",state=\"active\"}"), 1, "the key of the hashes");
    assert_eq!(before.count("exchange_permits_max"), 128);
    if cfg!(target_os = "linux") {
        assert!(
            before.count("process_resident_memory_bytes") > 1 << 20 && before.count("process_open_fds") > 3
        );
    }

    client.register_all(&users).await;
    let ids = client.post_all(&users, 6).await;
    client.all_submitted_fresh(&ids, PATIENCE).await;
    let counts = [
        ("orders_ended_total{merchant=\"shop\",target=\"checkout\",status=\"submitted\",token=\"fresh\"}", 6),
        ("order_attempts_total{merchant=\"shop\",target=\"checkout\",result=\"submitted\"}", 6),
        ("order_pickup_seconds_count{merchant=\"shop\"}", 6),
        ("order_end_to_end_seconds_count{merchant=\"shop\"}", 6),
        ("exchanges_total{merchant=\"shop\",purpose=\"order\",result=\"rotated\"}", 6),
        ("exchange_duration_seconds_count{merchant=\"shop\"}", 6),
        ("create_duration_seconds_count{merchant=\"shop\",target=\"checkout\",result=\"created\"}", 6),
        ("breaker_open{endpoint=\"token\",merchant=\"shop\"}", 0),
        ("spool_files", 0),
        ("exchanges_in_flight", 0),
        ("database_up", 1),
    ];
    let complete = |now: &Scraped| {
        counts.iter().all(|(name, value)| now.reached(name, *value)) && !now.reached("exchanges_in_flight", 1)
    };
    let after = scraped(&client, complete).await;
    after.check();
    after.ask_promtool();
    for (name, value) in counts {
        assert_eq!(after.count(name), value, "{name}");
    }
    assert_eq!(after.count("order_pickup_seconds_bucket{merchant=\"shop\",le=\"+Inf\"}"), 6);

    // Lost answers, and then an unreachable endpoint.
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "token", "failure": "lost" })).await;
    let lost = client.post(&users[0].0, "lost").await;
    client.all_submitted(&[lost], &["unavailable", "reauth_required"], PATIENCE).await;
    shop.tell_sandbox("/sandbox/options", json!({ "token": { "failure_rate": 1, "failures": ["500"] } }))
        .await;
    let mut ids = Vec::new();
    for (user, _) in &users[1..] {
        ids.push(client.post(user, &format!("away-{user}")).await);
    }
    client.all_submitted(&ids, &["unavailable"], PATIENCE).await;
    let complete = |now: &Scraped| {
        let least = [
            ("workers_alive", 1),
            ("keeper_last_sweep_timestamp_seconds", 1),
            ("keeper_sweeps_total{end=\"complete\"}", 1),
            (WITHOUT_TOKEN, 7),
            ("webhook_attempts_total{merchant=\"shop\",result=\"delivered\"}", 1),
            ("webhook_attempts_total{merchant=\"shop\",result=\"failed\"}", 5),
            ("webhook_duration_seconds_count{merchant=\"shop\"}", 6),
            ("webhooks_pending{merchant=\"shop\"}", 5),
        ];
        let told = |metric: &str| now.values.keys().any(|name| name.starts_with(metric));
        least.iter().all(|(name, least)| now.reached(name, *least))
            && !now.reached("orders_queued{merchant=\"shop\"}", 1)
            && CATALOGUE.iter().all(|metric| told(metric.name))
    };
    let away = scraped(&client, complete).await;
    away.check();
    assert_eq!(away.count("workers_alive"), 1);
    assert!(away.count("keeper_last_sweep_timestamp_seconds") > 0);
    assert!(away.count("lost_answers_total{merchant=\"shop\"}") >= 1);
    assert!(away.count("breaker_openings_total{merchant=\"shop\",endpoint=\"token\"}") >= 1);
    assert!(away.count("keeper_sweeps_total{end=\"complete\"}") >= 1);
    assert!(away.count(WITHOUT_TOKEN) >= 7);
    assert_eq!(away.count("orders_queued{merchant=\"shop\"}"), 0);
    let webhooks = |result: &str| {
        away.count(&format!("webhook_attempts_total{{merchant=\"shop\",result=\"{result}\"}}"))
    };
    assert_eq!(webhooks("delivered"), 1);
    assert!(webhooks("failed") >= 5 && away.count("webhook_duration_seconds_count{merchant=\"shop\"}") >= 6);
    assert!(away.count("webhooks_pending{merchant=\"shop\"}") >= 5);
    assert_eq!(away.count("webhook_endpoint_disabled{merchant=\"shop\"}"), 0);
    tells_all(&away);
    for secret in users.iter().flat_map(|(user, token)| [user, token]).chain(&ids) {
        assert!(!away.text.contains(&format!("\"{secret}\"")), "{secret} is in a label");
    }
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_process_without_the_api_is_watched_at_its_probes(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.change_settings("a", "bind = \"127.0.0.1:0\"", "bind = \"127.0.0.1:0\"\nprobes = \"127.0.0.1:0\"");
    let args = ["--config", "a.toml", "serve", "--roles", "worker,keeper"];
    let worker = Program::start(shop.folder.path(), "a", &args);
    assert_eq!(worker.ready.get("api"), None);
    let probes = worker.ready["probes"].as_str().unwrap().to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // Any host name is accepted, because platforms use different ones and no browser comes here.
    let ask = async |path: &str| {
        let answer =
            http.get(format!("{probes}{path}")).header("host", "worker-0.pods").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/livez").await.0, 200);
    let (status, text) = ask("/readyz?verbose").await;
    assert!(status == 200 && text.contains("\"breakers\":{\"shop\""), "{text}");
    assert_eq!(ask("/metrics").await.0, 200);
    for path in ["/v1/orders", "/docs/", "/openapi.json", "/"] {
        assert_eq!(ask(path).await.0, 404, "{path}");
    }
    until("a worker with heartbeats", PATIENCE, async || {
        ask("/metrics").await.1.contains("klarna_worker_workers_alive 1")
    })
    .await;
    assert!(worker.terminate().await.success());
    shop.folder.close().unwrap();
}
