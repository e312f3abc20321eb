//! Orders as live shops send them, and the values on both sides of each rule's limit.
//!
//! `tests/data/shops.jsonl` has one order in the shape that each of these integrations sends; the
//! member `user` names it, and `tests/data/README.md` its source.

use klarna_sandbox::{Clock, Sandbox, SandboxOptions};
use serde_json::{Value, json};

use super::{Api, envelope};

const SHOPS: &str = include_str!("../data/shops.jsonl");

#[tokio::test]
async fn what_live_shops_send_is_taken_as_it_is() {
    let api = Api::open().await;
    let answer = api.batch_as("application/jsonl", SHOPS).await.json();
    assert_eq!((&answer["new"], &answer["refused"]), (&json!(11), &json!(0)), "{answer:#}");

    let sandbox = Sandbox::start(SandboxOptions::default(), Clock::system()).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let create = async |body: &str| {
        let request = http.post(format!("{}/checkout/v3/orders", sandbox.url())).basic_auth("u", Some("p"));
        let answer =
            request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let mut refused = 0;
    let claimed = api.claim().await;
    assert_eq!(claimed.len(), 11);
    for order in &claimed {
        assert!(SHOPS.contains(&order.body), "{}: the body was changed", order.user);
        let (status, text) = create(&order.body).await;
        assert_eq!(status, 201, "{}: {text}", order.user);
    }
    let mut strict = sandbox.admin().behaviour().as_ref().clone();
    strict.strict = true;
    sandbox.admin().behave(strict).unwrap();
    for order in &claimed {
        refused += u8::from(create(&order.body).await.0 == 400);
    }
    assert_eq!(refused, 8, "strict");
    sandbox.shutdown().await;
}

/// An order of one line of 3 × 333 that costs 1000, with some members changed.
fn order(changes: &[(&str, &str)]) -> String {
    let mut order = json!({
        "purchase_country": "GB", "purchase_currency": "GBP", "locale": "en-GB",
        "order_amount": 1000, "order_tax_amount": 167,
        "order_lines": [{"name": "Socks", "quantity": 3, "unit_price": 333, "tax_rate": 2000,
                         "total_amount": 1000, "total_tax_amount": 167}]
    });
    for (pointer, value) in changes {
        *order.pointer_mut(pointer).unwrap() = serde_json::from_str::<Value>(value).unwrap();
    }
    order.to_string()
}

#[tokio::test]
async fn each_rule_refuses_beyond_its_tolerance_and_tells_what_it_expects() {
    let api = Api::open().await;
    let line = |name: &str| format!("/order/order_lines/0/{name}");
    let all = |total: &'static str| [("/order_amount", total), ("/order_lines/0/total_amount", total)];
    for total in ["996", "1002"] {
        let tax = if total == "996" { "166" } else { "167" };
        let changes =
            [&all(total)[..], &[("/order_tax_amount", tax), ("/order_lines/0/total_tax_amount", tax)]]
                .concat();
        assert_eq!(api.post_order(envelope("shop", "u-1", &order(&changes))).await.status, 202, "{total}");
    }
    let product = "expected 999 (±3): quantity 3 × unit_price 333 − total_discount_amount 0";
    for (changes, pointer, message) in [
        (all("1003").to_vec(), line("total_amount"), format!("is 1003, {product}")),
        (
            [&all("995")[..], &[("/order_tax_amount", "166"), ("/order_lines/0/total_tax_amount", "166")]]
                .concat(),
            line("total_amount"),
            format!("is 995, {product}"),
        ),
        (
            vec![("/order_amount", "1001")],
            "/order/order_amount".to_owned(),
            "is 1001, expected 1000: the sum of the lines' total_amount".to_owned(),
        ),
        (
            vec![("/order_lines/0/unit_price", "100000000.5")],
            line("unit_price"),
            "is 100000000.5, expected an integer of at most 100000000".to_owned(),
        ),
        (
            vec![("/order_lines/0/quantity", "\"three\"")],
            line("quantity"),
            "is a string, expected an integer of 0 or more".to_owned(),
        ),
        (
            vec![("/order_lines/0/name", "[\"Socks\"]")],
            line("name"),
            "is an array, expected a string of 1 to 255 characters".to_owned(),
        ),
    ] {
        let answer = api.post_order(envelope("shop", "u-1", &order(&changes))).await;
        answer.problem(422, "invalid-order");
        assert_eq!(answer.json()["faults"], json!([{"pointer": pointer, "message": message}]));
    }
}
