//! An instance folder that was copied: its lock proves nothing about the process of the original.

use std::path::Path;

use test_support::engine::{Database, both_engines, on_postgres};
use test_support::program::{command, output, until};
use test_support::shop::Shop;

use crate::setup::PATIENCE;

both_engines!(a_folder_from_another_machine_is_refused_until_it_is_renewed);

fn copy(folder: &Path, from: &str, to: &str) {
    let (from, to) = (folder.join("data").join(from), folder.join("data").join(to));
    std::fs::create_dir_all(to.join("spool")).unwrap();
    for file in ["instance", "host", "seen"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

fn refused(shop: &Shop, settings: &str, says: &str) {
    let mut serve = command(shop.folder.path());
    let output = output(serve.env("KLARNA_WORKER_LOG", "off").args(["--config", settings, "serve"]));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(says), "{told}");
}

async fn ended(shop: &Shop) -> String {
    shop.database
        .value(shop.folder.path(), "(SELECT count(*) FROM {schema}workers WHERE ended_at IS NOT NULL)")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_beside_its_original_is_refused_and_ends_nobody() {
    on_postgres(|database| async {
        let shop = Shop::open(database, &["--token-latency", "2s"], "");
        shop.write_settings("b", "");
        let a = shop.serve("a");
        let (user, token) = shop.sign_in(1).await.remove(0);
        a.client().register(&user, &token).await;
        // Once the first heartbeat is recorded.
        let seen = shop.folder.path().join("data/instance-a/seen");
        until("a heartbeat", PATIENCE, async || seen.exists()).await;
        copy(shop.folder.path(), "instance-a", "instance-b");
        let order = a.client().post(&user, "cart-1").await;
        refused(&shop, "b.toml", "heartbeats; give this process a folder of its own");
        assert_eq!(ended(&shop).await, "0", "the original was taken for dead");
        let order = a.client().ended(&order, PATIENCE).await;
        assert_eq!(
            (&order["token"], &order["possible_duplicate"]),
            (&"fresh".into(), &false.into()),
            "{order}"
        );

        shop.run("b", &["instance", "new"]);
        let b = shop.serve("b");
        assert_eq!(ended(&shop).await, "0", "the original was taken for dead");
        assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}

async fn a_folder_from_another_machine_is_refused_until_it_is_renewed(database: Database) {
    let shop = Shop::open(database, &[], "");
    let (user, token) = shop.sign_in(1).await.remove(0);
    let served = shop.serve("a");
    served.client().register(&user, &token).await;
    served.client().ended(&served.client().post(&user, "cart-1").await, PATIENCE).await;
    assert!(served.program.terminate().await.success());
    let host = shop.folder.path().join("data/instance-a/host");
    std::fs::write(&host, r#"{"machine":"another","boot":"another","device":1,"inode":1}"#).unwrap();
    if !Path::new("/etc/machine-id").exists() {
        // A machine without an id cannot tell; its start looks at the heartbeats, and there are
        // none.
        assert!(shop.serve("a").program.terminate().await.success());
        return shop.close().await;
    }
    refused(&shop, "a.toml", "was used on another machine last");
    shop.run("a", &["instance", "new"]);
    let served = shop.serve("a");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
