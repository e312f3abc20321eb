//! The database requires a newer program while an older one runs.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

use klarna_order_worker::store::PROGRAM_LEVEL;
use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::program::{command, until};
use test_support::shop::{Shop, assert_sums};
use tokio::time::timeout;

use crate::keeper::{import, refresh};
use crate::refused_starts::refused;

both_engines!(
    a_service_that_is_left_behind_ends_what_it_has_begun_and_exits,
    a_refresh_that_is_left_behind_ends_what_it_has_begun_and_exits,
    a_refresh_that_is_left_behind_and_cut_off_tells_why,
    a_refresh_that_fails_because_of_a_migration_tells_why,
);

const PATIENCE: Duration = Duration::from_mins(1);
/// The exit code after which a service manager must not start it again.
const LEFT_BEHIND: i32 = 4;
const SAYS: &str = "the database needs a newer program (level 99; this one has level";

/// Requires programs of this level, as a migration does that breaks older programs.
async fn need(shop: &Shop, level: i64) {
    let raise = format!("UPDATE {{schema}}installation SET minimum_program = {level}");
    shop.database.execute(shop.folder.path(), &raise).await;
}

async fn a_service_that_is_left_behind_ends_what_it_has_begun_and_exits(database: Database) {
    // One order at a time, which is at Klarna when the level is raised.
    let shop = Shop::open(database, &[], "[queue]\nconcurrency = 1");
    shop.hold("checkout", true).await;
    shop.change_settings("a", "[server]", "[server]\nprobes = \"127.0.0.1:0\"");
    let users = shop.sign_in(2).await;
    let served = shop.serve("a");
    served.client().register_all(&users).await;
    let probes = format!("{}/readyz", served.program.ready["probes"].as_str().unwrap());
    let begun = served.client().post(&users[0].0, "cart-1").await;
    // Before, it may wait for its token and hold no slot.
    until("an order at Klarna", PATIENCE, async || shop.stats().await.orders.total == 1).await;
    let waiting = served.client().post(&users[1].0, "cart-2").await;

    need(&shop, 99).await;
    // `/readyz` gives the reason as long as the process answers.
    let (seen, mut refusal) = tokio::sync::watch::channel(false);
    let watching = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Ok(answer) = reqwest::get(&probes).await {
            let status = answer.status().as_u16();
            let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            told.push((status, answer["detail"].clone()));
            seen.send_if_modified(|seen| status == 503 && !std::mem::replace(seen, true));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        told
    });
    let says = "The database needs a newer program; this process completes its work and exits";
    let said = || shop.log_with("a", says).iter().filter(|line| line["message"] == says).count();
    until("the log", PATIENCE, async || said() > 0).await;
    timeout(PATIENCE, refusal.wait_for(|seen| *seen)).await.expect("/readyz never refused").unwrap();
    shop.hold("checkout", false).await;
    let exit = timeout(PATIENCE, served.program.end()).await.expect("it goes on");
    assert_eq!(exit.code(), Some(LEFT_BEHIND));
    let told: Vec<_> = watching.await.unwrap().into_iter().skip_while(|(status, _)| *status == 200).collect();
    assert!(!told.is_empty());
    assert!(
        told.iter().all(|(status, why)| *status == 503 && why.as_str().unwrap().starts_with(SAYS)),
        "{told:?}"
    );
    assert_eq!(said(), 1);
    assert_eq!(shop.stats().await.orders.total, 1, "what was begun is ended, and nothing else is begun");
    refused(shop.folder.path(), "a.toml", LEFT_BEHIND, SAYS);

    // The newer program accepts the database.
    need(&shop, PROGRAM_LEVEL).await;
    let served = shop.serve("a");
    let first = served.client().order(&begun, "0s").await;
    assert_eq!(
        (&first["status"], &first["possible_duplicate"]),
        (&json!("submitted"), &json!(false)),
        "{first}"
    );
    served.client().all_submitted_fresh(&[begun, waiting], PATIENCE).await;
    assert!(served.program.terminate().await.success());
    assert_sums(&shop.stats().await, 2);
    shop.close().await;
}

async fn a_refresh_that_is_left_behind_ends_what_it_has_begun_and_exits(database: Database) {
    // More than the sweep begins until it notices, on a busy machine too.
    const TOKENS: u64 = 150;
    let sandbox = ["--token-latency", "300ms"];
    let shop = Shop::open(database, &sandbox, "[keeper]\nschedule = \"off\"\nrate_per_second = 10.0");
    import(&shop, usize::try_from(TOKENS).unwrap(), "old", "45d").await;
    let left_behind = async {
        until("a sweep", PATIENCE, async || shop.stats().await.exchanges.rotated > 0).await;
        need(&shop, 99).await;
    };
    let ((code, told, error), ()) = tokio::join!(refresh(&shop, &[]), left_behind);
    assert_eq!(code, LEFT_BEHIND, "{told:?} {error}");
    assert!(error.contains(SAYS), "{error}");
    let rotated = shop.stats().await.exchanges.rotated;
    assert!(rotated < TOKENS, "the sweep came to its end");

    need(&shop, PROGRAM_LEVEL).await;
    let (code, told, _) = refresh(&shop, &[]).await;
    assert_eq!((code, &told.last().unwrap()["refreshed"]), (0, &json!(TOKENS - rotated)), "{told:?}");
    let exchanges = shop.stats().await.exchanges;
    assert_eq!(
        (exchanges.rotated, exchanges.spent_presented, exchanges.concurrent),
        (TOKENS, 0, 0),
        "{exchanges:?}"
    );
    shop.close().await;
}

async fn a_refresh_that_is_left_behind_and_cut_off_tells_why(database: Database) {
    // Longer than it takes to notice the migration.
    let sandbox = ["--token-latency", "15s"];
    let shop = Shop::open(database, &sandbox, "[keeper]\nschedule = \"off\"");
    shop.change_settings("a", "[vault]", "[vault]\nexchange_timeout = \"20s\"\nreplay_after = \"10s\"");
    import(&shop, 1, "old", "45d").await;
    let log = shop.folder.path().join("refresh.log");
    let refresh = tokio::process::Command::from(command(shop.folder.path()))
        .args(["--config", "a.toml", "--format", "json", "refresh"])
        .stdout(Stdio::piped())
        .stderr(File::create(&log).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let id = refresh.id().unwrap().to_string();
    let begun = async || {
        shop.database.value(shop.folder.path(), "(SELECT count(*) FROM {schema}exchanges)").await == "1"
    };
    until("an exchange", PATIENCE, begun).await;
    need(&shop, 99).await;
    let says = || std::fs::read_to_string(&log).unwrap();
    until("the log", PATIENCE, async || says().contains("The database needs a newer program")).await;
    // Two different signals, because two equal ones may be merged.
    for signal in ["-TERM", "-INT"] {
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
    let output = refresh.wait_with_output().await.unwrap();
    assert_eq!(output.stdout, b"", "the sweep came to its end");
    assert_eq!(output.status.code(), Some(LEFT_BEHIND), "{}", says());
    assert!(says().contains(SAYS), "{}", says());
    shop.close().await;
}

async fn a_refresh_that_fails_because_of_a_migration_tells_why(database: Database) {
    let shop = Shop::open(database, &[], "[keeper]\nschedule = \"off\"");
    import(&shop, 1, "undated", "45d").await;
    let undated = "UPDATE {schema}tokens SET refresh_due_generation = NULL";
    shop.database.execute(shop.folder.path(), undated).await;
    // A migration comes when the sweep has begun, and the sweep's next statement fails.
    let sqlite = "
        CREATE TRIGGER migration AFTER UPDATE ON keeper
            BEGIN UPDATE installation SET minimum_program = 99; END;
        CREATE TRIGGER failure BEFORE UPDATE ON tokens
            BEGIN SELECT RAISE(ABORT, 'stopped by the test'); END";
    let postgres = "
        CREATE FUNCTION {schema}migration() RETURNS trigger LANGUAGE plpgsql
            AS $$BEGIN UPDATE {schema}installation SET minimum_program = 99; RETURN NULL; END$$;
        CREATE TRIGGER migration AFTER UPDATE ON {schema}keeper
            FOR EACH ROW EXECUTE FUNCTION {schema}migration();
        CREATE FUNCTION {schema}failure() RETURNS trigger LANGUAGE plpgsql
            AS $$BEGIN RAISE 'stopped by the test'; END$$;
        CREATE TRIGGER failure BEFORE UPDATE ON {schema}tokens
            FOR EACH ROW EXECUTE FUNCTION {schema}failure()";
    let triggers = if matches!(shop.database, Database::Sqlite) { sqlite } else { postgres };
    shop.database.execute(shop.folder.path(), triggers).await;
    let (code, told, error) = refresh(&shop, &[]).await;
    assert_eq!(code, LEFT_BEHIND, "{told:?} {error}");
    assert!(error.contains(SAYS), "{error}");
}
