//! The keeper in the service, and `refresh` beside it.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::{command, until};
use test_support::shop::{Shop, assert_sums};

const PATIENCE: Duration = Duration::from_mins(1);
/// A schedule that starts a sweep within a second.
const EVERY_SECOND: &str = "[keeper]\nschedule = \"* * * * * *\"\nrate_per_second = 50.0";
const OFF: &str = "[keeper]\nschedule = \"off\"\nrate_per_second = 50.0";

both_engines!(
    a_service_refreshes_what_is_due_and_catches_up_at_its_start,
    refresh_runs_beside_a_service_and_tells_scripts,
    a_refresh_that_stops_at_suspicious_rejections_tells_scripts,
    tokens_that_a_wrong_address_rejected_come_back,
    two_services_and_a_refresh_at_once_refresh_each_token_once,
    a_dry_run_shows_what_has_no_date_yet,
    many_uncertain_tokens_are_presented_by_the_keeper,
    a_refresh_that_is_cut_off_stores_what_is_in_flight,
);

/// Signs users in with sign-ins of this age, and imports their tokens.
pub async fn import(shop: &Shop, users: usize, prefix: &str, age: &str) -> Vec<String> {
    let signed_in = shop.sign_in_ago(users, prefix, age).await;
    let lines: Vec<String> = signed_in
        .iter()
        .map(|line| {
            json!({
                "merchant": "shop", "user": line["user"],
                "refresh_token": line["refresh_token"], "issued_at": line["issued_at"],
            })
            .to_string()
        })
        .collect();
    let file = shop.folder.path().join(format!("{prefix}.jsonl"));
    std::fs::write(&file, lines.join("\n")).unwrap();
    shop.run("a", &["tokens", "import", file.to_str().unwrap()]);
    std::fs::remove_file(file).unwrap();
    signed_in.iter().map(|line| line["user"].as_str().unwrap().to_owned()).collect()
}

pub fn generation(shop: &Shop, user: &str) -> i64 {
    shop.run("a", &["tokens", "show", "shop", user])[0]["generation"].as_i64().unwrap()
}

/// Runs `refresh`. Returns its exit code, its JSON lines and its standard error.
pub async fn refresh(shop: &Shop, args: &[&str]) -> (i32, Vec<Value>, String) {
    let mut refresh = command(shop.folder.path());
    refresh
        .env("KLARNA_WORKER_LOG", "off")
        .args(["--format", "json", "--config", "a.toml", "refresh"])
        .args(args);
    let output = tokio::task::spawn_blocking(move || refresh.output().unwrap()).await.unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines, String::from_utf8(output.stderr).unwrap())
}

async fn a_service_refreshes_what_is_due_and_catches_up_at_its_start(database: Database) {
    // The schedule fires twice a month, so only a missed sweep runs now.
    let shop = Shop::open(database, &[], "[keeper]\nschedule = \"0 0 0 1,15 * *\"");
    import(&shop, 3, "old", "45d").await;
    import(&shop, 2, "new", "1d").await;
    let served = shop.serve("a");
    until("the missed sweep", PATIENCE, async || shop.stats().await.exchanges.rotated == 3).await;
    // One that a stop cuts off counts as missed.
    let whole = "klarna_worker_keeper_sweeps_total{end=\"complete\"} 1\n";
    until("its end", PATIENCE, async || served.client().get_text("/metrics").await.contains(whole)).await;
    assert!(served.program.terminate().await.success());
    assert_eq!([generation(&shop, "old1"), generation(&shop, "new1")], [2, 1]);

    // The missed sweep has run, so the next start runs none.
    import(&shop, 1, "later", "45d").await;
    let served = shop.serve("a");
    let id = served.client().post("new1", "cart-1").await;
    served.client().all_submitted_fresh(&[id], PATIENCE).await;
    assert!(served.program.terminate().await.success());
    assert_eq!(generation(&shop, "later1"), 1);

    // With a frequent schedule, the next sweep refreshes it.
    shop.write_settings("a", EVERY_SECOND);
    let served = shop.serve("a");
    until("a tick", PATIENCE, async || shop.stats().await.exchanges.rotated == 5).await;
    assert!(served.program.terminate().await.success());
    assert_eq!(generation(&shop, "later1"), 2);
    shop.close().await;
}

async fn refresh_runs_beside_a_service_and_tells_scripts(database: Database) {
    let shop = Shop::open(database, &[], OFF);
    import(&shop, 4, "old", "45d").await;
    let served = shop.serve("a");
    let (code, due, _) = refresh(&shop, &["--dry-run", "--limit", "3"]).await;
    assert_eq!((code, due.len()), (0, 3));
    assert!(due.iter().all(|line| line["due_at"].is_string() && line["result"].is_null()), "{due:?}");
    assert_eq!(shop.stats().await.exchanges.total, 0);

    let (code, told, _) = refresh(&shop, &["--limit", "1"]).await;
    assert_eq!((code, &told[0]["refreshed"]), (0, &json!(1)), "{told:?}");
    // Users who withdrew consent are reported, and are no failure.
    shop.tell_sandbox("/sandbox/revoke", json!({ "user": "old4" })).await;
    let (code, told, _) = refresh(&shop, &[]).await;
    let dead = told.iter().filter(|line| line["result"] == "needs_sign_in").count();
    let summary = told.last().unwrap();
    let refreshed = summary["refreshed"].as_u64().unwrap();
    let died = summary["needs_sign_in"].as_u64().unwrap();
    assert_eq!((code, refreshed + died), (0, 3), "{told:?}");
    assert_eq!(dead as u64, died);

    // A problem that an operator can solve is a failure. Only one token: a 503 keeps a later
    // exchange of the same sweep from being sent.
    import(&shop, 1, "more", "45d").await;
    shop.tell_sandbox("/sandbox/options", json!({ "token": { "failure_rate": 1.0, "failures": ["503"] } }))
        .await;
    let (code, told, _) = refresh(&shop, &[]).await;
    assert_eq!((code, &told.last().unwrap()["failed"]), (3, &json!({ "refused": 1 })), "{told:?}");
    shop.tell_sandbox("/sandbox/options", json!({ "token": { "failure_rate": 0.0 } })).await;

    // Wrong usage, and an unreachable database.
    let (code, _, told) = refresh(&shop, &["--merchant", "other"]).await;
    assert!(code == 2 && told.contains("--merchant: the settings have no other; they have: shop"), "{told}");
    let stats = shop.run("a", &["tokens", "stats"]).remove(0);
    assert_eq!(stats["states"][0]["state"], "active", "{stats}");
    let soon = shop.run("a", &["tokens", "list", "--expiring", "20d"]);
    assert_eq!(soon.iter().map(|token| &token["user"]).collect::<Vec<_>>(), ["more1"]);
    assert!(soon.iter().all(|token| token["refresh_note"] == "refused"), "{soon:?}");
    let replanned = shop.run("a", &["tokens", "replan"]).remove(0);
    assert_eq!(replanned["unchanged"], json!(1), "what waits after a failure waits on: {replanned}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// The token endpoint of the settings knows none of the tokens: it belongs to another provider.
async fn a_refresh_that_stops_at_suspicious_rejections_tells_scripts(database: Database) {
    let shop = Shop::open(database, &[], OFF);
    let issued_at = shop.sign_in_ago(1, "signed-in", "45d").await.remove(0)["issued_at"].take();
    let line = |user: usize| {
        let token = format!("token-of-another-provider-{user}");
        json!({ "merchant": "shop", "user": format!("u-{user}"), "refresh_token": token, "issued_at": issued_at })
            .to_string()
    };
    let lines: Vec<String> = (0..30).map(line).collect();
    std::fs::write(shop.folder.path().join("others.jsonl"), lines.join("\n")).unwrap();
    shop.run("a", &["tokens", "import", "others.jsonl"]);
    std::fs::remove_file(shop.folder.path().join("others.jsonl")).unwrap();

    let (code, told, stderr) = refresh(&shop, &[]).await;
    let summary = told.last().unwrap();
    let rejected = summary["needs_sign_in"].as_u64().unwrap();
    assert!(code == 3 && (3..=4).contains(&rejected), "{code}: {told:?} {stderr}");
    assert_eq!(summary["breaker_open"], 30 - rejected, "{told:?}");
    assert_eq!(shop.stats().await.exchanges.total, rejected);
    // The next run presents nothing before the time of a probe, and says so too.
    let (code, told, _) = refresh(&shop, &[]).await;
    assert_eq!((code, &told.last().unwrap()["breaker_open"]), (3, &json!(30 - rejected)), "{told:?}");
    assert_eq!(shop.stats().await.exchanges.total, rejected);
    shop.close().await;
}

/// The token endpoint refuses good tokens as another provider's does, until the address is
/// corrected.
async fn tokens_that_a_wrong_address_rejected_come_back(database: Database) {
    const USERS: usize = 30;
    let shop = Shop::open(database, &[], OFF);
    let users = import(&shop, USERS, "old", "45d").await;
    let served = shop.serve("a");
    let client = served.client();
    let wrong = json!({ "token": { "failure_rate": 1.0, "failures": ["invalid-grant"] } });
    shop.tell_sandbox("/sandbox/options", wrong).await;
    let (code, told, stderr) = refresh(&shop, &[]).await;
    let rejected = told.last().unwrap()["needs_sign_in"].as_u64().unwrap();
    assert!(code == 3 && (3..=4).contains(&rejected), "{code}: {told:?} {stderr}");
    assert_eq!(shop.stats().await.exchanges.total, rejected);
    let stopped = async || {
        let ready: Value = serde_json::from_str(&client.get_text("/readyz?verbose").await).unwrap();
        ready["suspicious_rejections"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(stopped().await, ["shop"]);
    let stopped_metric = "klarna_worker_suspicious_rejections{merchant=\"shop\"} 1";
    until("the metric", PATIENCE, async || client.get_text("/metrics").await.contains(stopped_metric)).await;

    shop.tell_sandbox("/sandbox/options", json!({ "token": { "failure_rate": 0.0 } })).await;
    let resolved =
        shop.run("a", &["tokens", "resolve", "--rejected", "--retry", "--merchant", "shop", "--yes"]);
    assert_eq!(resolved, [json!({ "resolved": rejected, "left": 0 })]);
    let (code, told, stderr) = refresh(&shop, &[]).await;
    assert_eq!((code, &told.last().unwrap()["refreshed"]), (0, &json!(USERS)), "{told:?} {stderr}");
    assert_eq!(stopped().await, [""; 0]);
    let users: Vec<_> = users.into_iter().map(|user| (user, String::new())).collect();
    client.all_submitted_fresh(&client.post_all(&users, USERS).await, PATIENCE).await;
    let stats = shop.stats().await;
    assert_eq!(
        (stats.exchanges.rotated, stats.exchanges.spent_presented),
        (2 * USERS as u64, 0),
        "{stats:?}"
    );
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn two_services_and_a_refresh_at_once_refresh_each_token_once(database: Database) {
    let two = matches!(database, Database::Postgres { .. });
    let shop = Shop::open(database, &["--token-latency", "5ms..30ms"], EVERY_SECOND);
    shop.write_settings("b", EVERY_SECOND);
    let users = import(&shop, 60, "old", "45d").await;
    let first = shop.serve("a");
    // On SQLite, only one process can serve a file.
    let second = two.then(|| shop.serve("b"));
    let (code, told, stderr) = refresh(&shop, &["--force"]).await;
    assert_eq!(code, 0, "{told:?} {stderr}");
    until("all tokens fresh", PATIENCE, async || shop.stats().await.exchanges.rotated == 60).await;
    // Orders are processed as usual.
    let ids = first
        .client()
        .post_all(&[(users[0].clone(), String::new()), (users[1].clone(), String::new())], 2)
        .await;
    first.client().all_submitted_fresh(&ids, PATIENCE).await;
    for served in [Some(first), second].into_iter().flatten() {
        assert!(served.program.terminate().await.success());
    }
    let mut stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.exchanges.rotated), (62, 62), "{stats:?}");
    (stats.exchanges.total, stats.exchanges.rotated) = (2, 2);
    assert_sums(&stats, 2);
    shop.close().await;
}

async fn a_dry_run_shows_what_has_no_date_yet(database: Database) {
    let shop = Shop::open(database, &[], OFF);
    shop.change_settings("a", "[vault]", "[vault]\nlost_answer = \"hold\"");
    // A token of unknown age is due at once.
    let unknown = shop.sign_in_ago(1, "unknown", "5d").await.remove(0);
    let line = json!({ "merchant": "shop", "user": "unknown1", "refresh_token": unknown["refresh_token"] });
    std::fs::write(shop.folder.path().join("unknown.jsonl"), line.to_string()).unwrap();
    shop.run("a", &["tokens", "import", "unknown.jsonl"]);
    std::fs::remove_file(shop.folder.path().join("unknown.jsonl")).unwrap();
    // After an operator's decision, the next sweep sets the due date.
    import(&shop, 2, "held", "45d").await;
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "token", "user": "held1", "failure": "lost" }))
        .await;
    shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "token", "user": "held2", "failure": "lost" }))
        .await;
    let (code, told, _) = refresh(&shop, &[]).await;
    assert_eq!(code, 3, "{told:?}");
    let (_, due, _) = refresh(&shop, &["--dry-run"]).await;
    assert_eq!(due, Vec::<Value>::new());
    shop.run("a", &["tokens", "resolve", "shop", "held1", "--retry"]);
    let users =
        |due: &[Value]| due.iter().map(|line| line["user"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let (code, due, _) = refresh(&shop, &["--dry-run"]).await;
    assert_eq!((code, users(&due)), (0, vec!["held1".to_owned()]));
    assert_eq!(refresh(&shop, &["--dry-run", "--merchant", "shop", "--limit", "1"]).await.1.len(), 1);
    assert_eq!(
        shop.run("a", &["tokens", "show", "shop", "held1"])[0]["refresh_due_at"],
        Value::Null,
        "it changed it"
    );

    let again = shop.sign_in_ago(1, "again", "5d").await.remove(0);
    let line = json!({ "merchant": "shop", "user": "again1", "refresh_token": again["refresh_token"] });
    std::fs::write(shop.folder.path().join("again.jsonl"), line.to_string()).unwrap();
    shop.run("a", &["tokens", "import", "again.jsonl"]);
    std::fs::remove_file(shop.folder.path().join("again.jsonl")).unwrap();
    let (_, due, _) = refresh(&shop, &["--dry-run"]).await;
    assert_eq!(users(&due), ["held1", "again1"]);
    shop.close().await;
}

async fn many_uncertain_tokens_are_presented_by_the_keeper(database: Database) {
    let shop = Shop::open(database, &[], OFF);
    shop.change_settings(
        "a",
        "[vault]",
        "[vault]\nlost_answer = \"hold\"\nexchange_timeout = \"6s\"\nreplay_after = \"3s\"",
    );
    import(&shop, 3, "held", "45d").await;
    // One answer is lost, and two requests are lost. The service cannot distinguish them.
    for (user, failure) in [("held1", "lost"), ("held2", "cut"), ("held3", "cut")] {
        shop.tell_sandbox("/sandbox/fail", json!({ "endpoint": "token", "user": user, "failure": failure }))
            .await;
    }
    assert_eq!(refresh(&shop, &[]).await.0, 3);
    let resolved = shop.run("a", &["tokens", "resolve", "--all", "--present", "--yes"]);
    assert_eq!(resolved, [json!({ "resolved": 3, "left": 0 })]);
    // Wait for `replay_after`, during which the first request may still be on its way.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (code, told, _) = refresh(&shop, &[]).await;
    assert_eq!(code, 0, "{told:?}");
    for (user, state, generation) in
        [("held1", "reauth_required", 1), ("held2", "active", 2), ("held3", "active", 2)]
    {
        let token = shop.run("a", &["tokens", "show", "shop", user]).remove(0);
        assert_eq!((&token["state"], &token["generation"]), (&json!(state), &json!(generation)), "{token}");
    }
    shop.close().await;
}

async fn a_refresh_that_is_cut_off_stores_what_is_in_flight(database: Database) {
    let shop = Shop::open(database, &["--token-latency", "1600ms"], OFF);
    let users = import(&shop, 3, "old", "45d").await;
    let mut refresh = command(shop.folder.path()).args(["--config", "a.toml", "refresh"]).spawn().unwrap();
    until("every token in flight", PATIENCE, async || shop.stats().await.exchanges.total == 3).await;
    // Two different signals, because two equal ones may be merged.
    for signal in ["TERM", "INT"] {
        let id = refresh.id().to_string();
        assert!(
            std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success()
        );
    }
    let exit = tokio::task::spawn_blocking(move || refresh.wait().unwrap()).await.unwrap();
    assert_eq!(exit.code(), Some(1));
    for user in &users {
        assert_eq!(generation(&shop, user), 2, "{user}'s successor is lost");
    }
    shop.close().await;
}
