//! Traces, as a collector receives them.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Value, json};
use test_support::engine::{Database, both_engines, on_postgres};
use test_support::program::command;
use test_support::receiver::{Answer, Receiver};
use test_support::shop::{PASSWORD, Shop, order};
use test_support::{leaks, ports};

use crate::collector::{Collector, Seen};
use crate::keeper::import;

const PATIENCE: Duration = Duration::from_mins(1);

/// What the shop's own tracing sends.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
/// An export gives up after ten seconds.
const OF_AN_EXPORT: Duration = Duration::from_secs(9);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

both_engines!(intake_and_run_are_told_and_linked, without_a_collector_only_what_the_caller_sent_is_kept);

fn sent() -> String {
    format!("00-{TRACE}-{SPAN}-01")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Submits an order by HTTP as part of the shop's trace. Returns its id.
async fn post(shop_url: &str, user: &str, key: &str) -> String {
    let body = json!({ "merchant": "shop", "user": user, "order": order() }).to_string();
    let request = reqwest::Client::new()
        .post(format!("{shop_url}/v1/orders"))
        .header("content-type", "application/json");
    let request = request.header("traceparent", sent()).header("idempotency-key", key).body(body);
    let answer = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["id"].as_str().unwrap().to_owned()
}

fn named<'a>(spans: &'a [Seen], name: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|seen| seen.span.name == name).collect()
}

/// Returns the spans of the attempts at one order, in order.
fn runs<'a>(spans: &'a [Seen], id: &str) -> Vec<&'a Seen> {
    let mut runs = named(spans, "process orders");
    runs.retain(|seen| seen.get("messaging.message.id") == id);
    runs.sort_by_key(|seen| seen.span.start_time_unix_nano);
    runs
}

/// The attributes that each span shares with all others of its process.
fn assert_describes_the_service(seen: &Seen) {
    let resource = &seen.resource;
    assert_eq!(resource["service.name"], "klarna-order-worker");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(resource["deployment.environment.name"], "test");
    assert!(!resource["service.instance.id"].is_empty());
}

async fn intake_and_run_are_told_and_linked(database: Database) {
    let collector = Collector::start(200, "").await;
    let receiver = Receiver::start(|_| Answer::status(204)).await;
    let webhooks = format!("webhook_url = \"{}?key=sesame\"\nwebhook_secrets = [\"{SECRET}\"]", receiver.url);
    let shop = Shop::open(database, &[], &webhooks);
    let served = shop.serve_with(
        "a",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=of-the-test"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ],
    );
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    // The first attempt gets no usable answer: another follows.
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "checkout", "user": "u-1", "failure": "500" }))
        .await;
    let url = served.program.ready["api"].as_str().unwrap();
    let id = post(url, "u-1", "k-1").await;
    let ended = client.ended(&id, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["attempts"]), (&json!("submitted"), &json!(2)), "{ended}");
    receiver.reached(1).await;
    collector
        .until("the order's traces", |spans| {
            runs(spans, &id).len() >= 2 && !named(spans, "process webhooks").is_empty()
        })
        .await;
    assert!(served.program.terminate().await.success());
    let spans = collector.spans();

    // The request belongs to the shop's own trace.
    let [request] = named(&spans, "POST /v1/orders")[..] else { panic!("{spans:#?}") };
    assert_eq!((hex(&request.span.trace_id), hex(&request.span.parent_span_id)), (TRACE.into(), SPAN.into()));
    assert_eq!(request.span.kind(), SpanKind::Server);
    assert_eq!(
        ["http.request.method", "http.route", "http.response.status_code"].map(|name| request.get(name)),
        ["POST", "/v1/orders", "202"]
    );
    let [sending] = named(&spans, "send orders")[..] else { panic!("{spans:#?}") };
    assert!(sending.is_child_of(request));
    assert_eq!((sending.span.kind(), sending.get("messaging.message.id")), (SpanKind::Producer, id.as_str()));

    // Each attempt is a trace of its own, linked to the request.
    let runs = runs(&spans, &id);
    assert_eq!(
        runs.iter().map(|run| run.get("klarna_worker.result")).collect::<Vec<_>>(),
        ["retry", "submitted"]
    );
    for (run, attempt) in runs.iter().zip(["1", "2"]) {
        assert!(run.is_root_linked_to(sending), "{run:#?}");
        assert_eq!(run.span.kind(), SpanKind::Consumer);
        let of = |name: &str| run.get(name).to_owned();
        assert_eq!(of("klarna_worker.attempt"), attempt);
        assert_eq!(
            (of("klarna_worker.merchant"), of("messaging.operation.type")),
            ("shop".into(), "process".into())
        );
    }
    assert_eq!(runs[0].get("error.type"), "klarna_unavailable");
    assert_eq!(runs[0].span.status.as_ref().unwrap().code(), StatusCode::Error);
    assert_ne!(runs[0].span.trace_id, runs[1].span.trace_id);

    // The steps of an attempt are its children.
    let below = |parent: &Seen| spans.iter().filter(|seen| seen.is_child_of(parent)).collect::<Vec<_>>();
    let names = |spans: &[&Seen]| spans.iter().map(|seen| seen.span.name.clone()).collect::<BTreeSet<_>>();
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let first = below(runs[0]);
    let jwks = "GET /{region}/lp/idp/.well-known/jwks.json";
    assert_eq!(names(&first), set(&["POST /checkout/v3/orders", "exchange token", "settle order", jwks]));
    // Its token was kept.
    assert_eq!(names(&below(runs[1])), set(&["POST /checkout/v3/orders", "settle order"]));
    let [exchange] = named(&spans, "exchange token")[..] else { panic!("{spans:#?}") };
    let token_call = "POST /{region}/lp/idp/oauth2/token";
    assert_eq!(names(&below(exchange)), set(&["claim token", "record intent", token_call, "store outcome"]));
    let calls = named(&spans, "POST /checkout/v3/orders");
    let failed = calls.iter().find(|call| call.get("http.response.status_code") == "500").unwrap();
    assert_eq!((failed.span.kind(), failed.get("error.type")), (SpanKind::Client, "500"));
    assert_eq!(
        (failed.get("server.address"), failed.get("url.template")),
        ("127.0.0.1", "/checkout/v3/orders")
    );
    assert!(!failed.get("klarna.correlation_id").is_empty(), "{failed:#?}");

    // The webhook continues the trace to the shop. Calls to Klarna do not.
    let [telling] = named(&spans, "process webhooks")[..] else { panic!("{spans:#?}") };
    assert!(telling.is_root_linked_to(sending), "{telling:#?}");
    assert_eq!(telling.get("klarna_worker.order"), id);
    let told = receiver.requests()[0].headers["traceparent"].to_str().unwrap().to_owned();
    assert!(told.starts_with(&format!("00-{}-", hex(&telling.span.trace_id))), "{told}");

    assert_describes_the_service(request);
    let exports = collector.exports();
    assert!(exports.iter().all(|export| export.headers["x-tenant"] == "of-the-test"));
    // Probes and scrapes make no traces, and nothing else begins one by itself.
    let roots = spans.iter().filter(|seen| seen.span.parent_span_id.is_empty());
    let roots: BTreeSet<&str> = roots.map(|seen| seen.span.name.as_str()).collect();
    let token_route = "PUT /v1/merchants/{merchant}/users/{user}/token";
    assert_eq!(
        roots,
        BTreeSet::from(["process orders", "process webhooks", token_route, "GET /v1/orders/{id}"])
    );

    let bytes: Vec<u8> = exports.iter().flat_map(|export| export.bytes.to_vec()).collect();
    let mut secrets = shop.secrets().await;
    // The user, the address of the shop's endpoint, and claims of an id_token.
    secrets.extend(["sesame", SECRET, PASSWORD, "T-shirt", "/sandbox/users"].map(str::to_owned));
    let found = leaks::find(&bytes, &secrets);
    assert!(found.is_empty(), "{found:?}");
    shop.close().await;
}

async fn without_a_collector_only_what_the_caller_sent_is_kept(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(2).await).await;
    let url = served.program.ready["api"].as_str().unwrap().to_owned();
    let linked = post(&url, "u-1", "k-1").await;
    client.ended(&client.post("u-2", "k-2").await, PATIENCE).await;
    client.ended(&linked, PATIENCE).await;
    assert!(served.program.terminate().await.success());
    assert_eq!(shop.traces().await, [sent()]);
    shop.close().await;
}

/// An order that SQL submits is linked to the trace that the transaction names, and a command's
/// orders to the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_entry_point_links() {
    on_postgres(entry_points).await;
}

async fn entry_points(database: Database) {
    let collector = Collector::start(200, "").await;
    let shop = Shop::open(database, &[], "");
    // The setting names the collector this time.
    let endpoint = format!("[telemetry]\notlp_endpoint = \"{}\"\n[merchants.shop]", collector.url);
    shop.change_settings("a", "[merchants.shop]", &endpoint);
    let served = shop
        .serve_with("a", &[("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_SERVICE_NAME", "orders-of-the-test")]);
    let client = served.client();
    client.register_all(&shop.sign_in(2).await).await;
    let sql = format!(
        "BEGIN; SELECT set_config('klarna_worker.traceparent', '{}', true);
         SELECT klarna_worker.enqueue_order('shop', 'u-1', '{}'); COMMIT",
        sent(),
        order()
    );
    let told = test_support::engine::ask(shop.database.url(), &sql);
    let of_sql = told.lines().find(|line| line.len() == 36).unwrap().to_owned();
    let nonsense = format!(
        "SET klarna_worker.traceparent = 'sesame'; SELECT klarna_worker.enqueue_order('shop', 'u-1', '{}')",
        order()
    );
    let unlinked = test_support::engine::ask(shop.database.url(), &nonsense);
    let line = json!({ "merchant": "shop", "user": "u-2", "order": order() }).to_string();
    std::fs::write(shop.folder.path().join("orders.jsonl"), line).unwrap();
    let taken = shop.run("a", &["enqueue", "orders.jsonl"]);
    let of_command = taken[0]["id"].as_str().unwrap().to_owned();
    for id in [&of_sql, &unlinked, &of_command] {
        let ended = client.ended(id, PATIENCE).await;
        assert_eq!(ended["status"], "submitted", "{ended}");
    }
    collector.until("three runs", |spans| named(spans, "process orders").len() >= 3).await;
    let spans = collector.spans();
    let links = |id: &str| {
        let run = *runs(&spans, id).last().unwrap();
        run.span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect::<Vec<_>>()
    };
    assert_eq!(links(&of_sql), [(TRACE.to_owned(), SPAN.to_owned())]);
    assert_eq!(links(&unlinked), []);
    let [sending] = named(&spans, "send orders")[..] else { panic!("{spans:#?}") };
    assert!(runs(&spans, &of_command).iter().all(|run| run.is_root_linked_to(sending)));
    assert_eq!(sending.resource["service.name"], "klarna-order-worker");
    assert!(runs(&spans, &of_sql).iter().all(|run| run.resource["service.name"] == "orders-of-the-test"));
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// Returns how long an order and the stop took, and the log. A collector must not delay either.
async fn an_order_with(collector: &str) -> (Duration, Duration, String) {
    let shop = Shop::open(Database::Sqlite, &[], "");
    // Each batch is one span, so that the queue is full at once.
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "3"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let served = shop.serve_with("a", &env);
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let begun = Instant::now();
    let ended = client.ended(&client.post("u-1", "k-1").await, PATIENCE).await;
    let took = begun.elapsed();
    assert_eq!(ended["status"], "submitted", "{ended}");
    let stopping = Instant::now();
    assert!(served.program.terminate().await.success());
    let stopped = stopping.elapsed();
    let log = std::fs::read_to_string(shop.folder.path().join("a.log")).unwrap();
    shop.close().await;
    (took, stopped, log)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_fails_holds_nothing_up() {
    // Nobody listens.
    let gone = format!("127.0.0.1:{}", ports::free());
    // Accepts the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_at = silent.local_addr().unwrap();
    let listening = std::thread::spawn(move || {
        let (mut first, _) = silent.accept().unwrap();
        let mut more = Vec::new();
        silent.set_nonblocking(true).unwrap();
        let mut bytes = [0; 1024];
        // Until the program has ended.
        while first.read(&mut bytes).is_ok_and(|read| read > 0) {
            more.extend(silent.accept());
        }
    });
    let refusing = Collector::start(400, "no").await;
    let babbling = Collector::start(200, "\u{1}nonsense").await;
    for (what, url, lost) in [
        ("gone", format!("http://{gone}"), true),
        ("silent", format!("http://{silent_at}"), true),
        ("refusing", refusing.url.clone(), true),
        ("babbling", babbling.url.clone(), false),
    ] {
        let (took, stopped, log) = an_order_with(&url).await;
        println!("{what}: an order took {took:?}, the stop {stopped:?}");
        assert!(took < OF_AN_EXPORT, "{what}: {took:?}");
        assert!(stopped < OF_AN_EXPORT, "{what}: {stopped:?}");
        let told = log.matches("Spans were lost").count();
        // One line at the first loss, and one at the end for the losses since.
        assert!(told <= 2 && (told > 0 || !lost), "{what}: told {told} times: {log}");
    }
    listening.join().unwrap();
    assert!(!refusing.exports().is_empty() && !babbling.exports().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sampler_and_an_off_switch_are_heard() {
    let collector = Collector::start(200, "").await;
    let shop = Shop::open(Database::Sqlite, &[], "");
    for (name, value) in [("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_SDK_DISABLED", "true")] {
        let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), (name, value)];
        let served = shop.serve_with("a", &env);
        let client = served.client();
        if name == "OTEL_TRACES_SAMPLER" {
            client.register_all(&shop.sign_in(1).await).await;
        }
        client.ended(&client.post("u-1", name).await, PATIENCE).await;
        assert!(served.program.terminate().await.success());
        assert!(collector.exports().is_empty(), "{name}");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_cannot_be_is_refused_at_start() {
    let shop = Shop::open(Database::Sqlite, &[], "");
    let mut serve = command(shop.folder.path());
    serve.args(["--config", "a.toml", "serve"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url");
    let refused = serve.output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("OTEL_EXPORTER_OTLP_"), "{told}");
    assert!(!shop.folder.path().join("data").exists(), "it began to work all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keeper_is_told_token_by_token() {
    let collector = Collector::start(200, "").await;
    let shop = Shop::open(Database::Sqlite, &[], "");
    import(&shop, 2, "old", "45d").await;
    shop.tell_sandbox("/sandbox/revoke", json!({ "user": "old1" })).await;
    let mut refresh = command(shop.folder.path());
    refresh.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url).args(["--config", "a.toml", "refresh"]);
    let output = tokio::task::spawn_blocking(move || refresh.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let spans = collector.spans();
    let tokens = named(&spans, "refresh token");
    let results: BTreeSet<&str> = tokens.iter().map(|token| token.get("klarna_worker.result")).collect();
    assert_eq!(results, BTreeSet::from(["needs_sign_in", "refreshed"]));
    for token in tokens {
        assert!(token.span.parent_span_id.is_empty() && token.span.links.is_empty(), "{token:#?}");
        let exchanges = named(&spans, "exchange token");
        let exchange = exchanges.iter().find(|exchange| exchange.is_child_of(token)).unwrap();
        assert_eq!(exchange.get("klarna_worker.purpose"), "keeper");
    }
    let log = String::from_utf8(output.stderr).unwrap();
    let line = log.lines().find(|line| line.contains("An exchange ended")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["merchant"], &line["result"]), (&json!("shop"), &json!("rejected")));
    assert!(line["sweep"].is_string() && line["exchange"].is_string() && line["token"].is_i64(), "{line}");
    shop.close().await;
}
