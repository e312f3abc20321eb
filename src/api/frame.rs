//! What every request gets: an id, a span, a size limit for its head, and an answer if a handler
//! panics.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument as _, Span};

use super::problem::{Kind, Problem};
use super::request_id::{CURRENT, REQUEST_ID, given_id, new_id};
use super::serve::Connection;
use crate::telemetry::traces::{self, Traceparent, failed, traced};

/// The largest head of a request (target and headers), in bytes.
const LARGEST_HEAD: usize = 16 * 1024;

/// What the page for a wrong address may load: the service's own style, script and picture.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types live";

/// Adds id, span, head limit and panic handling to finished routes.
pub(super) fn framed(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(from_fn(request))
}

/// Gives a request its id and span, and puts the id on the response.
async fn request(request: Request, next: Next) -> Response {
    let id = given_id(request.headers()).unwrap_or_else(new_id);
    // The route and not the path, because paths contain user ids.
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let sent = request.headers().get(traces::HEADER).and_then(|sent| Traceparent::read(sent.to_str().ok()?));
    let served = trace(&request, route.as_deref(), sent.as_ref());
    let span = tracing::error_span!(
        parent: &served,
        "request",
        request = id.to_str().unwrap_or_default(),
        method = %request.method(),
        route,
        key = tracing::field::Empty,
    );
    let told = served.clone();
    let answered = async move {
        let began = Instant::now();
        let mut response = match check_head(&request) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        };
        let status = response.status();
        tracing::debug!(
            status = status.as_u16(),
            took_ms = began.elapsed().as_millis(),
            "A request was answered"
        );
        told.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            failed(&told, status.as_u16().to_string());
        }
        let headers = response.headers_mut();
        headers.extend(CURRENT.try_with(|id| (REQUEST_ID, id.clone())).ok());
        // Responses contain shoppers' data.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    };
    let answered = traces::given(sent, answered.instrument(span).instrument(served));
    CURRENT.scope(id, answered).await
}

/// Creates the request's span for traces, inside the caller's trace if there is one. Health checks
/// and scrapes get none, because they come every few seconds.
fn trace(request: &Request, route: Option<&str>, sent: Option<&Traceparent>) -> Span {
    let Some(route) = route.filter(|route| route.starts_with("/v1/")) else { return Span::none() };
    // The caller can send any text as a method, so only known methods are recorded.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH") => known,
        _ => "_OTHER",
    };
    let span = traced!(
        parent: None,
        "serve",
        otel.name = display(format_args!("{method} {route}")),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        url.scheme = scheme(request),
        http.response.status_code = tracing::field::Empty,
    );
    if let Some(sent) = sent {
        sent.continue_in(&span);
    }
    span
}

/// Returns the scheme of the connection to this process, `http` or `https`.
pub(super) fn scheme(request: &Request) -> &'static str {
    let connection = request.extensions().get::<Arc<Connection>>();
    if connection.is_some_and(|connection| connection.is_encrypted()) { "https" } else { "http" }
}

/// Refuses a head that is too large. The limit is far above what callers need, and far below
/// hyper's own, which closes the connection without an explanation.
fn check_head(request: &Request) -> Result<(), Problem> {
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if headers.sum::<usize>() + target <= LARGEST_HEAD {
        return Ok(());
    }
    let detail = format!("path, query and headers must not have more than {LARGEST_HEAD} bytes");
    Err(Problem::new(Kind::HeadTooLarge, detail))
}

/// Answers a request whose handler panicked. The panic's text may quote secrets; the panic hook
/// logs the panic, and the text is never part of an answer.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("The program panicked in a request; this is a defect of the program");
    Problem::internal().into_response()
}

/// Answers a path that does not exist: a browser gets a page, and every other caller a problem.
pub(super) async fn no_route(headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/html") {
        let problem = Problem::new(Kind::NotFound, "no such path; /openapi.json lists all paths");
        return problem.into_response();
    }
    let headers = [(CONTENT_SECURITY_POLICY, PAGE_POLICY), (X_FRAME_OPTIONS, "DENY")];
    (StatusCode::NOT_FOUND, headers, Html(include_str!("not_found.html"))).into_response()
}

pub(super) async fn no_method() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "the header Allow lists the methods of this path")
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt;

    use uuid::Uuid;

    use super::*;
    use crate::api::request_id::LONGEST_ID;

    fn router() -> Router {
        let panics = || async { assert_eq!(1, 2, "sesame") };
        framed(Router::new().route("/panic", get(panics)).route("/", get(|| async { "here" })))
    }

    async fn get_with_id(path: &str, id: &str) -> Response {
        let request = Request::get(path).header(REQUEST_ID, id).body(Body::empty()).unwrap();
        router().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_its_text() {
        let response = get_with_id("/panic", "mine").await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[REQUEST_ID], "mine");
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("urn:klarna-order-worker:problem:internal"), "{text}");
        assert!(!text.contains("sesame"), "{text}");
    }

    #[tokio::test]
    async fn only_a_sane_id_is_taken_over() {
        for good in ["a", "018f-x_y.z:1", &"i".repeat(LONGEST_ID)] {
            assert_eq!(get_with_id("/", good).await.headers()[REQUEST_ID], good);
        }
        for bad in ["", "two words", "new=\"field\"", "{}", &"i".repeat(LONGEST_ID + 1)] {
            let response = get_with_id("/", bad).await;
            let own: Uuid = response.headers()[REQUEST_ID].to_str().unwrap().parse().unwrap();
            assert_eq!(own.get_version_num(), 7, "for {bad:?}");
        }
    }
}
