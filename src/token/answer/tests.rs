use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SENT: &str = "ory_rt_sent";

fn answer(status: u16, body: &str) -> Answer {
    read(status, None, body.as_bytes(), &SENT.into())
}

/// Returns the result's row in the table of answers, as a word.
fn row(status: u16, body: &str) -> &'static str {
    match answer(status, body) {
        Answer::Rotated(_) => "rotated",
        Answer::Unchanged(_) => "unchanged",
        Answer::InvalidGrant => "invalid grant",
        Answer::Refused { configuration: true, .. } => "refused: configuration",
        Answer::Refused { configuration: false, .. } => "refused",
        Answer::NotSent { .. } => "not sent",
        Answer::NoAnswer { over: true, .. } => "no answer, over",
        Answer::NoAnswer { over: false, .. } => "no answer, travelling",
    }
}

#[test]
fn follows_the_table_of_answers() {
    let grant = r#"{"access_token":"at","refresh_token":"new","expires_in":299,"token_type":"Bearer"}"#;
    let table = [
        (200, grant, "rotated"),
        (201, grant, "rotated"),
        (200, r#"{"access_token":"at"}"#, "unchanged"),
        (200, r#"{"access_token":"at","refresh_token":null}"#, "unchanged"),
        (200, r#"{"access_token":"at","refresh_token":""}"#, "unchanged"),
        (200, r#"{"access_token":"at","refresh_token":"ory_rt_sent"}"#, "unchanged"),
        (200, "", "no answer, over"),
        (200, "<html>", "no answer, over"),
        (200, r#"{"refresh_token":"new"}"#, "rotated"),
        (200, r#"{"access_token":"","refresh_token":"new"}"#, "rotated"),
        (200, r#"{"access_token":{"a":1},"refresh_token":"new"}"#, "rotated"),
        (200, "\u{feff}{\"refresh_token\":\"new\"}", "rotated"),
        (200, r#"{"refresh_token":"new","expires_in":1e999}"#, "rotated"),
        (200, r#"{"refresh_token":"new","scope":"\ud800"}"#, "rotated"),
        (200, r#"{"refresh_token":"old","refresh_token":"new","expires_in":1,"expires_in":2}"#, "rotated"),
        (200, r#"{"refresh_token":"new","id_to"#, "rotated"),
        (200, r#"{"refresh_token":"new"}<!-- a proxy's line -->"#, "rotated"),
        (200, r#"{"access_token":"at","scope""#, "no answer, over"),
        (200, r#"{"access_token":"at","refresh_token":"ne"#, "no answer, over"),
        (200, "{}", "no answer, over"),
        (200, r#"{"access_token":"at","refresh_token":7}"#, "no answer, over"),
        (200, r#"{"error":"invalid_grant"}"#, "no answer, over"),
        (400, r#"{"error":"invalid_grant","error_description":"x"}"#, "invalid grant"),
        (401, r#"{"error":"invalid_grant"}"#, "invalid grant"),
        (401, r#"{"error":"token_inactive"}"#, "invalid grant"),
        (400, r#"{"error":"token_inactive"}"#, "refused: configuration"),
        (403, r#"{"error":"invalid_grant"}"#, "invalid grant"),
        (400, r#"{"error":{"code":"invalid_grant","message":"x"}}"#, "invalid grant"),
        (400, "\u{feff}{\"error\":\"invalid_grant\"}", "invalid grant"),
        (400, r#"{"error":"invalid_request","error":"invalid_grant"}"#, "invalid grant"),
        (400, r#"{"error":"invalid_grant","error_descr"#, "refused: configuration"),
        (400, r#"{"error":{"code":["invalid_grant"]}}"#, "refused: configuration"),
        (404, r#"{"error":"invalid_grant"}"#, "refused: configuration"),
        (500, r#"{"error":"invalid_grant"}"#, "no answer, over"),
        (429, r#"{"error":"invalid_grant"}"#, "refused"),
        (400, r#"{"error":"invalid_request"}"#, "refused: configuration"),
        (401, r#"{"error":"invalid_client"}"#, "refused: configuration"),
        (400, "invalid_grant", "refused: configuration"),
        (400, r#"{"error":"INVALID_GRANT"}"#, "refused: configuration"),
        (400, r#"{"error":["invalid_grant"]}"#, "refused: configuration"),
        (404, "", "refused: configuration"),
        (408, "", "refused"),
        (429, "", "refused"),
        (503, "", "refused"),
        (302, "", "refused: configuration"),
        (303, "", "no answer, over"),
        (308, "", "refused: configuration"),
        (500, "", "no answer, over"),
        (501, "", "no answer, over"),
        (502, "", "no answer, travelling"),
        (504, "", "no answer, travelling"),
        (520, "", "no answer, travelling"),
        (999, "", "no answer, travelling"),
    ];
    for (status, body, expected) in table {
        assert_eq!(row(status, body), expected, "{status} {body}");
    }
}

#[test]
fn a_grant_brings_all_its_tokens() {
    let body = r#"{"access_token":"at","refresh_token":"new","id_token":"idt","expires_in":299}"#;
    let Answer::Rotated(tokens) = answer(200, body) else { panic!("not rotated") };
    assert_eq!(tokens.access_token.unwrap().expose_secret(), "at");
    assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "new");
    assert_eq!(tokens.id_token.unwrap().expose_secret(), "idt");
    assert_eq!(tokens.expires_in, Duration::from_secs(299));
}

#[test]
fn a_strange_id_token_costs_no_successor() {
    let body = r#"{"access_token":"at","refresh_token":"new","id_token":{"a":1}}"#;
    let Answer::Rotated(tokens) = answer(200, body) else { panic!("not rotated") };
    assert!(tokens.id_token.is_none());
}

#[test]
fn expires_in_is_read_leniently_and_kept_within_reason() {
    for (value, seconds) in [
        ("299", 299),
        ("\"299\"", 299),
        ("299.0", 299),
        ("299000", 3600),
        ("-5", 0),
        ("1e300", 3600),
        ("1e999", 120),
        ("\"NaN\"", 120),
        ("\"soon\"", 120),
        ("null", 120),
        ("[299]", 120),
        ("{\"a\":1}", 120),
        ("299,\"expires_in\":300", 300),
    ] {
        let Answer::Rotated(tokens) =
            answer(200, &format!(r#"{{"refresh_token":"new","expires_in":{value}}}"#))
        else {
            panic!("{value}")
        };
        assert_eq!(tokens.expires_in, Duration::from_secs(seconds), "{value}");
    }
}

#[test]
fn a_refusal_passes_on_the_requested_wait() {
    let answer = read(429, Some(Duration::from_secs(7)), b"", &SENT.into());
    assert!(matches!(answer, Answer::Refused { retry_after: Some(wait), .. } if wait.as_secs() == 7));
}

#[test]
fn messages_name_status_and_known_codes_only() {
    let Answer::Refused { cause, .. } = answer(401, r#"{"error":"invalid_client"}"#) else { panic!() };
    assert_eq!(cause.to_string(), "HTTP 401 invalid_client");
    let echo = format!(r#"{{"error":"{SENT}","error_description":"{SENT}"}}"#);
    let Answer::Refused { cause, .. } = answer(400, &echo) else { panic!() };
    assert_eq!(cause.to_string(), "HTTP 400");
}

#[test]
fn debug_shows_no_token() {
    let body = r#"{"access_token":"hush1","refresh_token":"hush2","id_token":"hush3"}"#;
    let shown = format!("{:?}", answer(200, body));
    assert!(shown.contains("Rotated") && !shown.contains("hush"), "{shown}");
}

fn member() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(json!(SENT))),
        Just(Some(json!(""))),
        Just(Some(json!(null))),
        Just(Some(json!({"a": [1]}))),
        any::<f64>().prop_map(|n| Some(json!(n))),
        "\\PC{1,8}".prop_map(|s| Some(json!(s))),
    ]
}

fn grants_are_whole(answer: &Answer) -> Result<(), TestCaseError> {
    match answer {
        Answer::Rotated(tokens) => {
            let successor = tokens.refresh_token.as_ref().map(ExposeSecret::expose_secret);
            prop_assert!(successor.is_some_and(|token| !token.is_empty() && token != SENT));
        }
        Answer::Unchanged(tokens) => {
            prop_assert!(tokens.access_token.is_some() && tokens.refresh_token.is_none());
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(status in 100u16..1000, body: Vec<u8>) {
        grants_are_whole(&read(status, None, &body, &SENT.into()))?;
    }

    #[test]
    fn arbitrary_members_never_make_half_a_grant(
        status in prop_oneof![Just(200u16), 100u16..600],
        access in member(), refresh in member(), id in member(), life in member(), error in member(),
    ) {
        let named = [("access_token", access), ("refresh_token", refresh), ("id_token", id),
            ("expires_in", life), ("error", error)];
        let body: serde_json::Map<_, _> =
            named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let read = answer(status, &Value::Object(body).to_string());
        grants_are_whole(&read)?;
        if ![400, 401, 403].contains(&status) {
            prop_assert!(!matches!(read, Answer::InvalidGrant));
        }
    }
}
