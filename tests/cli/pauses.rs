//! `pause`, `resume` and `pauses`.

use serde_json::{Value, json};

use crate::program::Home;

#[test]
fn what_is_paused_is_listed_until_it_is_resumed() {
    let home = Home::new();
    let ran = home.run(&[
        "pause",
        "orders,webhooks",
        "--merchant",
        "shop",
        "--for",
        "10m",
        "--reason",
        "the shop moves",
        "--format",
        "json",
    ]);
    let paused = ran.exits(0).json();
    assert_eq!(paused.len(), 2);
    assert_eq!((&paused[1]["kind"], &paused[1]["reason"]), (&json!("webhooks"), &json!("the shop moves")));
    assert!(paused[0]["paused_by"].as_str().unwrap().starts_with("command:"), "{paused:?}");
    home.run(&["pause", "orders", "--all-merchants", "--reason", "Klarna is down"]).exits(0);
    let listed = home.run(&["pauses", "--format", "json"]).exits(0).json();
    let named: Vec<_> = listed.iter().map(|pause| (&pause["merchant"], &pause["kind"])).collect();
    let (none, shop) = (Value::Null, json!("shop"));
    let (orders, webhooks) = (json!("orders"), json!("webhooks"));
    assert_eq!(named, [(&none, &orders), (&shop, &orders), (&shop, &webhooks)]);
    let table = home.run(&["pauses"]).exits(0).stdout;
    assert!(table.contains("(all merchants)") && table.contains("Klarna is down"), "{table}");

    let ran = home.run(&["resume", "orders", "--merchant", "shop"]).exits(0);
    assert_eq!(ran.stdout, "The orders of shop are resumed\n");
    assert!(ran.stderr.contains("resume orders --all-merchants"), "{}", ran.stderr);
    let ran = home.run(&["resume", "orders,webhooks", "--merchant", "shop", "--format", "json"]).exits(0);
    let resumed: Vec<Value> = ran.json().into_iter().map(|line| line["resumed"].clone()).collect();
    assert_eq!(resumed, [json!(false), json!(true)]);
    // Without a kind, everything is meant.
    let ran = home.run(&["resume", "--all-merchants"]).exits(0);
    assert!(ran.stdout.contains("The orders of all merchants are resumed\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("The webhooks of all merchants were not paused\n"), "{}", ran.stdout);
    assert_eq!(home.run(&["pauses", "--format", "json"]).exits(0).json(), Vec::<Value>::new());
}

#[test]
fn a_pause_says_what_whose_and_why() {
    let home = Home::new();
    for wrong in [
        &["pause", "orders", "--merchant", "shop"][..],
        &["pause", "orders", "--reason", "a test"],
        &["pause", "--merchant", "shop", "--reason", "a test"],
        &["pause", "everything", "--merchant", "shop", "--reason", "a test"],
        &["pause", "orders", "--merchant", "shop", "--all-merchants", "--reason", "a test"],
        &["pause", "orders", "--merchant", "no-such", "--reason", "a test"],
        &["pause", "orders", "--merchant", "shop", "--reason", " "],
        &["pause", "orders", "--merchant", "shop", "--reason", "a test", "--for", "soon"],
        &["resume", "orders"],
    ] {
        home.run(wrong).exits(2);
    }
}
