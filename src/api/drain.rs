//! `POST /v1/ops/drain`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::Common;
use super::auth::Caller;
use super::problem::{Kind, Problem};
use super::{AppState, Readiness};

/// A process that takes nothing new in.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Draining {
    /// Always `draining`.
    #[schema(example = "draining")]
    pub status: &'static str,
    /// For how many orders requests wait at this process (`?wait=`).
    #[schema(example = 3, minimum = 0)]
    pub waiting: usize,
}

/// Drain this process: it takes nothing new in, finishes what runs, and ends.
///
/// Needs a key with the scope `ops` that is not limited to some merchants. From now on, new orders
/// and requests for access tokens get 503 with `Retry-After`, and so does `/readyz`. Requests that
/// wait for an order (`?wait=`) go on until they are answered, for up to a minute. Then the process
/// stops as on SIGTERM, with exit code 0. Repeating the request changes nothing.
#[utoipa::path(
    post,
    operation_id = "drain",
    path = "/v1/ops/drain",
    tag = "ops",
    responses((status = 202, description = "The process drains", body = Draining), Common)
)]
pub(super) async fn drain(
    State(app): State<Arc<AppState>>,
    caller: Caller,
) -> Result<(StatusCode, Json<Draining>), Problem> {
    if caller.merchants().is_some() {
        let detail = "the API key is limited to some merchants, and a process serves all of them";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    app.probes.ready.drain();
    Ok((StatusCode::ACCEPTED, Json(Draining { status: "draining", waiting: app.waiters.count() })))
}

/// Fails if the process takes nothing new in.
pub(super) fn check(ready: &Readiness) -> Result<(), Problem> {
    if ready.is_draining() {
        let detail = "this process takes nothing new in, and ends soon: send the request again";
        return Err(Problem::new(Kind::Draining, detail));
    }
    Ok(())
}
