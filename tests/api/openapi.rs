//! The API description.

use std::collections::BTreeSet;
use std::process::Command;

use klarna_order_worker::api;
use serde_json::{Value, json};

use super::{Api, envelope};

#[test]
fn the_committed_description_is_the_codes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == api::document().unwrap(),
        "openapi.json does not match the code; generate it again: cargo run -- openapi > openapi.json"
    );
    let printed = Command::new(env!("CARGO_BIN_EXE_klarna-order-worker")).arg("openapi").output().unwrap();
    assert!(printed.status.success() && printed.stdout == committed.as_bytes(), "the command prints another");
}

#[tokio::test]
async fn the_description_is_served() {
    let api = Api::open().await;
    let answer = api.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), serde_json::from_str::<Value>(&api::document().unwrap()).unwrap());
}

#[tokio::test]
async fn the_description_requires_of_an_order_what_the_service_requires() {
    let api = Api::open().await;
    let document: Value = serde_json::from_str(&api::document().unwrap()).unwrap();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["OrderRequest"]["properties"]["order"]["$ref"], "#/components/schemas/OrderBody");
    let lines = r#"{"order_lines":[{}]}"#;
    for (schema, target, order, prefix) in [
        ("KlarnaOrder", "checkout", "{}", "/order/"),
        ("KlarnaOrderLine", "checkout", lines, "/order/order_lines/0/"),
        ("KlarnaSession", "payments", "{}", "/order/"),
        ("KlarnaSessionLine", "payments", lines, "/order/order_lines/0/"),
    ] {
        let targeted = envelope("shop", "u-1", order).replacen('{', &format!(r#"{{"target":"{target}","#), 1);
        let answer = api.post_order(targeted).await;
        let missing = answer.pointers("invalid-order");
        let missing: BTreeSet<&str> =
            missing.iter().filter_map(|pointer| pointer.strip_prefix(prefix)).collect();
        let required = schemas[schema]["required"].as_array().unwrap();
        assert_eq!(missing, required.iter().map(|name| name.as_str().unwrap()).collect(), "{schema}");
    }
}

#[tokio::test]
async fn the_description_takes_the_types_that_the_service_takes() {
    let api = Api::open().await;
    let document: Value = serde_json::from_str(&api::document().unwrap()).unwrap();
    let schemas = &document["components"]["schemas"];
    let kinds = [
        ("string", json!("0")),
        ("number", json!(0)),
        ("boolean", json!(true)),
        ("array", json!([])),
        ("object", json!({})),
        ("null", Value::Null),
    ];
    for (target, order, line) in
        [("checkout", "KlarnaOrder", "KlarnaOrderLine"), ("payments", "KlarnaSession", "KlarnaSessionLine")]
    {
        let members = |schema: &str| schemas[schema]["properties"].as_object().unwrap().clone();
        let amounts: Vec<(String, Value)> =
            members(order).into_iter().filter(|(name, _)| name.ends_with("_amount")).collect();
        for (kind, value) in &kinds {
            let all = |members: &mut dyn Iterator<Item = &String>| -> serde_json::Map<String, Value> {
                members.map(|name| (name.clone(), value.clone())).collect()
            };
            let mut body = all(&mut amounts.iter().map(|(name, _)| name));
            let codes = [("purchase_country", "SE"), ("purchase_currency", "SEK"), ("locale", "sv-SE")];
            body.extend(codes.map(|(name, code)| (name.to_owned(), json!(code))));
            body.insert("order_lines".to_owned(), json!([all(&mut members(line).keys())]));
            let envelope = json!({ "merchant": "shop", "user": "u-1", "target": target, "order": body });
            let answer = api.post_order(envelope.to_string()).await;
            let refused = if answer.status == 202 { Vec::new() } else { answer.pointers("invalid-order") };
            let described = amounts.iter().map(|(name, schema)| (format!("/order/{name}"), schema.clone()));
            let of_line = members(line).into_iter();
            let of_line = of_line.map(|(name, schema)| (format!("/order/order_lines/0/{name}"), schema));
            for (pointer, schema) in described.chain(of_line) {
                let takes = schema["type"].as_array().unwrap().contains(&json!(kind));
                assert_eq!(refused.contains(&pointer), !takes, "{target}, {kind}: {pointer} of {refused:?}");
            }
        }
    }
}

#[test]
fn everything_is_described() {
    let document: Value = serde_json::from_str(&api::document().unwrap()).unwrap();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name}.{property}");
        }
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{method} {path}: {parameter}");
            }
            let is_open = operation["security"] == serde_json::json!([{}]);
            // A push has its secret in the path.
            let keyless = !path.starts_with("/v1/") || path.starts_with("/v1/push/");
            assert_eq!(is_open, keyless && path != "/metrics", "{method} {path}");
            assert_eq!(operation["responses"].get("401").is_some(), !is_open, "{method} {path}");
        }
    }
}
