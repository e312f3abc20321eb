//! How many requests are served at once. Whoever comes beyond that is told so at once, and piles up nothing.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use super::problem::{Kind, Problem};

/// Batches at once: each may hold 16 MB, and more while it is read.
const BATCHES: usize = 4;

/// The settings `server.max_requests` and `server.max_waits`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests served at once.
    pub requests: usize,
    /// Those of them that wait for an order's end are counted apart: they cost next to nothing.
    pub waits: usize,
}

/// The places.
#[derive(Clone)]
pub(super) struct ConcurrencyLimits {
    requests: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    batches: Arc<Semaphore>,
}

impl ConcurrencyLimits {
    pub(super) fn new(limits: Limits) -> Self {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self { requests: permits(limits.requests), waits: permits(limits.waits), batches: permits(BATCHES) }
    }

    /// Where the request takes its place.
    fn of(&self, request: &Request) -> &Semaphore {
        let waits = || request.uri().query().is_some_and(|query| query.contains("wait="));
        match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
            Some("/v1/orders/{id}") if waits() => &self.waits,
            Some("/v1/orders/batch") => &self.batches,
            _ => &self.requests,
        }
    }
}

/// Serves a request that finds a place.
pub(super) async fn limit(
    State(permits): State<ConcurrencyLimits>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Ok(_place) = permits.of(&request).try_acquire() else {
        tracing::warn!(
            "A request was refused: more requests at once than server.max_requests, server.max_waits or the \
             batch limit allow"
        );
        return Err(Problem::new(Kind::Overloaded, "too many requests are being served: send it again in a moment"));
    };
    Ok(next.run(request).await)
}
