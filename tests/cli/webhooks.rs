use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::program::Home;

#[test]
fn lists_are_empty_where_nobody_is_told() {
    let home = Home::new();
    home.run(&["tokens", "import", "-"]).exits(0);
    let list = home.run(&["webhooks", "list", "--format", "json"]).exits(0);
    assert_eq!(list.json(), Vec::<Value>::new());
    let wrong = home.run(&["webhooks", "list", "--status", "lost"]).exits(2);
    assert!(wrong.stderr.contains("[possible values: pending, delivered, failed]"), "{}", wrong.stderr);
    let wrong = home.run(&["webhooks", "test", "shop"]).exits(2);
    wrong.tells_in_one_line("set webhook_url for it in the settings, and start or reload the service");
    home.run(&["webhooks", "list", "--kind", "order.eaten"]).exits(2);
}

#[test]
fn a_resend_says_which() {
    let home = Home::new();
    home.run(&["webhooks", "resend"]).exits(2).tells_in_one_line("no events named");
    let id = "0197a5e0-7c00-4000-8000-000000000001";
    home.run(&["webhooks", "resend", id, "--merchant", "shop"]).exits(2);
    home.run(&["webhooks", "resend", id]).exits(2).tells_in_one_line("add --yes to send 1 webhook again");
    let ran = home.run(&["webhooks", "resend", id, "--yes", "--format", "json"]).exits(3);
    assert_eq!(ran.json(), [json!({ "resent": 0, "unknown": [id] })]);
    let ran = home.run(&["webhooks", "resend", "--merchant", "shop", "--status", "failed"]).exits(0);
    assert_eq!(ran.stdout, "0 will be sent again\n");
    home.run(&["webhooks", "resend", "--since", "soon"]).exits(2);
    home.run(&["webhooks", "remove", "shop"]).exits(2).tells_in_one_line("add --yes to remove the endpoint");
    home.run(&["webhooks", "remove", "shop", "--yes"]).exits(0);
}

#[tokio::test]
async fn each_webhook_that_is_sent_again_by_its_id_is_in_the_audit_log() {
    let home = Home::new();
    home.run(&["tokens", "import", "-"]).exits(0);
    let database = format!("sqlite://{}", home.path("data/worker.db").display());
    let mut database = SqliteConnection::connect(&database).await.unwrap();
    let ids = [1, 2].map(|n| format!("0197a5e0-7c00-4000-8000-00000000000{n}"));
    for id in &ids {
        let insert = format!(
            "INSERT INTO webhooks (id, merchant, user_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at)
             VALUES (x'{}', 'shop', 'u-1', 'order.cancelled', '{{}}', 'failed', 1, 1, 1, 1)",
            id.replace('-', "")
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut database).await.unwrap();
    }
    database.close().await.unwrap();
    let about = |object: &str| {
        let of = ["audit", "list", "--action", "webhook.resend", "--outcome", "done", "--object", object];
        home.run(&[&of[..], &["--format", "json"]].concat()).exits(0).json().len()
    };
    home.run(&["webhooks", "resend", &ids[0], "--yes"]).exits(0);
    assert_eq!(about(&ids[0]), 1);
    let unknown = "0197a5e0-7c00-4000-8000-000000000003";
    home.run(&["webhooks", "resend", &ids[0], &ids[1], unknown, "--yes"]).exits(3);
    assert_eq!((about(&ids[0]), about(&ids[1]), about(unknown)), (2, 1, 0));
    assert_eq!(about("3 webhooks"), 1);
}
