//! Signals, and a log that nobody reads.

use std::process::Stdio;
use std::time::Duration;

use futures::future::join_all;
use test_support::engine::Database;
use test_support::program::{command, until};
use test_support::shop::{Shop, assert_sums};

use crate::keeper;

const PATIENCE: Duration = Duration::from_mins(1);

/// Each of these signals ends a process by default.
const IGNORED: [&str; 4] = ["USR1", "USR2", "ALRM", "PIPE"];

fn metric(text: &str, name: &str) -> u64 {
    let line =
        text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unread_log_and_stray_signals_stop_no_service() {
    const ORDERS: usize = 16;
    let shop = Shop::open(Database::Sqlite, &["--token-latency", "300ms"], "");
    // The finest level of all libraries gives more lines than the queue can hold.
    let mut served = shop.serve_unread("a", &[("KLARNA_WORKER_LOG", "trace")]);
    let client = served.client();
    let users = shop.sign_in(ORDERS).await;
    client.register_all(&users).await;
    let ids = client.post_all(&users, ORDERS).await;
    for signal in IGNORED {
        served.program.signal(signal);
    }
    client.all_submitted_fresh(&ids, PATIENCE).await;
    until("dropped lines", PATIENCE, async || {
        // Each request writes dozens of lines.
        join_all((0..50).map(|_| client.get_text("/readyz?verbose"))).await;
        metric(&client.get_text("/metrics").await, "klarna_worker_log_lines_dropped_total ") > 0
    })
    .await;
    assert!(client.get_text("/readyz?verbose").await.contains("\"log_lines_dropped\":"));
    assert!(served.program.is_running());
    assert_sums(&shop.stats().await, ORDERS as u64);
    // With exchanges in flight.
    let more = client.post_all(&users, 8).await;
    served.program.signal("HUP");
    client.all_submitted(&more, &["fresh", "cached"], PATIENCE).await;
    assert!(served.program.is_running(), "SIGHUP is no reload");
    served.program.signal("QUIT");
    assert!(served.program.end().await.success(), "SIGQUIT is no graceful stop");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.spent_presented, stats.orders.duplicates), (0, 0), "{stats:?}");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_in_the_middle_of_a_refresh_loses_no_token() {
    const TOKENS: usize = 20;
    let settings = "[keeper]\nschedule = \"off\"\nrate_per_second = 2.0";
    let shop = Shop::open(Database::Sqlite, &["--token-latency", "700ms"], settings);
    let users = keeper::import(&shop, TOKENS, "old", "45d").await;
    for (number, signal) in ["HUP", "QUIT"].into_iter().enumerate() {
        let before = shop.stats().await.exchanges.total;
        let mut refresh = command(shop.folder.path());
        let refresh = refresh.args(["--config", "a.toml", "refresh"]).stdout(Stdio::piped()).spawn().unwrap();
        let id = refresh.id().to_string();
        until("an exchange", PATIENCE, async || shop.stats().await.exchanges.total > before).await;
        for name in IGNORED.into_iter().chain([signal]) {
            let sent =
                std::process::Command::new("kill").args([format!("-{name}"), id.clone()]).status().unwrap();
            assert!(sent.success());
        }
        let output = tokio::task::spawn_blocking(|| refresh.wait_with_output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("Interrupted"), "{said}");
        let stats = shop.stats().await;
        assert!(stats.exchanges.total < TOKENS as u64, "run {number} was not cut off: {stats:?}");
    }
    let (code, _, told) = keeper::refresh(&shop, &[]).await;
    assert_eq!(code, 0, "{told}");
    for user in &users {
        assert_eq!(keeper::generation(&shop, user), 2);
    }
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (TOKENS as u64, 0), "{stats:?}");
    shop.close().await;
}
