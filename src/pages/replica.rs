//! What the read replica of the database means for pages: which of them must not be old, and how
//! old they are.

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use chrono::TimeDelta;
use maud::{Markup, html};

use super::Pages;
use super::fields::Fields;
use super::pieces::at;
use crate::store::{ReplicaState, noting_failures, up_to_date};

/// A replica that is behind by more than this is told of.
const BEHIND: TimeDelta = TimeDelta::seconds(10);

/// A form, a question before an action, and the page after it see every change: they read from the
/// primary. So does a page that the replica has failed.
pub(super) async fn or_primary(request: Request, next: Next) -> Response {
    let query = Fields::of(request.uri().query().unwrap_or_default().as_bytes());
    if request.method() != Method::GET || query.get("done").is_some() || asks(request.uri().path()) {
        return up_to_date(next.run(request)).await;
    }
    let (parts, body) = request.into_parts();
    let again = Request::from_parts(parts.clone(), Body::empty());
    let (response, failed) = noting_failures(next.clone().run(Request::from_parts(parts, body))).await;
    if failed && response.status().is_server_error() { up_to_date(next.run(again)).await } else { response }
}

/// Whether a page asks before an action: the operator decides by what it shows.
fn asks(path: &str) -> bool {
    const QUESTIONS: [&str; 7] =
        ["/bulk", "/retry", "/cancel", "/resolve", "/forget", "/sign-out", "/resend"];
    QUESTIONS.iter().any(|question| path.ends_with(question))
}

/// Says how old a page is, if the replica is far behind; `None` if there is no replica.
pub(super) async fn note(pages: &Pages) -> Option<Markup> {
    let told = match pages.deps.replica.replica_state().await? {
        ReplicaState::Used { replayed_at: Some(replayed_at), now } if now - replayed_at > BEHIND => html! {
            "This page is old: it comes from the read replica (the setting database.read_url), which has the \
             changes until "
            (at(replayed_at)) "."
        },
        ReplicaState::Used { .. } => html! {},
        ReplicaState::Away { since, .. } => html! {
            "The read replica (the setting database.read_url) has not been usable since " (at(since))
            ". Pages read from the primary."
        },
    };
    Some(told)
}
