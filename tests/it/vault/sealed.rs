//! The database contains secrets only in encrypted form.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::vault::sealing::Secrets;
use klarna_order_worker::vault::{Vault, Vend};
use secrecy::ExposeSecret as _;
use serde_json::json;
use test_support::faults::FaultyServer;

use super::providers::with;
use super::{ACTIVE, Shop, an_order, cipher, describe, ready};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, both_engines};

both_engines![
    no_secret_lies_in_the_database,
    an_unknown_key_leaves_the_token_as_it_is,
    an_old_record_or_anothers_is_not_presented,
    cached_tokens_are_given_where_they_belong_alone,
];

/// Returns every byte of the database and of the processes' folders.
async fn everything(db: &Db) -> Vec<u8> {
    let mut bytes = files(&db.folder());
    if !db.is_sqlite() {
        let tables =
            db.raw().await.column("tablename FROM pg_tables WHERE schemaname = 'klarna_worker'").await;
        assert!(tables.contains(&Some("revocations".to_owned())), "{tables:?}");
        for table in tables.into_iter().flatten() {
            for row in db.raw().await.column(&format!("CAST(t AS text) FROM {table} AS t")).await {
                bytes.extend(row.unwrap().into_bytes());
            }
        }
    }
    bytes
}

fn files(folder: &Path) -> Vec<u8> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { std::fs::read(path).unwrap() }).collect()
}

/// Returns the forms in which a secret could be stored.
fn forms(secret: &str) -> [String; 3] {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    [secret.to_owned(), hex, STANDARD.encode(secret)]
}

async fn no_secret_lies_in_the_database(db: Db) {
    const SECRETS: [&str; 5] = [
        "first-refresh-token-1",
        "second-refresh-token-2",
        "an-access-token-33",
        "an-id-token-4444",
        "a-token-to-revoke-5555",
    ];
    let endpoint = Endpoint::start(|_| async {
        (200, json!({"access_token": SECRETS[2], "refresh_token": SECRETS[1], "id_token": SECRETS[3]}))
    })
    .await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("user-in-plain", SECRETS[0]).await;
    let sealed = if db.is_sqlite() { "hex(sealed) FROM tokens" } else { "sealed FROM tokens" };
    let sealed_before = db.value(sealed).await;
    ready(shop.access(&vault, "user-in-plain").await);
    assert_ne!(db.value(sealed).await, sealed_before);
    assert_eq!(db.count("cached_tokens").await, 1);
    shop.register("forgotten", SECRETS[4]).await;
    assert!(db.store.forget_and_revoke(&UserKey::new("shop", "forgotten")).await.unwrap());
    assert_eq!(db.count("revocations").await, 1);

    let everything = everything(&db).await;
    let found = |text: &str| everything.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(found("user-in-plain"), "this search finds nothing at all");
    for form in SECRETS.into_iter().flat_map(forms) {
        assert!(!found(&form), "{form}");
    }
    // The encrypted token is the registered one: it is presented next.
    ready(shop.access(&vault, "user-in-plain").await);
    assert_eq!(endpoint.presented(), SECRETS[..2]);
}

async fn an_unknown_key_leaves_the_token_as_it_is(db: Db) {
    let server = FaultyServer::start([]).await;
    let shop = Shop::new(&db, &server.url());
    shop.register("u", "rt-1").await;
    let hash_key = Secrets::found(&cipher("x2")).unwrap();
    let secrets = Arc::new(Secrets::open(cipher("x2"), &hash_key).unwrap());
    let other_keys = Shop { secrets, ..shop.clone() };
    let (vault, _) = other_keys.process().await;
    for _ in 0..2 {
        assert_eq!(describe(&other_keys.access(&vault, "u").await), "Unavailable");
    }
    assert_eq!((shop.row("u").await, shop.ledger().await.len(), server.connections()), (ACTIVE(1), 0, 0));
    // The token does not stay claimed either.
    shop.register("u", "rt-2").await;
}

/// Somebody who can write the database puts records back, or moves them.
async fn an_old_record_or_anothers_is_not_presented(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    shop.register("v", "rt-11").await;
    db.execute("CREATE TABLE old AS SELECT user_id, sealed FROM tokens").await;
    for (user, told_of) in [("u", "at-rt-1"), ("v", "at-rt-11")] {
        assert_eq!(describe(&shop.access(&vault, user).await), told_of);
    }
    db.execute("CREATE TABLE new AS SELECT user_id, sealed FROM tokens").await;
    let put = async |table: &str, of: &str| {
        let record = format!("SELECT sealed FROM {table} AS r WHERE r.user_id = '{of}'");
        db.execute(&format!("UPDATE tokens SET sealed = ({record}) WHERE user_id = 'u'")).await;
    };
    for (table, of) in [("old", "u"), ("new", "v"), ("old", "v")] {
        put(table, of).await;
        assert_eq!(describe(&shop.access(&vault, "u").await), "Unavailable", "{table} {of}");
        assert_eq!(shop.row("u").await, ACTIVE(2));
    }
    // Under the number of another generation, or of another provider.
    put("new", "u").await;
    db.execute("UPDATE tokens SET generation = 3 WHERE user_id = 'u'").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "Unavailable");
    db.execute("UPDATE tokens SET generation = 2 WHERE user_id = 'u'").await;
    let elsewhere = with(&shop, shop.merchant.token_url.as_str(), "client-2");
    let (theirs, _) = elsewhere.process().await;
    db.execute("CREATE TABLE right_one AS SELECT provider FROM tokens").await;
    let provider = elsewhere.merchant.provider();
    let provider = bytes(&db, &provider.to_string());
    db.execute(&format!("UPDATE tokens SET provider = {provider}")).await;
    assert_eq!(describe(&elsewhere.access(&theirs, "u").await), "Unavailable");
    assert_eq!(endpoint.presented(), ["rt-1", "rt-11"]);
    db.execute("UPDATE tokens SET provider = (SELECT provider FROM right_one LIMIT 1)").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-2");
}

/// Returns the access token that a program of the shop gets for the user.
async fn vended(shop: &Shop, vault: &Vault, user: &str) -> String {
    let (min_validity, patience) = (Duration::from_mins(1), Duration::from_mins(1));
    let vend = Vend { merchant: &shop.merchant, user: &user.into(), min_validity, patience };
    vault.vend(vend).await.unwrap().token.expose_secret().to_owned()
}

/// Somebody who can write the database moves the access token of a user to others.
async fn cached_tokens_are_given_where_they_belong_alone(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let mut merchant = (*shop.merchant).clone();
    merchant.name = "other".into();
    let other = Shop { merchant: Arc::new(merchant), ..shop.clone() };
    let ((vault, _), (others, _)) = (shop.process().await, other.process().await);
    shop.register("u", "rt-1").await;
    shop.register("v", "rt-11").await;
    other.register("w", "rt-21").await;
    let order = an_order();
    assert_eq!(describe(&shop.access_for(&vault, "u", order).await), "at-rt-1");
    db.execute("CREATE TABLE right_one AS SELECT * FROM cached_tokens").await;
    let change = async |to: &str| {
        let record = "purpose_ref = (SELECT purpose_ref FROM right_one)";
        db.execute(&format!("UPDATE cached_tokens SET {to} WHERE {record}")).await;
    };
    let put_back = async || {
        let row = "SELECT token_id, grant_generation, provider FROM right_one";
        change(&format!("(token_id, grant_generation, provider) = ({row})")).await;
    };
    let given = async |shop: &Shop, vault: &Vault, user: &str| {
        let cached = vault.cached_tokens(&shop.merchant, &user.into(), order).await;
        cached.map(|access| access.token.expose_secret().to_owned())
    };

    // To another user, and to one of another merchant: for an order of theirs, and for a program.
    for (shop, vault, user, own) in [(&shop, &vault, "v", "at-rt-11"), (&other, &others, "w", "at-rt-21")] {
        change(&format!("token_id = (SELECT id FROM tokens WHERE user_id = '{user}')")).await;
        assert_eq!(given(shop, vault, user).await, None);
        assert_eq!(vended(shop, vault, user).await, own);
        put_back().await;
        assert_eq!(given(shop, vault, user).await, None, "an order of another user");
    }
    // To another merchant together with its row.
    db.execute("UPDATE tokens SET merchant = 'other' WHERE user_id = 'u'").await;
    assert_eq!(given(&other, &others, "u").await, None);
    db.execute("UPDATE tokens SET merchant = 'shop' WHERE user_id = 'u'").await;
    // To another provider.
    let elsewhere = with(&shop, shop.merchant.token_url.as_str(), "client-2");
    let (theirs, provider) = (elsewhere.process().await.0, elsewhere.merchant.provider());
    change(&format!("provider = {}", bytes(&db, &provider.to_string()))).await;
    assert_eq!(given(&elsewhere, &theirs, "u").await, None);
    put_back().await;
    // To another order of the same user.
    let next = an_order();
    let id = next.id.to_string();
    let id = if db.is_sqlite() { bytes(&db, &id.replace('-', "")) } else { format!("'{id}'") };
    change(&format!("purpose_ref = {id}")).await;
    assert!(vault.cached_tokens(&shop.merchant, &"u".into(), next).await.is_none());
    let right_one = "(SELECT purpose_ref FROM right_one)";
    db.execute(&format!("UPDATE cached_tokens SET purpose_ref = {right_one} WHERE purpose_ref = {id}")).await;
    // Where it belongs, it is given all the while.
    assert_eq!(given(&shop, &vault, "u").await.as_deref(), Some("at-rt-1"));
    assert_eq!(vended(&shop, &vault, "u").await, "at-rt-1");
    // To the grant of a later sign-in, perhaps that of another shopper.
    shop.register("u", "rt-31").await;
    change("grant_generation = (SELECT grant_generation FROM tokens WHERE user_id = 'u')").await;
    assert_eq!(given(&shop, &vault, "u").await, None);
    assert_eq!(vended(&shop, &vault, "u").await, "at-rt-31");
}

/// Returns bytes, given in hexadecimal, as an SQL literal.
fn bytes(db: &Db, hex: &str) -> String {
    if db.is_sqlite() { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") }
}
