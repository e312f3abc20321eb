//! Sign-in and sign-out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, State};
use axum::http::header::{HeaderMap, SET_COOKIE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use tokio::sync::Semaphore;

use super::Pages;
use super::failure::Failure;
use super::fields::Fields;
use super::frame;
use super::viewer::{Posted, cookie, is_secure, no_cookies, read, see};
use crate::audit::{Action, Actor, Entry, Outcome};
use crate::config::ApiKey;
use crate::telemetry::LogThrottle;

/// How long a wrong key waits for the answer.
const WAIT: Duration = Duration::from_secs(1);
/// How many wrong keys may wait at a time; more are rejected at once. A correct key is never
/// delayed.
const WAITING: usize = 8;

/// The permits of waiting wrong keys.
pub(super) struct Refusals(Semaphore);

impl Default for Refusals {
    fn default() -> Self {
        Self(Semaphore::new(WAITING))
    }
}

pub(super) async fn form(State(pages): State<Arc<Pages>>, uri: Uri) -> Result<Response, Failure> {
    if pages.is_open() {
        return Ok(see("/"));
    }
    if pages.keys().is_empty() {
        return Err(Failure::NoKey);
    }
    let query = Fields::of(uri.query().unwrap_or_default().as_bytes());
    Ok(frame::alone("Sign in", &asking(&back(&query), None)).into_response())
}

fn asking(next: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Sign in" }
        p.quiet { "Use an API key with the scope " code { "ops" } ", or " code { "ops:read" } " to look only." }
        form.stack method="post" action="/sign-in" {
            input type="hidden" name="next" value=(next);
            label for="key" { "API key" }
            input #key type="password" name="key" required autocomplete="current-password" autofocus
                aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong")];
            @if let Some(wrong) = wrong {
                p #wrong .wrong role="alert" { (wrong) }
            }
            button type="submit" { "Sign in" }
        }
    }
}

/// Returns the page to go back to; only pages of this service.
fn back(fields: &Fields) -> String {
    let next = fields.get("next").unwrap_or("/");
    let own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.contains(char::is_control);
    if own { next.to_owned() } else { "/".to_owned() }
}

pub(super) async fn sign_in(
    State(pages): State<Arc<Pages>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    if pages.keys().is_empty() {
        return if pages.is_open() { Ok(see("/")) } else { Err(Failure::NoKey) };
    }
    let fields = read(&headers, body).await?;
    let presented = fields.get("key").unwrap_or_default().trim();
    let (now, peer) = (pages.deps.clock.now(), peer.map(|Extension(ConnectInfo(peer))| peer));
    let keys = pages.keys();
    let found = ApiKey::find(&keys, presented.as_bytes());
    let admitted = found.filter(|key| key.admits(now, peer.map(|peer| peer.ip())).is_ok());
    if let Some(key) = found {
        let outcome = if admitted.is_some() { Outcome::Done } else { Outcome::Refused };
        pages.deps.audit.record(Entry::new(Actor::Key(key.name.clone()), Action::SignIn).ended(outcome));
    }
    let Some(key) = admitted else {
        static STRANGERS: LogThrottle = LogThrottle::new();
        if let Some(left_out) = STRANGERS.next() {
            tracing::warn!(
                peer = peer.map(tracing::field::display),
                left_out,
                "A sign-in was refused: no API key with the scope ops or ops:read that is valid now and here"
            );
        }
        let Ok(_waiting) = pages.refusals.0.try_acquire() else {
            let text = "Too many wrong keys. Wait a moment and try again.";
            let page = frame::alone("Sign in", &asking(&back(&fields), Some(text)));
            return Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response());
        };
        tokio::time::sleep(WAIT).await;
        let text = "This is not an API key with the scope ops or ops:read, valid now and from here.";
        let page = frame::alone("Sign in", &asking(&back(&fields), Some(text)));
        return Ok((StatusCode::FORBIDDEN, page).into_response());
    };
    tracing::Span::current().record("key", &key.name);
    tracing::info!(name = key.name, "An operator signed in");
    let session = pages.sessions.begin(key, now);
    let mut response = see(&back(&fields));
    let cookie = cookie(&pages.sessions.seal(&session), is_secure(&headers));
    response.headers_mut().extend(cookie.map(|cookie| (Some(SET_COOKIE), cookie)));
    Ok(response)
}

/// The middleware leaves the row of the audit log.
pub(super) async fn sign_out(_: Posted) -> Response {
    let mut response = see("/sign-in");
    for cookie in no_cookies() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
