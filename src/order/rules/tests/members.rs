//! Tests each member by itself: presence, kind, form, limits.

use super::*;

#[test]
fn an_empty_order_lacks_all_that_is_required() {
    let mut missing = pointers(&json!({}));
    missing.sort();
    assert_eq!(
        missing,
        [
            "/locale",
            "/order_amount",
            "/order_lines",
            "/order_tax_amount",
            "/purchase_country",
            "/purchase_currency"
        ]
    );
    let line = pointers(&with("/order_lines/0", json!({})));
    assert_eq!(
        line,
        ["name", "quantity", "unit_price", "total_amount", "tax_rate", "total_tax_amount"]
            .map(|name| format!("/order_lines/0/{name}"))
    );
    assert_eq!(
        pointers(&with("/merchant_urls", json!({}))),
        ["terms", "checkout", "confirmation", "push"].map(|name| format!("/merchant_urls/{name}"))
    );
}

/// Returns the message for the sample with `value` at `pointer`. There must be exactly one fault,
/// at that pointer.
fn message_at(pointer: &str, value: Value) -> String {
    let faults = found(&with(pointer, value));
    assert_eq!(faults.len(), 1, "{pointer}: {faults:?}");
    assert_eq!(faults[0].0, pointer);
    faults[0].1.clone()
}

#[test]
fn codes_have_a_shape() {
    let expected = "expected an ISO 3166 alpha-2 code such as \"SE\"";
    for (code, shown) in [("SWE", "\"SWE\""), ("", "\"\""), ("S1", "\"S1\""), ("å", "\"å\"")] {
        assert_eq!(message_at("/purchase_country", json!(code)), format!("is {shown}, {expected}"));
    }
    let currency = message_at("/purchase_currency", json!("kr"));
    assert_eq!(currency, "is \"kr\", expected an ISO 4217 code such as \"SEK\"");
    let expected = "expected a language, usually with a country, such as \"en-SE\"";
    for locale in ["en_SE", "en-", "english", "en-SWE"] {
        assert_eq!(message_at("/locale", json!(locale)), format!("is {locale:?}, {expected}"));
    }
}

#[test]
fn members_of_another_kind_are_told() {
    let cases = [
        ("/locale", json!(null), "is null, expected a string"),
        ("/order_amount", json!("five"), "is a string, expected an integer of 0 or more"),
        ("/order_lines", json!({}), "is an object, expected an array of 1 to 1000 lines"),
        ("/order_lines/0/type", json!([1]), "is an array, expected a string"),
        ("/merchant_urls", json!("https://"), "is a string, expected an object"),
        ("/billing_address", json!("Karlaplan"), "is a string, expected an object"),
        ("/shipping_address", json!([[]]), "is an array, expected an object"),
        ("/order_lines/0/name", json!([]), "is an array, expected a string of 1 to 255 characters"),
        ("/order_lines/0/tax_rate", json!(""), "is a string, expected an integer from 0 to 10000"),
        ("/customer", json!(true), "is a boolean, expected an object"),
    ];
    for (pointer, value, message) in cases {
        assert_eq!(message_at(pointer, value), message, "{pointer}");
    }
    let postal_code =
        ("/billing_address/postal_code".to_owned(), "is an object, expected a string".to_owned());
    assert_eq!(found(&with("/billing_address", json!({ "postal_code": {} }))), [postal_code]);
}

#[test]
fn amounts_have_limits() {
    let cases = [
        ("/order_amount", -1, "an integer of 0 or more"),
        ("/order_lines/0/quantity", -5, "an integer of 0 or more"),
        ("/order_lines/0/total_discount_amount", -1, "an integer of 0 or more"),
        ("/order_lines/0/tax_rate", -1, "an integer from 0 to 10000"),
        ("/order_lines/0/tax_rate", 10_001, "an integer from 0 to 10000"),
        ("/order_lines/0/unit_price", 100_000_001, "an integer of at most 100000000"),
        ("/order_lines/0/total_amount", 100_000_001, "an integer of at most 100000000"),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(
            message_at(pointer, json!(value)),
            format!("is {value}, expected {expected}"),
            "{pointer}"
        );
    }
}

#[test]
fn strings_have_limits() {
    let cases = [
        ("/merchant_reference1", 255),
        ("/merchant_reference2", 255),
        ("/merchant_data", 6000),
        ("/order_lines/0/reference", 255),
        ("/order_lines/0/product_url", 1024),
        ("/merchant_urls/notification", 2000),
    ];
    for (pointer, most) in cases {
        let expected = format!("has {} characters, expected a string of at most {most} characters", most + 1);
        assert_eq!(message_at(pointer, "ä".repeat(most + 1).into()), expected, "{pointer}");
        assert_eq!(found(&with(pointer, "ä".repeat(most).into())), [], "{pointer}");
    }
    for (pointer, most) in [("/order_lines/0/name", 255), ("/merchant_urls/terms", 2000)] {
        let expected = format!("expected a string of 1 to {most} characters");
        assert_eq!(message_at(pointer, json!("")), format!("is empty, {expected}"));
        let count = most + 1;
        assert_eq!(
            message_at(pointer, "ä".repeat(count).into()),
            format!("has {count} characters, {expected}")
        );
        assert_eq!(found(&with(pointer, "ä".repeat(most).into())), [], "{pointer}");
    }
}

#[test]
fn some_urls_must_be_https() {
    let expected = "does not begin with https://, and Klarna accepts no other URL here";
    for name in ["validation", "shipping_option_update", "address_update", "country_change"] {
        let pointer = format!("/merchant_urls/{name}");
        assert_eq!(message_at(&pointer, json!("http://shop.example")), expected);
        assert_eq!(found(&with(&pointer, json!("HTTPS://shop.example"))), []);
    }
    assert_eq!(found(&with("/merchant_urls/notification", json!("http://shop.example"))), []);
}

#[test]
fn lawful_variants_pass() {
    for (pointer, value) in [
        ("/merchant_reference2", json!("")),
        ("/merchant_reference2", json!(null)),
        ("/order_lines/0/total_discount_amount", json!(null)),
        ("/merchant_urls", json!(null)),
        ("/purchase_country", json!("se")),
        ("/locale", json!("sv")),
        ("/order_lines/0/reference", json!(1001)),
        ("/order_lines/0/reference", json!(true)),
        ("/merchant_reference2", json!(17)),
        ("/billing_address", json!({ "postal_code": 11460 })),
        ("/customer", json!({ "date_of_birth": "" })),
        ("/order_amount", json!("50000")),
        ("/something_new", json!({ "of": [1, { "any": "kind" }] })),
    ] {
        assert_eq!(found(&with(pointer, value)), [], "{pointer}");
    }
}

/// In PHP, an empty object is written as an empty array.
#[test]
fn a_blank_value_of_an_optional_member_counts_as_absent() {
    for pointer in [
        "/billing_address",
        "/shipping_address",
        "/customer",
        "/merchant_urls",
        "/merchant_data",
        "/order_lines/0/type",
        "/order_lines/0/product_identifiers",
        "/order_lines/0/total_discount_amount",
    ] {
        for blank in ["null", "\"\"", "[]", "[ ]"] {
            let text = with(pointer, json!("here")).to_string().replace("\"here\"", blank);
            assert_eq!(found_in(&text), [], "{pointer}: {blank}");
            let session = super::payments::found(|order| *order = serde_json::from_str(&text).unwrap());
            assert_eq!(session, [], "{pointer}: {blank}");
        }
    }
    let inner = json!({ "street_address": [], "country": "", "phone": null });
    assert_eq!(found(&with("/billing_address", inner)), []);
}

#[test]
fn lines_are_1_to_1000() {
    let line = &lawful()["order_lines"][0];
    let mut order = lawful();
    order["order_lines"] = Value::from(vec![line.clone(); 1000]);
    order["order_amount"] = json!(50_000_000);
    order["order_tax_amount"] = json!(4_545_000);
    assert_eq!(found(&order), []);
    assert_eq!(
        message_at("/order_lines", vec![line.clone(); 1001].into()),
        "has 1001 lines, expected 1 to 1000"
    );
    assert_eq!(message_at("/order_lines", json!([])), "has 0 lines, expected 1 to 1000");
    // One fault, not one for each of the lines.
    let many = with("/order_lines", vec![json!(1); 300_000].into());
    assert_eq!(pointers(&many), ["/order_lines"]);
}

#[test]
fn a_number_with_a_fraction_passes_within_the_limits() {
    let text = lawful().to_string();
    let with =
        |number: &str| text.replacen("\"order_amount\":50000", &format!("\"order_amount\":{number}"), 1);
    for number in ["5e4", "50000.0", "5E+4", "49999.6666", "\"50000\"", "\"5e4\""] {
        assert_eq!(found_in(&with(number)), [], "{number}");
    }
    for (number, shown, hint) in [
        ("-0.5", "-0.5", ""),
        ("\"-5\"", "-5", ""),
        ("1e30", "1e30", ""),
        ("9223372036854775808", "9223372036854775808", ", of 64 bits"),
        ("123456789012345678901234567890", "123456789012345678901234…", ", of 64 bits"),
    ] {
        let text = with(number);
        let message = format!("is {shown}, expected an integer of 0 or more{hint}");
        assert_eq!(found_in(&text), [("/order_amount".to_owned(), message)]);
    }
}

#[test]
fn an_access_token_in_the_order_is_refused_without_quoting_it() {
    for token in [json!("secret-token"), json!(""), json!(null), json!({})] {
        let faults = found(&with("/customer", json!({ "klarna_access_token": token })));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].0, "/customer/klarna_access_token");
        assert!(faults[0].1.starts_with("must not be given") && !faults[0].1.contains("secret"));
    }
}

#[test]
fn dates_have_one_form() {
    let born = found(&with("/customer", json!({ "date_of_birth": "21.09.1984" })));
    let fault = ("/customer/date_of_birth".to_owned(), "is not a date, expected yyyy-mm-dd".to_owned());
    assert_eq!(born, [fault]);
    assert!(is_date("1984-09-21") && is_date("2024-02-29"));
    for text in
        ["", "1984-9-21", "1984-02-30", "+1984-9-21", "84-09-21", "1984-09-21T00:00:00Z", " 1984-09-21"]
    {
        assert!(!is_date(text), "{text}");
    }
}
