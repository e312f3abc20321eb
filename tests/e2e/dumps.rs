//! This version opens a database of an earlier release. `tests/upgrade/` has a dump for each
//! release and engine. `tests/upgrade/dump.sh` writes them and describes their content.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use test_support::engine::{Database, both_engines};
use test_support::postgres::programs;
use test_support::service::Served;
use test_support::shop::Shop;

use crate::keys::{give_second_key, make_second_key_active, take_first_key_out};

const PATIENCE: Duration = Duration::from_mins(1);
/// Settings with which the old rows of a dump are not deleted.
const KEPT: &str = "
    [keeper]
    schedule = \"off\"
    [retention]
    bodies = \"3650d\"
    orders = \"3650d\"
    ledger = \"3650d\"";
/// The order of every dump, as the shop wrote it.
const ORDER: &str = r#"{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}"#;

both_engines!(what_the_baseline_left_is_taken_over);

async fn what_the_baseline_left_is_taken_over(database: Database) {
    taken_over(database, "baseline").await;
}

async fn taken_over(database: Database, release: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade");
    let dump = folder.join(format!("{release}.{}.sql", database.name().to_lowercase()));
    if let Database::Postgres { url } = &database {
        test_support::engine::ask(url, "DROP SCHEMA IF EXISTS klarna_worker CASCADE");
        let psql = Command::new(programs().join("psql"))
            .args(["-Xqv", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f"])
            .args([&dump, Path::new(url)])
            .output()
            .unwrap();
        assert!(psql.status.success(), "{}", String::from_utf8_lossy(&psql.stderr));
    }
    let shop = Shop::open(database, &[], KEPT);
    fs::write(shop.folder.path().join("key"), fs::read(folder.join("key")).unwrap()).unwrap();
    if let Database::Sqlite = &shop.database {
        let file = shop.folder.path().join("data/worker.db");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        let dump = AssertSqlSafe(fs::read_to_string(dump).unwrap());
        sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
    shop.run("a", &["migrate"]);
    assert_eq!(shop.run("a", &["migrate", "--check"])[0]["missing"], 0);

    // Everything can be read and is unchanged.
    let served = shop.serve("a");
    let orders = shop.run("a", &["orders", "list", "--limit", "100"]);
    let with = |status: &str| orders.iter().filter(|order| order["status"] == status).count();
    let counts = ["submitted", "failed", "cancelled", "queued"].map(with);
    assert_eq!((counts, orders.len()), ([5, 1, 1, 1], 8), "{orders:?}");
    for (user, state, generation) in [
        ("alma", "active", 3),
        ("bo", "active", 1),
        ("revoked", "reauth_required", 1),
        ("lost", "uncertain", 1),
    ] {
        let token = served.client().token(user).await;
        assert_eq!(
            (&token["state"], &token["generation"]),
            (&json!(state), &json!(generation)),
            "{user}: {token}"
        );
    }
    let ledger = served.client().get_text("/v1/merchants/shop/users/alma/token/history").await;
    assert_eq!(ledger.matches("\"rotated\"").count(), 2, "{ledger}");
    let events = shop.run("a", &["webhooks", "list", "--limit", "100"]);
    assert_eq!(events.len(), 8, "{events:?}");

    // A repeated request is recognised, and its order has the same answer as before.
    let (status, repeated) = submit(&served, "alma", "cart-1").await;
    assert!(orders.iter().any(|order| order["id"] == repeated["id"]), "a second order was made: {repeated}");
    assert_eq!(
        (status, &repeated["status"], &repeated["token"]),
        (202, &json!("submitted"), &json!("fresh"))
    );
    assert!(repeated["html_snippet"].as_str().is_some_and(|snippet| !snippet.is_empty()), "{repeated}");

    // Every token and the hash key are decrypted, and encrypted with another key.
    assert!(served.program.terminate().await.success());
    give_second_key(&shop, "a");
    make_second_key_active(&shop, "a");
    let told = shop.run("a", &["keys", "rotate"]).remove(0);
    assert_eq!(
        (&told["tokens"], &told["hash_key"], &told["left"]),
        (&json!(4), &json!(true), &json!({})),
        "{told}"
    );
    take_first_key_out(&shop, "a");

    // Orders and exchanges continue.
    let served = shop.serve("a");
    let client = served.client();
    let queued = orders.iter().find(|order| order["status"] == "queued").unwrap();
    shop.run("a", &["orders", "cancel", "--yes", queued["id"].as_str().unwrap()]);
    for user in ["alma", "lost"] {
        client.register(user, &sign_in(&shop, user).await).await;
        let (status, order) = submit(&served, user, &format!("cart-9-{user}")).await;
        assert_eq!(status, 202, "{order}");
        client.all_submitted_fresh(&[order["id"].as_str().unwrap().to_owned()], PATIENCE).await;
    }
    let token = client.token("alma").await;
    assert_eq!((&token["state"], &token["generation"]), (&json!("active"), &json!(5)), "{token}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// Submits the dump's order. Returns the service's answer.
async fn submit(served: &Served, user: &str, key: &str) -> (u16, Value) {
    let url = format!("{}/v1/orders", served.program.ready["api"].as_str().unwrap());
    let body = format!(r#"{{"merchant":"shop","user":"{user}","order":{ORDER}}}"#);
    let request = reqwest::Client::new().post(url).header("content-type", "application/json");
    let answer = request.header("idempotency-key", key).body(body).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

/// Returns a new refresh token of this run's sandbox.
async fn sign_in(shop: &Shop, user: &str) -> String {
    let request = reqwest::Client::new().post(format!("{}/sandbox/users", shop.sandbox_url()));
    let request =
        request.header("content-type", "application/json").body(json!({ "user": user }).to_string());
    let answer: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    answer["refresh_token"].as_str().unwrap().to_owned()
}
