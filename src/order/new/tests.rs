use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const LAWFUL: &str = r#"{ "purchase_country":"SE","purchase_currency":"SEK","locale":"en-SE","order_amount":10,"order_tax_amount":0,
  "order_lines":[{"name":"x","quantity":1,"unit_price":10,"tax_rate":0,"total_amount":10,"total_tax_amount":0}], "x":5e4 }"#;

fn checkout(_: &MerchantName) -> Target {
    Target::Checkout
}

fn envelope(rest: &str) -> String {
    format!(r#"{{"merchant":"shop","user":"u-1","order":{LAWFUL}{rest}}}"#)
}

fn parse(rest: &str) -> NewOrder {
    NewOrder::parse(&envelope(rest), checkout).unwrap()
}

fn faults(text: &str) -> Vec<(String, String)> {
    match NewOrder::parse(text, checkout) {
        Err(Rejection::Faults(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect()
        }
        other => panic!("expected faults, got {other:?}"),
    }
}

fn pointers(text: &str) -> Vec<String> {
    faults(text).into_iter().map(|(pointer, _)| pointer).collect()
}

#[test]
fn an_envelope_with_all_members_is_read() {
    let order = parse(
        r#","target":"checkout","prefill":false,"not_before":"2026-01-31T13:00:00+01:00","deadline":"2026-01-31T12:00:00.123456789Z","idempotency_key":"cart-1""#,
    );
    let noon = "2026-01-31T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let expected = NewOrder {
        merchant: "shop".into(),
        user: "u-1".into(),
        body: Body::parse(LAWFUL).unwrap(),
        target: Some(Target::Checkout),
        prefill: Some(false),
        not_before: Some(noon),
        deadline: Some(noon + TimeDelta::microseconds(123_456)),
        idempotency_key: Some("cart-1".to_owned()),
    };
    assert_eq!(order, expected);
    assert_eq!(order.body.as_str(), LAWFUL);
}

#[test]
fn the_rules_are_those_of_the_target() {
    let untaxed = envelope("").replacen(r#""order_tax_amount":0,"#, "", 1);
    let named = |target: &str| untaxed.replacen('{', &format!(r#"{{"target":"{target}","#), 1);
    assert_eq!(pointers(&untaxed), ["/order/order_tax_amount"]);
    assert_eq!(NewOrder::parse(&untaxed, |_| Target::Payments).unwrap().target, None);
    assert_eq!(NewOrder::parse(&named("payments"), checkout).unwrap().target, Some(Target::Payments));
    assert_eq!(pointers(&named("checkout")), ["/order/order_tax_amount"]);
    let wrong = "is \"card\", expected one of checkout, payments".to_owned();
    assert!(faults(&named("card")).contains(&("/target".to_owned(), wrong)));
}

#[test]
fn members_that_are_absent_or_null_are_none() {
    let nulls = parse(r#","prefill":null,"not_before":null,"deadline":null,"idempotency_key":null"#);
    assert_eq!(nulls, parse(""));
    assert_eq!(
        (nulls.prefill, nulls.not_before, nulls.deadline, nulls.idempotency_key),
        (None, None, None, None)
    );
}

#[test]
fn blank_members_of_the_envelope_are_faults() {
    for member in ["prefill", "target", "not_before", "deadline", "idempotency_key"] {
        for blank in ["\"\"", "[]"] {
            let text = envelope(&format!(r#","{member}":{blank}"#));
            assert_eq!(pointers(&text), [format!("/{member}")], "{blank}");
        }
    }
    let blank = envelope("").replacen(r#""x":5e4"#, r#""customer":[],"billing_address":"""#, 1);
    let order = NewOrder::parse(&blank, checkout).unwrap();
    assert!(order.body.as_str().ends_with(r#""customer":[],"billing_address":"" }"#), "sent as it is");
}

#[test]
fn every_fault_of_envelope_and_order_is_told() {
    let text = r#"{"user":"","order":{"order_lines":[]},"prefil":true,"deadline":"tomorrow","prefill":"yes","idempotency_key":"a b"}"#;
    assert_eq!(
        pointers(text),
        [
            "/merchant",
            "/user",
            "/order/purchase_currency",
            "/order/locale",
            "/order/purchase_country",
            "/order/order_amount",
            "/order/order_tax_amount",
            "/order/order_lines",
            "/prefil",
            "/deadline",
            "/prefill",
            "/idempotency_key",
        ]
    );
}

#[test]
fn members_that_occur_twice_are_refused() {
    assert_eq!(pointers(&envelope(r#","user":"u-2""#)), ["/user"]);
    let twice = envelope("").replacen("\"locale\"", "\"locale\":\"sv-SE\",\"locale\"", 1);
    assert_eq!(pointers(&twice), ["/order/locale"]);
}

#[test]
fn what_is_no_envelope_is_told() {
    assert_eq!(faults("[]"), [(String::new(), "is an array, expected an object".to_owned())]);
    assert!(faults("{\"merchant\":")[0].1.starts_with("is not JSON: "));
    assert_eq!(
        faults(r#"{"\ud800":1}"#)[0].1,
        "has a key with an unpaired surrogate escape, expected Unicode text"
    );
    assert_eq!(pointers(r#"{"merchant":"shop","user":"u","order":[]}"#), ["/order"]);
}

#[test]
fn a_hostile_envelope_makes_few_faults() {
    assert_eq!(pointers(&envelope(&r#","x":1"#.repeat(10_000))).len(), 20);
}

#[test]
fn a_large_order_is_told_apart() {
    let large = envelope("").replacen("5e4", &"5".repeat(super::super::MAX_BODY), 1);
    assert_eq!(NewOrder::parse(&large, checkout), Err(Rejection::TooLarge));
}

#[test]
fn keys_have_limits() {
    assert!(check_idempotency_key(&"k".repeat(255)).is_ok() && check_idempotency_key("!~").is_ok());
    for key in ["", "a b", "ä", "a\t", &"k".repeat(256)] {
        assert!(check_idempotency_key(key).is_err(), "{key:?}");
    }
}

#[test]
fn the_deadline_comes_after_the_beginning() {
    let (early, late) = ("\"2026-01-01T00:00:00Z\"", "\"2026-01-01T00:00:01Z\"");
    parse(&format!(r#","not_before":{early},"deadline":{late}"#));
    for deadline in [early, "\"2025-12-31T23:59:59Z\""] {
        let text = envelope(&format!(r#","not_before":{early},"deadline":{deadline}"#));
        assert_eq!(pointers(&text), ["/deadline"]);
    }
}

#[test]
fn the_digest_sees_all_but_the_idempotency_key() {
    let digest = parse("").digest();
    assert_eq!(parse(r#","idempotency_key":"k""#).digest(), digest);
    assert_eq!(NewOrder::parse(&format!(" {} ", envelope("")), checkout).unwrap().digest(), digest);
    let others = [
        parse(r#","target":"checkout""#),
        parse(r#","prefill":true"#),
        parse(r#","prefill":false"#),
        parse(r#","not_before":"2026-01-01T00:00:00Z""#),
        parse(r#","deadline":"2026-01-01T00:00:00Z""#),
        NewOrder { user: "u-2".into(), ..parse("") },
        NewOrder { merchant: "shop2".into(), ..parse("") },
        // The same characters, split in another place.
        NewOrder { merchant: "shopu".into(), user: "-1".into(), ..parse("") },
        NewOrder { body: Body::parse("{}").unwrap(), ..parse("") },
    ];
    let mut digests: Vec<_> = others.iter().map(NewOrder::digest).collect();
    digests.push(digest);
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), others.len() + 1);
}

#[test]
fn the_example_orders_are_lawful_but_for_one() {
    let examples = include_str!("../../../examples/orders.jsonl");
    let (good, refused): (Vec<_>, Vec<_>) =
        examples.lines().partition(|line| NewOrder::parse(line, checkout).is_ok());
    let message = "is 49000, expected 49800: the sum of the lines' total_amount";
    assert_eq!(refused.len(), 1);
    assert_eq!(faults(refused[0]), [("/order/order_amount".to_owned(), message.to_owned())]);
    for line in good {
        assert!(line.contains(NewOrder::parse(line, checkout).unwrap().body.as_str()));
    }
}

proptest! {
    #[test]
    fn no_envelope_makes_it_panic(text in r#"\{("(user|order|prefill|deadline|x)":([\[\]{}":,a-z0-9 ]{0,12}|\{\}|null|1),?){0,4}\}?"#) {
        prop_assert!(NewOrder::parse(&text, checkout).is_err());
    }
}
