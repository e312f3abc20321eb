//! `tokens resolve`

use serde_json::json;

use super::tokens::{JSONL, list};
use crate::program::Home;

#[test]
fn only_an_uncertain_token_is_resolved_and_only_one_way() {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    home.run(&["tokens", "resolve", "shop", "u-1"]).exits(2);
    home.run(&["tokens", "resolve", "shop", "u-1", "--retry", "--dead"]).exits(2);
    for decision in ["--retry", "--present", "--dead"] {
        let ran = home.run(&["tokens", "resolve", "shop", "u-1", decision]).exits(1);
        assert!(ran.stderr.contains("it is active; only an uncertain token needs"), "{}", ran.stderr);
        let ran = home.run(&["tokens", "resolve", "shop", "u-11", decision]).exits(1);
        assert!(ran.stderr.contains("no token is registered for this merchant and user"), "{}", ran.stderr);
    }
    assert_eq!(list(&home, &["--state", "active"]).len(), 2);
}

/// A folder with three uncertain tokens.
fn doubted() -> Home {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], [JSONL, CSV_LINE].concat()).exits(0);
    home.run(&["tokens", "after-restore", "--yes"]).exits(0);
    assert_eq!(list(&home, &["--state", "uncertain"]).len(), 3);
    home
}

#[test]
fn nothing_is_resolved_while_a_successor_waits_in_the_spool() {
    let home = doubted();
    std::fs::create_dir_all(home.path("data/instance/spool")).unwrap();
    home.write("data/instance/spool/0.successor", "");
    for what in [&["shop", "u-1"][..], &["--all", "--yes"]] {
        let ran = home.run(&[&["tokens", "resolve", "--retry"], what].concat()).exits(1);
        assert!(ran.stderr.contains("1 refresh token waits in the spool of this machine"), "{}", ran.stderr);
    }
    assert_eq!(list(&home, &["--state", "uncertain"]).len(), 3);
    home.run(&["tokens", "resolve", "--all", "--retry", "--dry-run"]).exits(0);
    home.run(&["tokens", "resolve", "--all", "--retry", "--yes", "--ignore-spool"]).exits(0);
    assert_eq!(list(&home, &["--state", "active"]).len(), 3);
}

const CSV_LINE: &str = "{\"merchant\":\"shop\",\"user\":\"u-3\",\"refresh_token\":\"ory_rt_secret3\"}\n";

#[test]
fn all_uncertain_tokens_are_resolved_at_once() {
    let home = doubted();
    let all = |rest: &[&str]| home.run(&[&["tokens", "resolve", "--all"], rest].concat());
    let json = |rest: &[&str]| all(&[rest, &["--format", "json"]].concat()).exits(0).json().remove(0);
    assert_eq!(
        all(&["--present", "--dry-run"]).exits(0).stdout,
        "3 tokens would be resolved; nothing was changed\n"
    );
    assert_eq!(json(&["--present", "--dry-run"]), json!({"resolved": 0, "left": 3}));
    all(&["--present"])
        .exits(2)
        .tells_in_one_line("add --yes to let the keeper use 3 uncertain tokens once more");
    all(&["--dead"]).exits(2).tells_in_one_line("add --yes to give up 3 uncertain tokens");
    assert_eq!(
        json(&["--dead", "--yes", "--before", "1h"]),
        json!({"resolved": 0, "left": 0}),
        "none is so old"
    );
    all(&["--dead", "--yes", "--merchant", "shoop"]).exits(2).tells_in_one_line("the settings have no shoop");
    assert_eq!(list(&home, &["--state", "uncertain"]).len(), 3);

    let told = all(&["--present", "--yes", "--merchant", "shop"]).exits(0).stdout;
    assert_eq!(
        told,
        "3 tokens resolved: active again and due; at keeper.rate_per_second the keeper needs 1s\n"
    );
    let due = home.run(&["refresh", "--dry-run", "--format", "json"]).exits(0).json();
    assert_eq!(due.len(), 3, "{due:?}");
    // A second run finds nothing and asks nothing.
    assert_eq!(json(&["--dead"]), json!({"resolved": 0, "left": 0}));
    assert_eq!(list(&home, &["--state", "active"]).len(), 3);
}

#[test]
fn all_are_resolved_beside_a_running_service() {
    let home = doubted()
        .with("KLARNA_WORKER__KEEPER__SCHEDULE", "off")
        .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", "http://127.0.0.1:1/token");
    let mut service = home.start(&["serve"]);
    assert!(service.line().starts_with("ready"));
    let told = home.run(&["tokens", "resolve", "--all", "--dead", "--yes"]).exits(0).stdout;
    assert_eq!(told, "3 tokens resolved: not used again; their shoppers have to sign in\n");
    assert_eq!(list(&home, &["--state", "reauth_required"]).len(), 3);
    service.signal("-TERM");
    assert_eq!(service.end().code, Some(0));
}

#[test]
fn one_or_all_is_said() {
    let home = Home::new();
    for wrong in [
        &["--retry"][..],
        &["shop", "--retry"],
        &["shop", "u-1", "--all", "--retry"],
        &["--all"],
        &["--all", "--retry", "--present"],
        &["shop", "u-1", "--retry", "--yes"],
        &["shop", "u-1", "--retry", "--before", "1h"],
        &["--all", "--retry", "--before", "yesterday"],
    ] {
        home.run(&[&["tokens", "resolve"], wrong].concat()).exits(2);
    }
}

#[test]
fn rejected_tokens_are_only_made_active_again() {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    let resolve = |more: &[&str]| home.run(&[&["tokens", "resolve", "--rejected"], more].concat());
    for wrong in [&["--dead"][..], &["--present"], &["--retry", "--all"], &["shop", "u-1", "--retry"], &[]] {
        resolve(wrong).exits(2);
    }
    resolve(&["--retry", "--merchant", "elsewhere"]).exits(2);
    let dry = resolve(&["--retry", "--dry-run", "--since", "2h"]).exits(0);
    assert_eq!(dry.stdout, "0 tokens would be resolved; nothing was changed\n");
    let done = resolve(&["--retry", "--yes", "--format", "json"]).exits(0).json();
    assert_eq!(done, [json!({ "resolved": 0, "left": 0 })]);
}
