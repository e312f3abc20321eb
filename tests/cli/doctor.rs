//! `doctor`, with working and with broken installations.

use klarna_sandbox::{Clock, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use test_support::postgres::TestDatabase;

use crate::program::{Home, Ran};

/// A shop with a sandbox that accepts its API user.
async fn shop() -> (Sandbox, Home) {
    let options = SandboxOptions {
        bind: ([127, 0, 0, 1], 0).into(),
        api_user: Some(("user".to_owned(), "pass".to_owned().into())),
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options, Clock::system()).await.unwrap();
    let url = sandbox.url().to_owned();
    let home = Home::new()
        .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", format!("{url}/eu/lp/idp/oauth2/token"))
        .with("KLARNA_WORKER__MERCHANTS__SHOP__JWKS_URL", format!("{url}/eu/lp/idp/.well-known/jwks.json"))
        .with("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", url)
        // Only the settings name a proxy.
        .with("ALL_PROXY", "http://127.0.0.1:9".to_owned());
    (sandbox, home)
}

async fn doctor(home: Home, exit: i32) -> (Home, Ran) {
    // The sandbox answers on this runtime meanwhile.
    let (home, ran) = tokio::task::spawn_blocking(move || {
        let ran = home.run(&["doctor", "--format", "json"]);
        (home, ran)
    })
    .await
    .unwrap();
    (home, ran.exits(exit))
}

/// The checks with this status.
fn with(ran: &Ran, status: &str) -> Vec<String> {
    let findings = ran.json().into_iter().filter(|finding| finding["status"] == status);
    findings.map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
}

fn finding(ran: &Ran, check: &str) -> Value {
    ran.json()
        .into_iter()
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("{}", ran.stdout))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_installation_has_nothing_to_do_and_nothing_is_made_by_looking() {
    let (sandbox, home) = shop().await;
    let (home, ran) = doctor(home, 0).await;
    assert_eq!(with(&ran, "failed"), [""; 0], "{}", ran.stdout);
    assert_eq!(finding(&ran, "keys")["found"], "none yet; the first start creates data/k1.key");
    assert!(!home.path("data").exists(), "looking made something");
    assert_eq!(sandbox.admin().stats().orders.requests, 0);

    home.run(&["tokens", "import", "-"]).exits(0);
    let (_home, ran) = doctor(home, 0).await;
    assert_eq!(finding(&ran, "keys")["found"], "the keys open this database; k1 is active");
    assert_eq!(finding(&ran, "merchants.shop.checkout_url")["status"], "ok");
    assert_eq!(finding(&ran, "merchants.shop.jwks_url")["status"], "ok");
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_a_host_that_is_away_and_strange_keys_are_told_with_what_to_do() {
    let (sandbox, home) = shop().await;
    home.run(&["tokens", "import", "-"]).exits(0);
    std::fs::remove_file(home.path("data/k1.key")).unwrap();
    home.run(&["keys", "generate", "--out", "data/k1.key"]).exits(0);
    let home = home
        .with("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD", "w0rong")
        // Nothing listens there.
        .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", "http://127.0.0.1:1/token");
    let (home, ran) = doctor(home, 3).await;
    assert_eq!(with(&ran, "failed"), ["keys", "merchants.shop.token_url", "merchants.shop.api_username"]);
    for check in ["keys", "merchants.shop.token_url", "merchants.shop.api_username"] {
        assert!(finding(&ran, check)["advice"].is_string(), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("w0rong"));
    let human = home.run(&["doctor"]).exits(3).stdout;
    assert!(human.contains("failed   keys: the keys do not belong to this database"), "{human}");
    sandbox.shutdown().await;
}

/// Where the tokens of forgotten users go. Nothing asks that address, so only reading it shows a
/// wrong one.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_that_revokes_tokens_is_shown() {
    let (sandbox, mut home) = shop().await;
    let beside = format!("{}/eu/lp/idp/oauth2/revoke (default, beside token_url)", sandbox.url());
    let elsewhere = format!("{}/other/revoke", sandbox.url());
    let mut found = Vec::new();
    for (setting, value) in [
        ("KLARNA_WORKER__MERCHANTS__SHOP__REVOKE_ON_FORGET", "true"),
        ("KLARNA_WORKER__MERCHANTS__SHOP__REVOKE_URL", &elsewhere),
        ("KLARNA_WORKER__MERCHANTS__SHOP__REVOKE_ON_FORGET", "false"),
    ] {
        let ran;
        (home, ran) = doctor(home.with(setting, value), 0).await;
        let shown = ran.json().into_iter().find(|finding| finding["check"] == "merchants.shop.revoke_url");
        found.push(shown.map(|finding| (finding["status"].clone(), finding["found"].clone())));
    }
    let gets = |url: &str| Some((json!("ok"), json!(format!("{url} gets the tokens of forgotten users"))));
    assert_eq!(found, [gets(&beside), gets(&format!("{elsewhere} (setting)")), None]);
    assert_eq!(sandbox.admin().stats().exchanges.total, 0);
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn which_of_two_passwords_klarna_accepts_is_told() {
    let (sandbox, mut home) = shop().await;
    home.run(&["tokens", "import", "-"]).exits(0);
    home = home.with("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_FILE", "passwords");
    for (passwords, accepted, refused) in
        [("0ther\npass\n", "second", "first"), ("pass\n0ther\n", "first", "second")]
    {
        home.write("passwords", passwords);
        let ran;
        (home, ran) = doctor(home, 0).await;
        let found = finding(&ran, "merchants.shop.api_username");
        let told = format!(" accepts the {accepted} of the two API passwords, and refuses the {refused}");
        assert!(found["found"].as_str().unwrap().ends_with(&told), "{found}");
        assert!(
            found["advice"].as_str().unwrap().starts_with(&format!("calls use the {accepted}")),
            "{found}"
        );
        let found = finding(&ran, "merchants.shop.checkout_url");
        let told = format!("answers and accepts the {accepted} of the two API passwords");
        assert!(found["found"].as_str().unwrap().ends_with(&told), "{found}");
        assert!(!ran.stdout.contains("0ther"), "{}", ran.stdout);
    }
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_server_is_looked_over() {
    let database = TestDatabase::create().await;
    let (sandbox, home) = shop().await;
    let home = home
        .with("KLARNA_WORKER__DATABASE__URL", database.url())
        .with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    let (home, ran) = doctor(home, 3).await;
    let mut server = PgConnection::connect(database.url()).await.unwrap();
    let fsync: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut server).await.unwrap();
    let durability = if fsync == "off" { vec!["database.durability"] } else { vec![] };
    assert_eq!(with(&ran, "failed"), [durability.clone(), vec!["migrations"]].concat(), "{}", ran.stdout);
    assert_eq!(finding(&ran, "clock")["status"], "ok");

    home.run(&["migrate"]).exits(0);
    home.run(&["tokens", "import", "-"]).exits(0);
    let (home, ran) = doctor(home, if fsync == "off" { 3 } else { 0 }).await;
    assert_eq!(with(&ran, "failed"), durability, "{}", ran.stdout);
    assert_eq!(finding(&ran, "installation")["status"], "ok");

    let (home, ran) = doctor(home.with("KLARNA_WORKER__INSTALLATION", "other"), 3).await;
    assert_eq!(finding(&ran, "database")["status"], "ok");
    assert!(with(&ran, "failed").contains(&"installation".to_owned()), "{}", ran.stdout);
    assert_eq!(finding(&ran, "level")["found"], "the database accepts this program (level 1)");

    sqlx::raw_sql("UPDATE klarna_worker.installation SET minimum_program = 99")
        .execute(&mut server)
        .await
        .unwrap();
    let (_home, ran) = doctor(home, 3).await;
    let level = finding(&ran, "level");
    assert_eq!(level["status"], "failed");
    assert!(
        level["found"].as_str().unwrap().starts_with("the database needs a newer program (level 99;"),
        "{level}"
    );
    server.close().await.unwrap();
    sandbox.shutdown().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_server_that_takes_no_writes_is_told_with_what_to_do() {
    let database = TestDatabase::create().await;
    let (sandbox, home) = shop().await;
    let home = home
        .with("KLARNA_WORKER__DATABASE__URL", database.url())
        .with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    home.run(&["migrate"]).exits(0);
    home.run(&["tokens", "import", "-"]).exits(0);
    let mut server = PgConnection::connect(database.url()).await.unwrap();
    let switch = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
        current_database()); END $$";
    sqlx::raw_sql(switch).execute(&mut server).await.unwrap();
    let (home, ran) = doctor(home, 3).await;
    let role = finding(&ran, "database.role");
    assert_eq!(role["status"], "failed", "{role}");
    for (member, words) in [("found", "takes no writes"), ("advice", "default_transaction_read_only off")] {
        assert!(role[member].as_str().unwrap().contains(words), "{role}");
    }
    // It says so once.
    assert_eq!(finding(&ran, "database")["status"], "ok", "{}", ran.stdout);

    let back =
        switch.replace("SET default_transaction_read_only = on", "RESET default_transaction_read_only");
    sqlx::raw_sql(AssertSqlSafe(back)).execute(&mut server).await.unwrap();
    let ran = tokio::task::spawn_blocking(move || home.run(&["doctor", "--format", "json"])).await.unwrap();
    assert_eq!(finding(&ran, "database.role")["status"], "ok", "{}", ran.stdout);
    server.close().await.unwrap();
    sandbox.shutdown().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_do_not_hold_are_told_as_everywhere() {
    let home = Home::new().with("KLARNA_WORKER__VAULT__REPLAY_AFTER", "1s");
    home.run(&["doctor"]).exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_openid_documents_are_compared_where_that_is_wanted() {
    let (sandbox, home) = shop().await;
    let ran = async |home: Home, arguments: &'static [&'static str]| {
        let all = [&["doctor", "--format", "json"], arguments].concat();
        tokio::task::spawn_blocking(move || {
            let ran = home.run(&all);
            (home, ran)
        })
        .await
        .unwrap()
    };
    let of_discovery = |ran: &Ran| {
        let about = |finding: &Value| finding["found"].as_str().unwrap().contains("OpenID documents");
        ran.json().into_iter().filter(about).collect::<Vec<_>>()
    };
    let (home, silent) = ran(home, &[]).await;
    assert_eq!(of_discovery(&silent.exits(0)), Vec::<Value>::new());
    let (home, online) = ran(home, &["--online"]).await;
    let [fits] = &of_discovery(&online.exits(0))[..] else { panic!("not compared once") };
    assert_eq!((&fits["check"], &fits["status"]), (&json!("merchants.shop.discovery"), &json!("ok")));

    let keys = format!("{}/other/jwks.json", sandbox.url());
    let home = home
        .with("KLARNA_WORKER__MERCHANTS__SHOP__DISCOVERY", "true")
        .with("KLARNA_WORKER__MERCHANTS__SHOP__JWKS_URL", &keys);
    let (home, differs) = ran(home, &[]).await;
    let [finding] = &of_discovery(&differs.exits(0))[..] else { panic!("not one difference") };
    assert_eq!(
        (&finding["check"], &finding["status"]),
        (&json!("merchants.shop.jwks_url"), &json!("warning"))
    );
    let found = finding["found"].as_str().unwrap();
    assert!(found.starts_with(&format!("{keys} is in force, and ")), "{found}");
    assert!(found.ends_with("/eu/lp/idp/.well-known/jwks.json"), "{found}");

    let home = home.with("KLARNA_WORKER__MERCHANTS__SHOP__ISSUER", format!("{}/none", sandbox.url()));
    let (_home, missing) = ran(home, &[]).await;
    let [finding] = &of_discovery(&missing.exits(0))[..] else { panic!("no finding") };
    assert_eq!(finding["status"], "warning");
    assert!(finding["found"].as_str().unwrap().ends_with("no issuer has a document (HTTP 404)"), "{finding}");
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_replica_is_looked_at() {
    const READ_URL: &str = "KLARNA_WORKER__DATABASE__READ_URL";
    let database = TestDatabase::create().await;
    let (sandbox, home) = shop().await;
    let home = home.with(READ_URL, database.url());
    let refused = home.run(&["doctor"]).exits(2);
    assert!(refused.stderr.contains("has no effect on SQLite; leave it out"), "{}", refused.stderr);

    let home = home
        .with("KLARNA_WORKER__DATABASE__URL", database.url())
        .with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    home.run(&["migrate"]).exits(0);
    home.run(&["orders", "list"]).exits(0);
    // The server of the tests is no standby.
    let look = async |home: Home| {
        tokio::task::spawn_blocking(move || {
            let ran = home.run(&["doctor", "--format", "json"]);
            (home, finding(&ran, "database.read_url"))
        })
        .await
        .unwrap()
    };
    let (home, found) = look(home).await;
    assert_eq!(found["status"], "warning", "{found}");
    assert!(found["found"].as_str().unwrap().contains("is no replica"), "{found}");
    // Nobody listens there, and a command goes on.
    let home = home.with(READ_URL, "postgres://postgres@127.0.0.1:1/nowhere");
    home.run(&["orders", "list"]).exits(0);
    let (_home, found) = look(home).await;
    assert_eq!(found["status"], "warning", "{found}");
    assert!(found["found"].as_str().unwrap().contains("cannot be used"), "{found}");
    sandbox.shutdown().await;
    database.remove().await;
}
