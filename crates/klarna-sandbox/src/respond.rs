//! Answers requests with the endpoint's latency, and with a failure if one is due.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures::stream;

use crate::Shared;
use crate::faults::{Endpoint, Failure};
use crate::odd_answers::odd_answer;
use crate::options::EndpointBehaviour;

/// Answers a request: waits for half of the latency, lets `work` process the request, waits until
/// answers are not held and for the other half, and applies the failure to the answer. `work`
/// returns `None` if the failure prevents processing.
///
/// `work` runs in a task of its own: like a real provider, the sandbox processes a received request
/// even if the client closes the connection. `guard` is held until the answer is ready. `refusal`
/// makes the endpoint's answer for the status of a failure.
pub(super) async fn respond(
    shared: &Arc<Shared>,
    endpoint: Endpoint,
    user: Option<&str>,
    guard: impl Send + 'static,
    refusal: fn(StatusCode) -> Response,
    work: impl FnOnce(Option<Failure>) -> Option<Response> + Send + 'static,
) -> Response {
    let behaviour = shared.behaviour();
    let settings = behaviour.endpoint(endpoint);
    let (failure, latency) = {
        let world = &mut *shared.world();
        let failure = world.script.failure(endpoint, user, settings);
        if let Some(failure) = failure {
            world.recorder.fault(endpoint.name(), failure);
        }
        (failure, world.script.latency(settings.latency))
    };
    let travel = if failure == Some(Failure::Delayed) { settings.late } else { Duration::ZERO };
    let holding = Arc::clone(shared);
    let processing = tokio::spawn(async move {
        pause(latency / 2 + travel).await;
        let answer = work(failure);
        tokio::select! {
            () = holding.released(endpoint) => {}
            () = holding.stopped() => {}
        }
        pause(latency / 2).await;
        drop(guard);
        answer
    });
    tokio::select! {
        answer = processing => match answer {
            Ok(answer) => distort(shared, endpoint, failure, answer, settings, refusal).await,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        () = shared.stopped() => cut(),
    }
}

/// Sleeps. A timer sleeps for at least a millisecond, so a time of zero does not sleep at all.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

async fn distort(
    shared: &Shared,
    endpoint: Endpoint,
    failure: Option<Failure>,
    answer: Option<Response>,
    settings: &EndpointBehaviour,
    refusal: fn(StatusCode) -> Response,
) -> Response {
    let Some(failure) = failure else {
        return answer.unwrap_or_else(cut);
    };
    if let Some(status) = failure.status() {
        let mut refusal = refusal(status);
        let seconds = HeaderValue::from(settings.retry_after.as_secs());
        let headers = refusal.headers_mut();
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from_static("50"));
            headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from_static("0"));
            headers.insert(HeaderName::from_static("x-ratelimit-reset"), seconds.clone());
        }
        if status == StatusCode::SERVICE_UNAVAILABLE
            || (status == StatusCode::TOO_MANY_REQUESTS && endpoint == Endpoint::Token)
        {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        return refusal;
    }
    match (failure, answer) {
        (Failure::Truncated, Some(answer)) => truncated(answer).await,
        (Failure::Garbage, Some(answer)) => {
            (answer.status(), Html("<html><body>Hello</body></html>")).into_response()
        }
        (Failure::Empty, Some(answer)) => answer.status().into_response(),
        (Failure::Late, Some(answer)) => tokio::select! {
            () = pause(settings.late) => answer,
            () = shared.stopped() => cut(),
        },
        (Failure::BadIdToken | Failure::InvalidGrant | Failure::Delayed, Some(answer)) => answer,
        (
            Failure::Bom | Failure::Gzip | Failure::Deflate | Failure::NoAccessToken | Failure::OddMembers,
            Some(answer),
        ) => odd_answer(failure, answer).await,
        (Failure::Hang | Failure::Stall, _) => {
            shared.stopped().await;
            cut()
        }
        _ => cut(),
    }
}

/// An HTML page, as gateways answer.
pub(super) fn page(status: StatusCode) -> Response {
    (status, Html(format!("<html><body><h1>{status}</h1></body></html>"))).into_response()
}

/// No answer: if a body fails before a part of the answer was sent, the server closes the
/// connection.
fn cut() -> Response {
    Body::from_stream(stream::once(async {
        Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionAborted))
    }))
    .into_response()
}

/// The first half of an answer, with the length of the whole answer in its header.
async fn truncated(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else {
        return cut();
    };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let body = stream::unfold(Some(half), |half| async move {
        let Some(half) = half else {
            // Lets the server send the first half before the connection closes.
            tokio::task::yield_now().await;
            return Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None));
        };
        Some((Ok(half), None))
    });
    Response::from_parts(parts, Body::from_stream(body))
}
