//! A refused start says why, in one line, with the right exit code.

use std::path::Path;

use test_support::engine::Database;
use test_support::program::{command, output};
use test_support::shop::Shop;

pub fn refused(folder: &Path, settings: &str, code: i32, says: &str) {
    let mut serve = command(folder);
    let output = output(serve.env("KLARNA_WORKER_LOG", "off").args(["--config", settings, "serve"]));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(says), "{told}");
    assert!(output.stdout.is_empty());
}

fn rewrite(shop: &Shop, to: &str, from: &str, by: &str) {
    let settings = std::fs::read_to_string(shop.folder.path().join("a.toml")).unwrap();
    assert!(settings.contains(from), "{settings}");
    std::fs::write(shop.folder.path().join(to), settings.replace(from, by)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_cannot_start_says_why() {
    let shop = Shop::open(Database::Sqlite, &[], "");
    let folder = shop.folder.path();
    let served = shop.serve("a");

    rewrite(&shop, "second.toml", "instance-a", "instance-second");
    refused(folder, "second.toml", 1, "another process serves");
    rewrite(&shop, "scheme.toml", "sqlite://data/worker.db", "mysql://root@localhost/shop");
    refused(folder, "scheme.toml", 2, "database.url");
    rewrite(&shop, "server.toml", "sqlite://data/worker.db", "postgres://postgres@127.0.0.1:1/none");
    refused(folder, "server.toml", 1, "the database is not available");
    assert!(served.program.terminate().await.success());

    // Without a writable spool, no exchange may begin.
    rewrite(&shop, "instance.toml", "data/instance-a", "/proc/instance");
    refused(folder, "instance.toml", 1, "vault.instance_dir");
    std::fs::create_dir(folder.join("data/instance-full")).unwrap();
    std::os::unix::fs::symlink("/proc", folder.join("data/instance-full/spool")).unwrap();
    rewrite(&shop, "spool.toml", "data/instance-a", "data/instance-full");
    refused(folder, "spool.toml", 1, "vault.instance_dir");

    rewrite(&shop, "other.toml", "installation = \"e2e\"", "installation = \"copy\"");
    refused(folder, "other.toml", 1, "belongs to the installation \"e2e\"");
    klarna_order_worker::config::key_file::create(&folder.join("other-key")).unwrap();
    rewrite(&shop, "key.toml", "file = \"key\"", "file = \"other-key\"");
    refused(folder, "key.toml", 1, "the encryption keys do not belong to this database");
    rewrite(&shop, "nokey.toml", "file = \"key\"", "file = \"gone\"");
    refused(folder, "nokey.toml", 1, "vault.keys.k1.file");
    assert!(!folder.join("gone").exists(), "a key was made beside a database that has secrets");
}
