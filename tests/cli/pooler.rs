//! `PgBouncer` in transaction mode before the server: settings that do not suit it are refused in
//! words.

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, raw_sql};
use test_support::pooler::Pooler;
use test_support::postgres::TestDatabase;

use crate::program::{Home, Ran};

const URL: &str = "KLARNA_WORKER__DATABASE__URL";
const LISTEN: &str = "KLARNA_WORKER__DATABASE__LISTEN_URL";
const CACHE: &str = "KLARNA_WORKER__DATABASE__STATEMENT_CACHE";

fn home() -> Home {
    // Nothing listens there.
    let nobody = "http://127.0.0.1:1";
    let home = Home::new()
        .with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key")
        .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", nobody)
        .with("KLARNA_WORKER__MERCHANTS__SHOP__JWKS_URL", nobody)
        .with("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", nobody);
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    home
}

fn finding(ran: &Ran) -> Value {
    let found = ran.json().into_iter().find(|finding| finding["check"] == "database.pooler");
    found.unwrap_or_else(|| panic!("nothing about the pooler: {}", ran.stdout))
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_do_not_suit_a_transaction_pooler_are_refused() {
    let database = TestDatabase::create().await;
    let pooler = Pooler::start(database.url());
    let shared = pooler.url(database.url());
    let (direct, shared) = (database.url(), shared.as_str());
    let home = home();
    let mut commands = vec![&["serve"][..], &["migrate"], &["refresh"], &["tokens", "list"]];
    for (variables, says) in [
        (vec![(URL, shared)], "set database.statement_cache = 0"),
        (vec![(URL, shared), (LISTEN, direct)], "set database.statement_cache = 0"),
        (vec![(URL, shared), (CACHE, "0")], "set database.listen_url to the server itself"),
        (vec![(URL, shared), (CACHE, "0"), (LISTEN, shared)], "name the server itself there"),
        (vec![(URL, direct), (LISTEN, shared)], "name the server itself there"),
    ] {
        let run =
            |command: &[&str]| Ran::from(home.command(command).envs(variables.clone()).output().unwrap());
        for command in &commands {
            run(command).exits(1).tells_in_one_line(says);
        }
        // Once is enough for the others.
        commands.truncate(1);
        let told = finding(&run(&["doctor", "--format", "json"]).exits(3));
        assert_eq!(told["status"], "failed", "{told}");
        assert!(told["found"].as_str().unwrap().contains(says), "{told}");
    }
    // They have left nothing in a session that others use.
    let client = shared.parse::<PgConnectOptions>().unwrap().extra_float_digits(None);
    let mut client = client.connect().await.unwrap();
    let left = "SELECT (SELECT count(*) FROM pg_prepared_statements)::text, current_setting('statement_timeout'),
        current_setting('default_transaction_isolation'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))::text";
    let left = raw_sql(left).fetch_one(&mut client).await.unwrap();
    let left: Vec<&str> = (0..4).map(|column| left.get(column)).collect();
    assert_eq!(left, ["0", "0", "read committed", "0"]);
    client.close().await.unwrap();

    let home = home.with(URL, shared).with(CACHE, "0").with(LISTEN, direct);
    let home = home.with("KLARNA_WORKER__VAULT__CLAIM_SESSIONS", "19");
    home.run(&["migrate"]).exits(0);
    let mut served = home.start(&["serve"]);
    served.line();
    let told = finding(&home.run(&["doctor", "--format", "json"]));
    assert_eq!(told["status"], "ok", "{told}");
    served.signal("-TERM");
    served.end().exits(0);

    let home = home.with("KLARNA_WORKER__VAULT__CLAIM_SESSIONS", "20");
    let told = finding(&home.run(&["doctor", "--format", "json"]));
    assert_eq!(told["status"], "warning", "{told}");
    assert!(
        told["found"].as_str().unwrap().contains("ran 20 transactions at a time")
            && told["found"].as_str().unwrap().contains("may keep 20 open"),
        "{told}"
    );
    // Behind the pooler, a server without a connection left for notifications is used all the same.
    let role = format!("none_{}", uuid::Uuid::new_v4().simple());
    let role_sql = format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0");
    let mut admin = direct.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
    raw_sql(AssertSqlSafe(role_sql)).execute(&mut admin).await.unwrap();
    let mut full = url::Url::parse(direct).unwrap();
    full.set_username(&role).unwrap();
    home.with(LISTEN, full.as_str()).run(&["tokens", "list"]).exits(0);
    raw_sql(AssertSqlSafe(format!("DROP ROLE {role}"))).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    drop(pooler);
    database.remove().await;
}
