//! Decides what an answer of the token endpoint means for the token that was presented.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::cause::Cause;
use crate::received::{Document, Members};

/// The lifetime of an access token if the answer has none. It is below Klarna's 299 s: too short
/// costs one more rotation, too long would submit an order with an expired token.
const DEFAULT_LIFE: Duration = Duration::from_mins(2);

/// The longest lifetime that is accepted. More than that is probably milliseconds instead of
/// seconds.
const LONGEST_LIFE: Duration = Duration::from_hours(1);

/// The error codes that may be logged. Anything else in their place could be an echo of what was
/// sent.
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

/// The result of presenting a refresh token. Every cause is safe to log: it has a status and a
/// known error code, and nothing else from the body, the URL or the request.
#[derive(Debug)]
pub enum Answer {
    /// The token is spent. [`Tokens::refresh_token`] is its successor. There may be no access
    /// token.
    Rotated(Tokens),
    /// Granted without a new refresh token (RFC 6749 section 6). The presented token stays valid,
    /// [`Tokens::refresh_token`] is `None`, and there is an access token.
    Unchanged(Tokens),
    /// The token no longer works: 400, 401 or 403 `invalid_grant`, or 401 `token_inactive`.
    InvalidGrant,
    /// Not processed. The token is unchanged.
    Refused {
        /// Whether the merchant's settings are the likely cause, so that waiting does not help.
        configuration: bool,
        /// The pause that the endpoint asks for.
        retry_after: Option<Duration>,
        /// What the request failed with.
        cause: Cause,
    },
    /// The request was never sent. The token is unchanged.
    NotSent {
        /// What the request failed with.
        cause: Cause,
    },
    /// Nobody knows whether the token was spent.
    NoAnswer {
        /// Whether the request is certainly over. If not, it may still be on its way, and the next
        /// one must wait.
        over: bool,
        /// What the request failed with.
        cause: Cause,
    },
}

/// The tokens that a grant returns. [`std::fmt::Debug`] shows none of them.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token, if there is one; never empty.
    pub access_token: Option<SecretString>,
    /// The successor, if there is one; never empty.
    pub refresh_token: Option<SecretString>,
    /// The id_token, not verified.
    pub id_token: Option<SecretString>,
    /// How long the access token is valid, from the time it was received: two minutes if the answer
    /// does not say, and at most one hour.
    pub expires_in: Duration,
}

/// Reads a whole answer: its HTTP status, the pause that it asks for, and its body. `sent` is the
/// refresh token that was presented.
///
/// Redirects are never followed. All except 303 say that the request was not carried out here (RFC
/// 9110 section 15.4), which means a wrong `token_url`: refused. 303 says that it was carried out,
/// and that the result is elsewhere: no answer.
#[must_use]
pub fn read(status: u16, retry_after: Option<Duration>, body: &[u8], sent: &SecretString) -> Answer {
    let document = Document::new(body);
    let members = document.members();
    let code = error_code(&members);
    let what = || match code {
        Some(code) => format!("HTTP {status} {code}"),
        None => format!("HTTP {status}"),
    };
    let refused = |configuration| Answer::Refused { configuration, retry_after, cause: Cause::new(what()) };
    let no_answer = |over| Answer::NoAnswer { over, cause: Cause::new(what()) };

    match (status, code) {
        (200..=299, _) => granted(&members, sent).unwrap_or_else(|| Answer::NoAnswer {
            over: true,
            cause: Cause::new(format!("{}, unreadable", what())),
        }),
        (400 | 401 | 403, Some("invalid_grant")) | (401, Some("token_inactive")) => Answer::InvalidGrant,
        // 408: the endpoint did not wait for the whole request.
        (408 | 429 | 503, _) => refused(false),
        (100..=199 | 303 | 500 | 501, _) => no_answer(true),
        (300..=499, _) => refused(true),
        _ => no_answer(false),
    }
}

/// Returns the tokens of a grant (RFC 6749 section 5.1). A successor is taken from whatever can be
/// read. That the presented token stays valid is concluded only from a whole grant.
fn granted(members: &Members<'_>, sent: &SecretString) -> Option<Answer> {
    let secret = |name| members.text(name).map(SecretString::from);
    let tokens = Tokens {
        access_token: secret("access_token"),
        refresh_token: secret("refresh_token").filter(|token| token.expose_secret() != sent.expose_secret()),
        id_token: secret("id_token"),
        expires_in: life(members.number("expires_in")),
    };
    if tokens.refresh_token.is_some() {
        Some(Answer::Rotated(tokens))
    } else {
        (members.complete && tokens.access_token.is_some() && !members.is_odd("refresh_token"))
            .then_some(Answer::Unchanged(tokens))
    }
}

fn life(expires_in: Option<f64>) -> Duration {
    expires_in.map_or(DEFAULT_LIFE, |seconds| {
        Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE.as_secs_f64()))
    })
}

/// Returns the error code of a refusal (RFC 6749 section 5.2), also if it is wrapped in an object.
fn error_code(members: &Members<'_>) -> Option<&'static str> {
    let code = members.text("error").or_else(|| members.object("error").text("code"))?;
    KNOWN_CODES.into_iter().find(|known| members.complete && *known == code)
}

#[cfg(test)]
mod tests;
