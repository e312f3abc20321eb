//! A new instance folder on a database that other processes have used.

use std::process::Output;

use test_support::engine::{Database, both_engines, on_postgres};
use test_support::program::{command, output, until};
use test_support::shop::Shop;

use crate::restored::{back_up, restore};
use crate::setup::{PATIENCE, open, sign_in};

both_engines![
    a_restored_database_is_refused_until_its_operator_has_seen_to_it,
    a_machine_that_is_gone_is_replaced_when_an_operator_says_so,
    after_an_orderly_stop_another_folder_may_begin,
    a_refresh_in_a_new_folder_is_refused_as_well,
];

fn run(shop: &Shop, name: &str, args: &[&str]) -> Output {
    let settings = format!("{name}.toml");
    let mut command = command(shop.folder.path());
    output(command.env("KLARNA_WORKER_LOG", "off").args(["--config", &settings]).args(args))
}

fn refused(shop: &Shop, name: &str, args: &[&str]) {
    let output = run(shop, name, args);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for way_out in ["start with that one", "`klarna-order-worker tokens after-restore`", "--new-machine"] {
        assert!(told.contains(way_out), "{told}");
    }
}

/// Whether `doctor` says that a start is refused.
fn doctor_fails(shop: &Shop, name: &str) -> bool {
    let told = String::from_utf8(run(shop, name, &["doctor"]).stdout).unwrap();
    told.contains("did not stop in order")
}

/// Starts a process, signs a user in, and kills the process.
async fn die(shop: &Shop) -> String {
    shop.write_settings("b", "");
    let served = shop.serve("a");
    let user = sign_in(shop, &served).await;
    let seen = shop.folder.path().join("data/instance-a/seen");
    until("a heartbeat", PATIENCE, async || seen.exists()).await;
    served.program.kill();
    user
}

async fn a_restored_database_is_refused_until_its_operator_has_seen_to_it(database: Database) {
    let shop = open(database, "strict");
    let user = die(&shop).await;
    if let Database::Sqlite = shop.database {
        // Into the file that is copied.
        shop.database.execute(shop.folder.path(), "PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
    back_up(&shop);
    let served = shop.serve("a");
    let order = served.client().post(&user, "cart-1").await;
    assert_eq!(served.client().ended(&order, PATIENCE).await["token"], "fresh");
    assert!(served.program.terminate().await.success());

    restore(&shop);
    assert!(doctor_fails(&shop, "b"));
    refused(&shop, "b", &["serve"]);
    // The refusal has left a folder, which is still new.
    refused(&shop, "b", &["serve", "--roles", "keeper"]);
    let doubted = shop.run("b", &["tokens", "after-restore", "--yes"]).remove(0);
    assert_eq!(doubted["tokens"], 1, "{doubted}");
    assert!(!doctor_fails(&shop, "b"));
    let served = shop.serve("b");
    let order = served.client().post(&user, "cart-2").await;
    assert_eq!(served.client().ended(&order, PATIENCE).await["token"], "uncertain");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (1, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_machine_that_is_gone_is_replaced_when_an_operator_says_so(database: Database) {
    let shop = open(database, "strict");
    let user = die(&shop).await;
    assert!(doctor_fails(&shop, "b"));
    refused(&shop, "b", &["serve"]);
    let served = shop.serve_on_new_machine("b");
    let order = served.client().post(&user, "cart-1").await;
    assert_eq!(served.client().ended(&order, PATIENCE).await["token"], "fresh");
    let rows = shop.run("b", &["audit", "list", "--action", "service.new_machine"]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0]["object"].as_str().unwrap().starts_with("silent_since=2"), "{rows:?}");
    let says = |line: &&serde_json::Value| line["message"].as_str().unwrap_or("").contains("(--new-machine)");
    assert_eq!(shop.log("b").iter().filter(says).count(), 1);
    assert!(!doctor_fails(&shop, "b"));
    served.program.kill();
    // From now on it is known: neither its own death nor that of the other one hinders it.
    let served = shop.serve("b");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn after_an_orderly_stop_another_folder_may_begin(database: Database) {
    let shop = open(database, "strict");
    shop.write_settings("b", "");
    shop.write_settings("c", "");
    let warnings = |name: &str| {
        let lines = shop.log(name).into_iter().filter(|line| line["level"] == "WARN");
        lines
            .filter(|line| line["message"].as_str().unwrap().starts_with("This instance folder is new on"))
            .count()
    };
    // A new folder on a used database is told of, once, and not after somebody has said what
    // happened.
    for (name, is_new, told) in [("a", false, 0), ("b", true, 1), ("b", false, 1), ("c", false, 0)] {
        if name == "c" {
            shop.run(name, &["tokens", "after-restore", "--yes"]);
        }
        let doctor = String::from_utf8(run(&shop, name, &["doctor"]).stdout).unwrap();
        assert_eq!(doctor.contains("stopped in order at"), is_new, "{name}: {doctor}");
        assert!(!doctor.contains("did not stop in order"), "{doctor}");
        let served = shop.serve(name);
        sign_in(&shop, &served).await;
        assert!(served.program.terminate().await.success());
        assert_eq!(warnings(name), told, "{name}");
    }
    shop.close().await;
}

async fn a_refresh_in_a_new_folder_is_refused_as_well(database: Database) {
    let shop = open(database, "strict");
    // A process that dies during a sweep keeps the others from sweeping for a while.
    shop.change_settings("a", "[server]", "[keeper]\nschedule = \"off\"\n[server]");
    die(&shop).await;
    refused(&shop, "b", &["refresh"]);
    // The service's folder has the heartbeat of the process that died.
    shop.run("a", &["refresh"]);
    shop.run("b", &["refresh", "--new-machine"]);
    shop.run("b", &["refresh"]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_living_process_a_new_machine_begins_by_itself() {
    on_postgres(|database| async {
        let shop = open(database, "strict");
        for name in ["b", "c"] {
            shop.write_settings(name, "");
        }
        let (a, b) = (shop.serve("a"), shop.serve("b"));
        sign_in(&shop, &a).await;
        a.program.kill();
        let c = shop.serve("c");
        assert!(b.program.terminate().await.success() && c.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}
