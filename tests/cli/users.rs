use serde_json::json;

use crate::program::{EXAMPLES, Home, hold};

#[test]
fn erasing_is_asked_for_and_leaves_nothing_in_the_files() {
    let home = Home::new();
    home.feed(&["enqueue", "-"], EXAMPLES).exits(3);
    let token = r#"{"merchant":"shop","user":"alma","refresh_token":"ory_rt_secret1"}"#;
    home.feed(&["tokens", "import", "-"], token).exits(0);
    assert!(hold(&home.path("data"), "alma"));
    home.run(&["users", "erase", "shop", "alma"])
        .exits(2)
        .tells_in_one_line("add --yes to erase alma of shop");

    let ran = home.run(&["users", "erase", "shop", "alma", "--yes", "--format", "json"]).exits(0);
    assert_eq!(ran.json(), [json!({ "token": true, "orders": 3, "cancelled": 3, "webhooks": 0 })]);
    assert!(!hold(&home.path("data"), "alma"), "a file of the database still has the name");
    assert!(hold(&home.path("data"), "elsa"), "another user's orders are there");
    let ran = home.run(&["users", "erase", "shop", "alma", "--yes"]).exits(1);
    assert!(ran.stderr.contains("no data is stored for this user"), "{}", ran.stderr);
    let ran = home.run(&["users", "erase", "shop", "bo", "--yes"]).exits(0);
    assert_eq!(ran.stdout, "Erased: no token, 2 orders (2 of them cancelled), 0 webhooks.\n");
}

#[test]
fn a_users_data_is_exported_as_one_document() {
    let home = Home::new();
    home.feed(&["enqueue", "-"], EXAMPLES).exits(3);
    let token = r#"{"merchant":"shop","user":"alma","refresh_token":"ory_rt_secret1"}"#;
    home.feed(&["tokens", "import", "-"], token).exits(0);
    let ran = home.run(&["users", "export", "shop", "alma"]).exits(0);
    assert!(!ran.stdout.contains("ory_rt"), "{}", ran.stdout);
    let [document] = &ran.json()[..] else { panic!("{}", ran.stdout) };
    assert_eq!((&document["user"], &document["token"]["state"]), (&json!("alma"), &json!("active")));
    let orders = document["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 3);
    assert!(
        orders
            .iter()
            .all(|order| order["order"]["user"] == "alma" && order["body"]["order_lines"].is_array())
    );
    let ran = home.run(&["users", "export", "shop", "nobody"]).exits(1);
    assert!(ran.stderr.contains("no data is stored for this user"), "{}", ran.stderr);
    home.run(&["users", "export", "shop", ""]).exits(2);
}

#[test]
fn signing_out_is_asked_for_and_forgets_the_token_at_once() {
    let home = Home::new();
    home.run(&["users", "revoke", "shop", "u-1", "--yes"]).exits(1);
    let token = r#"{"merchant":"shop","user":"u-1","refresh_token":"ory_rt_secret1"}"#;
    home.feed(&["tokens", "import", "-"], token).exits(0);
    home.run(&["users", "revoke", "shop", "u-1"])
        .exits(2)
        .tells_in_one_line("add --yes to sign u-1 of shop out");
    let ran = home.run(&["users", "revoke", "shop", "u-1", "--yes", "--format", "json"]).exits(0);
    assert_eq!(ran.json(), [json!({ "merchant": "shop", "user": "u-1", "revoking": true })]);
    let shown = home.run(&["tokens", "show", "shop", "u-1", "--format", "json"]).exits(0).json();
    assert_eq!(shown[0]["state"], "forgotten");
    // Nothing is asked if it cannot be done.
    for arguments in
        [&["users", "revoke", "no-such", "u-1", "--yes"][..], &["users", "revoke", "no-such", "u-1"]]
    {
        home.run(arguments).exits(2).tells_in_one_line("the settings have no no-such; they have: shop");
    }
    let home = home.with("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", "https://login.example/oauth2");
    let ran = home.run(&["users", "revoke", "shop", "u-1"]).exits(1);
    assert!(ran.stderr.contains("revoke_url"), "{}", ran.stderr);
    home.run(&["users", "revoke", "shop", "", "--yes"]).exits(2);
}

#[test]
fn many_orders_are_erased_from_the_files_too() {
    let home = Home::new();
    let order = EXAMPLES.lines().next().unwrap();
    let line = |n: usize| {
        let user = if n.is_multiple_of(3) { "user-to-erase-77" } else { "somebody-else" };
        let body = if n.is_multiple_of(3) { "Sneaker-of-the-erased" } else { "Sneaker" };
        let order = order.replacen("\"alma\"", &format!("\"{user}\""), 1).replacen(
            "cart-1001",
            &format!("cart-{n}"),
            1,
        );
        order.replacen("\"order_amount\"", &format!("\"merchant_data\":\"{body} {n}\",\"order_amount\""), 1)
    };
    let lines: Vec<String> = (0..600).map(line).collect();
    home.feed(&["enqueue", "-"], lines.join("\n")).exits(0);
    for trace in ["user-to-erase-77", "Sneaker-of-the-erased"] {
        assert!(hold(&home.path("data"), trace));
    }
    let ran = home.run(&["users", "erase", "shop", "user-to-erase-77", "--yes", "--format", "json"]).exits(0);
    assert_eq!(ran.json()[0]["orders"], 200);
    for trace in ["user-to-erase-77", "Sneaker-of-the-erased"] {
        assert!(!hold(&home.path("data"), trace), "{trace} is still in a file of the database");
    }
}

#[test]
fn a_user_is_renamed_unless_both_have_a_token() {
    let home = Home::new();
    let line = |user: &str| {
        format!("{{\"merchant\":\"shop\",\"user\":\"{user}\",\"refresh_token\":\"ory_rt_of_{user}\"}}\n")
    };
    home.feed(&["tokens", "import", "-"], line("u-1") + &line("u-2")).exits(0);
    let rename = |old: &str, new: &str| home.run(&["users", "rename", "shop", old, new, "--yes"]);
    let asked = home.run(&["users", "rename", "shop", "u-1", "u-3"]).exits(2);
    asked.tells_in_one_line("add --yes to rename u-1 of shop to u-3");
    rename("u-1", "u-1").exits(2);
    rename("u-1", "").exits(2);
    let refused = rename("u-1", "u-2").exits(1);
    assert!(
        refused.stderr.contains("both users have a refresh token")
            && refused.stderr.contains("tokens forget")
    );
    rename("nobody", "u-3").exits(1);
    assert_eq!(rename("u-1", "u-3").exits(0).stdout, "Moved to u-3: the token, 0 orders, 0 webhooks.\n");
    let list = home.run(&["tokens", "list", "--format", "json"]).json();
    assert_eq!(list.iter().map(|token| token["user"].as_str().unwrap()).collect::<Vec<_>>(), ["u-2", "u-3"]);
}
