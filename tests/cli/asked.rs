//! What commands tell and ask before orders are retried or resumed.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::orders::filled;
use crate::program::Home;

/// Writes to the database of a folder without a service.
async fn write(home: &Home, statement: String) {
    let database = format!("sqlite://{}", home.path("data/worker.db").display());
    let mut database = SqliteConnection::connect(&database).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_retry_tells_of_possible_duplicates_and_of_what_fails_again() {
    let (home, told) = filled();
    let id = |line: usize| told[line - 1]["id"].as_str().unwrap();
    for (line, code, twice) in
        [(1, "deadline_exceeded", 1), (2, "deadline_exceeded", 0), (3, "klarna_refused_order", 0)]
    {
        let error = json!({ "code": code, "message": "No.", "faults": [] });
        let hex = id(line).replace('-', "");
        write(
            &home,
            format!(
                "UPDATE orders SET status = 'failed', ended_at = accepted_at, error = '{error}',
                 possible_duplicate = {twice} WHERE id = x'{hex}'"
            ),
        )
        .await;
    }
    let mut asked = home.start_on_terminal(24, 200, &["orders", "retry", "--all"]);
    let question = asked.until("[y/N]");
    for part in [
        "deadline_exceeded: 2. Ask the shop",
        "klarna_refused_order: 1. A retry sends the same order, and Klarna refuses it again",
        "Possible duplicates: 1. Klarna may already have them",
        "--possible-duplicate false",
        "Retry 3 failed orders?",
    ] {
        assert!(question.contains(part), "{part}: {question}");
    }
    asked.write("n\n");
    asked.end().exits(1);

    for (line, why) in [(1, "possible duplicate"), (3, "klarna_refused_order")] {
        home.run(&["orders", "retry", id(line)]).exits(2).tells_in_one_line("add --yes to retry what may");
        let mut asked = home.start_on_terminal(24, 400, &["orders", "retry", id(line)]);
        let question = asked.until("[y/N]");
        assert!(question.contains("Retry this order?") && question.contains(why), "{question}");
        asked.write("n\n");
        asked.end().exits(1);
    }
    let one = home.run(&["orders", "retry", id(1), "--yes"]).exits(0);
    assert_eq!(one.stdout, format!("{}  queued  possible duplicate: Klarna may already have it\n", id(1)));
    write(
        &home,
        "UPDATE orders SET status = 'failed', ended_at = accepted_at WHERE possible_duplicate".into(),
    )
    .await;
    let all = home.run(&["orders", "retry", "--all", "--yes"]).exits(0);
    assert_eq!(all.stdout, "3 failed orders retried; possible duplicates: 1\n");
    assert!(all.stderr.contains("klarna_refused_order: 1. A retry sends"), "{}", all.stderr);
    write(
        &home,
        "UPDATE orders SET status = 'failed', ended_at = accepted_at WHERE possible_duplicate".into(),
    )
    .await;
    let json = home.run(&["orders", "retry", "--all", "--yes", "--format", "json"]).exits(0);
    assert_eq!(json.json(), [json!({ "retried": 1, "possible_duplicates": 1 })]);
}

#[tokio::test]
async fn a_paused_order_says_so_and_a_resume_asks_about_what_is_past_its_deadline() {
    let (home, told) = filled();
    let id = told[0]["id"].as_str().unwrap();
    let paused = ["pause", "orders", "--merchant", "shop", "--reason", "Klarna moves"];
    home.run(&paused).exits(0);
    let shown = home.run(&["orders", "show", id]).exits(0).stdout;
    for part in ["the orders of shop have been paused since ", ", until they are resumed: Klarna moves\n"] {
        assert!(shown.lines().any(|line| line.starts_with("waits ")) && shown.contains(part), "{shown}");
    }
    assert!(shown.contains("due, and not started while orders are paused\n"), "{shown}");
    assert!(shown.contains("run: resume orders --merchant shop, before the order's deadline"), "{shown}");

    let hex = id.replace('-', "");
    write(&home, format!("UPDATE orders SET deadline_at = accepted_at WHERE id = x'{hex}'")).await;
    let shown = home.run(&["orders", "show", id]).exits(0).stdout;
    assert!(shown.contains("past its deadline: it fails with deadline_exceeded then"), "{shown}");
    let resume = ["resume", "orders", "--merchant", "shop"];
    // While the orders of all merchants are paused too, this lets nothing go on.
    home.run(&["pause", "orders", "--all-merchants", "--reason", "Klarna moves"]).exits(0);
    home.run(&resume).exits(0);
    home.run(&paused).exits(0);
    home.run(&["resume", "orders", "--all-merchants", "--yes"]).exits(0);
    home.run(&resume).exits(2).tells_in_one_line("add --yes to resume them");
    let mut asked = home.start_on_terminal(24, 200, &resume);
    let question = asked.until("[y/N]");
    assert!(
        question.contains("1 queued order is past the deadline. When the orders of shop are resumed"),
        "{question}"
    );
    asked.write("n\n");
    asked.end().exits(1);
    let resumed = home.run(&[&resume[..], &["--yes", "--format", "json"]].concat()).exits(0).json();
    assert_eq!((&resumed[0]["resumed"], &resumed[0]["past_deadline"]), (&json!(true), &json!(1)));
    // Nothing is paused, so nothing fails for it.
    home.run(&resume).exits(0);
    let ran = home.run(&[&paused[..], &["--for", "1h"]].concat()).exits(0);
    assert!(ran.stderr.contains("queued orders are past the deadline by the end"), "{}", ran.stderr);
    let failed = json!({ "code": "klarna_refused_order", "message": "No.", "faults": [] });
    write(&home, format!("UPDATE orders SET status = 'failed', ended_at = accepted_at, error = '{failed}' WHERE id = x'{hex}'")).await;
    let shown = home.run(&["orders", "show", id]).exits(0).stdout;
    assert!(!shown.contains("\nwaits ") && shown.contains("Klarna refuses it again"), "{shown}");
}
