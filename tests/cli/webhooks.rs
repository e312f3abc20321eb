use serde_json::{Value, json};

use crate::program::Home;

#[test]
fn lists_are_empty_where_nobody_is_told() {
    let home = Home::new();
    home.run(&["tokens", "import", "-"]).exits(0);
    let list = home.run(&["webhooks", "list", "--format", "json"]).exits(0);
    assert_eq!(list.json(), Vec::<Value>::new());
    home.run(&["webhooks", "list", "--status", "lost"]).exits(2);
    home.run(&["webhooks", "list", "--kind", "order.eaten"]).exits(2);
}

#[test]
fn a_resend_says_which() {
    let home = Home::new();
    home.run(&["webhooks", "resend"]).exits(2).tells_in_one_line("no events named");
    let id = "0197a5e0-7c00-4000-8000-000000000001";
    home.run(&["webhooks", "resend", id, "--merchant", "shop"]).exits(2);
    let ran = home.run(&["webhooks", "resend", id, "--format", "json"]).exits(3);
    assert_eq!(ran.json(), [json!({ "resent": 0, "unknown": [id] })]);
    let ran = home.run(&["webhooks", "resend", "--merchant", "shop", "--status", "failed"]).exits(0);
    assert_eq!(ran.stdout, "0 will be sent again\n");
    home.run(&["webhooks", "resend", "--since", "soon"]).exits(2);
    home.run(&["webhooks", "remove", "shop"]).exits(2).tells_in_one_line("add --yes to remove the endpoint");
    home.run(&["webhooks", "remove", "shop", "--yes"]).exits(0);
}
