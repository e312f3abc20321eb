//! `torture`, with a client that makes the usual mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

/// What the naive client gets right, by its retries or by luck.
const PASSED: [&str; 20] = [
    "none",
    "token-400",
    "token-401",
    "token-403",
    "token-429",
    "token-500",
    "token-502",
    "token-503",
    "token-cut",
    "token-stall",
    "token-lost-grace",
    "token-truncated-grace",
    "token-500-grace",
    "token-504-grace",
    "token-hang-grace",
    "token-late-grace",
    "token-bad-id-token",
    "not-rotated",
    "kill-before-rotation",
    "kill-after-rotation-grace",
];

/// Runs the cases whose names begin with one of these. Returns their reports, after comparing which
/// of them the naive client has passed.
fn judged(name: &str, starts: &[&str]) -> BTreeMap<String, Value> {
    let of = |case: &str| case == "none" || starts.iter().any(|start| case.starts_with(start));
    let list = String::from_utf8(sandbox(&["torture", "--list"]).stdout).unwrap();
    let named = list.lines().map(|line| line.split(' ').next().unwrap()).filter(|case| of(case));
    let named = named.collect::<Vec<_>>().join(",");
    let output = torture(&Naive::new(name), &["--format", "json", "--case", &named]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases: BTreeMap<String, Value> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| (case["name"].as_str().unwrap().to_owned(), case.clone()))
        .collect();
    let passed: BTreeSet<&str> =
        cases.iter().filter(|(_, case)| case["passed"] == true).map(|(name, _)| &**name).collect();
    assert_eq!(passed, PASSED.into_iter().filter(|case| of(case)).collect(), "{report:#}");
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&json!(passed.len()), &json!(cases.len() - passed.len()))
    );
    cases
}

/// Returns tokens lost, whether one was presented again, orders doubled and failed.
fn found(case: &Value) -> (u64, bool, u64, u64) {
    let count = |what: &str| case["findings"][what].as_u64().unwrap();
    (count("lost_tokens"), count("reused") > 0, count("doubled_orders"), count("failed_orders"))
}

#[test]
fn a_naive_client_is_caught_where_exchanges_fail() {
    let cases = judged("token", &["token-"]);
    // The successor is lost with an answer that the client could have read.
    for name in ["token-bom", "token-gzip", "token-deflate", "token-no-access-token", "token-odd-members"] {
        assert_eq!(found(&cases[name]), (1, true, 0, 0), "{:#}", cases[name]);
    }
    // Nobody could have kept these, but a dead token is presented for every order.
    for name in ["token-lost", "token-hang", "token-504", "token-empty"] {
        assert_eq!(found(&cases[name]), (0, true, 0, 0), "{:#}", cases[name]);
    }
}

#[test]
fn a_naive_client_is_caught_where_create_calls_fail() {
    let cases = judged("create", &["create-"]);
    // The successor is stored only after the order.
    for name in ["create-429", "create-503", "create-cut"] {
        assert_eq!(found(&cases[name]), (1, true, 0, 0), "{:#}", cases[name]);
    }
    // And the second order has another idempotency key.
    for name in ["create-lost", "create-truncated", "create-504", "create-hang"] {
        assert_eq!(found(&cases[name]), (1, true, 1, 0), "{:#}", cases[name]);
    }
}

#[test]
fn a_naive_client_is_caught_where_it_is_killed_or_its_token_is_dead() {
    let cases = judged("other", &["kill-", "revoked", "expired", "two-", "registered-", "not-", "no-"]);
    assert_eq!(found(&cases["kill-before-create"]), (1, true, 0, 0), "{:#}", cases["kill-before-create"]);
    assert_eq!(found(&cases["kill-after-create"]), (1, true, 1, 0), "{:#}", cases["kill-after-create"]);
    for name in ["kill-after-rotation", "revoked", "expired"] {
        assert_eq!(found(&cases[name]), (0, true, 0, 0), "{:#}", cases[name]);
    }
    assert_eq!(found(&cases["registered-again"]), (1, true, 0, 0));
    assert!(found(&cases["two-orders"]).1);
    let (lost, _, _, failed) = found(&cases["no-refresh-token"]);
    assert!(lost == 1 && failed > 0, "{:#}", cases["no-refresh-token"]);
}

#[test]
fn the_text_says_what_was_found() {
    let output = torture(&Naive::new("text"), &["--case", "token-bom,token-cut", "--skip", "token-cut"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.starts_with("ok      none\nFAILED  token-bom: The answer of the exchange begins with"),
        "{text}"
    );
    assert!(text.contains("\n        - a spent token was presented:"), "{text}");
    assert!(text.ends_with("orders: 0 doubled, 0 missing, 0 failed\n"), "{text}");
    assert!(text.contains("\n2 cases: 1 passed, 1 failed; tokens: 1 lost, "), "{text}");

    let output = torture(&Naive::new("clean"), &["--case", "token-503"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_client_that_never_works_is_not_judged() {
    let arguments = ["--register", "true", "--order", "true", "--bind", "127.0.0.1:0", "--pause", "0s"];
    let output = sandbox(&[&["torture", "--access-token-lifetime", "0s"], &arguments[..]].concat());
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("the client cannot be judged: without any fault"), "{text}");
    assert!(text.contains("was said to be created, but no order has it"), "{text}");

    let output = sandbox(&[&["torture", "--case", "token-odd"], &arguments[..]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("there is no case \"token-odd\""));
    let list = String::from_utf8(sandbox(&["torture", "--list"]).stdout).unwrap();
    assert!(
        PASSED.iter().all(|name| list.lines().any(|line| line.starts_with(&format!("{name} ")))),
        "{list}"
    );
}

/// A folder for the naive client's tokens.
struct Naive(PathBuf);

impl Naive {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("klarna-sandbox-naive-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Returns the command that makes the naive client do this.
    fn command(&self, what: &str) -> String {
        let program = std::env::current_exe().unwrap();
        let (folder, program) = (self.0.display(), program.display());
        format!("NAIVE='{folder}' NAIVE_TASK={what} exec '{program}' --exact torture::naive_client --quiet")
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn torture(naive: &Naive, more: &[&str]) -> Output {
    let (register, order) = (naive.command("register"), naive.command("order"));
    let arguments = ["torture", "--register", &register, "--order", &order, "--bind", "127.0.0.1:0"];
    let quick = ["--pause", "50ms", "--timeout", "20s", "--late", "6s", "--access-token-lifetime", "1s"];
    sandbox(&[&arguments[..], &quick, more].concat())
}

fn sandbox(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_klarna-sandbox")).args(arguments).output().unwrap()
}

/// The naive client: the program that the tests above put under test. It takes what it needs from
/// the environment, keeps each user's token in a file, and makes these mistakes: it stores the
/// successor last, forgets nothing that Klarna has refused, lets two orders present one token,
/// reads answers with a strict parser, and makes an idempotency key for each attempt. Among the
/// other tests it does nothing.
#[tokio::test]
async fn naive_client() {
    let Ok(task) = std::env::var("NAIVE_TASK") else { return };
    let var = |name: &str| std::env::var(name).unwrap();
    let file = PathBuf::from(var("NAIVE")).join(var("TORTURE_USER"));
    if task == "register" {
        std::fs::write(file, var("TORTURE_REFRESH_TOKEN")).unwrap();
        return;
    }
    let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never());
    let http = http.timeout(Duration::from_secs(2)).tls_certs_only([]).build().unwrap();
    let token = std::fs::read_to_string(&file).unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", "naive"), ("refresh_token", &token)];
    let answer = http.post(var("KLARNA_TOKEN_URL")).form(&form).send().await.unwrap();
    let tokens: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();

    let mut order = crate::shop::order("naive", None);
    order["merchant_reference1"] = json!(var("TORTURE_REFERENCE"));
    if tokens["error"] != "invalid_grant" {
        order["customer"] = json!({"klarna_access_token": tokens["access_token"].as_str().unwrap()});
    }
    let create = http.post(format!("{}/checkout/v3/orders", var("KLARNA_CHECKOUT_URL")));
    let create = create.basic_auth("naive", Some("naive")).header("content-type", "application/json");
    let create = create.header("klarna-idempotency-key", format!("{}", std::process::id()));
    let answer = create.body(order.to_string()).send().await.unwrap();
    assert!(answer.status().is_success());
    let created: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert!(created["order_id"].is_string());
    if tokens["error"] != "invalid_grant" {
        std::fs::write(file, tokens["refresh_token"].as_str().unwrap_or_default()).unwrap();
    }
}
