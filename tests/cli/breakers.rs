//! `breakers`.

use serde_json::{Value, json};

use crate::program::Home;

#[test]
fn a_try_is_ordered_and_audited() {
    let home = Home::new();
    let args = ["breakers", "probe", "--merchant", "shop", "--endpoint", "payments_session"];
    let told = home.run(&[&args[..], &["--format", "json"]].concat()).exits(0).json();
    assert_eq!(told[0]["endpoints"], json!(["payments_session"]));
    home.run(&["breakers", "probe", "--merchant", "shop"]).exits(0);
    let rows = home.run(&[
        "audit",
        "list",
        "--action",
        "ops.breakers_probe",
        "--outcome",
        "done",
        "--format",
        "json",
    ]);
    let rows = rows.exits(0).json();
    let objects: Vec<&str> = rows.iter().rev().map(|row| row["object"].as_str().unwrap()).collect();
    assert_eq!(objects, ["payments_session", "all endpoints"]);
    assert_eq!(home.run(&["breakers", "list", "--format", "json"]).exits(0).json(), Vec::<Value>::new());
    for wrong in [
        &["breakers", "probe"][..],
        &["breakers", "probe", "--merchant", "no-such"],
        &["breakers", "probe", "--merchant", "shop", "--endpoint", "every"],
    ] {
        home.run(wrong).exits(2);
    }
}
