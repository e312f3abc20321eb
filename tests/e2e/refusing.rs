//! A database that answers unexpected errors when results are stored.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

/// `object_not_in_prerequisite_state`, `insufficient_privilege`, `invalid_catalog_name`,
/// `idle_in_transaction_session_timeout`, `cannot_connect_now`, `feature_not_supported` (a cached
/// plan whose result type changed), `internal_error`, an error of somebody's own trigger.
const UNEXPECTED: [&str; 8] = ["55000", "42501", "3D000", "25P03", "57P03", "0A000", "XX000", "P0001"];

both_engines!(
    no_error_of_the_database_makes_klarna_create_an_order_again,
    a_result_from_the_spool_is_stored_without_what_the_database_refuses,
);

/// A trigger that refuses the results of `u-1` to `u-8`, each with another error, and those of
/// `u-9` that have a snippet.
fn trigger(database: &Database) -> String {
    let users: Vec<String> = (1..=UNEXPECTED.len()).map(|n| format!("'u-{n}'")).collect();
    match database {
        Database::Sqlite => format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON orders WHEN NEW.status = 'submitted' AND NEW.user_id IN ({}) OR \
             NEW.result IS NOT NULL AND NEW.user_id = 'u-9' BEGIN SELECT RAISE(ABORT, 'no'); END",
            users.join(", ")
        ),
        Database::Postgres { .. } => {
            let cases: Vec<String> = users
                .iter()
                .zip(UNEXPECTED)
                .map(|(user, code)| format!("WHEN {user} THEN '{code}'"))
                .collect();
            format!(
                "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'no' USING ERRCODE = CASE NEW.user_id {} ELSE '22021' END; END $$; \
                 CREATE TRIGGER refuse BEFORE UPDATE ON {{schema}}orders FOR EACH ROW \
                 WHEN (NEW.status = 'submitted' AND NEW.user_id IN ({}) \
                 OR NEW.result IS NOT NULL AND NEW.user_id = 'u-9') EXECUTE FUNCTION public.refuse()",
                cases.join(" "),
                users.join(", ")
            )
        }
    }
}

/// A trigger that refuses such rows for good.
pub fn refusing(database: &Database, rows: &str) -> String {
    match database {
        Database::Sqlite => format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON orders WHEN {rows} BEGIN SELECT RAISE(ABORT, 'no'); END"
        ),
        Database::Postgres { .. } => format!(
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'no' USING ERRCODE = '22021'; END $$; \
             CREATE TRIGGER refuse BEFORE UPDATE ON {{schema}}orders FOR EACH ROW \
             WHEN ({rows}) EXECUTE FUNCTION public.refuse()"
        ),
    }
}

pub const fn no_trigger(database: &Database) -> &'static str {
    match database {
        Database::Sqlite => "DROP TRIGGER refuse",
        Database::Postgres { .. } => "DROP FUNCTION public.refuse() CASCADE",
    }
}

async fn no_error_of_the_database_makes_klarna_create_an_order_again(database: Database) {
    const USERS: usize = UNEXPECTED.len() + 2;
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(USERS).await;
    client.register_all(&users).await;
    shop.database.execute(shop.folder.path(), &trigger(&shop.database)).await;

    let ids = client.post_all(&users, USERS).await;
    // Other orders in the same commit are not delayed.
    let mut ended = Vec::new();
    until("the orders that the database takes", PATIENCE, async || {
        ended.clear();
        for id in &ids {
            let order = client.order(id, "0s").await;
            if order["status"] == "submitted" {
                ended.push((order["user"].as_str().unwrap().to_owned(), order["html_snippet"].is_string()));
            }
        }
        ended.sort();
        ended.len() == 2
    })
    .await;
    assert_eq!(ended, [("u-10".to_owned(), true), ("u-9".to_owned(), false)]);
    until("every order at Klarna", PATIENCE, async || shop.stats().await.orders.total == USERS as u64).await;

    shop.database.execute(shop.folder.path(), no_trigger(&shop.database)).await;
    for id in &ids {
        let order = client.ended(id, PATIENCE).await;
        assert_eq!((&order["status"], &order["token"]), (&json!("submitted"), &json!("fresh")), "{order}");
        assert_eq!((&order["attempts"], &order["possible_duplicate"]), (&json!(1), &json!(false)), "{order}");
    }
    let stats = shop.stats().await;
    assert_eq!((stats.orders.total, stats.orders.duplicates), (USERS as u64, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_result_from_the_spool_is_stored_without_what_the_database_refuses(database: Database) {
    let shop = Shop::open(database, &[], "");
    let (folder, database) = (shop.folder.path(), &shop.database);
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(1).await;
    client.register_all(&users).await;
    database.execute(folder, &refusing(database, "NEW.status = 'submitted'")).await;
    let id = client.post("u-1", "refused").await;
    let results = || {
        let files = std::fs::read_dir(folder.join("data/instance-a/spool")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "result")).count()
    };
    until("a result in the spool", PATIENCE, async || results() == 1).await;
    served.program.kill();
    database.execute(folder, no_trigger(database)).await;
    database.execute(folder, &refusing(database, "NEW.result IS NOT NULL")).await;

    let served = shop.serve("a");
    assert_eq!(results(), 0);
    let order = served.client().ended(&id, PATIENCE).await;
    assert_eq!(
        (&order["status"], order["html_snippet"].is_string()),
        (&json!("submitted"), false),
        "{order}"
    );
    assert_eq!(shop.stats().await.orders.total, 1);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
