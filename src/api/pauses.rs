//! `/v1/ops/pauses`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::answers::{Absent, AbsentMerchant, Common, Sent};
use super::audit_trail::Concerns;
use super::auth::Caller;
use super::extract::{self, InQuery, check_filter, invalid};
use super::problem::{Kind, Problem};
use crate::ids::MerchantName;
use crate::pauses::{self, PauseKind, check_reason};
use crate::store::NewPause;

/// A pause to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// The merchant's name in the settings. Without it, all merchants, which needs a key without
    /// `merchants`.
    #[schema(required = false, example = "shop", format = "name")]
    pub merchant: Option<String>,
    /// What to pause. `orders`: no order is started, and no submitted one is changed or
    /// acknowledged at Klarna; orders are accepted and wait, and their deadlines go on.
    /// `exchanges`: no refresh token is presented; orders wait within `vault.token_patience`, then
    /// go without a token. `keeper`: no token of the merchant is refreshed. `webhooks`: no webhook
    /// is sent, and no attempt is counted.
    pub kind: PauseKind,
    /// How long, such as `10m` or `2h 30m`; at most 366 days. Without it, until it is resumed.
    #[serde(rename = "for")]
    #[schema(required = false, example = "10m", max_length = 64)]
    pub lasts: Option<String>,
    /// Why, for everybody who finds it paused: 1 to 500 characters.
    #[schema(
        example = "Klarna is being maintained",
        min_length = 1,
        max_length = 500,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,500}$"
    )]
    pub reason: String,
}

/// A pause.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Pause {
    /// The merchant; absent if the pause is of all merchants.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "shop")]
    pub merchant: Option<String>,
    /// What is paused.
    pub kind: PauseKind,
    /// Why.
    #[schema(example = "Klarna is being maintained")]
    pub reason: String,
    /// Who ordered it: `key:` and the name of an API key, `command:` and a user of the machine, or
    /// `local` (an API without keys).
    #[schema(example = "key:operator")]
    pub paused_by: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it ends by itself; absent if it lasts until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<DateTime<Utc>>,
}

impl From<pauses::Pause> for Pause {
    fn from(pause: pauses::Pause) -> Self {
        let pauses::Pause { merchant, kind, reason, paused_by, since, until, read_at: _ } = pause;
        Self { merchant: merchant.map(Into::into), kind, reason, paused_by, since, until }
    }
}

/// The pauses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PauseList {
    /// Those of all merchants first, then by merchant.
    pub pauses: Vec<Pause>,
}

/// Query of `DELETE /v1/ops/pauses`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Resumed {
    /// The merchant of the pause. Without it, the pause of all merchants.
    #[param(example = "shop", format = "name")]
    merchant: Option<String>,
    /// What to resume.
    #[param(inline)]
    kind: PauseKind,
}

/// List what is paused.
///
/// Needs a key with the scope `ops:read`. A key that is limited to some merchants sees the pauses
/// of these merchants, and those of all merchants.
#[utoipa::path(
    get,
    operation_id = "list_pauses",
    path = "/v1/ops/pauses",
    tag = "ops",
    responses((status = 200, description = "What is paused", body = PauseList), Common)
)]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    caller: Caller,
) -> Result<Json<PauseList>, Problem> {
    let mut pauses = app.pausing.pauses().await?;
    pauses.retain(|pause| pause.merchant.as_ref().is_none_or(|merchant| caller.sees(merchant.as_str())));
    Ok(Json(PauseList { pauses: pauses.into_iter().map(Into::into).collect() }))
}

/// Pause a kind of work of a merchant, or of all merchants.
///
/// Every process follows within a second, and keeps to it after a restart. Work that has
/// started is completed. Pausing again replaces the reason and the end.
#[utoipa::path(
    post,
    operation_id = "pause",
    path = "/v1/ops/pauses",
    tag = "ops",
    request_body = PauseRequest,
    responses((status = 200, description = "The pause", body = Pause), Sent, AbsentMerchant, Common)
)]
pub(super) async fn pause(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<Pause>), Problem> {
    let PauseRequest { merchant, kind, lasts, reason } = extract::json(&headers, body, 8 * 1024).await?;
    let merchant = of(&caller, merchant)?;
    if let Some(merchant) = &merchant {
        app.merchant(merchant)?;
    }
    let lasts = lasts.as_deref().map(pauses::duration).transpose();
    let lasts = lasts.map_err(|wrong| invalid(format!("for: {wrong}")))?;
    check_reason(&reason).map_err(|wrong| invalid(format!("reason: {wrong}")))?;
    let paused_by = caller.actor().to_string();
    let new = NewPause { merchant, kind, reason, paused_by, lasts };
    let paused = app.pausing.pause(&new).await?;
    tracing::info!(
        merchant = paused.merchant.as_ref().map(MerchantName::as_str),
        kind = kind.as_str(),
        reason = paused.reason,
        "An operator paused work"
    );
    let concerns = Concerns::many(new.merchant, pauses::describe(kind, paused.until, &paused.reason));
    Ok((Extension(concerns), Json(paused.into())))
}

/// Resume a kind of work of a merchant, or of all merchants.
///
/// A pause of all merchants and one of a merchant are two pauses: resume both, if there are both.
#[utoipa::path(
    delete,
    operation_id = "resume",
    path = "/v1/ops/pauses",
    tag = "ops",
    params(Resumed),
    responses((status = 204, description = "It is resumed"), Absent, Common)
)]
pub(super) async fn resume(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InQuery(Resumed { merchant, kind }): InQuery<Resumed>,
) -> Result<(StatusCode, Extension<Concerns>), Problem> {
    let merchant = of(&caller, merchant)?;
    if !app.pausing.resume(merchant.as_ref(), kind).await? {
        let whose = merchant.as_ref().map_or("all merchants", MerchantName::as_str);
        let detail = format!("the {} of {whose} are not paused", kind.named());
        return Err(Problem::new(Kind::NotFound, detail));
    }
    tracing::info!(
        merchant = merchant.as_ref().map(MerchantName::as_str),
        kind = kind.as_str(),
        "An operator resumed work"
    );
    Ok((StatusCode::NO_CONTENT, Extension(Concerns::many(merchant, kind.as_str().to_owned()))))
}

/// Returns the merchant whose work a caller pauses or resumes, after a check that the caller may do
/// so.
fn of(caller: &Caller, merchant: Option<String>) -> Result<Option<MerchantName>, Problem> {
    let Some(merchant) = merchant else {
        if caller.merchants().is_some() {
            let detail = "the API key is limited to some merchants: name one of them as `merchant`";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        return Ok(None);
    };
    check_filter("merchant", Some(&merchant))?;
    caller.act_for(&merchant)?;
    Ok(Some(merchant.into()))
}
