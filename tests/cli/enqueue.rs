use std::process::Stdio;

use serde_json::json;
use test_support::postgres::TestDatabase;

use crate::program::{EXAMPLES, Home, example};

#[test]
fn bad_lines_are_told_with_their_numbers_and_the_others_go_in() {
    let home = Home::new();
    home.write("orders.jsonl", EXAMPLES);
    let ran = home.run(&["enqueue", "orders.jsonl"]).exits(3);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 14, "{}", ran.stdout);
    assert!(lines[0].starts_with("line 1      new      01"), "{}", lines[0]);
    assert_eq!(
        lines[8],
        "line 9      refused  /order/order_amount is 49000, expected 49800: the sum of the lines' total_amount"
    );
    assert_eq!(lines[13], "12 accepted, 0 already known, 1 refused");
    assert!(
        !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('%'),
        "a pipe gets no bar: {}",
        ran.stderr
    );

    let again = home.run(&["enqueue", "orders.jsonl"]).exits(3);
    assert!(again.stdout.ends_with("0 accepted, 12 already known, 1 refused\n"), "{}", again.stdout);
}

#[test]
fn json_is_one_value_a_line() {
    let home = Home::new();
    let ran = home.feed(&["enqueue", "-", "--format", "json"], EXAMPLES).exits(3);
    let told = ran.json();
    assert_eq!(told.len(), 13);
    assert_eq!((&told[0]["line"], &told[0]["result"]), (&json!(1), &json!("new")));
    assert_eq!(told[8]["faults"][0]["pointer"], "/order/order_amount");
    let again = home.feed(&["--format", "json", "enqueue", "-"], example(1)).exits(0).json();
    assert_eq!(again, [json!({"line": 1, "result": "known", "id": told[0]["id"]})]);
}

#[test]
fn a_target_is_for_the_lines_that_name_none() {
    let home = Home::new();
    let own = example(2).replacen('{', r#"{"target":"checkout","#, 1);
    let input = [example(1), &own].join("\n");
    let told =
        home.feed(&["enqueue", "-", "--target", "payments", "--format", "json"], input).exits(0).json();
    for (line, target) in told.iter().zip(["payments", "checkout"]) {
        let id = line["id"].as_str().unwrap();
        let shown = home.run(&["orders", "show", id, "--format", "json"]).exits(0).json();
        assert_eq!(shown[0]["target"], target, "{shown:?}");
    }
    // Another target is another request.
    let again = home.feed(&["enqueue", "-"], example(1)).exits(3);
    assert!(again.stdout.contains("the idempotency key was used before"), "{}", again.stdout);
    home.run(&["enqueue", "-", "--target", "card"]).exits(2);
}

#[test]
fn a_line_that_is_no_order_does_no_harm() {
    let home = Home::new();
    let other = example(1).replace(r#""merchant":"shop""#, r#""merchant":"elsewhere""#);
    let reused = example(1).replace(r#""user":"alma""#, r#""user":"bo""#);
    let long = format!(r#"{{"merchant":"{}"}}"#, "x".repeat(2 << 20));
    let mut input =
        ["{", "", &long, &other, example(1), &reused, r#"{"\u001b[2J":1}"#, ""].join("\n").into_bytes();
    input.extend(b"\xff\n");
    let ran = home.feed(&["enqueue", "-"], input).exits(3);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("line 1      refused  the document is not JSON: "), "{}", lines[0]);
    assert!(lines[1].starts_with("line 3      refused  is longer than 1"), "{}", lines[1]);
    assert_eq!(
        lines[2],
        "line 4      refused  /merchant the settings have no merchant with this name; they have: shop"
    );
    assert!(lines[3].starts_with("line 5      new  "), "{}", lines[3]);
    assert!(lines[4].starts_with("line 6      refused  the idempotency key was used before"), "{}", lines[4]);
    assert!(lines[5].starts_with("line 7      refused  ") && !lines[5].contains('\u{1b}'), "{:?}", lines[5]);
    assert_eq!(lines[6], "line 8      refused  is not UTF-8 text");
    assert_eq!(lines[7], "1 accepted, 0 already known, 6 refused");
}

#[test]
fn what_cannot_run_says_why() {
    let home = Home::new();
    let ran = home.run(&["enqueue", "missing.jsonl"]).exits(1);
    assert!(
        ran.stderr.starts_with("error: cannot read missing.jsonl\n  because: No such file"),
        "{}",
        ran.stderr
    );
    home.run(&["enqueue"]).exits(2);
    home.run(&["enqueue", "-", "--wait", "soon"]).exits(2);
    let ran = Home::empty().run(&["enqueue", "-"]).exits(2);
    assert!(ran.stderr.contains("merchants: none given"), "{}", ran.stderr);
}

#[test]
fn nothing_to_do_is_done() {
    let ran = Home::new().feed(&["enqueue", "-"], "\n\n").exits(0);
    assert_eq!(ran.stdout, "0 accepted, 0 already known, 0 refused\n");
}

#[test]
fn a_reader_that_left_stops_it_and_hears_how_far_it_came() {
    let home = Home::new();
    home.write("orders.jsonl", EXAMPLES);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child =
        home.command(&["enqueue", "orders.jsonl"]).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot continue after line 13, the last line that was processed"), "{stderr}");
    assert_eq!(
        home.run(&["orders", "list", "--format", "json"]).exits(0).json().len(),
        12,
        "a batch is in as a whole"
    );
}

#[tokio::test]
async fn a_database_that_goes_away_stops_it_at_a_line_that_is_told() {
    let database = TestDatabase::create().await;
    let home = Home::on_postgres(&database);
    let mut enqueue = home.start(&["enqueue", "-"]);
    enqueue.write(&format!("{}\n", example(1)));
    assert!(enqueue.line().starts_with("line 1      new"));
    database.remove().await;
    enqueue.write(&format!("{}\n{}\n", example(2), example(3)));
    let ran = enqueue.end().exits(1);
    assert!(
        ran.stderr.contains("cannot store the order on line 2, the first line that may not be stored"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn waiting_tells_what_became_of_each() {
    let mut sandbox = Home::empty().start(&["sandbox", "--bind", "127.0.0.1:0", "--format", "json"]);
    let addresses: serde_json::Value = serde_json::from_str(&sandbox.line()).unwrap();
    let home = Home::new()
        .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", addresses["token_url"].as_str().unwrap())
        .with("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", addresses["checkout_url"].as_str().unwrap());
    let lines = [example(1), example(10), example(12)].join("\n");

    let late = home.feed(&["enqueue", "-", "--wait", "1ms", "--format", "json"], &lines).exits(3).json();
    assert_eq!(
        (late.len(), &late[2]["status"]),
        (3, &json!("queued")),
        "each line once; nobody works yet: {late:?}"
    );
    assert_eq!((&late[0]["line"], &late[0]["result"]), (&json!(1), &json!("new")));

    let mut serve = home.start(&["serve", "--roles", "worker"]);
    assert_eq!(serve.line(), "ready\n");
    let told = home.feed(&["enqueue", "-", "--wait", "60s", "--format", "json"], &lines).exits(3).json();
    assert_eq!(told.len(), 3, "each line is printed once: {told:?}");
    assert!(told.iter().all(|told| told["result"] == "known"), "{told:?}");
    let find = |line: u64| told.iter().find(|told| told["line"] == line).unwrap();
    for line in [1, 2] {
        assert_eq!(
            (&find(line)["status"], &find(line)["token"]),
            (&json!("submitted"), &json!("not_registered"))
        );
    }
    assert_eq!(
        (&find(3)["status"], &find(3)["error"]["code"]),
        (&json!("failed"), &json!("klarna_refused_order"))
    );

    let human = home.feed(&["enqueue", "-", "--wait", "60s"], example(1)).exits(0);
    let id = find(1)["id"].as_str().unwrap();
    let lines: Vec<&str> = human.stdout.lines().collect();
    assert_eq!(lines[0], "0 accepted, 1 already known, 0 refused");
    assert!(lines[1].starts_with(&format!("line 1      submitted  {id}  not_registered   ")), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    serve.signal("-TERM");
    serve.end().exits(0);
}

#[test]
fn a_wait_that_is_cut_short_still_tells_the_ids() {
    let home = Home::new();
    let mut enqueue = home.start(&["enqueue", "-", "--wait", "10m"]);
    enqueue.write(&format!("{}\n{}\n", example(1), example(2)));
    enqueue.close_input();
    assert_eq!(enqueue.line(), "2 accepted, 0 already known, 0 refused\n");
    enqueue.signal("-INT");
    let ran = enqueue.end().exits(3);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines
            .iter()
            .zip(1..)
            .all(|(line, number)| line.starts_with(&format!("line {number}      new      ")))
    );
}
