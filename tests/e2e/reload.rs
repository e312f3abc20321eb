//! Settings that are read again while the service runs.

use std::process::Output;
use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::clock::Clock;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;
use test_support::engine::{Database, both_engines};
use test_support::program::{command, until};
use test_support::receiver::{Answer, Receiver};
use test_support::service::Served;
use test_support::shop::{PASSWORD, Shop};

use crate::few_or;

const PATIENCE: Duration = Duration::from_mins(1);
const RELOADED: &str = "The settings were reloaded";
const FAILED: &str = "The settings could not be reloaded; everything stays as it was";
const OTHER: &str = "# the place of another merchant";
const KEYS: &str = "# the place of keys";
const READER: &str = "kow_reader_4cNq8mVwE2sT7yUbG1hJ";
const OPERATOR: &str = "kow_operator_9rXk3LzPq5dFvB8nM2aC";

both_engines!(
    merchants_come_and_go_while_orders_run,
    credentials_are_rotated_under_load_without_a_failed_order,
    keys_and_the_log_change_and_wrong_settings_change_nothing,
    keys_are_added_limited_and_expired_by_a_reload,
    webhook_secrets_are_rotated_by_a_reload,
);

/// Runs `reload`, which must be done. Returns what changed.
fn reload(shop: &Shop) -> Value {
    shop.run("a", &["reload"]).remove(0)
}

fn try_reload(shop: &Shop) -> Output {
    command(shop.folder.path()).args(["--config", "a.toml", "reload"]).output().unwrap()
}

/// How many lines of the log have a message.
fn lines(shop: &Shop, message: &str) -> usize {
    shop.log_with("a", message).iter().filter(|line| line["message"] == message).count()
}

/// A section of another merchant at the same sandbox.
fn outlet(shop: &Shop) -> String {
    let url = |name: &str| shop.sandbox.ready[name].as_str().unwrap().to_owned();
    format!(
        "[merchants.outlet]\nregion = \"eu\"\nenvironment = \"playground\"\nclient_id = \"sandbox-client\"\n\
         api_username = \"sandbox\"\napi_password = \"{PASSWORD}\"\ntoken_url = \"{}\"\ncheckout_url = \"{}\"\n\
         payments_url = \"{}\"",
        url("token_url"),
        url("checkout_url"),
        url("payments_url"),
    )
}

async fn merchants_come_and_go_while_orders_run(database: Database) {
    let shop = Shop::open(database, &["--token-latency", "300ms"], OTHER);
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(12).await;
    client.register_all(&users[..10]).await;
    let page = client.get_text("/merchants").await;
    assert!(page.contains("at its start.") && !page.contains("merchant-outlet"), "{page}");
    assert_eq!(
        reload(&shop),
        json!({
            "merchants": { "added": [], "changed": [], "removed": [] },
            "api_keys": { "added": [], "changed": [], "removed": [] },
            "settings": [],
            "after_restart": [],
        })
    );

    // Exchanges of the first merchant are in flight at each reload.
    let running = client.post_all(&users[..10], 10).await;
    let section = outlet(&shop);
    shop.change_settings("a", OTHER, &section);
    assert_eq!(reload(&shop)["merchants"]["added"], json!(["outlet"]));
    let page = client.get_text("/merchants").await;
    assert!(page.contains("by a reload (command:") && page.contains("merchant-outlet"), "{page}");
    client.register_at("outlet", &users[10].0, &users[10].1).await;
    let first = client.post_at("outlet", &users[10].0, "cart-1").await;
    client.all_submitted_fresh(std::slice::from_ref(&first), PATIENCE).await;

    let paused = ["--merchant", "outlet", "--reason", "a test"];
    shop.run("a", &[&["pause", "orders"][..], &paused].concat());
    let message = "This process keeps to changed pauses from now on";
    until("the pause", PATIENCE, async || lines(&shop, message) > 0).await;
    let waiting = client.post_at("outlet", &users[10].0, "cart-2").await;
    shop.change_settings("a", &section, OTHER);
    let changes = reload(&shop);
    assert_eq!(changes["merchants"]["removed"], json!(["outlet"]), "{changes}");
    let envelope = json!({ "merchant": "outlet", "user": "guest", "order": test_support::shop::order() });
    let (status, refused) = client.try_submit("cart-3", &envelope).await.unwrap();
    assert_eq!(status, 422, "{refused}");
    client.all_submitted_fresh(&running, PATIENCE).await;
    shop.change_settings("a", OTHER, &section);
    let served_now = client.order(&waiting, "0s").await;
    assert_eq!((&served_now["status"], &served_now["attempts"]), (&"queued".into(), &0.into()));
    reload(&shop);
    shop.run("a", &["resume", "orders", "--merchant", "outlet"]);
    client.all_submitted_fresh(&[waiting], PATIENCE).await;

    let rows = shop.run("a", &["audit", "list", "--action", "ops.reload"]);
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().all(|row| row["actor"].as_str().unwrap().starts_with("command:")), "{rows:?}");
    assert!(rows[2]["object"].as_str().unwrap().contains("merchants added: outlet"), "{rows:?}");
    let seen = shop.stats().await;
    assert_eq!((seen.exchanges.spent_presented, seen.orders.duplicates), (0, 0), "{seen:?}");
    assert!(served.program.terminate().await.success());
    assert!(!try_reload(&shop).status.success(), "no service runs");
    shop.close().await;
}

async fn credentials_are_rotated_under_load_without_a_failed_order(database: Database) {
    let accepted = ["--api-username", "sandbox", "--api-password", PASSWORD, "--checkout-latency", "50ms"];
    let shop = Shop::open(database, &accepted, "");
    let file = shop.folder.path().join("password");
    // At once, so that no reload finds half of it.
    let write = |text: &str| {
        let next = file.with_extension("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(&next, &file).unwrap();
    };
    write(PASSWORD);
    shop.change_settings("a", &format!("api_password = \"{PASSWORD}\""), "api_password_file = \"password\"");
    shop.change_settings("a", "[server]", "[server]\nreload_on_change = true");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let load = tokio::spawn({
        let client = client.clone();
        async move {
            let (mut ids, orders) = (Vec::new(), few_or(160, 400));
            for number in 0..orders {
                ids.push(client.post(&format!("guest-{number}"), &format!("cart-{number}")).await);
                tokio::time::sleep(Duration::from_secs(4) / u32::try_from(orders).unwrap()).await;
            }
            ids
        }
    });
    // As before, at and after the time when Klarna's portal gives a new password.
    for (number, content) in
        [format!("the-next-password-of-the-shop\n{PASSWORD}\n"), format!("{PASSWORD}\n")].iter().enumerate()
    {
        write(content);
        until("the reload", PATIENCE, async || lines(&shop, RELOADED) > number).await;
    }
    assert_eq!(lines(&shop, FAILED), 0);
    let ids = load.await.unwrap();
    for id in &ids {
        let order = client.ended(id, PATIENCE).await;
        assert_eq!((&order["status"], &order["attempts"]), (&"submitted".into(), &1.into()), "{order}");
    }
    assert_eq!(shop.stats().await.orders.duplicates, 0);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// A section of an API key.
fn key(name: &str, key: &str, scopes: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(key).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    format!("[[server.api_keys]]\nname = \"{name}\"\nkey_sha256 = \"{hash}\"\nscopes = [{scopes}]")
}

async fn get(served: &Served, path: &str, key: &str) -> (u16, String) {
    let url = format!("{}{path}", served.program.ready["api"].as_str().unwrap());
    let answer = reqwest::Client::new().get(url).bearer_auth(key).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn settings_of(served: &Served) -> Value {
    let (status, text) = get(served, "/readyz?verbose", OPERATOR).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["settings"].clone()
}

async fn keys_and_the_log_change_and_wrong_settings_change_nothing(database: Database) {
    let shop = Shop::open(database, &[], KEYS);
    let operator = key("operator", OPERATOR, "\"ops\"");
    let both = format!("{operator}\n{}", key("reader", READER, "\"orders:read\""));
    shop.change_settings("a", KEYS, &both);
    // For the search at the end.
    shop.sign_in(1).await;
    let served = shop.serve("a");
    assert_eq!(get(&served, "/v1/orders", READER).await.0, 200);

    // A wrong file: the command says so, and the service goes on as before.
    let wrong = format!("{operator}\nno_setting = 1");
    shop.change_settings("a", &both, &wrong);
    let told = try_reload(&shop);
    assert_eq!(told.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&told.stderr).contains("no_setting"), "{told:?}");
    served.program.signal("HUP");
    until("the failure", PATIENCE, async || lines(&shop, FAILED) == 1).await;
    assert_eq!(get(&served, "/v1/orders", READER).await.0, 200, "the removed key is valid as before");
    let status = settings_of(&served).await;
    assert!(status["error"].as_str().unwrap().contains("no_setting"), "{status}");
    let (_, metrics) = get(&served, "/metrics", OPERATOR).await;
    assert!(metrics.contains("klarna_worker_settings_last_reload_successful 0\n"), "{metrics}");

    // The right one: a key is gone, the log has more, and what needs a restart is named.
    shop.change_settings("a", &wrong, &format!("{operator}\n[telemetry]\nlog_level = \"debug\""));
    shop.change_settings("a", "bind = \"127.0.0.1:0\"", "bind = \"127.0.0.1:1\"");
    let told = try_reload(&shop);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success(), "{told:?}");
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "The settings were reloaded",
            "API keys removed: reader",
            "telemetry.log_level changed",
            "server.bind changed: takes effect after a restart",
        ]
    );
    assert_eq!(get(&served, "/v1/orders", READER).await.0, 401);
    let status = settings_of(&served).await;
    assert_eq!((&status["after_restart"], &status["error"]), (&json!(["server.bind"]), &Value::Null));
    until("a line of this level", PATIENCE, async || {
        get(&served, "/v1/orders", READER).await;
        shop.log("a").iter().any(|line| line["level"] == "DEBUG")
    })
    .await;

    // Contradictions are found before the service is asked.
    shop.change_settings("a", "log_level = \"debug\"", "log_level = \"info\"\n[keeper]\nspread = \"50d\"");
    let told = try_reload(&shop);
    assert_eq!(told.status.code(), Some(2), "refresh_before and spread exceed the tokens' life: {told:?}");
    let (_, metrics) = get(&served, "/metrics", OPERATOR).await;
    assert!(metrics.contains("klarna_worker_settings_last_reload_successful 1\n"), "{metrics}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn keys_are_added_limited_and_expired_by_a_reload(database: Database) {
    let shop = Shop::open(database, &[], KEYS);
    shop.sign_in(1).await;
    let operator = key("operator", OPERATOR, "\"ops\"");
    shop.change_settings("a", KEYS, &operator);
    let served = shop.serve("a");
    let status = async |path| get(&served, path, READER).await.0;
    assert_eq!(status("/v1/orders").await, 401);

    let reader = key("reader", READER, "\"orders:read\", \"ops:read\"");
    let mut section = operator.clone();
    // What is added to the key's section, and what its requests for orders and for metrics are
    // answered.
    for (more, orders, metrics) in [
        (String::new(), 200, 200),
        ("merchants = [\"shop\"]".to_owned(), 200, 403),
        ("sources = [\"192.0.2.0/24\"]".to_owned(), 403, 403),
        ("sources = [\"127.0.0.0/8\"]".to_owned(), 200, 200),
        ("expires_at = \"2020-01-01\"".to_owned(), 401, 401),
        ("expires_at = \"2120-01-01\"".to_owned(), 200, 200),
    ] {
        let next = format!("{operator}\n{reader}\n{more}");
        shop.change_settings("a", &section, &next);
        let kind = if section == operator { "added" } else { "changed" };
        assert_eq!(reload(&shop)["api_keys"][kind], json!(["reader"]), "{more}");
        assert_eq!((status("/v1/orders").await, status("/metrics").await), (orders, metrics), "{more}");
        section = next;
    }
    // It expires by itself, without another reload.
    let soon = (Clock::system().now() + TimeDelta::seconds(3)).to_rfc3339();
    shop.change_settings("a", "2120-01-01", &soon);
    reload(&shop);
    until("the key's end", PATIENCE, async || status("/v1/orders").await == 401).await;
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn webhook_secrets_are_rotated_by_a_reload(database: Database) {
    const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    let receiver = Receiver::start(|_| Answer::status(204)).await;
    let mut section = format!("webhook_url = \"{}\"\nwebhook_secrets = [\"{OLD}\"]", receiver.url);
    let shop = Shop::open(database, &[], &section);
    shop.sign_in(1).await;
    let served = shop.serve("a");
    let both = format!("\"{OLD}\", \"{NEW}\"");
    for (secrets, valid) in
        [(format!("\"{OLD}\""), [true, false]), (both, [true, true]), (format!("\"{NEW}\""), [false, true])]
    {
        let next = format!("webhook_url = \"{}\"\nwebhook_secrets = [{secrets}]", receiver.url);
        if next != section {
            shop.change_settings("a", &section, &next);
            assert_eq!(reload(&shop)["merchants"]["changed"], json!(["shop"]));
            section = next;
        }
        let before = receiver.requests().len();
        shop.run("a", &["webhooks", "test", "shop"]);
        receiver.reached(before + 1).await;
        let request = receiver.requests().pop().unwrap();
        let verifies =
            |secret| Verifier::new(secret).unwrap().verify(&request.body, &request.headers).is_ok();
        assert_eq!([OLD, NEW].map(verifies), valid, "{secrets}");
    }
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
