use std::fs;

use serde_json::{Value, json};

use crate::program::{EXAMPLES, Home, files, hold};

/// How an order must end.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// Created by Klarna, with this outcome of its token.
    Submitted { token: &'static str, prefilled: bool },
    /// Not accepted by the service, with this fault.
    RefusedByService(&'static str),
    /// Accepted by the service, and refused by Klarna with this message.
    RefusedByKlarna(&'static str),
}

/// The orders of `examples/orders.jsonl`, line by line.
const EXPECTED: [Expected; 13] = [
    Expected::Submitted { token: "fresh", prefilled: true },
    Expected::Submitted { token: "fresh", prefilled: true },
    Expected::Submitted { token: "fresh", prefilled: true },
    Expected::Submitted { token: "fresh", prefilled: true },
    Expected::Submitted { token: "fresh", prefilled: true },
    Expected::Submitted { token: "fresh", prefilled: false },
    Expected::Submitted { token: "fresh", prefilled: true },
    Expected::Submitted { token: "fresh", prefilled: true },
    Expected::RefusedByService("/order/order_amount is 49000, expected 49800"),
    Expected::Submitted { token: "not_registered", prefilled: false },
    Expected::Submitted { token: "reauth_required", prefilled: false },
    Expected::RefusedByKlarna("Bad value: purchase_country"),
    Expected::Submitted { token: "fresh", prefilled: true },
];

fn check(order: &Value, expected: Expected) {
    let error = order["error"].as_str().unwrap_or_default();
    let was_prefilled = order["prefilled"].as_array().is_some_and(|fields| !fields.is_empty());
    match expected {
        Expected::Submitted { token, prefilled } => {
            assert_eq!((&order["result"], &order["token"]), (&json!("submitted"), &json!(token)), "{order}");
            assert!(was_prefilled == prefilled && order["klarna_order_id"].is_string(), "{order}");
        }
        Expected::RefusedByService(fault) => {
            assert!(order["result"] == "refused_by_service" && error.contains(fault), "{order}");
        }
        Expected::RefusedByKlarna(message) => {
            assert_eq!(
                (&order["result"], &order["token"]),
                (&json!("refused_by_klarna"), &json!("fresh")),
                "{order}"
            );
            assert!(error.contains(message), "{order}");
        }
    }
}

/// Four users signed in long ago; one of them has withdrawn since.
fn check_report(report: &Value) {
    assert_eq!(report["as_expected"], true, "{report}");
    let orders = ["with_token", "without_token", "refused_by_service", "refused_by_klarna"];
    assert_eq!(orders.map(|count| report[count].as_u64()), [9, 2, 1, 1].map(Some), "{report}");
    for (name, count) in report["keeper"].as_object().unwrap() {
        let expected = match name.as_str() {
            "refreshed" => json!(3),
            "needs_sign_in" => json!(1),
            "failed" => json!({}),
            "interrupted" => json!(false),
            _ => json!(0),
        };
        assert_eq!(*count, expected, "{name}: {report}");
    }
    let count = |pointer: &str| report["sandbox"].pointer(pointer).and_then(Value::as_u64);
    for (pointer, expected) in [
        // One for each of the 10 orders with a token, one that was answered 503 and repeated, one
        // of the user who withdrew consent, and those of the keeper.
        ("/exchanges/total", 10 + 1 + 1 + 4),
        ("/exchanges/rotated", 10 + 3),
        ("/exchanges/invalid_grant", 2),
        ("/exchanges/spent_presented", 0),
        ("/exchanges/concurrent", 0),
        ("/orders/total", 11),
        ("/orders/duplicates", 0),
        ("/orders/recognised", 9),
        ("/orders/without_token", 2),
        ("/leaks/token_in_query", 0),
        ("/leaks/refresh_token_in_order", 0),
        ("/leaks/national_identification_number_in_order", 0),
    ] {
        assert_eq!(count(pointer), Some(expected), "{pointer}: {report}");
    }
    assert_eq!(report["sandbox"]["faults"], json!({"token.503": 1}));
    assert_eq!(report["sandbox"]["orders"]["refused"], json!({"400": 1}));
}

#[test]
fn each_example_has_its_expectation() {
    assert_eq!(EXAMPLES.lines().count(), EXPECTED.len());
}

#[test]
fn it_works_twice_and_leaves_nothing_outside_its_folder() {
    // The demo must ignore settings in the environment, such as a production database.
    let home = Home::empty().with("KLARNA_WORKER__DATABASE__URL", "postgres://127.0.0.1:1/production");
    for _ in 0..2 {
        let ran = home.run(&["demo"]).exits(0);
        assert!(
            ran.stdout.ends_with("\nAll 13 orders and the keeper's sweep ended as expected.\n"),
            "{}",
            ran.stdout
        );
        for line in [
            "9     bo               -                refused by the service: /order/order_amount is 49000",
            "Tokens close to expiry      4  3 refreshed by the keeper, 1 revoked by the user (gone)\n",
            "   0 exchanges of a token that was already used\n",
            "  11 orders, 0 duplicates\n",
        ] {
            assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
        }
        assert_eq!(
            ran.stderr,
            "\nTo see the orders: klarna-order-worker --config data/demo/config.toml orders list\n"
        );
        for secret in ["ory_rt_", "ory_at_", "@sandbox.example"] {
            assert!(!ran.stdout.contains(secret) && !hold(&home.path(""), secret), "{secret}");
        }
    }
    let outside: Vec<_> =
        files(&home.path("")).into_iter().filter(|path| !path.starts_with(home.path("data/demo"))).collect();
    assert_eq!(outside, [home.path("data")]);
    let looked =
        Home::run(&home, &["--config", "data/demo/config.toml", "orders", "list", "--format", "json"]);
    assert_eq!(looked.code, Some(1), "the environment wins over every file, and that database is away");
}

#[test]
fn scripts_get_json_and_the_folder_of_their_choice() {
    let home = Home::empty();
    let ran = home.run(&["demo", "--data", "there", "--format", "json"]).exits(0);
    let told = ran.json();
    assert_eq!((told.len(), ran.stderr.as_str()), (15, ""));
    assert_eq!(
        (&told[10]["user"], &told[10]["token"]),
        (&json!("never-signed-in"), &json!("not_registered"))
    );
    for (order, expected) in told[1..14].iter().zip(EXPECTED) {
        check(order, expected);
    }
    check_report(&told[14]);
    let orders =
        home.run(&["--config", "there/config.toml", "orders", "list", "--format", "json"]).exits(0).json();
    assert_eq!(orders.len(), 12);
}

#[test]
fn a_folder_that_it_did_not_make_is_left_alone() {
    let home = Home::empty();
    fs::create_dir(home.path("mine")).unwrap();
    home.write("mine/letter.txt", "dear");
    home.run(&["demo", "--data", "mine"]).exits(2).tells_in_one_line("name another folder with --data");
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
    let interrupted = || {
        let mut demo = home.start(&["demo", "--format", "json"]);
        demo.line();
        demo.signal("-INT");
        demo.end()
    };
    // On a busy machine, a demo may be over before the signal comes.
    let ran = (0..10).map(|_| interrupted()).find(|ran| ran.code != Some(0)).unwrap().exits(1);
    assert!(ran.stderr.contains("it was interrupted"), "{}", ran.stderr);
    home.run(&["demo"]).exits(0);
}
