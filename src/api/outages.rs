//! `/v1/ops/outages`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::answers::Common;
use super::auth::Caller;
use super::extract::{InQuery, check_filter, page_size};
use super::problem::Problem;
use crate::ids::MerchantName;
use crate::store;

/// Query of `GET /v1/ops/outages`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OutageQuery {
    /// Only those of this merchant.
    #[param(example = "shop", format = "name")]
    merchant: Option<String>,
    /// The most outages in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// A time for which calls of a merchant to an endpoint of Klarna failed: from the first circuit
/// breaker of any process that opened to the first call that succeeded, or until the last process
/// that saw it stopped. One that begins again within five minutes is the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Outage {
    /// The merchant.
    #[schema(example = "shop")]
    pub merchant: String,
    /// The endpoint.
    #[schema(example = "checkout")]
    pub endpoint: String,
    /// What opened the first circuit breaker.
    #[schema(example = "HTTP 503, 5 failures in a row")]
    pub cause: String,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it ended; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<DateTime<Utc>>,
}

impl From<store::Outage> for Outage {
    fn from(outage: store::Outage) -> Self {
        let store::Outage { merchant, endpoint, cause, since, until } = outage;
        Self { merchant: merchant.into(), endpoint, cause, since, until }
    }
}

/// The last outages.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutageList {
    /// The latest first.
    pub outages: Vec<Outage>,
}

/// List the last outages: when circuit breakers were open.
///
/// Needs a key with the scope `ops:read`. One that is limited to some merchants gets the outages of
/// these merchants. They are kept for `retention.ledger` (90 days). Orders that failed meanwhile:
/// `GET /v1/orders?status=failed&ended_since=…&ended_until=…`, with some minutes more, because an
/// order whose deadline has passed fails when it is tried next.
#[utoipa::path(
    get,
    operation_id = "list_outages",
    path = "/v1/ops/outages",
    tag = "ops",
    params(OutageQuery),
    responses((status = 200, description = "The last outages", body = OutageList), Common)
)]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InQuery(query): InQuery<OutageQuery>,
) -> Result<Json<OutageList>, Problem> {
    check_filter("merchant", query.merchant.as_deref())?;
    let limit = page_size(query.limit)?;
    let merchants: Option<Vec<MerchantName>> = match query.merchant {
        Some(merchant) => {
            caller.act_for(&merchant)?;
            Some(vec![merchant.into()])
        }
        None => caller.merchants().map(|own| own.map(MerchantName::from).collect()),
    };
    let outages = app.outages.outages(merchants.as_deref(), limit).await?;
    Ok(Json(OutageList { outages: outages.into_iter().map(Into::into).collect() }))
}
