use serde_json::{Value, json};

use super::*;

fn id() -> OrderId {
    "019a7b3e-5c00-7d46-8ffc-b366a97d1c98".parse().unwrap()
}

fn claims() -> Claims {
    let some = |text: &str| Some(text.to_owned());
    Claims {
        subject: "krn:kuid:1".to_owned(),
        given_name: some("Karl \"Kalle\""),
        family_name: some("Karlsson"),
        email: some("karl@shop.example"),
        phone: some("+46701234567"),
        date_of_birth: some("1984-09-21"),
        address: Some(Address {
            street_address: some("Karlaplan 3"),
            street_address2: None,
            postal_code: some("11460"),
            city: some("Stockholm"),
            region: None,
            country: some("SE"),
        }),
        shipping_address: None,
    }
}

fn built(order: &str, claims: Option<&Claims>) -> (Value, Vec<String>) {
    let built = build(&Body::parse(order).unwrap(), id(), None, claims);
    (serde_json::from_str(&built.json).unwrap(), built.prefilled)
}

fn prefilled(order: &str, claims: &Claims) -> Vec<String> {
    built(order, Some(claims)).1
}

const ALL: [&str; 9] = [
    "/billing_address/given_name",
    "/billing_address/family_name",
    "/billing_address/email",
    "/billing_address/phone",
    "/billing_address/street_address",
    "/billing_address/postal_code",
    "/billing_address/city",
    "/billing_address/country",
    "/customer/date_of_birth",
];

#[test]
fn token_and_reference_go_in_and_nothing_else_changes() {
    let order = r#"{ "n":5e4, "customer" : {"type":"person"} , "x":1.0 }"#;
    let token = SecretString::from("a\"token");
    let built = build(&Body::parse(order).unwrap(), id(), Some(&token), None);
    assert_eq!(
        *built.json,
        format!(
            r#"{{ "n":5e4, "customer" : {{"type":"person","klarna_access_token":"a\"token"}} , "x":1.0,"merchant_reference2":"{}" }}"#,
            id()
        )
    );
    assert!(built.prefilled.is_empty());
}

#[test]
fn without_a_token_there_is_no_customer() {
    let (sent, _) = built(r#"{"customer":null}"#, None);
    assert_eq!(sent, json!({ "customer": null, "merchant_reference2": id().to_string() }));
}

#[test]
fn a_reference_of_the_shops_own_stays() {
    let (sent, _) = built(r#"{"merchant_reference2":"cart-7"}"#, None);
    assert_eq!(sent, json!({ "merchant_reference2": "cart-7" }));
    let (sent, _) = built(r#"{"merchant_reference2":""}"#, None);
    assert_eq!(sent, json!({ "merchant_reference2": id().to_string() }));
}

#[test]
fn claims_fill_an_order_that_says_nothing() {
    let (sent, filled) = built("{}", Some(&claims()));
    assert_eq!(filled, ALL);
    assert_eq!(
        sent,
        json!({
            "billing_address": {
                "given_name": "Karl \"Kalle\"", "family_name": "Karlsson", "email": "karl@shop.example",
                "phone": "+46701234567", "street_address": "Karlaplan 3", "postal_code": "11460",
                "city": "Stockholm", "country": "SE"
            },
            "customer": { "date_of_birth": "1984-09-21" },
            "merchant_reference2": id().to_string()
        })
    );
}

#[test]
fn what_the_order_says_is_never_changed() {
    let order = r#"{"billing_address":{"email":"other@shop.example","given_name":" ","phone":null},"customer":{"date_of_birth":"1990-01-01"}}"#;
    let (sent, filled) = built(order, Some(&claims()));
    assert_eq!(sent["billing_address"]["email"], "other@shop.example");
    assert_eq!(sent["billing_address"]["given_name"], " ");
    assert_eq!(sent["customer"]["date_of_birth"], "1990-01-01");
    assert_eq!(filled[..2], ["/billing_address/family_name", "/billing_address/phone"]);
}

#[test]
fn an_address_of_the_orders_own_keeps_all_of_the_claims_out() {
    for field in ADDRESS_FIELDS {
        let order = json!({ "billing_address": { field: "x" } }).to_string();
        let filled = prefilled(&order, &claims());
        assert_eq!(filled, [ALL[0], ALL[1], ALL[2], ALL[3], ALL[8]], "{field}");
    }
    let nulls = r#"{"billing_address":{"city":null,"region":"","care_of":[]}}"#;
    assert_eq!(prefilled(nulls, &claims()), ALL);
    let elsewhere = r#"{"shipping_address":{"city":"Lund"},"purchase_country":"SE"}"#;
    assert_eq!(prefilled(elsewhere, &claims()), ALL);
}

#[test]
fn the_country_of_the_order_decides() {
    let filled = |order: Value| prefilled(&order.to_string(), &claims());
    let no_address = [ALL[0], ALL[1], ALL[2], ALL[3], ALL[8]];
    let all_but_country: Vec<_> = ALL.into_iter().filter(|pointer| !pointer.ends_with("/country")).collect();
    // A shop that writes the country alone has no address of its own.
    for country in ["SE", "se", "Se"] {
        assert_eq!(filled(json!({ "billing_address": { "country": country } })), all_but_country);
    }
    assert_eq!(
        filled(json!({ "billing_address": { "country": "NO" }, "purchase_country": "SE" })),
        no_address
    );
    assert_eq!(filled(json!({ "purchase_country": "se" })), ALL);
    assert_eq!(filled(json!({ "purchase_country": "NO", "billing_address": { "country": "" } })), no_address);
    // A country that is no text is nobody's, whatever the purchase country is.
    for odd in [json!(752), json!({ "code": "SE" }), json!(["SE"]), json!(true)] {
        let order = json!({ "purchase_country": "SE", "billing_address": { "country": odd } });
        assert_eq!(filled(order), no_address, "{odd}");
        assert_eq!(filled(json!({ "purchase_country": odd })), no_address, "{odd}");
    }
    // All members there, and all blank.
    let blank = json!({
        "purchase_country": "SE", "merchant_reference2": "", "customer": { "date_of_birth": "" },
        "billing_address": { "email": "", "given_name": "", "family_name": null, "phone": "", "street_address": "",
            "street_address2": null, "postal_code": "", "city": "", "region": null, "country": "SE" }
    });
    assert_eq!(filled(blank), all_but_country);
    assert_eq!(filled(json!({ "billing_address": [], "customer": [] })), ALL);
}

#[test]
fn an_organization_gets_nothing_private() {
    let filled = |order: Value| prefilled(&order.to_string(), &claims());
    for order in [
        json!({ "customer": { "type": "organization" } }),
        json!({ "customer": { "type": "ORGANIZATION" }, "billing_address": { "organization_name": "Bolaget AB" } }),
        json!({ "customer": { "type": "b2b" } }),
        json!({ "customer": { "organization_registration_id": "556737-0431" } }),
        json!({ "customer": { "organization_registration_id": 5_567_370_431_i64 } }),
        json!({ "customer": { "vat_id": "SE556737043101" } }),
        json!({ "customer": { "type": "person", "vat_id": "SE556737043101" } }),
        json!({ "customer": { "organization_entity_type": "LIMITED_COMPANY" } }),
        json!({ "billing_address": { "organization_name": "Bolaget AB" } }),
        json!({ "shipping_address": { "organization_name": "Bolaget AB" } }),
        json!({ "options": { "allowed_customer_types": ["organization"] } }),
        json!({ "options": { "allowed_customer_types": ["Organization", "organization"] } }),
        json!({ "customer": { "type": "person" }, "options": { "allowed_customer_types": ["organization"] } }),
    ] {
        assert_eq!(filled(order.clone()), [""; 0], "{order}");
    }
    for order in [
        json!({ "customer": { "type": "person", "organization_registration_id": "", "vat_id": [] } }),
        // A person may have goods sent to work.
        json!({ "customer": { "type": "Person" }, "billing_address": { "organization_name": "Bolaget AB" } }),
        json!({ "billing_address": { "organization_name": "" }, "shipping_address": { "organization_name": null } }),
        json!({ "options": { "allowed_customer_types": ["person", "organization"] } }),
        json!({ "options": { "allowed_customer_types": [] } }),
        json!({ "options": [] }),
    ] {
        assert_eq!(filled(order.clone()), ALL, "{order}");
    }
}

#[test]
fn the_shipping_address_is_filled_in_like_the_billing_address() {
    let mut claims = claims();
    claims.shipping_address =
        claims.address.clone().map(|address| Address { city: Some("Lund".to_owned()), ..address });
    let filled = |order: Value| built(&order.to_string(), Some(&claims));
    let shipping =
        ["street_address", "postal_code", "city", "country"].map(|name| format!("/shipping_address/{name}"));
    let of_shipping = |filled: Vec<String>| -> Vec<String> {
        filled.into_iter().filter(|pointer| pointer.starts_with("/shipping_address")).collect()
    };
    let (sent, told) = filled(json!({ "purchase_country": "SE" }));
    assert_eq!(
        (&sent["shipping_address"]["city"], &sent["billing_address"]["city"]),
        (&json!("Lund"), &json!("Stockholm"))
    );
    assert_eq!(of_shipping(told), shipping);
    assert_eq!(of_shipping(filled(json!({ "shipping_address": { "country": "se" } })).1), shipping[..3]);
    for order in [
        json!({ "shipping_address": { "care_of": "x" } }),
        json!({ "billing_address": { "street_address": "Own street 1" }, "purchase_country": "SE" }),
        json!({ "shipping_address": { "country": "NO" } }),
        json!({ "purchase_country": "NO" }),
    ] {
        assert_eq!(of_shipping(filled(order).1), [""; 0]);
    }
}

#[test]
fn an_address_with_a_part_missing_stays_out() {
    let without = |change: fn(&mut Address)| {
        let mut claims = claims();
        claims.address.as_mut().map(change).unwrap();
        prefilled(r#"{"purchase_country":"SE"}"#, &claims)
    };
    let no_address = [ALL[0], ALL[1], ALL[2], ALL[3], ALL[8]];
    assert_eq!(without(|address| address.street_address = None), no_address);
    assert_eq!(without(|address| address.postal_code = None), no_address);
    assert_eq!(without(|address| address.city = Some(" ".to_owned())), no_address);
    assert_eq!(without(|address| address.country = None), no_address);
}

#[test]
fn a_value_that_klarna_could_refuse_is_left_out() {
    let bad = |change: fn(&mut Claims)| {
        let mut claims = claims();
        change(&mut claims);
        prefilled("{}", &claims)
    };
    let all_but = |left_out: &str| ALL.into_iter().filter(|pointer| *pointer != left_out).collect::<Vec<_>>();
    for change in [
        (|claims| claims.email = Some("karl".to_owned())) as fn(&mut Claims),
        |claims| claims.email = Some("@shop.example".to_owned()),
        |claims| claims.email = Some("k k@shop.example".to_owned()),
    ] {
        assert_eq!(bad(change), all_but("/billing_address/email"));
    }
    assert_eq!(bad(|claims| claims.phone = Some("call me".to_owned())), all_but("/billing_address/phone"));
    assert_eq!(
        bad(|claims| claims.given_name = Some(" ".to_owned())),
        all_but("/billing_address/given_name")
    );
    assert_eq!(
        bad(|claims| claims.family_name = Some("ä".repeat(256))),
        all_but("/billing_address/family_name")
    );
    for date in ["21.09.1984", "1984-02-30", "1984-9-21", "+1984-9-21"] {
        let claims = Claims { date_of_birth: Some(date.to_owned()), ..claims() };
        assert_eq!(prefilled("{}", &claims), all_but("/customer/date_of_birth"), "{date}");
    }
}

#[test]
fn one_bad_part_keeps_the_whole_address_out() {
    let changed = |change: fn(&mut Address)| {
        let mut claims = claims();
        claims.address.as_mut().map(change).unwrap();
        prefilled("{}", &claims)
    };
    let no_address = [ALL[0], ALL[1], ALL[2], ALL[3], ALL[8]];
    assert_eq!(changed(|address| address.country = Some("Sweden".to_owned())), no_address);
    assert_eq!(changed(|address| address.city = Some("Stock\nholm".to_owned())), no_address);
    assert_eq!(changed(|address| address.postal_code = Some("1".repeat(256))), no_address);
    assert_eq!(changed(|address| address.region = Some(String::new())), ALL);
}

#[test]
fn the_prefilled_order_and_its_token_fit_klarnas_limit() {
    let widest = Some("\u{1F600}".repeat(MOST_CHARACTERS));
    let claims = Claims {
        subject: String::new(),
        given_name: widest.clone(),
        family_name: widest.clone(),
        email: Some(format!("\"@{}", "\u{1F600}".repeat(MOST_CHARACTERS - 2))),
        phone: Some("1".repeat(MOST_CHARACTERS)),
        date_of_birth: Some("1984-09-21".to_owned()),
        address: Some(Address {
            street_address: widest.clone(),
            street_address2: widest.clone(),
            postal_code: widest.clone(),
            city: widest.clone(),
            region: widest,
            country: Some("SE".to_owned()),
        }),
        shipping_address: None,
    };
    let token = SecretString::from("t".repeat(4096));
    let built = build(&Body::parse("{}").unwrap(), id(), Some(&token), Some(&claims));
    assert_eq!(built.prefilled.len(), 11);
    assert!(built.json.len() < 16 * 1024);
}

#[test]
fn debug_shows_no_content() {
    let token = SecretString::from("the-token");
    let built = build(&Body::parse("{}").unwrap(), id(), Some(&token), Some(&claims()));
    let shown = format!("{built:?}");
    assert!(shown.contains("/billing_address/email"));
    assert!(!shown.contains("the-token") && !shown.contains("karl@"));
}
