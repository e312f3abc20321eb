//! Control by tests and operators.

use chrono::{DateTime, TimeDelta, Utc};
use klarna_sandbox::{Outcome, SandboxOptions};
use serde_json::{Value, json};

use crate::shop::{Shop, text};

#[tokio::test]
async fn users_sign_in_fail_by_name_and_withdraw() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let many = json!({"count": 3, "prefix": "v-", "age": "45d"});
    let (status, lines) = shop.post("/sandbox/users?merchant=shop", many).await;
    assert_eq!(status, 200);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tokens: Vec<&str> = lines.iter().map(|line| text(line, "refresh_token")).collect();
    assert_eq!(tokens.len(), 3);
    assert_eq!((text(&lines[2], "merchant"), text(&lines[2], "user")), ("shop", "v-3"));
    let issued_at: DateTime<Utc> = text(&lines[2], "issued_at").parse().unwrap();
    assert_eq!(shop.clock.now() - issued_at, TimeDelta::days(45));

    let failure = json!([{"endpoint": "token", "user": "v-2", "failure": "503"}]);
    assert_eq!(shop.post("/sandbox/fail", failure).await.0, 204);
    shop.granted(tokens[0]).await;
    let unavailable = shop.send_exchange(tokens[1]).await.unwrap();
    assert_eq!(
        (unavailable.status().as_u16(), &unavailable.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );

    let revoke = json!({"user": "v-3"});
    assert_eq!(shop.post("/sandbox/revoke", revoke).await, (200, r#"{"revoked":1}"#.to_owned()));
    shop.refused(tokens[2]).await;
    assert_eq!(shop.outcomes("v-3"), [Some(Outcome::Revoked)]);

    let issued = shop.get("/sandbox/issued").await;
    let count = |name: &str| issued[name].as_array().unwrap().len();
    assert_eq!((count("refresh_tokens"), count("access_tokens"), count("id_tokens")), (4, 1, 1));
    assert_eq!((count("emails"), count("national_identification_numbers")), (3, 3));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_write_instead() {
    let shop = Shop::open(SandboxOptions::default()).await;
    for (path, body, words) in [
        ("/sandbox/users", json!({"count": 3, "user": "x"}), "name one"),
        ("/sandbox/users", json!({"user": "x", "age": "old"}), "45d"),
        ("/sandbox/fail", json!({"endpoint": "token", "failure": "explode"}), "bad-id-token"),
        ("/sandbox/options", json!({"token": {"failure_rate": 7}}), "between 0 and 1"),
    ] {
        let (status, answer) = shop.post(path, body).await;
        assert_eq!(status, 400);
        assert!(answer.contains(words), "{answer}");
    }
    assert_eq!(shop.get("/sandbox/options").await["token"]["failure_rate"], 0.0);
}
