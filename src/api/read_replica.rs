//! Lists that the read replica has failed, and how `/readyz?verbose` tells of the replica.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{ReplicaState, noting_failures, up_to_date};

/// Answers a request without a body from the primary, if the replica has failed it.
pub(super) async fn or_primary(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let again = Request::from_parts(parts.clone(), Body::empty());
    let (response, failed) = noting_failures(next.clone().run(Request::from_parts(parts, body))).await;
    if failed && response.status().is_server_error() { up_to_date(next.run(again)).await } else { response }
}

/// The read replica of the database.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReadReplica {
    /// Whether pages and lists read from it. Otherwise they read from the primary.
    pub used: bool,
    /// Until when it has all changes, about. Absent if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub replayed_at: Option<DateTime<Utc>>,
    /// Since when it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failing_since: Option<DateTime<Utc>>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
}

impl From<ReplicaState> for ReadReplica {
    fn from(state: ReplicaState) -> Self {
        match state {
            ReplicaState::Used { replayed_at, .. } => {
                Self { used: true, replayed_at, failing_since: None, error: None }
            }
            ReplicaState::Away { since, error } => {
                Self { used: false, replayed_at: None, failing_since: Some(since), error: Some(error) }
            }
        }
    }
}
