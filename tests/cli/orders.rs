use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::program::{EXAMPLES, Home, example};

pub fn filled() -> (Home, Vec<Value>) {
    let home = Home::new();
    let told = home.feed(&["enqueue", "-", "--format", "json"], EXAMPLES).exits(3).json();
    (home, told)
}

fn lines(home: &Home, filter: &[&str]) -> Vec<Value> {
    home.run(&[&["orders", "list", "--format", "json"], filter].concat()).exits(0).json()
}

#[test]
fn lists_are_filtered_and_paged() {
    let (home, told) = filled();
    let all = lines(&home, &[]);
    assert_eq!(all.len(), 12);
    assert_eq!(all[0]["id"], told[12]["id"], "newest first");
    assert_eq!(lines(&home, &["--user", "bo"]).len(), 2);
    assert_eq!(lines(&home, &["--merchant", "elsewhere"]), Vec::<Value>::new());
    assert_eq!(lines(&home, &["--status", "queued"]).len(), 12);
    assert_eq!(lines(&home, &["--status", "failed"]).len(), 0);
    let page = lines(&home, &["--limit", "5"]);
    let next = lines(&home, &["--limit", "5", "--cursor", page[4]["id"].as_str().unwrap()]);
    assert_eq!([page, next].concat(), all[..10]);
}

#[test]
fn a_list_for_people_is_a_table_that_tells_how_to_go_on() {
    let (home, _) = filled();
    let ran = home.run(&["orders", "list", "--limit", "2"]).exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    assert!(lines[0].starts_with("id "), "{}", lines[0]);
    let last = lines[2].split(' ').next().unwrap();
    assert_eq!(ran.stderr, format!("Next page: --cursor {last}\n"));
}

#[test]
fn an_order_is_found_by_what_the_shop_knows_of_it() {
    let (home, told) = filled();
    let mut order: Value = serde_json::from_str(example(1)).unwrap();
    order["idempotency_key"] = json!("cart-99");
    order["order"]["merchant_reference1"] = json!("A 1");
    let one = home.feed(&["enqueue", "-", "--format", "json"], order.to_string()).exits(0).json().remove(0);
    for text in ["A 1", " A 1 ", "cart-99", one["id"].as_str().unwrap()] {
        let found = home.run(&["orders", "find", text, "--format", "json"]).exits(0).json();
        assert_eq!((found.len(), &found[0]["id"]), (1, &one["id"]), "{text}");
    }
    let by_user = home.run(&["orders", "find", "bo", "--limit", "1"]).exits(0);
    assert_eq!(by_user.stdout.lines().count(), 2, "{}", by_user.stdout);
    assert!(by_user.stderr.starts_with("Next page: --cursor "), "{}", by_user.stderr);
    let shown = home.run(&["orders", "show", one["id"].as_str().unwrap()]).exits(0);
    assert!(shown.stdout.contains("merchant_reference1  A 1\n"), "{}", shown.stdout);
    let id = one["id"].as_str().unwrap();
    for beginning in ["cart-99", "cart-9", &id[..35]] {
        let found = home.run(&["orders", "find", beginning, "--format", "json"]).exits(0).json();
        assert_eq!((found.len(), &found[0]["id"]), (1, &one["id"]), "{beginning}");
    }
    home.run(&["orders", "show", "cart-9"]).exits(1);
    home.run(&["orders", "find", "Cart-9"]).exits(1);
    let none = home.run(&["orders", "find", "A"]).exits(1);
    assert!(none.stderr.contains("cannot find an order by A\n  because: no order"), "{}", none.stderr);
    home.run(&["orders", "find", " "]).exits(2);
    assert_eq!(told.len(), 13);
}

#[test]
fn one_order_is_shown_without_its_body() {
    let (home, told) = filled();
    let id = told[4]["id"].as_str().unwrap();
    let human = home.run(&["orders", "show", id]).exits(0);
    for field in
        [&format!("id                  {id}")[..], "user                carla", "status              queued"]
    {
        assert!(human.stdout.lines().any(|line| line == field), "{field}: {}", human.stdout);
    }
    let (_, history) = human.stdout.split_once("\n\nhistory\n").expect(&human.stdout);
    let events: Vec<&str> = history.lines().map(|line| line.split_once("Z  ").unwrap().1).collect();
    assert_eq!(events, ["accepted", "due, and not taken by a worker yet"]);
    let json = home.run(&["orders", "show", id, "--format", "json"]).exits(0);
    assert_eq!(json.json()[0]["history"][0]["what"], "accepted");
    assert_eq!((&json.json()[0]["user"], &json.json()[0]["attempts"]), (&json!("carla"), &json!(0)));
    // It is found by any name that it alone has.
    let found = home.run(&["orders", "show", "cart-1008", "--format", "json"]).exits(0).json();
    assert_eq!((&found[0]["id"], &found[0]["user"]), (&told[7]["id"], &json!("elsa")));
    let several = home.run(&["orders", "show", "carla"]).exits(1);
    assert!(
        several.stderr.contains("several orders") && several.stderr.contains("orders find"),
        "{}",
        several.stderr
    );
    assert!(!human.stdout.contains("Clausen") && !json.stdout.contains("Clausen"), "the body was shown");
}

#[test]
fn what_is_not_there_and_what_cannot_be_are_told_apart() {
    let home = Home::new();
    home.run(&["tokens", "import", "-"]).exits(0);
    let id = "01a20f9f-b40c-78be-b5af-c230af7164b0";
    let ran = home.run(&["orders", "show", id]).exits(1);
    assert_eq!(
        ran.stderr.lines().rev().take(2).collect::<Vec<_>>(),
        [
            "  because: no order in this database has it as its id, idempotency key, reference, Klarna's id or user; \
             orders find also finds those that begin with it",
            &format!("error: cannot show the order {id}")
        ]
    );
    home.run(&["orders", "show", "17"]).exits(1);
    home.run(&["orders", "list", "--status", "done"]).exits(2);
    home.run(&["orders", "list", "--limit", "0"]).exits(2);
}

#[test]
fn a_reader_that_left_causes_no_noise() {
    let (home, _) = filled();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home.command(&["orders", "list"]).stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn queued_orders_are_cancelled_by_id_and_by_filter() {
    let (home, told) = filled();
    let id = |line: usize| told[line - 1]["id"].as_str().unwrap();
    let cancelled = home.run(&["orders", "cancel", id(1), "--yes"]).exits(0);
    assert_eq!(cancelled.stdout, format!("{}  cancelled\n", id(1)));
    let again = home.run(&["orders", "cancel", id(1), "--yes"]).exits(1);
    assert!(again.stderr.contains("the order is cancelled already"), "{}", again.stderr);
    let several = home.run(&["orders", "cancel", id(1), id(2), "--yes", "--format", "json"]).exits(3).json();
    assert_eq!((&several[0]["id"], &several[1]["status"]), (&json!(id(1)), &json!("cancelled")));
    assert!(several[0]["error"].as_str().unwrap().contains("is cancelled already"), "{several:?}");

    let filtered = home.run(&["orders", "cancel", "--user", "bo", "--yes"]).exits(0);
    assert_eq!(filtered.stdout, "2 queued orders cancelled\n");
    let limited =
        home.run(&["orders", "cancel", "--all", "--limit", "3", "--yes", "--format", "json"]).exits(0);
    assert_eq!(limited.json(), [json!({"cancelled": 3})]);
    assert_eq!(lines(&home, &["--status", "queued"]).len(), 5);
    assert_eq!(
        home.run(&["orders", "cancel", "--since", "2100-01-01T00:00:00Z"]).exits(0).stdout,
        "0 queued orders cancelled\n"
    );
    assert_eq!(
        home.run(&["orders", "cancel", "--since", "1h", "--until", "2100-01-01T00:00:00Z", "--yes"])
            .exits(0)
            .stdout,
        "5 queued orders cancelled\n"
    );
}

#[test]
fn a_change_needs_a_choice_of_orders_and_a_confirmation() {
    let (home, told) = filled();
    let id = told[0]["id"].as_str().unwrap();
    let nobody = home.run(&["orders", "cancel", "--user", "bo"]).exits(2);
    nobody.tells_in_one_line("add --yes to cancel 2 queued orders");
    home.run(&["orders", "cancel"]).exits(2).tells_in_one_line("no orders named");
    home.run(&["orders", "cancel", id]).exits(2).tells_in_one_line("add --yes to cancel this order");
    for wrong in [
        vec!["orders", "retry", id, "--user", "bo"],
        vec!["orders", "retry", "--all", "--user", "bo"],
        vec!["orders", "retry", "17"],
        vec!["orders", "cancel", "--since", "soon"],
        vec!["orders", "cancel", "--status", "failed", "--yes"],
        vec!["orders", "retry", id, "--status", "failed"],
    ] {
        home.run(&wrong).exits(2);
    }
    assert_eq!(lines(&home, &["--status", "queued"]).len(), 12);
    let other = told[1]["id"].as_str().unwrap();
    home.run(&["orders", "retry", id, other]).exits(2).tells_in_one_line("add --yes to retry these 2 orders");
    home.run(&["orders", "update", id, "-"])
        .exits(2)
        .tells_in_one_line(&format!("add --yes to update the order {id}"));
    let queued = home.run(&["orders", "retry", id]).exits(1);
    assert!(queued.stderr.contains("the order is queued already"), "{}", queued.stderr);
    assert_eq!(home.run(&["orders", "retry", "--all"]).exits(0).stdout, "0 failed orders retried\n");
}

/// Orders that Klarna refused are retried while a service runs.
#[test]
fn failed_orders_are_tried_again() {
    let mut sandbox = Home::empty().start(&["sandbox", "--bind", "127.0.0.1:0", "--format", "json"]);
    let addresses: Value = serde_json::from_str(&sandbox.line()).unwrap();
    let home = Home::new()
        .with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", addresses["token_url"].as_str().unwrap())
        .with("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", addresses["checkout_url"].as_str().unwrap());
    let mut serve = home.start(&["serve", "--roles", "worker"]);
    assert_eq!(serve.line(), "ready\n");
    let told = home.feed(&["enqueue", "-", "--wait", "60s", "--format", "json"], example(12)).exits(3).json();
    assert_eq!(told[0]["error"]["code"], "klarna_refused_order");
    let id = told[0]["id"].as_str().unwrap();
    let shown = || home.run(&["orders", "show", id, "--format", "json"]).exits(0).json()[0].clone();
    let ended = shown()["ended_at"].clone();
    assert_eq!(lines(&home, &["--error", "klarna_refused_order"]).len(), 1);
    assert_eq!(lines(&home, &["--error", "klarna_unavailable"]).len(), 0);
    let list = home.run(&["orders", "list"]).exits(0).stdout;
    let rows: Vec<&str> = list.lines().collect();
    let cells: Vec<&str> = rows[1].split("  ").map(str::trim).collect();
    assert!(rows[0].contains(" error ") && cells.contains(&"klarna_refused_order"), "{list}");
    assert_eq!(
        home.run(&["orders", "retry", "--error", "crashed_worker", "--yes"]).exits(0).stdout,
        "0 failed orders retried\n"
    );
    let never = home.run(&["orders", "retry", "--error", "klarna_unavailable", "--yes"]).exits(2);
    assert!(
        never.stderr.contains("failed orders never have the code klarna_unavailable"),
        "{}",
        never.stderr
    );
    home.run(&["orders", "list", "--status", "queued", "--error", "klarna_refused_order"]).exits(2);
    let unknown = home.run(&["orders", "list", "--error", "bad_order"]).exits(2);
    assert!(unknown.stderr.contains("deadline_exceeded"), "{}", unknown.stderr);
    assert_eq!(lines(&home, &["--possible-duplicate", "true"]).len(), 0);
    assert_eq!(lines(&home, &["--status", "failed", "--possible-duplicate", "false"]).len(), 1);
    assert_eq!(lines(&home, &["--failed-since", "1h", "--failed-until", "2100-01-01"]).len(), 1);
    assert_eq!(lines(&home, &["--failed-until", "2001-01-01"]).len(), 0);
    let correlation = told[0]["error"]["correlation_id"].as_str().unwrap();
    let human = home.run(&["orders", "show", id]).exits(0);
    assert!(human.stdout.contains(&format!("correlation_id      {correlation}\n")), "{}", human.stdout);
    let retry = ["orders", "retry", "--status", "failed", "--error-code", "klarna_refused_order", "--yes"];
    assert_eq!(
        home.run(&[&retry[..], &["--failed-since", "2100-01-01"]].concat()).exits(0).stdout,
        "0 failed orders retried\n"
    );
    let retried = home.run(&[&retry[..], &["--failed-since", "1h"]].concat()).exits(0);
    assert_eq!(retried.stdout, "1 failed order retried\n");
    // The service runs it at once, although another process made it due, and Klarna refuses it
    // again.
    let again =
        home.feed(&["enqueue", "-", "--wait", "60s", "--format", "json"], example(12)).exits(3).json();
    assert_eq!((&again[0]["status"], &again[0]["id"]), (&json!("failed"), &json!(id)));
    assert!(shown()["ended_at"].as_str() > ended.as_str());
    // Both attempts are in its history, also after the retry.
    let history = shown()["history"].clone();
    let what = |event: &Value| event["what"].as_str().unwrap().to_owned();
    let what: Vec<String> = history.as_array().unwrap().iter().map(what).collect();
    let attempts = what.iter().filter(|what| what.contains("failed: klarna_refused_order: ")).count();
    assert_eq!(
        (what[0].as_str(), attempts, what.last().unwrap().as_str()),
        ("accepted", 2, "failed"),
        "{what:?}"
    );
    let retried = what.iter().filter(|what| what.starts_with("had failed, and was retried by ")).count();
    assert_eq!(retried, 1, "{what:?}");
    assert_eq!(what.iter().filter(|what| what.starts_with("attempt 1")).count(), 2, "a new count: {what:?}");
    serve.signal("-TERM");
    serve.end().exits(0);
}

#[test]
fn a_watched_list_keeps_itself_up_to_date() {
    let home = Home::new();
    let enqueue = |line| home.feed(&["enqueue", "-", "--format", "json"], example(line)).exits(0).json();
    let id = |told: Vec<Value>| told[0]["id"].as_str().unwrap().to_owned();
    let first = id(enqueue(1));
    for arguments in [&["orders", "list", "--watch"][..], &["orders", "list", "--watch", "--format", "json"]]
    {
        let ran = home.run(arguments).exits(2);
        assert!(ran.stderr.contains("--watch redraws the list on a terminal"), "{}", ran.stderr);
    }

    let mut watch = home.start_on_terminal(10, 100, &["orders", "list", "--watch"]);
    watch.until(&first);
    let second = id(enqueue(2));
    let drawn = watch.until(&second);
    assert!(drawn.contains("Ctrl-C ends"), "{drawn:?}");
    // No line is wider than the terminal, and all fit it.
    let last = drawn.rsplit("\u{1b}[H").next().unwrap();
    assert!(last.lines().count() < 10, "{last:?}");
    watch.write("\u{3}");
    watch.end().exits(0);
}

/// On SQLite, the service gets no notification from another process. It notices that the file was
/// written.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_hears_of_what_a_command_does() {
    let home = Home::new();
    let told = home.feed(&["enqueue", "-", "--format", "json"], example(1)).exits(0).json();
    let id = told[0]["id"].as_str().unwrap();
    let mut serve = home.start(&["serve", "--roles", "api", "--format", "json"]);
    let ready: Value = serde_json::from_str(&serve.line()).unwrap();
    let url = format!("{}/v1/orders/{id}?wait=60s", ready["api"].as_str().unwrap());
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let waiting = tokio::spawn(async move { http.get(url).send().await.unwrap().text().await.unwrap() });
    let cancelled = tokio::task::block_in_place(|| home.run(&["orders", "cancel", id, "--yes"]));
    cancelled.exits(0);
    let answer: Value = serde_json::from_str(&waiting.await.unwrap()).unwrap();
    assert_eq!(answer["status"], "cancelled");
    serve.signal("-TERM");
    serve.end().exits(0);
}

#[tokio::test]
async fn follow_ups_that_were_given_up_are_listed_and_retried() {
    let (home, told) = filled();
    let id = |line: usize| told[line - 1]["id"].as_str().unwrap();
    let database = format!("sqlite://{}", home.path("data/worker.db").display());
    let mut database = SqliteConnection::connect(&database).await.unwrap();
    for (line, given_up_at) in [(1, "0"), (2, "NULL")] {
        let hex = id(line).replace('-', "");
        let fill = format!(
            "UPDATE orders SET status = 'submitted', ended_at = 0, klarna_id = 'k-{line}' WHERE id = x'{hex}';
             INSERT INTO follow_ups (kind, merchant, klarna_id, recorded_at, due_at, give_up_at, attempts, error, given_up_at)
             SELECT 'push', merchant, klarna_id, 0, 0, 0, 9, 'HTTP 401', {given_up_at} FROM orders WHERE id = x'{hex}'"
        );
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut database).await.unwrap();
    }
    database.close().await.unwrap();
    let listed = |state: &str| lines(&home, &["--follow-ups", state]);
    assert_eq!(listed("failing").len(), 2);
    assert_eq!((listed("given_up").len(), &listed("given_up")[0]["id"]), (1, &json!(id(1))));
    let shown = home.run(&["orders", "show", id(1)]).exits(0).stdout;
    let event = "call to Klarna to read and acknowledge it, given up after 9 that failed: HTTP 401";
    assert!(shown.contains(event), "{shown}");

    let asked = home.run(&["orders", "retry-follow-ups", "--all"]).exits(2);
    assert!(asked.stderr.contains("retry the follow-ups of 2 submitted orders"), "{}", asked.stderr);
    let one = home.run(&["orders", "retry-follow-ups", id(1)]).exits(0);
    assert_eq!(one.stdout, format!("{}  submitted\n", id(1)));
    let again = home.run(&["orders", "retry-follow-ups", id(1)]).exits(1);
    assert!(again.stderr.contains("the order has no follow-up that fails"), "{}", again.stderr);
    let rest = home.run(&["orders", "retry-follow-ups", "--follow-ups", "failing", "--yes"]).exits(0);
    assert_eq!(rest.stdout, "follow-ups of 1 submitted order retried\n");
    assert_eq!(listed("failing").len(), 0);
    let none = home.run(&["orders", "retry-follow-ups", "--all", "--yes", "--format", "json"]).exits(0);
    assert_eq!(none.json(), [json!({"retried": 0})]);
}
