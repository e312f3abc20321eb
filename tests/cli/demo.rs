use std::fs;

use serde_json::json;

use crate::program::{Home, files, hold};

#[test]
fn it_works_twice_and_leaves_nothing_outside_its_folder() {
    // Settings and a production database of the same shell are none of its business.
    let home = Home::empty().with("KLARNA_WORKER__DATABASE__URL", "postgres://127.0.0.1:1/production");
    for _ in 0..2 {
        let ran = home.run(&["demo"]).exits(0);
        assert!(
            ran.stdout.ends_with("\nAll 13 orders and the keeper's run came out as they should.\n"),
            "{}",
            ran.stdout
        );
        for told in [
            "9     bo               -                refused at the door: /order/order_amount is 49000",
            "Tokens near their end    3  refreshed by the keeper, 1 withdrawn (gone)\n",
            "   0 spent tokens presented\n",
            "  11 orders, 0 of them twice\n",
        ] {
            assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
        }
        assert_eq!(ran.stderr, "\nLook closer: klarna-order-worker --config data/demo/config.toml orders list\n");
        for secret in ["ory_rt_", "ory_at_", "@sandbox.example"] {
            assert!(!ran.stdout.contains(secret) && !hold(&home.path(""), secret), "{secret}");
        }
    }
    let outside: Vec<_> =
        files(&home.path("")).into_iter().filter(|path| !path.starts_with(home.path("data/demo"))).collect();
    assert_eq!(outside, [home.path("data")]);
    let looked = Home::run(&home, &["--config", "data/demo/config.toml", "orders", "list", "--format", "json"]);
    assert_eq!(looked.code, Some(1), "the environment wins over every file, and that database is away");
}

#[test]
fn scripts_get_json_and_the_folder_of_their_choice() {
    let home = Home::empty();
    let ran = home.run(&["demo", "--data", "there", "--format", "json"]).exits(0);
    let told = ran.json();
    assert_eq!((told.len(), ran.stderr.as_str()), (15, ""));
    assert_eq!((&told[10]["user"], &told[10]["token"]), (&json!("never-signed-in"), &json!("not_registered")));
    assert_eq!(told[14]["differences"], json!([]));
    assert_eq!((&told[14]["keeper"]["refreshed"], &told[14]["keeper"]["needs_sign_in"]), (&json!(3), &json!(1)));
    assert_eq!(told[14]["sandbox"]["faults"], json!({"token.503": 1}));
    let orders = home.run(&["--config", "there/config.toml", "orders", "list", "--format", "json"]).exits(0).json();
    assert_eq!(orders.len(), 12);
}

#[test]
fn a_folder_that_it_did_not_make_is_left_alone() {
    let home = Home::empty();
    fs::create_dir(home.path("mine")).unwrap();
    home.write("mine/letter.txt", "dear");
    home.run(&["demo", "--data", "mine"]).exits(2).tells_in_one_line("name another with --data");
    assert_eq!(fs::read_to_string(home.path("mine/letter.txt")).unwrap(), "dear");
    assert_eq!(files(&home.path("mine")).len(), 1);
}

#[test]
fn left_open_it_serves_until_it_is_told_to_stop() {
    let home = Home::empty();
    let mut demo = home.start(&["demo", "--keep-open", "--format", "json"]);
    let told: Vec<String> = (0..15).map(|_| demo.line()).collect();
    let addresses: serde_json::Value = serde_json::from_str(&told[0]).unwrap();
    let api = addresses["api"].as_str().unwrap().strip_prefix("http://").unwrap();
    std::net::TcpStream::connect(api).unwrap();
    let second = home.run(&["demo"]).exits(1);
    assert!(second.stderr.contains("another demo runs in it"), "{}", second.stderr);
    demo.signal("-INT");
    demo.end().exits(0);
}

#[test]
fn interrupted_it_stops_what_it_started() {
    let home = Home::empty();
    let mut demo = home.start(&["demo", "--format", "json"]);
    demo.line();
    demo.signal("-INT");
    let ran = demo.end().exits(1);
    assert!(ran.stderr.contains("it was interrupted"), "{}", ran.stderr);
    home.run(&["demo"]).exits(0);
}
