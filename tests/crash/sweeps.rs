//! A process that dies during a sweep of the keeper, and the next sweep.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::{command, until};
use test_support::shop::Shop;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::setup::{PATIENCE, open_with};

both_engines![the_next_sweep_goes_on_and_refreshes_nothing_twice];

const USERS: u64 = 6;
const SIGABRT: i32 = 6;
const KEEPER: &str = "[keeper]\nschedule = \"* * * * * *\"\nrate_per_second = 50.0";

async fn the_next_sweep_goes_on_and_refreshes_nothing_twice(database: Database) {
    let shop = open_with(database, "strict", KEEPER);
    let points = ["claimed", "intended", "token_sent", "token_answered:3", "token_stored:3"];
    for (round, point) in (1..).zip(points) {
        let users = due(&shop, point).await;
        // Its first sweep may begin, and so the crash come, before it is ready.
        let mut dying = command(shop.folder.path());
        dying.env("KLARNA_WORKER_CRASH_AT", point).args(["--config", "a.toml", "serve"]);
        let crash = timeout(PATIENCE, spawn_blocking(move || dying.output())).await;
        let crash = crash.expect("it goes on").unwrap().unwrap();
        assert_eq!(crash.status.signal(), Some(SIGABRT), "{crash:?}");

        let served = shop.serve("a");
        let client = served.client();
        let mut lost = 0;
        for user in &users {
            let mut token = Value::Null;
            until("the end of a token's refresh", PATIENCE, async || {
                token = client.token(user).await;
                token["generation"] == 2 || token["state"] != "active"
            })
            .await;
            // Only a token whose request was in flight may be lost, and its row says so.
            if token["state"] != "active" {
                assert_eq!(
                    (&token["state"], &token["reason"]),
                    (&"reauth_required".into(), &"answer_lost".into())
                );
                lost += 1;
            }
        }
        assert!(point != "claimed" || lost == 0, "{lost} tokens were lost before any was presented");
        let stats = shop.stats().await;
        assert_eq!(stats.exchanges.rotated, round * USERS, "{point}: a token was refreshed twice: {stats:?}");
        assert_eq!(stats.exchanges.concurrent, 0, "{point}: {stats:?}");
        assert!(served.program.terminate().await.success());
    }
    shop.close().await;
}

/// Returns users whose tokens are due.
async fn due(shop: &Shop, point: &str) -> Vec<String> {
    let prefix = format!("{}-", point.replace(':', "-"));
    let signed_in = shop.sign_in_ago(usize::try_from(USERS).unwrap(), &prefix, "45d").await;
    let lines = signed_in.iter().map(|line| {
        json!({
            "merchant": "shop", "user": line["user"], "refresh_token": line["refresh_token"],
            "issued_at": line["issued_at"],
        })
        .to_string()
    });
    let file = shop.folder.path().join("due.jsonl");
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    shop.run("a", &["tokens", "import", "due.jsonl"]);
    std::fs::remove_file(file).unwrap();
    signed_in.iter().map(|line| line["user"].as_str().unwrap().to_owned()).collect()
}
