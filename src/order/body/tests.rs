use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::order::MAX_DEPTH;

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

fn faults(text: &str) -> Vec<(String, String)> {
    match Body::parse(text) {
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
fn the_text_survives_byte_for_byte() {
    let text = "{ \"b\":5e4,\r\n\t\"a\" : 1.0, \"n\":123456789012345678901234567890, \"x\": 1e999,\
                \"\\u00e5\":\"\\u00E5\\/\", \"\":[ ], \"s\":\"\\ud800\" }";
    assert_eq!(body(text).as_str(), text);
    assert_eq!(body(&format!("\n {text}\t")).as_str(), text);
}

#[test]
fn anything_but_one_object_is_refused() {
    for (text, message) in [
        ("[1]", "is an array, expected an object"),
        ("null", "is null, expected an object"),
        ("7", "is a number, expected an object"),
        ("\"{}\"", "is a string, expected an object"),
    ] {
        assert_eq!(faults(text), [(String::new(), message.to_owned())]);
    }
    for text in ["", "{", "{}{}", "{'a':1}", "{\"a\":01}", "{\"a\":\"\u{0}\"}", "{\"a\":1,}"] {
        let found = faults(text);
        assert!(found[0].1.starts_with("is not JSON: "), "{text:?}: {found:?}");
    }
}

#[test]
fn a_text_that_was_parsed_before_is_refused_only_if_it_is_no_object() {
    let twice = r#"{"a":1,"a":2}"#;
    assert_eq!(Body::parsed_before(twice).unwrap().as_str(), twice);
    assert_eq!(Body::parsed_before(" {} ").unwrap().as_str(), "{}");
    for text in ["", "[1]", r#"{"a":1"#, r#"{"a":{"b":}}"#, r#"{"\ud800":1}"#] {
        assert!(Body::parsed_before(text).is_err(), "{text}");
    }
}

#[test]
fn equal_keys_are_found_at_any_depth_and_however_escaped() {
    assert_eq!(pointers(r#"{"a":1,"b":{"c":[{},{"d":1,"d":2}]},"a":3}"#), ["/b/c/1/d", "/a"]);
    assert_eq!(pointers(r#"{"order_amount":1,"order_\u0061mount":2}"#), ["/order_amount"]);
    assert_eq!(pointers(r#"{"a/b~":{"x":1,"x":1}}"#), ["/a~1b~0/x"]);
    assert_eq!(pointers(r#"{"a":{"x":1},"a":{"x":1,"x":2}}"#), ["/a", "/a/x"]);
}

#[test]
fn a_key_that_is_no_text_is_refused() {
    assert_eq!(pointers(r#"{"a":{"\ud800":1}}"#), ["/a"]);
}

#[test]
fn nesting_has_a_limit() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(Body::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(pointers(&nested(MAX_DEPTH + 1)), [format!("/a{}", "/0".repeat(MAX_DEPTH - 1))]);
    assert_eq!(pointers(&nested(200_000)).len(), 1);
}

#[test]
fn size_has_a_limit_of_its_own() {
    let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    assert_eq!(body(&sized(MAX_BODY)).as_str().len(), MAX_BODY);
    assert_eq!(Body::parse(&sized(MAX_BODY + 1)), Err(Rejection::TooLarge));
}

#[test]
fn a_hostile_body_makes_few_faults() {
    let text = format!("{{\"{}\":{{{}\"a\":1}}}}", "k".repeat(300_000), "\"a\":1,".repeat(100_000));
    assert!(text.len() <= MAX_BODY);
    assert_eq!(faults(&text).len(), 20);
}

#[test]
fn debug_shows_no_content() {
    assert_eq!(format!("{:?}", body(r#"{"email":"a@b.example"}"#)), "Body(23 bytes)");
}

/// One value alone.
fn insert(body: &Body, path: &[&str], value: &str) -> Option<Body> {
    let (text, went_in) = body.members().filled(&[Insertion { path, value }]);
    assert!(went_in[0] || *text == *body.as_str(), "it changed something");
    went_in[0].then(|| Body::parse(&text).unwrap())
}

#[test]
fn insert_touches_only_its_place() {
    let cases: [(&str, &[&str], &str); 11] = [
        ("{}", &["a"], r#"{"a":"v"}"#),
        ("{ \n}", &["a"], "{\"a\":\"v\" \n}"),
        (r#"{"n":5e4 }"#, &["a"], r#"{"n":5e4,"a":"v" }"#),
        (r#"{"n":1}"#, &["c", "d"], r#"{"n":1,"c":{"d":"v"}}"#),
        (r#"{"c" : { "x":1.0 } , "n":1}"#, &["c", "d"], r#"{"c" : { "x":1.0,"d":"v" } , "n":1}"#),
        (r#"{"c": null ,"n":1}"#, &["c", "d"], r#"{"c": {"d":"v"} ,"n":1}"#),
        (r#"{"c":{"d":null}}"#, &["c", "d"], r#"{"c":{"d":"v"}}"#),
        (r#"{"c":{"d":""}}"#, &["c", "d"], r#"{"c":{"d":"v"}}"#),
        (r#"{"c": "","n":1}"#, &["c", "d"], r#"{"c": {"d":"v"},"n":1}"#),
        (r#"{"c": [ ] }"#, &["c", "d"], r#"{"c": {"d":"v"} }"#),
        (r#"{"\u0063":{"x":1}}"#, &["c", "d"], r#"{"\u0063":{"x":1,"d":"v"}}"#),
    ];
    for (text, path, expected) in cases {
        assert_eq!(insert(&body(text), path, "v").unwrap().as_str(), expected);
    }
}

#[test]
fn insert_never_overwrites() {
    for (text, path) in [
        (r#"{"a":" "}"#, &["a"][..]),
        (r#"{"a":false}"#, &["a"]),
        (r#"{"\u0061":1}"#, &["a"]),
        (r#"{"c":{"d":0}}"#, &["c", "d"]),
        (r#"{"c":"text"}"#, &["c", "d"]),
        (r#"{"c":[0]}"#, &["c", "d"]),
        (r#"{"c":{}}"#, &["c"]),
        ("{}", &[]),
    ] {
        assert_eq!(insert(&body(text), path, "v"), None, "{text}");
    }
}

#[test]
fn inserted_values_are_escaped() {
    let value = "O\"Neil\\\u{1}\n,\u{1F600}";
    let edited = insert(&body("{}"), &["a"], value).unwrap();
    assert_eq!(serde_json::from_str::<Value>(edited.as_str()).unwrap(), json!({ "a": value }));
}

#[test]
fn what_is_blank_is_no_value_of_ones_own() {
    let blank = body(r#"{"a":{"b":"","c":[],"d":[ ]}}"#);
    assert!(!blank.members().holds_any(&["a"], &["b", "c", "d"]));
    assert_eq!(body(r#"{"a":{"b":"x"}}"#).members().text(&["a"], "b").as_deref(), Some("x"));
    assert_eq!(
        (
            blank.members().text(&["a"], "b"),
            blank.members().text(&["a"], "c"),
            blank.members().text(&["x"], "b")
        ),
        (None, None, None)
    );
    let order = body(r#"{"a":{"b":null,"c":0},"d":null}"#);
    assert!(order.members().holds_any(&["a"], &["b", "c"]) && order.members().holds_any(&[], &["a"]));
    assert!(
        !order.members().holds_any(&["a"], &["b"])
            && !order.members().holds_any(&[], &["d", "e"])
            && !order.members().holds_any(&["a", "c"], &["x"])
    );
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || *value == "" || *value == json!([])
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-d]|.*", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn inserting_is_one_addition_and_no_other_change(
        value in value(),
        path in prop::collection::vec("[a-d]", 1..4),
        added in ".*",
        pretty: bool,
    ) {
        let document = json!({ "a": value, "x": 1 });
        let text = if pretty { format!("{document:#}") } else { document.to_string() };
        let order = body(&text);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();

        // Read back from the text: serde_json rounds the last digit of some floats.
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        let mut place = Some(&mut expected);
        for key in &path {
            place = place.and_then(|value| {
                if is_blank(value) { *value = json!({}); }
                value.as_object_mut().map(|object| object.entry(*key).or_insert(Value::Null))
            });
        }
        match (insert(&order, &path, &added), place) {
            (Some(edited), Some(place)) if is_blank(place) => {
                *place = Value::from(added.clone());
                prop_assert_eq!(serde_json::from_str::<Value>(edited.as_str()).unwrap(), expected);
                // Textually: what is before and behind the addition is the old text, less at most
                // one null.
                let same = |left: &str, right: &str| left.bytes().zip(right.bytes()).take_while(|(l, r)| l == r).count();
                let reverse = |text: &str| text.bytes().rev().collect::<Vec<_>>();
                let front = same(&text, edited.as_str());
                let back = reverse(&text).iter().zip(&reverse(edited.as_str())).take_while(|(l, r)| l == r).count();
                prop_assert!(front + back >= text.len() - "null".len());
                let (key, way) = path.split_last().unwrap();
                prop_assert!(!order.members().holds_any(way, &[key]));
                prop_assert!(added.is_empty() || edited.members().holds_any(way, &[key]));
            }
            (None, place) => prop_assert!(place.is_none_or(|place| !is_blank(place))),
            (Some(edited), _) => prop_assert!(false, "overwrote something: {}", edited.as_str()),
        }
    }

    #[test]
    fn many_at_once_are_as_one_after_another(
        value in value(),
        paths in prop::collection::vec(prop::collection::vec("[a-c]", 0..4), 0..8),
    ) {
        let order = body(&json!({ "a": value, "x": 1 }).to_string());
        let values: Vec<_> = paths.iter().map(|path| path.iter().map(String::as_str).collect::<Vec<_>>()).collect();
        let values: Vec<_> = values.iter().map(|path| Insertion { path, value: "v" }).collect();
        let (text, went_in) = order.members().filled(&values);
        let mut expected = order;
        for (Insertion { path, value }, went_in) in values.iter().zip(went_in) {
            let edited = insert(&expected, path, value);
            prop_assert_eq!(edited.is_some(), went_in);
            expected = edited.unwrap_or(expected);
        }
        // Texts are alike but for the order of members that were made in between.
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        prop_assert_eq!(read(&text), read(expected.as_str()));
    }

    #[test]
    fn any_object_is_taken_as_it_is(value in value()) {
        let text = json!({ "k": value }).to_string();
        let order = body(&text);
        prop_assert_eq!(order.as_str(), text.as_str());
    }

    #[test]
    fn no_text_makes_it_panic(text in r#"[\[\]{}":,a0-9e.\\u \-]{0,40}"#) {
        let parsed = Body::parse(&text).is_ok();
        let is_object = serde_json::from_str::<serde_json::Map<String, Value>>(&text).is_ok();
        // What serde_json takes is taken too, unless a key occurs twice; what is taken may hold
        // numbers beyond f64.
        prop_assert!(parsed || !is_object || !pointers(&text).is_empty());
    }
}
