//! The log as JSON lines.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::DateTime;
use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::receiver::{Answer, Receiver};
use test_support::shop::{Shop, order};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_mins(1);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

both_engines!(every_line_of_a_job_says_which, what_the_token_endpoint_calls_it_is_told_too);

/// Returns the lines of the program itself that attempts at one order wrote.
fn of<'a>(lines: &'a [Value], id: &str) -> Vec<&'a Value> {
    let attempts = lines
        .iter()
        .filter(|line| line["order"] == id && line["attempt"].is_i64() && line["webhook"].is_null());
    attempts.filter(|line| is_own(line)).collect()
}

fn is_own(line: &Value) -> bool {
    line["target"].as_str().unwrap().starts_with("klarna_order_worker")
}

fn messages<'a>(lines: &[&'a Value]) -> Vec<&'a str> {
    lines.iter().map(|line| line["message"].as_str().unwrap()).collect()
}

/// Checks that every line from `from` on has Klarna's correlation id. Returns the id.
fn has_correlation(lines: &[&Value], from: &str) -> String {
    let at = lines
        .iter()
        .position(|line| line["message"] == from)
        .unwrap_or_else(|| panic!("no {from}: {lines:#?}"));
    let attempt = &lines[at]["attempt"];
    let ids: BTreeSet<&str> = lines[at..]
        .iter()
        .filter(|line| line["attempt"] == *attempt)
        .map(|line| line["correlation"].as_str().unwrap_or_else(|| panic!("{line}")))
        .collect();
    assert_eq!(ids.len(), 1, "{lines:#?}");
    ids.into_iter().next().unwrap().to_owned()
}

const BREAKER_OPENED: &str = "A circuit breaker opened; calls to this endpoint wait";
const NO_ANSWER: &str = "An exchange got no usable answer; its outcome is unknown";
const NOT_ACCEPTED: &str = "A webhook was not accepted by the shop; it is sent again";

/// A line has a time and a level, and no nested value. The program's own messages are sentences.
fn is_well_formed(line: &Value) {
    let at = line["timestamp"].as_str().unwrap();
    assert!(at.ends_with('Z') && DateTime::parse_from_rfc3339(at).is_ok(), "{line}");
    assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&line["level"].as_str().unwrap()), "{line}");
    let flat = line.as_object().unwrap().values().all(|value| !value.is_object() && !value.is_array());
    assert!(flat, "{line}");
    if is_own(line) {
        let message = line["message"].as_str().unwrap();
        assert!(message.starts_with(|first: char| first.is_uppercase()), "no sentence: {line}");
    }
}

async fn every_line_of_a_job_says_which(database: Database) {
    let receiver = Receiver::start(|n| Answer::status(if n == 0 { 500 } else { 204 })).await;
    let webhooks = format!("webhook_url = \"{}\"\nwebhook_secrets = [\"{SECRET}\"]", receiver.url);
    let shop = Shop::open(database, &[], &webhooks);
    let faster = "replay_after = \"5s\"\ntoken_patience = \"10m\"";
    shop.change_settings("a", r#"token_patience = "10m""#, faster);
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(6).await).await;
    let fail = async |endpoint: &str, user: &str, failure: &str| {
        let body = json!({ "endpoint": endpoint, "user": user, "failure": failure });
        shop.tell_sandbox("/sandbox/fail", body).await;
    };

    // One after the other, because others would wait during the pause after a failure.
    let ended = async |id: String| {
        client.ended(&id, PATIENCE).await;
        id
    };
    // A success.
    let submitted = ended(client.post("u-1", "k-1").await).await;
    // A 5xx with a correlation id, and another attempt.
    fail("checkout", "u-2", "500").await;
    let retried = ended(client.post("u-2", "k-2").await).await;
    // Refused by Klarna.
    let mut antarctic = order();
    antarctic["purchase_country"] = json!("AQ");
    let (_, refused) = client.try_post("u-3", "k-3", &antarctic).await.unwrap();
    let refused = ended(refused["id"].as_str().unwrap().to_owned()).await;
    // A lost answer of the token endpoint; the token is not spent.
    fail("token", "u-4", "cut").await;
    let lost = ended(client.post("u-4", "k-4").await).await;
    // No answer of the order call.
    fail("checkout", "u-5", "cut").await;
    let unanswered = ended(client.post("u-5", "k-5").await).await;
    // Klarna refuses the merchant's settings: the circuit breaker opens, and orders wait.
    let shut = json!({ "checkout": { "failure_rate": 1.0, "failures": ["403"] } });
    shop.tell_sandbox("/sandbox/options", shut).await;
    let mut waiting = Vec::new();
    for user in 1..=6 {
        waiting.push(client.post(&format!("u-{user}"), &format!("w-{user}")).await);
    }
    let told = |message: &str| shop.log_with("a", message).iter().any(|line| line["message"] == message);
    until("the breaker", PATIENCE, async || told(BREAKER_OPENED)).await;
    // Each new order may be the probe of the circuit breaker.
    until("an order that waits for it", PATIENCE, async || {
        waiting.push(client.post("u-1", &format!("w-{}", waiting.len() + 1)).await);
        shop.log_with("a", "klarna_paused").iter().any(|line| line["code"] == "klarna_paused")
    })
    .await;
    receiver.reached(6).await;
    assert!(served.program.terminate().await.success());

    let lines = shop.log("a");
    lines.iter().for_each(is_well_formed);
    // Every line of these modules belongs to an order here, in whichever task it was written, so it
    // must name the order.
    let modules = ["worker", "klarna::create", "vault::exchange", "vault::settle", "breaker"];
    let modules = modules.map(|module| format!("klarna_order_worker::{module}"));
    let of_jobs =
        |line: &&Value| modules.iter().any(|module| line["target"].as_str().unwrap().starts_with(module));
    let about: Vec<&Value> = lines.iter().filter(of_jobs).collect();
    assert!(about.len() > 12, "{about:#?}");
    for line in about {
        assert!(line["order"].as_str().is_some_and(|id| id.len() == 36), "{line}");
        assert_eq!((&line["merchant"], line["attempt"].is_i64()), (&json!("shop"), true), "{line}");
    }

    assert_eq!(messages(&of(&lines, &submitted)), ["The order was submitted"]);
    has_correlation(&of(&lines, &submitted), "The order was submitted");
    let retried = of(&lines, &retried);
    assert_eq!(messages(&retried), ["The attempt failed; another one follows", "The order was submitted"]);
    assert_eq!([&retried[0]["attempt"], &retried[1]["attempt"]], [1, 2]);
    let first = has_correlation(&retried, "The attempt failed; another one follows");
    assert_ne!(first, has_correlation(&retried, "The order was submitted"));
    let refused = of(&lines, &refused);
    assert_eq!((messages(&refused), &refused[0]["level"]), (vec!["The order failed"], &json!("WARN")));
    has_correlation(&refused, "The order failed");
    let lost = of(&lines, &lost);
    let no_answer = lost.iter().find(|line| line["message"] == NO_ANSWER).unwrap();
    assert!(no_answer["exchange"].is_string() && no_answer["token"].is_u64(), "{no_answer}");
    let waits = lost.iter().find(|line| line["message"] == "The order waits").unwrap();
    assert_eq!(waits["what"], "its token", "{waits}");
    // A call without an answer has no correlation id.
    let unanswered = of(&lines, &unanswered);
    assert_eq!(unanswered[0]["message"], "The attempt failed; another one follows");
    assert!(unanswered[0]["correlation"].is_null(), "{}", unanswered[0]);
    let shut_out =
        waiting.iter().flat_map(|id| of(&lines, id)).find(|line| line["code"] == "klarna_refused_merchant");
    assert!(shut_out.unwrap()["correlation"].is_string());

    // Webhooks and requests say which they are.
    let not_taken = lines.iter().find(|line| line["message"] == NOT_ACCEPTED).unwrap();
    assert!(not_taken["webhook"].is_string() && not_taken["order"].is_string(), "{not_taken}");
    assert_eq!((&not_taken["merchant"], &not_taken["attempt"]), (&json!("shop"), &json!(1)));
    let taken_in =
        lines.iter().find(|line| line["message"] == "An order was accepted" && line["order"] == submitted);
    let answered = lines.iter().find(|line| {
        line["message"] == "A request was answered" && line["request"] == taken_in.unwrap()["request"]
    });
    let answered = answered.unwrap();
    assert_eq!(
        (&answered["method"], &answered["route"], &answered["status"]),
        (&json!("POST"), &json!("/v1/orders"), &json!(202))
    );
    assert!(answered["took_ms"].is_u64(), "{answered}");
    shop.close().await;
}

/// A token endpoint that sends a correlation id. Klarna does not document whether its own does.
async fn what_the_token_endpoint_calls_it_is_told_too(database: Database) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/oauth2/token", listener.local_addr().unwrap());
    let busy = async || {
        let mut headers = HeaderMap::new();
        headers.insert("klarna-correlation-id", "token-call-1".parse().unwrap());
        headers.insert("retry-after", "1".parse().unwrap());
        (StatusCode::SERVICE_UNAVAILABLE, headers)
    };
    let serving = tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/oauth2/token", post(busy))).await.unwrap();
    });
    let shop = Shop::open(database, &[], "");
    let sandboxs = format!("token_url = \"{}\"", shop.sandbox.ready["token_url"].as_str().unwrap());
    shop.change_settings("a", &sandboxs, &format!("token_url = \"{url}\""));
    shop.change_settings("a", r#"token_patience = "10m""#, r#"token_patience = "1500ms""#);
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let id = client.post("u-1", "k-1").await;
    let ended = client.ended(&id, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["token"]), (&json!("submitted"), &json!("unavailable")), "{ended}");
    assert!(served.program.terminate().await.success());
    let lines = shop.log("a");
    let lines = of(&lines, &id);
    for message in ["An exchange ended", "The order waits"] {
        let line =
            lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{lines:#?}"));
        assert_eq!(line["correlation"], "token-call-1", "{line}");
    }
    // The create call has a correlation id of its own.
    let submitted = lines.iter().find(|line| line["message"] == "The order was submitted").unwrap();
    assert!(
        submitted["correlation"] != "token-call-1" && submitted["correlation"].is_string(),
        "{submitted}"
    );
    serving.abort();
    shop.close().await;
}
