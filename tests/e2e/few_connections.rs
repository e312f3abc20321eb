//! A role that may have fewer connections than the service would like.

use std::time::Duration;

use test_support::engine::{Database, ask, on_postgres};
use test_support::program::until;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_connections_are_named_and_orders_go_out() {
    on_postgres(async |database: Database| {
        let url = database.url().to_owned();
        let name = ask(&url, "SELECT current_database()");
        let role = format!("few_{name}");
        ask(&url, &format!("CREATE ROLE \"{role}\" LOGIN CONNECTION LIMIT 6; ALTER DATABASE \"{name}\" OWNER TO \"{role}\""));
        let database = Database::Postgres { url: url.replacen("postgres@", &format!("{role}@"), 1) };
        let shop = Shop::open(database, &["--token-latency", "200ms"], "");
        let served = shop.serve("a");
        let client = served.client();
        let users = shop.sign_in(12).await;
        client.register_all(&users).await;
        let ids = client.post_all(&users, 12).await;
        client.all_submitted(&ids, &["fresh"], PATIENCE).await;
        let named = || {
            let lines = shop.log("a").into_iter();
            lines.filter(|line| line["message"].as_str().unwrap().starts_with("The database refuses more connections")).count()
        };
        until("the cause in the log", PATIENCE, async || named() > 0).await;
        assert!(named() <= 2, "{} lines", named());
        assert!(served.program.terminate().await.success());
        drop(shop);
        ask(&url, &format!("ALTER DATABASE \"{name}\" OWNER TO postgres; REASSIGN OWNED BY \"{role}\" TO postgres; DROP ROLE \"{role}\""));
    })
    .await;
}
