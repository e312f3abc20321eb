//! What an answer of the token endpoint means for the token that was presented.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::transport::retry_after;

/// An access token's life where the answer does not say: below Klarna's 299 s. Too short costs one more rotation,
/// too long an order submitted with a dead token.
const DEFAULT_LIFE: Duration = Duration::from_mins(2);

/// The longest life that is believed; beyond lie milliseconds taken for seconds.
const LONGEST_LIFE: Duration = Duration::from_hours(1);

/// The error codes that may be named in a log: anything else in their place could be what was sent, echoed.
const KNOWN_CODES: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "token_inactive",
    "server_error",
    "temporarily_unavailable",
];

/// What became of a presented refresh token. Every `what` is fit for logs: a status and a known error code, never
/// anything from the body, the URL or the request.
#[derive(Debug)]
pub enum Answer {
    /// The token is spent and this is its successor: [`Tokens::refresh_token`] is there, and is another.
    Rotated(Tokens),
    /// Granted without a new refresh token (RFC 6749 section 6): the one presented stays good, and
    /// [`Tokens::refresh_token`] is `None`.
    Unchanged(Tokens),
    /// The grant is dead: 400 or 401 `invalid_grant`, or 401 `token_inactive`.
    InvalidGrant,
    /// Not processed; the token is as it was.
    Refused {
        /// The merchant's settings are the likelier cause, so that waiting mends nothing.
        configuration: bool,
        /// How long the endpoint asks to be left alone.
        retry_after: Option<Duration>,
        /// For logs.
        what: String,
    },
    /// The request never left; the token is as it was.
    NotSent {
        /// For logs.
        what: String,
    },
    /// Nobody knows whether the token was spent.
    NoAnswer {
        /// The request has come to its end; otherwise it may still be travelling, and must not be overtaken.
        over: bool,
        /// For logs.
        what: String,
    },
}

/// What a grant brings. [`std::fmt::Debug`] shows no token.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Never empty.
    pub access_token: SecretString,
    /// The successor, where there is one; never empty.
    pub refresh_token: Option<SecretString>,
    /// Not verified.
    pub id_token: Option<SecretString>,
    /// How long the access token stays good, from its receipt; two minutes where the answer does not say, one hour
    /// at most.
    pub expires_in: Duration,
}

/// The answer's fields (RFC 6749 section 5.1). Only those that a grant stands or falls with are strict.
#[derive(Deserialize)]
struct Grant {
    access_token: String,
    refresh_token: Option<String>,
    #[serde(default)]
    id_token: Value,
    #[serde(default)]
    expires_in: Value,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Reads a whole answer; `sent` is the refresh token that was presented.
///
/// Redirects are never followed. All but 303 say that the request was not carried out here (RFC 9110 section 15.4),
/// which is a wrong `token_url`: refused. 303 says that it was, and that its result lies elsewhere.
pub(crate) fn classify(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    sent: &SecretString,
) -> Answer {
    let code = error_code(body);
    let what = || match code {
        Some(code) => format!("HTTP {} {code}", status.as_u16()),
        None => format!("HTTP {}", status.as_u16()),
    };
    let refused = |configuration| Answer::Refused {
        configuration,
        retry_after: retry_after(headers),
        what: what(),
    };

    match (status.as_u16(), code) {
        (200..=299, _) => granted(body, sent).unwrap_or_else(|| Answer::NoAnswer {
            over: true,
            what: format!("{}, unreadable", what()),
        }),
        (400 | 401, Some("invalid_grant")) | (401, Some("token_inactive")) => Answer::InvalidGrant,
        // 408: the endpoint did not wait for the whole request.
        (408 | 429 | 503, _) => refused(false),
        (100..=199 | 303 | 500 | 501, _) => Answer::NoAnswer {
            over: true,
            what: what(),
        },
        (300..=499, _) => refused(true),
        _ => Answer::NoAnswer {
            over: false,
            what: what(),
        },
    }
}

fn granted(body: &[u8], sent: &SecretString) -> Option<Answer> {
    let grant: Grant = serde_json::from_slice(body).ok()?;
    let access_token = secret(grant.access_token)?;
    let refresh_token = grant
        .refresh_token
        .and_then(secret)
        .filter(|token| token.expose_secret() != sent.expose_secret());
    let id_token = match grant.id_token {
        Value::String(text) => secret(text),
        _ => None,
    };
    let rotated = refresh_token.is_some();
    let tokens = Tokens {
        access_token,
        refresh_token,
        id_token,
        expires_in: life(&grant.expires_in),
    };
    Some(if rotated {
        Answer::Rotated(tokens)
    } else {
        Answer::Unchanged(tokens)
    })
}

fn secret(text: String) -> Option<SecretString> {
    (!text.is_empty()).then(|| text.into())
}

fn life(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds
        .filter(|seconds| seconds.is_finite())
        .map_or(DEFAULT_LIFE, |seconds| {
            Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE.as_secs_f64()))
        })
}

fn error_code(body: &[u8]) -> Option<&'static str> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    KNOWN_CODES.into_iter().find(|code| *code == refusal.error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    const SENT: &str = "ory_rt_sent";

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        classify(status, &HeaderMap::new(), body.as_bytes(), &SENT.into())
    }

    /// The table's row, in a word.
    fn row(status: u16, body: &str) -> &'static str {
        match answer(status, body) {
            Answer::Rotated(_) => "rotated",
            Answer::Unchanged(_) => "unchanged",
            Answer::InvalidGrant => "invalid grant",
            Answer::Refused {
                configuration: true,
                ..
            } => "refused: configuration",
            Answer::Refused {
                configuration: false,
                ..
            } => "refused",
            Answer::NotSent { .. } => "not sent",
            Answer::NoAnswer { over: true, .. } => "no answer, over",
            Answer::NoAnswer { over: false, .. } => "no answer, travelling",
        }
    }

    #[test]
    fn follows_the_table_of_answers() {
        let grant =
            r#"{"access_token":"at","refresh_token":"new","expires_in":299,"token_type":"Bearer"}"#;
        let table = [
            (200, grant, "rotated"),
            (201, grant, "rotated"),
            (200, r#"{"access_token":"at"}"#, "unchanged"),
            (
                200,
                r#"{"access_token":"at","refresh_token":null}"#,
                "unchanged",
            ),
            (
                200,
                r#"{"access_token":"at","refresh_token":""}"#,
                "unchanged",
            ),
            (
                200,
                r#"{"access_token":"at","refresh_token":"ory_rt_sent"}"#,
                "unchanged",
            ),
            (200, "", "no answer, over"),
            (200, "<html>", "no answer, over"),
            (200, r#"{"refresh_token":"new"}"#, "no answer, over"),
            (
                200,
                r#"{"access_token":"","refresh_token":"new"}"#,
                "no answer, over",
            ),
            (
                200,
                r#"{"access_token":"at","refresh_token":7}"#,
                "no answer, over",
            ),
            (200, r#"{"error":"invalid_grant"}"#, "no answer, over"),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"x"}"#,
                "invalid grant",
            ),
            (401, r#"{"error":"invalid_grant"}"#, "invalid grant"),
            (401, r#"{"error":"token_inactive"}"#, "invalid grant"),
            (
                400,
                r#"{"error":"token_inactive"}"#,
                "refused: configuration",
            ),
            (
                403,
                r#"{"error":"invalid_grant"}"#,
                "refused: configuration",
            ),
            (500, r#"{"error":"invalid_grant"}"#, "no answer, over"),
            (429, r#"{"error":"invalid_grant"}"#, "refused"),
            (
                400,
                r#"{"error":"invalid_request"}"#,
                "refused: configuration",
            ),
            (
                401,
                r#"{"error":"invalid_client"}"#,
                "refused: configuration",
            ),
            (400, "invalid_grant", "refused: configuration"),
            (
                400,
                r#"{"error":"INVALID_GRANT"}"#,
                "refused: configuration",
            ),
            (
                400,
                r#"{"error":["invalid_grant"]}"#,
                "refused: configuration",
            ),
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
        let body =
            r#"{"access_token":"at","refresh_token":"new","id_token":"idt","expires_in":299}"#;
        let Answer::Rotated(tokens) = answer(200, body) else {
            panic!("not rotated")
        };
        assert_eq!(tokens.access_token.expose_secret(), "at");
        assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "new");
        assert_eq!(tokens.id_token.unwrap().expose_secret(), "idt");
        assert_eq!(tokens.expires_in, Duration::from_secs(299));
    }

    #[test]
    fn a_strange_id_token_costs_no_successor() {
        let body = r#"{"access_token":"at","refresh_token":"new","id_token":{"a":1}}"#;
        let Answer::Rotated(tokens) = answer(200, body) else {
            panic!("not rotated")
        };
        assert!(tokens.id_token.is_none());
    }

    #[test]
    fn expires_in_is_read_leniently_and_kept_within_reason() {
        for (value, seconds) in [
            (json!(299), 299),
            (json!("299"), 299),
            (json!(299.0), 299),
            (json!(299_000), 3600),
            (json!(-5), 0),
            (json!(1e300), 3600),
            (json!("NaN"), 120),
            (json!("soon"), 120),
            (json!(null), 120),
        ] {
            assert_eq!(life(&value), Duration::from_secs(seconds), "{value}");
        }
    }

    #[test]
    fn a_refusal_passes_on_the_requested_wait() {
        let headers = HeaderMap::from_iter([(
            "retry-after".parse().unwrap(),
            HeaderValue::from_static("7"),
        )]);
        let answer = classify(StatusCode::TOO_MANY_REQUESTS, &headers, b"", &SENT.into());
        assert!(
            matches!(answer, Answer::Refused { retry_after: Some(wait), .. } if wait.as_secs() == 7)
        );
    }

    #[test]
    fn messages_name_status_and_known_codes_only() {
        let Answer::Refused { what, .. } = answer(401, r#"{"error":"invalid_client"}"#) else {
            panic!()
        };
        assert_eq!(what, "HTTP 401 invalid_client");
        let echo = format!(r#"{{"error":"{SENT}","error_description":"{SENT}"}}"#);
        let Answer::Refused { what, .. } = answer(400, &echo) else {
            panic!()
        };
        assert_eq!(what, "HTTP 400");
    }

    #[test]
    fn debug_shows_no_token() {
        let body = r#"{"access_token":"hush1","refresh_token":"hush2","id_token":"hush3"}"#;
        let shown = format!("{:?}", answer(200, body));
        assert!(
            shown.contains("Rotated") && !shown.contains("hush"),
            "{shown}"
        );
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

    fn rotated_means_both_tokens(answer: &Answer) -> Result<(), TestCaseError> {
        if let Answer::Rotated(tokens) = answer {
            prop_assert!(!tokens.access_token.expose_secret().is_empty());
            let successor = tokens
                .refresh_token
                .as_ref()
                .map(ExposeSecret::expose_secret);
            prop_assert!(successor.is_some_and(|token| !token.is_empty() && token != SENT));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(status in 100u16..1000, body: Vec<u8>) {
            let status = StatusCode::from_u16(status).unwrap();
            rotated_means_both_tokens(&classify(status, &HeaderMap::new(), &body, &SENT.into()))?;
        }

        #[test]
        fn arbitrary_members_never_make_half_a_rotation(
            status in prop_oneof![Just(200u16), 100u16..600],
            access in member(), refresh in member(), id in member(), life in member(), error in member(),
        ) {
            let named = [("access_token", access), ("refresh_token", refresh), ("id_token", id),
                ("expires_in", life), ("error", error)];
            let body: serde_json::Map<_, _> =
                named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
            let read = answer(status, &Value::Object(body).to_string());
            rotated_means_both_tokens(&read)?;
            if status != 400 && status != 401 {
                prop_assert!(!matches!(read, Answer::InvalidGrant));
            }
        }
    }
}
