use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use test_support::postgres::{TestDatabase, errors_in};

use crate::program::Home;

#[test]
fn sqlite_is_migrated_and_checked() {
    let home = Home::new();
    let check = home.run(&["migrate", "--check"]).exits(3);
    assert!(
        check.stdout.starts_with("There is no database yet; data/worker.db is created"),
        "{}",
        check.stdout
    );
    assert!(!home.path("data").exists(), "a check makes nothing");

    let first = home.run(&["migrate", "--format", "json"]).exits(0).json();
    assert!(first[0]["ran"].as_u64().unwrap() > 0, "{first:?}");
    assert_eq!(home.run(&["migrate", "--format", "json"]).exits(0).json(), [json!({"ran": 0})]);
    assert_eq!(home.run(&["migrate", "--check"]).exits(0).stdout, "The database is up to date.\n");
}

#[test]
fn a_url_that_can_be_no_database_is_a_wrong_setting() {
    let home = Home::new().with("KLARNA_WORKER__DATABASE__URL", "mysql://db/shop");
    home.run(&["migrate"]).exits(2).tells_in_one_line("database.url");
}

#[test]
fn another_installations_sqlite_database_is_left_alone() {
    let home = Home::new();
    home.run(&["tokens", "import", "-"]).exits(0);
    let other = home.with("KLARNA_WORKER__INSTALLATION", "other");
    for command in [&["migrate"][..], &["migrate", "--check"], &["orders", "list"]] {
        other
            .run(command)
            .exits(1)
            .tells_in_one_line(r#"belongs to the installation "test", but the settings name "other""#);
    }
}

fn on(url: &str) -> Home {
    let home = Home::new()
        .with("KLARNA_WORKER__DATABASE__URL", url)
        .with("KLARNA_WORKER__VAULT__KEYS__K1__FILE", "k1.key");
    home.run(&["keys", "generate", "--out", "k1.key"]).exits(0);
    home
}

#[tokio::test]
async fn postgres_is_migrated_by_this_command_alone() {
    let database = TestDatabase::create().await;
    let home = on(database.url());
    for command in [&["orders", "list"][..], &["enqueue", "-"], &["tokens", "list"], &["serve"]] {
        home.run(command).exits(1).tells_in_one_line("run `klarna-order-worker migrate`");
    }
    let check = home.run(&["migrate", "--check", "--format", "json"]).exits(3).json();
    let missing = check[0]["missing"].as_u64().unwrap();
    let names = check[0]["names"].as_array().unwrap();
    assert_eq!((missing, &names[0]), (names.len() as u64, &json!("0001_baseline")));
    let check = home.run(&["migrate", "--check"]).exits(3);
    assert!(check.stdout.contains("(0001_baseline)"), "{}", check.stdout);
    assert_eq!(home.run(&["migrate", "--format", "json"]).exits(0).json(), [json!({"ran": missing})]);
    let check = home.run(&["migrate", "--check", "--format", "json"]).exits(0).json();
    assert_eq!(check, [json!({"missing": 0, "names": []})]);
    home.run(&["migrate"]).exits(0);
    home.run(&["tokens", "import", "-"]).exits(0);
    database.remove().await;
}

#[tokio::test]
async fn a_postgres_database_of_another_or_a_newer_program_is_left_alone() {
    let database = TestDatabase::create().await;
    let home = on(database.url());
    home.run(&["migrate"]).exits(0);
    home.run(&["tokens", "import", "-"]).exits(0);
    let home = home.with("KLARNA_WORKER__INSTALLATION", "other");
    for command in [&["migrate"][..], &["migrate", "--check"], &["orders", "list"]] {
        home.run(command).exits(1).tells_in_one_line(r#"belongs to the installation "test""#);
    }
    let home = home.with("KLARNA_WORKER__INSTALLATION", "test");
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("UPDATE klarna_worker.installation SET minimum_program = 99")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    for command in [&["migrate"][..], &["migrate", "--check"], &["orders", "list"], &["serve"]] {
        home.run(command).exits(4).tells_in_one_line("needs a newer program (level 99;");
    }
    database.remove().await;
}

#[test]
fn a_server_that_does_not_answer_is_told_in_one_line() {
    let port = test_support::ports::free();
    let home = on(&format!("postgres://user:pa55word@127.0.0.1:{port}/shop"));
    for command in [&["migrate"][..], &["migrate", "--check"], &["orders", "list"], &["serve"]] {
        let ran = home.run(command).exits(1).tells_in_one_line("the database is not available");
        assert!(!ran.stderr.contains("pa55word"), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_hold_every_text_is_refused_by_all_commands() {
    let database = TestDatabase::create().await;
    let mut server = PgConnection::connect(database.url()).await.unwrap();
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = format!("encoded_{}", uuid::Uuid::new_v4().simple());
        let create = format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        );
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut server).await.unwrap();
        let mut url = url::Url::parse(database.url()).unwrap();
        url.set_path(&name);
        let nobody = "http://127.0.0.1:1";
        let home = on(url.as_str())
            .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", nobody)
            .with("KLARNA_WORKER__MERCHANTS__SHOP__JWKS_URL", nobody)
            .with("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", nobody);
        let says = format!("the database has the encoding {encoding}, which cannot hold every text");
        for command in [&["migrate"][..], &["migrate", "--check"], &["serve"], &["orders", "list"]] {
            home.run(command).exits(1).tells_in_one_line(&says);
        }
        let doctor = home.run(&["doctor", "--format", "json"]).exits(3);
        assert!(doctor.stdout.contains(&says), "{}", doctor.stdout);
        let mut encoded = PgConnection::connect(url.as_str()).await.unwrap();
        let made: Option<String> = sqlx::query_scalar("SELECT to_regnamespace('klarna_worker')::text")
            .fetch_one(&mut encoded)
            .await
            .unwrap();
        assert_eq!(made, None, "{encoding}");
        encoded.close().await.unwrap();
        assert_eq!(errors_in(url.as_str()).await, [""; 0], "{encoding}");
        let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
        sqlx::raw_sql(drop).execute(&mut server).await.unwrap();
    }
    server.close().await.unwrap();
    database.remove().await;
}
