//! Encryption keys are replaced while orders continue.

use std::time::Duration;

use klarna_order_worker::config::key_file;
use serde_json::{Value, json};
use test_support::engine::{Database, both_engines};
use test_support::shop::{SLOW, Shop, assert_sums};

use crate::few_or;
use crate::refused_starts::refused;

const PATIENCE: Duration = Duration::from_mins(3);
const USERS: usize = 40;

both_engines!(a_key_is_replaced_while_orders_go_on);

/// Gives the settings `NAME.toml` a second key, which is not used yet.
pub fn give_second_key(shop: &Shop, name: &str) {
    let key = shop.folder.path().join("key2");
    if !key.exists() {
        key_file::create(&key).unwrap();
    }
    shop.change_settings(name, "[vault.keys.k1]", "[vault.keys.k2]\nfile = \"key2\"\n[vault.keys.k1]");
}

pub fn make_second_key_active(shop: &Shop, name: &str) {
    shop.change_settings(name, "[vault]", "[vault]\nactive_key = \"k2\"");
}

pub fn take_first_key_out(shop: &Shop, name: &str) {
    shop.change_settings(name, "[vault.keys.k1]\n            file = \"key\"", "");
}

/// Returns what `keys status` shows for each key: name, tokens and hash keys that it encrypts, and
/// whether it may be retired.
pub fn status(shop: &Shop) -> Vec<(String, u64, u64, bool)> {
    let told = |key: &Value| {
        let count = |of: &str| key[of].as_u64().unwrap();
        let name = key["key"].as_str().unwrap().to_owned();
        (name, count("tokens"), count("hash_key"), key["may_be_retired"].as_bool().unwrap())
    };
    shop.run("a", &["keys", "status"]).iter().map(told).collect()
}

async fn a_key_is_replaced_while_orders_go_on(database: Database) {
    let shop = Shop::open(database, &SLOW, "");
    let users = shop.sign_in(USERS).await;
    let served = shop.serve("a");
    served.client().register_all(&users).await;
    assert!(served.program.terminate().await.success());
    assert_eq!(status(&shop), [("k1".to_owned(), 40, 1, false)]);

    give_second_key(&shop, "a");
    make_second_key_active(&shop, "a");
    let served = shop.serve("a");
    let orders = few_or(80, 200);
    let ids = served.client().post_all(&users, orders).await;
    // While the service runs and has most of its orders still to process.
    let told = shop.run("a", &["keys", "rotate"]).remove(0);
    assert_eq!(
        (&told["key"], &told["hash_key"], &told["left"]),
        (&json!("k2"), &json!(true), &json!({})),
        "{told}"
    );
    let sealed = [("k1".to_owned(), 0, 0, true), ("k2".to_owned(), 40, 1, false)];
    assert_eq!(status(&shop), sealed);
    served.client().all_submitted(&ids, &["fresh", "cached"], PATIENCE).await;
    assert_eq!(status(&shop), sealed);
    assert!(served.program.terminate().await.success());
    assert_sums(&shop.stats().await, orders as u64);
    // A second run finds nothing to do.
    let told = shop.run("a", &["keys", "rotate"]).remove(0);
    assert_eq!((&told["tokens"], &told["hash_key"]), (&json!(0), &json!(false)), "{told}");

    take_first_key_out(&shop, "a");
    let served = shop.serve("a");
    let id = served.client().post(&users[0].0, "cart-last").await;
    served.client().all_submitted_fresh(&[id], PATIENCE).await;
    assert!(served.program.terminate().await.success());
    assert_eq!(status(&shop), sealed[1..]);

    // A different key under a known name is refused.
    key_file::create(&shop.folder.path().join("key3")).unwrap();
    shop.change_settings("a", "file = \"key2\"", "file = \"key3\"");
    refused(shop.folder.path(), "a.toml", 1, "vault.keys.k2 is not the key that this database knows");
    // So is one under the name of a retired key.
    shop.change_settings(
        "a",
        "[vault.keys.k2]\nfile = \"key3\"",
        "[vault.keys.k2]\nfile = \"key2\"\n[vault.keys.k1]\nfile = \"key3\"",
    );
    refused(shop.folder.path(), "a.toml", 1, "vault.keys.k1 is not the key that this database knows");
    shop.close().await;
}
