//! Several processes on one database: each keeps to a pause, and the pages of one tell what
//! troubles another.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use test_support::engine::{Database, on_postgres};
use test_support::program::{Program, command, until};
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);
/// A place in the settings of a process.
const PLACE: &str = "# the place of a fault";

/// A second, as promised, and what a slow machine may need beside it.
const SOON: TimeDelta = TimeDelta::seconds(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_keeps_to_a_pause_within_a_second() {
    on_postgres(async |database: Database| {
        let shop = Shop::open(database, &[], "");
        shop.write_settings("b", "");
        let served = [shop.serve("a"), shop.serve("b")];
        served[0].client().register_all(&shop.sign_in(1).await).await;

        shop.run("a", &["pause", "orders", "--merchant", "shop", "--reason", "a test"]);
        let paused = shop.run("a", &["pauses"]).remove(0);
        let time = |text: &serde_json::Value| text.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let message = "This process keeps to changed pauses from now on";
        for name in ["a", "b"] {
            let kept = || shop.log(name).into_iter().find(|line| line["message"] == message);
            until("a process that keeps to the pause", PATIENCE, async || kept().is_some()).await;
            let took = time(&kept().unwrap()["timestamp"]) - time(&paused["since"]);
            assert!(took < SOON, "process {name} kept to the pause after {took}");
        }
        let mut ids = Vec::new();
        for (number, served) in served.iter().enumerate() {
            ids.push(served.client().post("u-1", &format!("cart-{number}")).await);
        }
        for (served, id) in served.iter().zip(&ids) {
            let order = served.client().order(id, "1s").await;
            assert_eq!((&order["status"], &order["attempts"]), (&"queued".into(), &0.into()), "{order}");
        }
        shop.run("b", &["resume", "orders", "--merchant", "shop"]);
        served[0].client().all_submitted(&ids, &["fresh"], PATIENCE).await;
        for served in served {
            assert!(served.program.terminate().await.success());
        }
        shop.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_one_process_tell_what_troubles_another() {
    on_postgres(async |database: Database| {
        let shop = Shop::open(database, &[], "");
        // For the search at the end.
        shop.sign_in(1).await;
        shop.write_settings("b", PLACE);
        // As in deploy/kubernetes: the process with the pages has no instance folder.
        let serve = |name: &str, roles: &str| {
            let settings = format!("{name}.toml");
            Program::start(shop.folder.path(), name, &["--config", &settings, "serve", "--roles", roles])
        };
        let (api, worker) = (serve("a", "api"), serve("b", "worker,keeper"));
        let overview = async || {
            let page = reqwest::get(api.ready["api"].as_str().unwrap()).await.unwrap().text().await.unwrap();
            let (_, strip) = page.split_once("id=\"attention\"").unwrap();
            strip.split_once("</section>").unwrap().0.to_owned()
        };
        let name = format!("/{}", worker.id());

        let spool = shop.folder.path().join("data/instance-b/spool");
        std::fs::create_dir_all(&spool).unwrap();
        std::fs::write(spool.join("0.successor"), "").unwrap();
        shop.change_settings("b", PLACE, "no_setting = 1");
        worker.signal("HUP");
        until("the other process's troubles", PATIENCE, async || {
            let strip = overview().await;
            strip.contains(&format!("{name}: 1"))
                && strip.contains("1 file in the spool")
                && strip.contains("The settings could not be reloaded")
                && strip.contains(&format!("{name}. It goes on"))
                && strip.contains("no_setting")
        })
        .await;
        let resolve = || resolve_all(shop.folder.path());
        let refused = resolve();
        assert!(!refused.status.success());
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains("files wait in the spool of ") && told.contains(&name), "{told}");

        std::fs::remove_file(spool.join("0.successor")).unwrap();
        shop.change_settings("b", "no_setting = 1", PLACE);
        worker.signal("HUP");
        until("no trouble", PATIENCE, async || overview().await.contains("hidden>")).await;
        let done = resolve();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        for program in [api, worker] {
            assert!(program.terminate().await.success());
        }
        shop.close().await;
    })
    .await;
}

fn resolve_all(folder: &Path) -> std::process::Output {
    let args = ["--config", "a.toml", "tokens", "resolve", "--all", "--retry", "--yes"];
    command(folder).args(args).output().unwrap()
}
