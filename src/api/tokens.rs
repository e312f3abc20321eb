//! `/v1/merchants/{merchant}/users/{user}/token`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::answers::{Absent, AbsentMerchant, Common, SentToken};
use super::audit_trail::Concerns;
use super::auth::Caller;
use super::extract::{self, Expected, InPath, InQuery, UserPath, invalid};
use super::problem::{Kind, Problem};
use crate::audit::Action;
use crate::ids::UserKey;
use crate::order::Fault;
use crate::token::{DeadReason, Note, Registered, TokenState, TokenView};
use crate::vault::{HELD_ELSEWHERE, Registration};

/// The largest body, in bytes: far more than any refresh token.
const LARGEST: usize = 16 * 1024;

/// A refresh token to register. `Debug` shows no secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The refresh token from the sign-in.
    #[schema(
        value_type = String,
        min_length = 1,
        max_length = 4096,
        pattern = "^[\\x21-\\x7e]{1,4096}$",
        write_only,
        example = "the-refresh-token"
    )]
    pub refresh_token: SecretString,
    /// When Klarna issued the token. The default is now; then it replaces any other token.
    #[serde(default)]
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub issued_at: Option<DateTime<Utc>>,
}

/// The state of a user's refresh token, without the token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    /// The merchant's name.
    #[schema(example = "shop")]
    pub merchant: String,
    /// The shop's own id for the user.
    #[schema(example = "u-1")]
    pub user: String,
    /// `active`. `reauth_required`: the token no longer works, and the user must sign in again.
    /// `uncertain`: the answer to its last exchange was lost, and an operator has to decide.
    pub state: TokenState,
    /// The likely reason why it no longer works: `rejected` (Klarna refused it, usually because the
    /// user withdrew consent), `answer_lost` (an exchange without an answer probably spent it) or
    /// `expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<DeadReason>,
    /// Raised by one at each rotation, registration and forgetting.
    #[schema(example = 1, minimum = 0)]
    pub generation: i64,
    /// When Klarna issued the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub issued_at: Option<DateTime<Utc>>,
    /// When the token expires, calculated from `issued_at` and the lifetime in the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When the keeper refreshes the token, unless an order does so before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_due_at: Option<DateTime<Utc>>,
    /// How many refreshes failed in a row.
    #[schema(example = 0, minimum = 0)]
    pub refresh_failures: i64,
    /// Why `refresh_due_at` differs from the settings: a failure (`not_sent`, `refused`,
    /// `no_answer`, `unavailable`), a token of unknown age, a provider that does not rotate
    /// (`unchanged`), or a user without recent orders (`idle`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_note: Option<Note>,
    /// The user's last sign-in, or last order that used the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When the user signed in, if that is known. A token that was issued before does not replace
    /// this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub signed_in_at: Option<DateTime<Utc>>,
    /// When any of this last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<TokenView> for Token {
    fn from(token: TokenView) -> Self {
        let TokenView { merchant, user, state, reason, generation, issued_at, expires_at, .. } = token;
        let TokenView {
            refresh_due_at,
            refresh_failures,
            refresh_note,
            last_seen_at,
            signed_in_at,
            updated_at,
            ..
        } = token;
        Self {
            merchant: merchant.into(),
            user: user.into(),
            state,
            reason,
            generation,
            issued_at,
            expires_at,
            refresh_due_at,
            refresh_failures,
            refresh_note,
            last_seen_at,
            signed_in_at,
            updated_at,
        }
    }
}

/// Register a user's refresh token.
///
/// Send this after each sign-in. Registering a known token changes nothing, so a repeated request
/// cannot bring a spent token back; neither does a token that was issued before the user's last
/// sign-in (`signed_in_at`). A token belongs to one user: if another user has it, or had it, the
/// request is refused with 409.
#[utoipa::path(
    put,
    operation_id = "register_token",
    path = "/v1/merchants/{merchant}/users/{user}/token",
    tag = "tokens",
    params(UserPath),
    request_body = TokenRequest,
    responses(
        (status = 204, description = "Stored", links(
            ("get_token" = (operation_id = "get_token",
                parameters(("merchant" = "$request.path.merchant"), ("user" = "$request.path.user")))),
            ("get_token_history" = (operation_id = "get_token_history",
                parameters(("merchant" = "$request.path.merchant"), ("user" = "$request.path.user")))),
            ("resolve_token" = (operation_id = "resolve_token",
                parameters(("merchant" = "$request.path.merchant"), ("user" = "$request.path.user")))),
            ("forget_token" = (operation_id = "forget_token",
                parameters(("merchant" = "$request.path.merchant"), ("user" = "$request.path.user")))),
        )),
        (status = 200, description = "The token was already known, or the user has signed in since it was \
            issued; nothing changed", body = Token),
        SentToken,
        AbsentMerchant,
        Common,
    )
)]
pub(super) async fn put(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let key = path.of(&caller)?;
    let merchant = app.merchant(&key.merchant)?;
    let body = extract::Text::read(&headers, body, &Expected::json(LARGEST)).await?;
    let TokenRequest { refresh_token, issued_at } = parse(body.text()?)?;
    let registration = Registration { user: key.user, refresh_token, issued_at, expires_at: None };
    match app.registry.register(&merchant, &registration).await? {
        Registered::Stored(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Registered::Known(token) | Registered::Newer(token) => Ok(Json(Token::from(token)).into_response()),
        Registered::HeldElsewhere(holder) => Err(held_elsewhere(&caller, &holder)),
    }
}

/// The refusal of a token that belongs to another user, whom only a caller of that user's merchant
/// learns.
fn held_elsewhere(caller: &Caller, holder: &UserKey) -> Problem {
    let UserKey { merchant, user } = holder;
    let whose = if caller.sees(merchant.as_str()) {
        format!("the user {user} of the merchant {merchant}")
    } else {
        "another user".to_owned()
    };
    Problem::new(Kind::TokenHeldElsewhere, format!("the refresh token belongs to {whose}: {HELD_ELSEWHERE}"))
}

/// Parses the body. The parser's own messages are not shown, because they quote the unexpected
/// text, which may be the token.
fn parse(text: &str) -> Result<TokenRequest, Problem> {
    let refused =
        |(pointer, message)| Problem::with_faults(Kind::InvalidToken, vec![Fault::new(pointer, message)]);
    // Without this check the parser would also accept an array of the members' values.
    if !text.trim_start().starts_with('{') {
        return Err(refused(("", EXPECTED)));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        match place.as_str() {
            _ if !error.inner().is_data() => ("", "is not JSON"),
            "refresh_token" => ("/refresh_token", "is not a string; expected the token from the sign-in"),
            "issued_at" => ("/issued_at", "is not a time; expected RFC 3339 such as 2026-01-31T12:00:00Z"),
            _ => ("", EXPECTED),
        }
    });
    let ended = parsed.and_then(|request| json.end().map(|()| request).map_err(|_| ("", EXPECTED)));
    ended.map_err(refused)
}

const EXPECTED: &str =
    r#"is not as expected, which is {"refresh_token":"…","issued_at":"…"}, the latter optional"#;

/// Get the state of a user's refresh token. Never shows the token.
#[utoipa::path(
    get,
    operation_id = "get_token",
    path = "/v1/merchants/{merchant}/users/{user}/token",
    tag = "tokens",
    params(UserPath),
    responses((status = 200, description = "The token's state", body = Token), Absent, Common)
)]
pub(super) async fn show(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
) -> Result<Json<Token>, Problem> {
    let key = path.of(&caller)?;
    let token = app.registry.view(&key).await?;
    let token = token.filter(|token| token.state != TokenState::Forgotten);
    let absent = || Problem::new(Kind::NotFound, "there is no refresh token for this user");
    Ok(Json(token.ok_or_else(absent)?.into()))
}

/// Query of `DELETE /v1/merchants/{merchant}/users/{user}/token`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgetQuery {
    /// Whether to revoke the token at Klarna, too, which signs the user out there. The default is
    /// the merchant's setting `revoke_on_forget`.
    revoke: Option<bool>,
}

/// Forget a user's refresh token.
///
/// Succeeds even if there is no token. The result of an exchange in flight is not stored. The token
/// is deleted at once; a worker revokes it soon after, and tries for a day, unless `revoke` or the
/// merchant's setting says otherwise.
#[utoipa::path(
    delete,
    operation_id = "forget_token",
    path = "/v1/merchants/{merchant}/users/{user}/token",
    tag = "tokens",
    params(UserPath, ForgetQuery),
    responses((status = 204, description = "The user has no token any more"), Common)
)]
pub(super) async fn forget(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
    InQuery(query): InQuery<ForgetQuery>,
) -> Result<Response, Problem> {
    let key = path.of(&caller)?;
    let action = (query.revoke == Some(true)).then_some(Action::UserRevoke);
    let forgotten = forget_as(&app, &key, query.revoke).await;
    Ok((Extension(Concerns { action, ..Concerns::default() }), forgotten).into_response())
}

async fn forget_as(app: &AppState, key: &UserKey, revoke: Option<bool>) -> Result<StatusCode, Problem> {
    match revoke {
        None => app.registry.forget(key).await?,
        Some(true) if !app.registry.can_revoke(&key.merchant) => {
            return Err(invalid(
                "revoke: the settings have no merchant with this name and a revocation endpoint",
            ));
        }
        Some(revoke) => app.registry.forget_as(key, revoke).await?,
    };
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_body_is_read() {
        let request = parse(r#"{"refresh_token":"t-1","issued_at":"2026-01-31T12:00:00+01:00"}"#).unwrap();
        assert_eq!(request.refresh_token.expose_secret(), "t-1");
        assert_eq!(request.issued_at.unwrap().to_rfc3339(), "2026-01-31T11:00:00+00:00");
        assert!(parse(r#"{"refresh_token":"t-1","issued_at":null}"#).unwrap().issued_at.is_none());
    }

    #[test]
    fn a_token_in_the_wrong_place_is_not_quoted() {
        let wrong = [
            (r#""sesame""#, ""),
            (r#"["sesame"]"#, ""),
            (r#"{"sesame":1}"#, ""),
            (r#"{"refresh_token":"sesame","token":"x"}"#, ""),
            (r#"{"refresh_token":"sesame","refresh_token":"sesame"}"#, ""),
            (r#"{"refresh_token":"sesame"} sesame"#, ""),
            (r#"{"refresh_token":"sesame"#, ""),
            (r#"{"refresh_token":{"sesame":"sesame"}}"#, "/refresh_token"),
            (r#"{"refresh_token":"x","issued_at":"sesame"}"#, "/issued_at"),
            (r#"{"issued_at":"2026-01-31T12:00:00Z"}"#, ""),
        ];
        for (text, pointer) in wrong {
            let problem = parse(text).unwrap_err().details();
            assert_eq!(problem.faults[0].pointer, pointer, "{text}");
            assert!(!format!("{problem:?}").contains("sesame"), "{problem:?}");
        }
    }
}
