//! Limits how many requests are served at a time. Requests beyond that are refused at once instead
//! of queueing. API, pages, descriptions and pushes have permits of their own, so that none of them
//! takes those of another.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;
use url::form_urlencoded;

use super::problem::{Kind, Problem};
use crate::telemetry::LogThrottle;
use crate::vault::MOST_WAITING;

/// The most batches at a time. Each may hold 16 MB, and more while it is parsed.
const BATCHES: usize = 4;

/// The most requests of the operators' pages at a time.
const PAGES: usize = 64;

/// The most pushes of Klarna at a time. Strangers can send some, too.
const PUSHES: usize = 64;

/// The most requests of `/docs` and `/openapi.json` at a time.
const DESCRIPTIONS: usize = 32;

/// The settings `server.max_requests` and `server.max_waits`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most requests at a time, without those that wait for an order's end, and those that may
    /// wait for Klarna. Of these, as many more may wait for access tokens, and as many for what
    /// became of an order there and to change an order.
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
    Pushes,
}

/// The permits. Clones share them.
#[derive(Clone)]
pub(super) struct ConcurrencyLimits {
    requests: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    /// For requests that may wait for an access token. They must not keep orders out meanwhile.
    vends: Arc<Semaphore>,
    /// For requests that may wait for a call about an order at Klarna: a change or a read.
    /// Likewise.
    klarna: Arc<Semaphore>,
    batches: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    descriptions: Arc<Semaphore>,
    pushes: Arc<Semaphore>,
}

impl ConcurrencyLimits {
    pub(super) fn new(limits: Limits) -> Self {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            requests: permits(limits.requests),
            waits: permits(limits.waits),
            // The vault limits those that wait, and lets no merchant take every place.
            vends: permits(limits.requests.saturating_add(MOST_WAITING)),
            klarna: permits(limits.requests),
            batches: permits(BATCHES),
            pages: permits(PAGES),
            descriptions: permits(DESCRIPTIONS),
            pushes: permits(PUSHES),
        }
    }

    /// Returns the permits that a request needs; `None` if it needs none.
    fn of(&self, group: RouteGroup, request: &Request) -> Option<&Semaphore> {
        let asks = |name| has_parameter(request.uri().query().unwrap_or_default(), name);
        let changes = request.method() == Method::PUT;
        match (group, request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)) {
            (RouteGroup::Api, Some("/v1/orders/{id}")) if changes || asks("refresh") => Some(&self.klarna),
            (RouteGroup::Api, Some("/v1/orders/{id}")) if asks("wait") => Some(&self.waits),
            (RouteGroup::Api, Some("/v1/orders/batch")) => Some(&self.batches),
            (RouteGroup::Api, Some("/v1/merchants/{merchant}/users/{user}/access-token")) => {
                Some(&self.vends)
            }
            (RouteGroup::Api, _) => Some(&self.requests),
            // Nobody knows yet who sends it. A permit would be held while the form arrives, so
            // strangers could take all of them. A form is small and has a deadline instead.
            (RouteGroup::Pages, Some("/sign-in")) => None,
            (RouteGroup::Pages, _) => Some(&self.pages),
            (RouteGroup::Descriptions, _) => Some(&self.descriptions),
            (RouteGroup::Pushes, _) => Some(&self.pushes),
        }
    }
}

/// The limits, and the group of the routes that they are for.
#[derive(Clone)]
pub(super) struct Limited {
    pub(super) permits: ConcurrencyLimits,
    pub(super) group: RouteGroup,
}

/// Middleware that serves a request if a permit is free, and otherwise answers `overloaded`.
pub(super) async fn limit(
    State(Limited { permits, group }): State<Limited>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let permit = permits.of(group, &request).map(Semaphore::try_acquire).transpose();
    let Ok(_permit) = permit else {
        static TOO_MANY: LogThrottle = LogThrottle::new();
        if let Some(left_out) = TOO_MANY.next() {
            tracing::warn!(
                left_out,
                "A request was refused: more requests at once than server.max_requests, server.max_waits or the \
                 limits of batches, pages and descriptions allow"
            );
        }
        return Err(Problem::new(Kind::Overloaded, "too many requests at the moment: try again soon"));
    };
    Ok(next.run(request).await)
}

/// Returns whether a query has a parameter, read as the handlers read it.
fn has_parameter(query: &str, name: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(found, _)| found == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_by_its_whole_name_in_any_encoding() {
        for (query, waits) in [
            ("wait=25s", true),
            ("a=b&%77ait=25s", true),
            ("await=1", false),
            ("x=wait=1", false),
            ("", false),
        ] {
            assert_eq!(has_parameter(query, "wait"), waits, "{query}");
        }
    }
}
