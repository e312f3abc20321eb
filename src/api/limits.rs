//! Limits how many requests are served at a time. Requests beyond that are refused at once instead
//! of queueing.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use super::problem::{Kind, Problem};

/// The most batches at a time. Each may hold 16 MB, and more while it is parsed.
const BATCHES: usize = 4;

/// The settings `server.max_requests` and `server.max_waits`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most requests at a time, without those that wait for an order's end.
    pub requests: usize,
    /// The most requests that wait for an order's end (`?wait=`) at a time. They are counted
    /// separately because they cost almost nothing.
    pub waits: usize,
}

/// The permits for requests, waits and batches. Clones share them.
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

    /// Returns the permits that a request needs.
    fn of(&self, request: &Request) -> &Semaphore {
        let waits = || request.uri().query().is_some_and(|query| query.contains("wait="));
        match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
            Some("/v1/orders/{id}") if waits() => &self.waits,
            Some("/v1/orders/batch") => &self.batches,
            _ => &self.requests,
        }
    }
}

/// Middleware that serves a request if a permit is free, and otherwise answers `overloaded`.
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
        return Err(Problem::new(Kind::Overloaded, "too many requests at the moment: try again soon"));
    };
    Ok(next.run(request).await)
}
