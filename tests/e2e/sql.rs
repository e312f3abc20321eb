//! Orders that are inserted by SQL, with `psql` and a running service.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use test_support::engine::{Database, on_postgres};
use test_support::postgres::programs;
use test_support::shop::{Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);
const SHOPS: &str = include_str!("../../docs/shops.md");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_goes_from_a_transaction_to_klarna() {
    on_postgres(committed_and_faulty).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_in_the_shops_page_runs() {
    on_postgres(shops_page).await;
}

async fn call(c: &mut PgConnection, merchant: &str, user: &str, body: &str) -> String {
    let enqueue = sqlx::query("SELECT klarna_worker.enqueue_order($1, $2, $3::json)::text");
    enqueue.bind(merchant).bind(user).bind(body).fetch_one(c).await.unwrap().get(0)
}

async fn committed_and_faulty(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(20).await).await;
    let mut cart = PgConnection::connect(shop.database.url()).await.unwrap();

    let mut pickups = Vec::new();
    for n in 1..=20 {
        let mut transaction = cart.begin().await.unwrap();
        let id = call(&mut transaction, "shop", &format!("u-{n}"), &order().to_string()).await;
        // Long enough for a worker to claim it if it were visible.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let at: chrono::DateTime<chrono::Utc> =
            sqlx::query("SELECT clock_timestamp()").fetch_one(&mut *transaction).await.unwrap().get(0);
        transaction.commit().await.unwrap();
        let ended = client.ended(&id, PATIENCE).await;
        assert_eq!((&ended["status"], &ended["token"]), (&json!("submitted"), &json!("fresh")), "{ended}");
        let sql =
            AssertSqlSafe(format!("SELECT first_claimed_at FROM klarna_worker.orders WHERE id = '{id}'"));
        let claimed: chrono::DateTime<chrono::Utc> =
            sqlx::query(sql).fetch_one(&mut cart).await.unwrap().get(0);
        assert!(claimed >= at, "picked up before it was committed");
        pickups.push((claimed - at).num_microseconds().unwrap());
    }
    pickups.sort_unstable();
    let millis = |micros: i64| format!("{}.{:03} ms", micros / 1000, micros % 1000);
    println!("from COMMIT to pickup: median {}, longest {}", millis(pickups[10]), millis(pickups[19]));

    // After a rollback, the order does not exist.
    let mut transaction = cart.begin().await.unwrap();
    let never = call(&mut transaction, "shop", "u-1", &order().to_string()).await;
    transaction.rollback().await.unwrap();
    assert_eq!(client.order(&never, "0").await["status"], 404);

    // An order that the API would refuse fails, with its faults.
    let mut sum = order();
    sum["order_amount"] = json!(49000);
    let mut token = order();
    token["customer"] = json!({ "klarna_access_token": "stolen" });
    let twice = order().to_string().replacen('{', r#"{"locale":"de-DE","#, 1);
    // An order of a merchant that this process does not know waits for a process that does.
    let elsewhere = call(&mut cart, "elsewhere", "u-1", &order().to_string()).await;
    for (body, pointer) in [
        (sum.to_string(), "/order/order_amount"),
        (token.to_string(), "/order/customer/klarna_access_token"),
        (twice, "/order/locale"),
        ("[]".into(), "/order"),
    ] {
        let id = call(&mut cart, "shop", "u-1", &body).await;
        let ended = client.ended(&id, PATIENCE).await;
        assert_eq!(
            (&ended["status"], &ended["error"]["code"]),
            (&json!("failed"), &json!("invalid_order")),
            "{ended}"
        );
        assert_eq!(ended["error"]["faults"][0]["pointer"], pointer, "{ended}");
        assert!(!ended.to_string().contains("stolen"), "{ended}");
    }
    assert_eq!(client.order(&elsewhere, "0").await["status"], "queued");
    assert_eq!(shop.stats().await.orders.requests, 20);
    cart.close().await.unwrap();
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

/// Returns the SQL blocks of docs/shops.md in the section with this heading.
fn blocks(section: &str) -> Vec<&'static str> {
    let from = SHOPS.find(&format!("### {section}\n")).expect("docs/shops.md has the section");
    let section = &SHOPS[from + 4..];
    let section = &section[..section.find("\n##").unwrap_or(section.len())];
    section.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

fn psql(url: &str, script: &str) -> String {
    let mut psql = Command::new(programs().join("psql"));
    let ran = psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", script, url]).output().unwrap();
    assert!(ran.status.success(), "{}\n{script}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

async fn shops_page(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let blocks = blocks("From SQL");
    let [rights, order] = blocks[..] else { panic!("{blocks:?}") };
    // A role belongs to the whole server, which other tests use too.
    let role = format!("shop_{}", served.program.id());
    psql(shop.database.url(), &rights.replace("shop_checkout", &role));
    let mut as_role: url::Url = shop.database.url().parse().unwrap();
    as_role.set_username(&role).unwrap();
    let id = psql(as_role.as_str(), order).trim().to_owned();
    let ended = served.client().ended(&id, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["user"]), (&json!("submitted"), &json!("u-1")), "{ended}");
    assert_eq!(psql(as_role.as_str(), order).trim(), id, "the same request is the same order");
    psql(shop.database.url(), &format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert!(served.program.terminate().await.success());
}
