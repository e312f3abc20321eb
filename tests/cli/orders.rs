use serde_json::{Value, json};

use crate::program::{EXAMPLES, Home};

fn filled() -> (Home, Vec<Value>) {
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
    assert_eq!(ran.stderr, format!("Older ones: --cursor {last}\n"));
}

#[test]
fn one_order_is_shown_without_its_body() {
    let (home, told) = filled();
    let id = told[4]["id"].as_str().unwrap();
    let human = home.run(&["orders", "show", id]).exits(0);
    for field in [&format!("id                  {id}")[..], "user                carla", "status              queued"] {
        assert!(human.stdout.lines().any(|line| line == field), "{field}: {}", human.stdout);
    }
    let json = home.run(&["orders", "show", id, "--format", "json"]).exits(0);
    assert_eq!((&json.json()[0]["user"], &json.json()[0]["attempts"]), (&json!("carla"), &json!(0)));
    assert!(!human.stdout.contains("Clausen") && !json.stdout.contains("Clausen"), "the body was shown");
}

#[test]
fn what_is_not_there_and_what_cannot_be_are_told_apart() {
    let home = Home::new();
    let id = "01a20f9f-b40c-78be-b5af-c230af7164b0";
    let ran = home.run(&["orders", "show", id]).exits(1);
    assert_eq!(
        ran.stderr.lines().rev().take(2).collect::<Vec<_>>(),
        ["  because: there is none in this database", &format!("error: cannot show the order {id}")]
    );
    home.run(&["orders", "show", "17"]).exits(2);
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
