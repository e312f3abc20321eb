//! Limits how many requests are served at a time. Requests beyond that are refused at once instead
//! of queueing. API, pages and descriptions have permits of their own, so that none of them takes
//! those of another.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use super::problem::{Kind, Problem};
use crate::vault::MOST_WAITING;

/// The most batches at a time. Each may hold 16 MB, and more while it is parsed.
const BATCHES: usize = 4;

/// The most requests of the operators' pages at a time.
const PAGES: usize = 64;

/// The most requests of `/docs` and `/openapi.json` at a time.
const DESCRIPTIONS: usize = 32;

/// The settings `server.max_requests` and `server.max_waits`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most requests at a time, without those that wait for an order's end, and those for access tokens.
    pub requests: usize,
    /// The most requests that wait for an order's end (`?wait=`) at a time. They are counted
    /// separately because they cost almost nothing.
    pub waits: usize,
}

/// Whose permits a route needs.
#[derive(Clone, Copy)]
pub(super) enum RouteGroup {
    Api,
    Pages,
    Descriptions,
}

/// The permits. Clones share them.
#[derive(Clone)]
pub(super) struct ConcurrencyLimits {
    requests: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    vends: Arc<Semaphore>,
    batches: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    descriptions: Arc<Semaphore>,
}

impl ConcurrencyLimits {
    pub(super) fn new(limits: Limits) -> Self {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            requests: permits(limits.requests),
            waits: permits(limits.waits),
            // The vault limits those that wait, and lets no merchant take every place. These do not.
            vends: permits(limits.requests.saturating_add(MOST_WAITING)),
            batches: permits(BATCHES),
            pages: permits(PAGES),
            descriptions: permits(DESCRIPTIONS),
        }
    }

    /// Returns the permits that a request needs; `None` if it needs none.
    fn of(&self, group: RouteGroup, request: &Request) -> Option<&Semaphore> {
        let waits = || request.uri().query().is_some_and(|query| query.contains("wait="));
        match (group, request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)) {
            (RouteGroup::Api, Some("/v1/orders/{id}")) if waits() => Some(&self.waits),
            (RouteGroup::Api, Some("/v1/orders/batch")) => Some(&self.batches),
            // They may wait for Klarna, and must not keep orders out meanwhile.
            (RouteGroup::Api, Some("/v1/merchants/{merchant}/users/{user}/access-token")) => {
                Some(&self.vends)
            }
            (RouteGroup::Api, _) => Some(&self.requests),
            // Nobody knows yet who sends it. A permit would be held while the form arrives, so
            // strangers could take all of them. A form is small and has a deadline instead.
            (RouteGroup::Pages, Some("/sign-in")) => None,
            (RouteGroup::Pages, _) => Some(&self.pages),
            (RouteGroup::Descriptions, _) => Some(&self.descriptions),
        }
    }
}

/// Middleware that serves a request if a permit is free, and otherwise answers `overloaded`.
pub(super) async fn limit(
    State((permits, group)): State<(ConcurrencyLimits, RouteGroup)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let permit = permits.of(group, &request).map(Semaphore::try_acquire).transpose();
    let Ok(_permit) = permit else {
        tracing::warn!(
            "A request was refused: more requests at once than server.max_requests, server.max_waits or the \
             limits of batches, pages and descriptions allow"
        );
        return Err(Problem::new(Kind::Overloaded, "too many requests at the moment: try again soon"));
    };
    Ok(next.run(request).await)
}
