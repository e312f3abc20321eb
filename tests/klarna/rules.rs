//! The service and the sandbox have the same rules for orders: each refuses what the other refuses.

use klarna_order_worker::config::CredentialSet;
use klarna_order_worker::klarna::accepted_credentials::AcceptedCredentials;
use klarna_order_worker::klarna::create::{CreateAnswer, CreateClient};
use klarna_order_worker::order::{Body, Target, check};
use klarna_sandbox::{Clock, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{AMPLE, merchant};

fn order() -> Value {
    json!({
        "purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE",
        "order_amount": 50_000, "order_tax_amount": 4545, "merchant_reference1": "1", "merchant_data": "x",
        "order_lines": [{
            "type": "physical", "reference": "1", "name": "T-shirt", "quantity": 5, "unit_price": 10_000,
            "tax_rate": 1000, "total_amount": 50_000, "total_discount_amount": 0, "total_tax_amount": 4545,
            "product_identifiers": {"brand": "x"}
        }],
        "billing_address": {"email": "karl@klarna.example", "postal_code": "11460", "country": "SE"},
        "shipping_address": {"city": "Stockholm"},
        "customer": {"date_of_birth": "1984-09-21"},
        "merchant_urls": {
            "terms": "https://s.example", "checkout": "https://s.example", "confirmation": "https://s.example",
            "push": "https://s.example", "validation": "https://s.example", "notification": "http://s.example"
        }
    })
}

/// Returns the pointer of every member and every item, at any depth.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            (0..).zip(items).map(|(index, value): (usize, _)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (step, child) in children {
        let pointer = format!("{at}/{step}");
        pointers(child, &pointer, found);
        found.push(pointer);
    }
}

/// Every member takes each of these values in turn. `None` removes it.
fn values() -> Vec<Option<Value>> {
    let long = |count: usize| Some(json!("ä".repeat(count)));
    let mut values: Vec<Option<Value>> = [
        json!(null),
        json!(true),
        json!(""),
        json!([]),
        json!({}),
        json!([[]]),
        json!("US"),
        json!("de"),
        json!("x"),
        json!("https://s.example"),
        json!("http://s.example"),
        json!("2000-02-30"),
        json!(0),
        json!(1),
        json!(-1),
        json!(5),
        json!(1000),
        json!(4546),
        json!(4550),
        json!(4551),
        json!(10_001),
        json!(50_005),
        json!(50_006),
        json!(100_000_001),
        json!(200_000_001),
        json!(9998.6666),
        json!(-0.5),
        json!(1e30),
        json!(u64::MAX),
        json!("50000"),
        json!("5e4"),
        json!("-5"),
        json!("five"),
    ]
    .map(Some)
    .into();
    values.extend([long(256), long(1025), long(2001), long(6001), None]);
    values
}

fn changed(pointer: &str, value: Option<&Value>) -> Value {
    let mut order = order();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (order.pointer_mut(parent).unwrap(), value) {
        (Value::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value.clone(),
        (Value::Array(items), None) => items.clear(),
        (parent, Some(value)) => parent[key] = value.clone(),
        (parent, None) => drop(parent.as_object_mut().unwrap().remove(key)),
    }
    order
}

#[tokio::test]
async fn the_sandbox_refuses_what_the_service_refuses_and_nothing_else() {
    let sandbox = Sandbox::start(SandboxOptions::default(), Clock::system()).await.unwrap();
    let merchant = merchant(sandbox.url());
    let client = CreateClient::new(AMPLE, AcceptedCredentials::default()).unwrap();
    let mut places = Vec::new();
    pointers(&order(), "", &mut places);
    let (mut taken, mut refused) = (0, 0);
    for target in [Target::Checkout, Target::Payments] {
        for pointer in &places {
            for value in values() {
                let text = changed(pointer, value.as_ref()).to_string();
                let faults = check(target, &Body::parse(&text).unwrap());
                let body = Zeroizing::new(text);
                let called =
                    client.create_with(CredentialSet::First, &merchant, target, "order-1", body).await;
                let answer = called.answer;
                let is_taken = matches!(answer, CreateAnswer::Created { .. });
                assert_eq!(
                    is_taken,
                    faults.is_empty(),
                    "{target:?} {pointer} {value:?}: {answer:?}, {faults:?}"
                );
                *if is_taken { &mut taken } else { &mut refused } += 1;
            }
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}
