//! A successor in a spool, and a database that was restored to a time before it.

use test_support::engine::{Database, ask, both_engines};
use test_support::lock::Lock;
use test_support::program::{command, output, until};
use test_support::shop::{Shop, order};

use crate::setup::{PATIENCE, open, sign_in};

both_engines![what_the_spool_holds_is_the_token_after_a_restore];

/// Copies the database while no process uses it.
pub fn back_up(shop: &Shop) {
    match &shop.database {
        Database::Sqlite => {
            std::fs::copy(shop.folder.path().join("data/worker.db"), shop.folder.path().join("backup"))
                .unwrap();
        }
        Database::Postgres { url } => {
            let (server, name) = server_of(url);
            ask(&server, &format!("CREATE DATABASE {name}_backup TEMPLATE {name}"));
        }
    }
}

/// Replaces the database by the copy.
pub fn restore(shop: &Shop) {
    match &shop.database {
        Database::Sqlite => {
            for left in ["data/worker.db-wal", "data/worker.db-shm"] {
                let _ = std::fs::remove_file(shop.folder.path().join(left));
            }
            std::fs::rename(shop.folder.path().join("backup"), shop.folder.path().join("data/worker.db"))
                .unwrap();
        }
        Database::Postgres { url } => {
            let (server, name) = server_of(url);
            ask(&server, &format!("DROP DATABASE {name} WITH (FORCE)"));
            ask(&server, &format!("ALTER DATABASE {name}_backup RENAME TO {name}"));
        }
    }
}

/// Returns the URL of the server's own database, and the name of the database in the URL.
fn server_of(url: &str) -> (String, String) {
    let mut server: url::Url = url.parse().unwrap();
    let name = server.path().trim_start_matches('/').to_owned();
    server.set_path("postgres");
    (server.into(), name)
}

fn spooled(shop: &Shop) -> usize {
    std::fs::read_dir(shop.folder.path().join("data/instance-a/spool")).unwrap().count()
}

async fn what_the_spool_holds_is_the_token_after_a_restore(database: Database) {
    let shop = open(database, "strict");
    let served = shop.serve("a");
    let user = sign_in(&shop, &served).await;
    assert!(served.program.terminate().await.success());
    back_up(&shop);

    // One rotation is in the database, and one only in the spool.
    let served = shop.serve("a");
    let first = served.client().post(&user, "cart-1").await;
    assert_eq!(served.client().ended(&first, PATIENCE).await["token"], "fresh");
    assert!(served.program.terminate().await.success());
    shop.hold("token", true).await;
    let served = shop.serve_with("a", &[("KLARNA_WORKER_CRASH_AT", "spooled")]);
    served.client().try_post(&user, "cart-2", &order()).await;
    until("a second exchange under way", PATIENCE, async || shop.stats().await.exchanges.total == 2).await;
    let lock = Lock::take(&shop).await;
    shop.hold("token", false).await;
    let mut dying = served.program;
    until("the crash", PATIENCE, async || !dying.is_running()).await;
    drop(lock);
    assert_eq!(spooled(&shop), 1);

    restore(&shop);
    let refused = output(command(shop.folder.path()).args(["--config", "a.toml", "serve"]));
    assert_eq!(refused.status.code(), Some(1), "a restored database is served");
    let doubted = shop.run("a", &["tokens", "after-restore", "--yes"]).remove(0);
    assert_eq!((&doubted["tokens"], &doubted["spool"]["stored"]), (&1.into(), &1.into()), "{doubted}");
    assert_eq!(spooled(&shop), 0);
    // Higher than the backup's generation 1 and than the presented generation 2.
    let token = shop.run("a", &["tokens", "show", "shop", &user]).remove(0);
    assert_eq!((&token["state"], &token["generation"]), (&"active".into(), &3.into()), "{token}");

    let served = shop.serve("a");
    let third = served.client().post(&user, "cart-3").await;
    assert_eq!(served.client().ended(&third, PATIENCE).await["token"], "fresh");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.total, stats.exchanges.spent_presented), (3, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
