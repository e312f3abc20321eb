//! The HTTP API, through real sockets, with a SQLite file, and with PostgreSQL where the engine
//! could matter.

mod audit;
mod auth;
mod batch;
mod breakers;
mod change;
mod docs;
mod erase;
mod export;
mod frame;
mod given;
mod idempotency;
mod limits;
mod list;
mod local;
mod logs;
mod openapi;
mod orders;
mod pages;
mod pauses;
mod push;
mod resolve;
mod roles;
mod serve;
mod shops;
mod tls;
mod tokens;
mod update;
mod users;
mod wait;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::api::{
    AppState, Limits, Probes, PushEndpoint, Readiness, Refusals, SharedAnswers, Vending, ask_health, router,
    serve as serve_api,
};
use klarna_order_worker::app::{App, open_database};
use klarna_order_worker::clock::Clock;
use klarna_order_worker::config::{Engine, Settings, key_file};
use klarna_order_worker::delivery::Waiters;
use klarna_order_worker::order::Disposition;
use klarna_order_worker::pages::router as pages;
use klarna_order_worker::store::{ClaimedOrder, Worker};
use klarna_order_worker::tls::TlsServer;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use test_support::postgres::TestDatabase;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Long enough for a busy machine, and shorter than anything that a test must not wait for:
/// `?wait=60s`.
const SOON: Duration = Duration::from_secs(45);

/// The API with two merchants, `shop` and `other`, and no worker.
struct Api {
    app: App,
    /// The clock of the pages' sessions, and of the limits of pushes.
    clock: Clock,
    waiters: Waiters,
    ready: Readiness,
    address: SocketAddr,
    /// The files for TLS, if the settings name them.
    tls: Option<TlsServer>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
    http: reqwest::Client,
    folder: TempDir,
}

/// An answer.
#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// Checks that the answer is a problem of this kind. Returns its members.
    #[track_caller]
    fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let mut problem = self.json();
        // The id differs in each answer. Tests compare the other members.
        let id = problem.as_object_mut().unwrap().remove("request_id").expect("no request_id");
        assert_eq!(id, self.header("x-request-id"));
        assert_eq!(problem["type"], format!("urn:klarna-order-worker:problem:{kind}"));
        assert_eq!(problem["status"], status);
        assert_ne!(problem["title"].as_str().unwrap(), "");
        assert_ne!(problem["detail"].as_str().unwrap(), "");
        problem
    }

    /// Returns the pointers of its faults.
    #[track_caller]
    fn pointers(&self, kind: &str) -> Vec<String> {
        let problem = self.problem(422, kind);
        let faults = problem["faults"].as_array().unwrap();
        faults.iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

impl Api {
    /// An API without keys: every caller on this machine may do everything.
    async fn open() -> Self {
        Self::with_keys("").await
    }

    /// An API with these `[[server.api_keys]]` sections.
    async fn with_keys(keys: &str) -> Self {
        Self::within(keys, Limits { requests: 1000, waits: 1000 }).await
    }

    async fn within(keys: &str, limits: Limits) -> Self {
        Self::over(None, keys, limits).await
    }

    /// An API on a PostgreSQL database.
    async fn on(database: &TestDatabase) -> Self {
        Self::over(Some(database.url()), "", Limits { requests: 1000, waits: 1000 }).await
    }

    async fn over(url: Option<&str>, keys: &str, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(url, folder.path(), keys);
        Self::of(settings, folder, limits).await
    }

    async fn of(settings: Settings, folder: TempDir, limits: Limits) -> Self {
        let app = open(settings).await;
        let (waiters, ready) = (Waiters::new(app.store.clone()), Readiness::default());
        ready.set_ready(true);
        let clock = Clock::manual(app.clock.now());
        let router = router(AppState {
            intake: app.intake(),
            registry: app.registry(),
            vending: Vending {
                vault: None,
                margin: Duration::from_mins(1),
                patience: Duration::from_secs(20),
            },
            waiters: waiters.clone(),
            sessions: app.sessions().unwrap(),
            pushes: PushEndpoint::new(app.store.clone(), clock.clone()),
            orders: app.store.clone(),
            dashboard: app.store.clone(),
            upkeep: app.store.clone(),
            exports: app.lists.clone(),
            lists: app.lists.clone(),
            registry_for_lists: app.registry_for_lists(),
            renamer: app.renamer(),
            audit: app.audit.clone(),
            audit_log: app.store.clone(),
            pausing: app.store.clone(),
            webhooks: app.store.clone(),
            endpoints: app.store.clone(),
            outages: app.store.clone(),
            merchants: app.merchants(),
            api_keys: app.live.api_keys.clone(),
            clock: clock.clone(),
            limits,
            docs: app.settings.server.docs,
            pages: pages(pages_of(&app, &clock)),
            probes: Probes {
                ready: ready.clone(),
                health: ask_health(app.store.clone()),
                endpoints: app.store.clone(),
                providers: app.store.clone(),
                pausing: app.store.clone(),
                replica: app.store.clone(),
                breakers: Arc::new(std::collections::BTreeMap::new),
                settings: app.live.status.clone(),
                refusals: Refusals::default(),
                scrape: Arc::new(|| Box::pin(async { "metrics\n".to_owned() })),
                answers: SharedAnswers::default(),
            },
        });
        let tls = match app.settings.server.tls.clone() {
            Some(files) => Some(TlsServer::open(files, clock.clone()).await.unwrap()),
            None => None,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let drain = Duration::from_mins(2);
        let stopped = async { stopped.await.unwrap_or(()) };
        let server = tokio::spawn(serve_api(listener, tls.clone(), router, 1000, stopped, drain));
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).tls_certs_only([]);
        let http = http.build().unwrap();
        Self { app, clock, waiters, ready, address, tls, stop: Some(stop), server, http, folder }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    async fn post_order(&self, envelope: impl Into<reqwest::Body>) -> Answer {
        send(json(self.request(Method::POST, "/v1/orders"), envelope)).await
    }

    /// Submits a valid order and returns its id.
    async fn accepted(&self, merchant: &str, user: &str) -> String {
        let answer = self.post_order(envelope(merchant, user, ORDER)).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Claims the due orders, as a worker would.
    async fn claim(&self) -> Vec<ClaimedOrder> {
        let worker =
            Worker { id: Uuid::new_v4().into(), instance: Uuid::new_v4().into(), name: "test".into() };
        self.app.store.begin_worker(&worker).await.unwrap();
        let shares = BTreeMap::from([("shop".into(), 100), ("other".into(), 100)]);
        self.app.store.claim_orders(worker.id, &shares, None).await.unwrap()
    }

    /// Claims the one order that is due, and settles it.
    async fn settle(&self, disposition: &Disposition) {
        let claimed = self.claim().await;
        assert_eq!(claimed.len(), 1);
        assert!(self.app.store.settle_order(&claimed[0].claim, disposition).await.unwrap().is_some());
        self.waiters.notify_ended(claimed[0].claim.order);
    }
}

fn pages_of(app: &App, clock: &Clock) -> klarna_order_worker::pages::Dependencies {
    klarna_order_worker::pages::Dependencies { clock: clock.clone(), ..app.pages() }
}

/// Returns the settings of a service on the database `url`, or else on SQLite.
fn settings(url: Option<&str>, folder: &Path, keys: &str) -> Settings {
    settings_with(url, folder, keys, [])
}

/// As [`settings`], with environment variables.
fn settings_with<const N: usize>(
    url: Option<&str>,
    folder: &Path,
    keys: &str,
    variables: [(String, String); N],
) -> Settings {
    let path = folder.display();
    let merchant = |name: &str| {
        format!(
            "[merchants.{name}]\nregion = \"eu\"\nenvironment = \"playground\"\nclient_id = \"client\"\n\
             checkout_provider = \"klarna\"\n             api_username = \"{name}\"\napi_password = \"password\"\n"
        )
    };
    let url = url.map_or_else(|| format!("sqlite://{path}/worker.db"), str::to_owned);
    let text = format!(
        "installation = \"test\"\n[database]\nurl = \"{url}\"\n[server]\nbind = \"127.0.0.1:0\"\n\
         [vault]\ninstance_dir = \"{path}/instance\"\n[vault.keys.k1]\nfile = \"{path}/k1.key\"\n{}{}{keys}",
        merchant("shop"),
        merchant("other"),
    );
    Settings::parse("test", &text, variables.into_iter()).unwrap()
}

/// Opens an app. Creates its key and migrates its database if that is not done yet.
async fn open(settings: Settings) -> App {
    let key = settings.vault.instance_dir.with_file_name("k1.key");
    if settings.database.engine == Engine::Postgres && !key.exists() {
        key_file::create(&key).unwrap();
        let store = open_database(&settings, &Clock::system()).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await;
    }
    App::open(settings, &BTreeMap::new(), Clock::system()).await.unwrap()
}

async fn send(request: RequestBuilder) -> Answer {
    let response = tokio::time::timeout(SOON, request.send()).await.expect("no answer in time").unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, text }
}

fn json(request: RequestBuilder, body: impl Into<reqwest::Body>) -> RequestBuilder {
    request.header("content-type", "application/json").body(body)
}

/// A valid order, with unusual white space.
const ORDER: &str = r#"{ "purchase_country":"SE" ,"purchase_currency":"SEK","locale":"sv-SE",
  "order_amount":50000, "order_tax_amount":10000, "unknown":{"z":1.50,"a":1E2, "\u00e5":"\u00c5\/"},
  "order_lines":[{"name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":2500,"total_amount":50000,"total_tax_amount":10000}],
  "merchant_urls":{"terms":"https://shop.example/terms","checkout":"https://shop.example/checkout?o={checkout.order.id}",
    "confirmation":"https://shop.example/thanks?o={checkout.order.id}","push":"https://shop.example/push?o={checkout.order.id}"} }"#;

fn envelope(merchant: &str, user: &str, order: &str) -> String {
    format!(r#"{{"merchant":"{merchant}","user":"{user}","order":{order}}}"#)
}

/// A `[[server.api_keys]]` section.
fn key(name: &str, key: &str, rest: &str) -> String {
    let hash: Vec<String> = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = hash.concat();
    format!("[[server.api_keys]]\nname = \"{name}\"\nkey_sha256 = \"{hash}\"\n{rest}\n")
}
