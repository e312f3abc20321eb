//! The rules of every HTTP call towards Klarna: one call is one request, and its failure says whether it had left.
//!
//! Retries, redirects and proxies from the environment are off, since each could send a single-use token twice or
//! elsewhere. HTTP/1 only, so that a broken connection loses one answer and not dozens.

use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Request, RequestBuilder, StatusCode, redirect, retry};
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;
use zeroize::Zeroizing;

use crate::telemetry::traces::{failed, traced};

/// How every call names its sender.
const USER_AGENT: &str = concat!("klarna-order-worker/", env!("CARGO_PKG_VERSION"));

/// Idle connections are trusted no longer: one that the other side has closed meanwhile looks like a lost answer.
const POOL_IDLE: Duration = Duration::from_secs(5);

/// The longest wait that an answer may ask for; what is asked beyond it is cut.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A process that was stopped wakes with the time over and, it may be, the answer in its socket: so long it may still
/// be read. What is thrown away there is a successor.
const LAST_LOOK: Duration = Duration::from_millis(250);

/// Far above Klarna's ids and codes.
const LONGEST_ID: usize = 255;

/// The HTTP client cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS: {reason}; if the system has no CA certificates, install its `ca-certificates` package")]
pub struct BuildError {
    reason: String,
}

/// Why there is no whole answer. Its text is fit for logs: it names no URL and nothing that was sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The request never left: DNS, connect or TLS failed, or it could not be put together.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request left, wholly or in part, and no whole answer came back.
    #[error("no answer: {0}")]
    NoAnswer(&'static str),
}

const TIMED_OUT: Failure = Failure::NoAnswer("timed out after sending");

/// A whole answer.
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Empty where it exceeded the limit: too much to be what was asked for, so as good as unreadable.
    pub body: Zeroizing<Vec<u8>>,
}

/// What bounds the calls of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// DNS, TCP and TLS; cut to half of `call`, since a total time-out that strikes during a handshake could not be told
    /// from one after sending.
    pub connect: Duration,
    /// A whole call, from connecting to the body's last byte.
    pub call: Duration,
    /// The most bytes of an answer's body.
    pub body: usize,
}

/// An HTTP client bound to the rules above. Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    client: Client,
    timeout: Duration,
    body_limit: usize,
}

impl HttpClient {
    /// A client with connections of its own.
    ///
    /// # Errors
    /// Where TLS cannot be set up, for the most part for want of CA certificates.
    pub fn new(limits: Limits) -> Result<Self, BuildError> {
        let client = Client::builder()
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            .pool_idle_timeout(POOL_IDLE)
            .connect_timeout(limits.connect.min(limits.call / 2))
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| BuildError { reason: root_cause(&error.without_url()) })?;
        Ok(Self { client, timeout: limits.call, body_limit: limits.body })
    }

    /// A `POST` to be filled and given to [`HttpClient::send`].
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// A `GET` to be given to [`HttpClient::send`].
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// Sends the request once and reads its answer to the end. `template` is the path of its kind of call, for traces: the
    /// URL itself is not told, since a shop's may hold a secret. Klarna's side is told of no trace.
    pub async fn send(&self, request: RequestBuilder, template: Option<&'static str>) -> Result<Reply, Failure> {
        let request = request.build().map_err(|error| failure(&error))?;
        let span = call(&request, template);
        let reply = self.send_within(request).instrument(span.clone()).await;
        tell(&span, &reply);
        reply
    }

    async fn send_within(&self, request: Request) -> Result<Reply, Failure> {
        let mut exchange = pin!(self.exchange(request));
        match timeout(self.timeout, exchange.as_mut()).await {
            Ok(reply) => reply,
            Err(_) => timeout(LAST_LOOK, exchange).await.unwrap_or(Err(TIMED_OUT)),
        }
    }

    async fn exchange(&self, request: Request) -> Result<Reply, Failure> {
        let mut response = self.client.execute(request).await.map_err(|error| failure(&error))?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
            if body.len() + chunk.len() > self.body_limit {
                body = Zeroizing::default();
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }
}

/// A call's span.
fn call(request: &Request, template: Option<&'static str>) -> Span {
    let (method, url) = (request.method().as_str(), request.url());
    traced!(
        "call",
        otel.name = template.map_or_else(|| method.to_owned(), |template| format!("{method} {template}")),
        otel.kind = "client",
        http.request.method = method,
        url.scheme = url.scheme(),
        url.template = template,
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        http.response.status_code = Empty,
        klarna.correlation_id = Empty,
    )
}

fn tell(span: &Span, reply: &Result<Reply, Failure>) {
    if span.is_disabled() {
        return;
    }
    match reply {
        Ok(reply) => {
            span.record("http.response.status_code", reply.status.as_u16());
            if let Some(id) = correlation_id(&reply.headers) {
                span.record("klarna.correlation_id", id);
            }
            if reply.status.is_client_error() || reply.status.is_server_error() {
                failed(span, reply.status.as_u16().to_string());
            }
        }
        Err(Failure::NotSent(_)) => failed(span, "not_sent"),
        Err(Failure::NoAnswer(_)) => failed(span, "no_answer"),
    }
}

/// Klarna's name for a call: its support finds it by that.
pub(crate) fn correlation_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("klarna-correlation-id")?.to_str().ok()?;
    is_id(id).then(|| id.to_owned())
}

/// Looks like an id or a code of Klarna's: anything else in its place is not kept.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(plain)
}

/// Asks `is_connect` before anything else: a connect time-out is a time-out too, but nothing had left.
fn failure(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        Failure::NotSent("the request cannot be put together".into())
    } else if error.is_connect() {
        Failure::NotSent(connect_cause(error))
    } else {
        unanswered(error)
    }
}

fn unanswered(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return TIMED_OUT;
    }
    Failure::NoAnswer("the connection broke before the answer was whole")
}

/// Only kinds of errors, in fixed words: the sources' own texts may quote what the other side sent.
fn connect_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".into();
    }
    if error.is_dns() {
        return "the host's name does not resolve".into();
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match innermost(error).kind() {
                io::ErrorKind::InvalidData => "the TLS handshake failed".into(),
                kind => kind.to_string(),
            };
        }
        source = cause.source();
    }
    "the connection failed".into()
}

/// The TLS connector wraps one `io::Error` in another, whose `source` passes over the inner one.
fn innermost(error: &io::Error) -> &io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.map_or(error, innermost)
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// How long the answer asks to be left alone: `Retry-After` in seconds or as an HTTP date (RFC 9110 section 10.2.3),
/// else Klarna's `X-Ratelimit-Reset` in seconds. A date is measured against the answer's own `Date`, so that no
/// clock of ours has to agree with theirs.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    retry_after_within(headers, LONGEST_WAIT)
}

/// As [`retry_after`], with another longest wait than Klarna's endpoints have.
pub(crate) fn retry_after_within(headers: &HeaderMap, longest: Duration) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let until = |then: &str| Some((date(then)? - date(text(DATE.as_str())?)?).to_std().unwrap_or_default());

    text(RETRY_AFTER.as_str())
        .and_then(|value| seconds(value).or_else(|| until(value)))
        .map(|wait| wait.min(longest))
        // Others put a point in time there; read as a duration it would be decades.
        .or_else(|| text("x-ratelimit-reset").and_then(seconds).filter(|wait| *wait <= longest))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        retry_after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn reads_every_form_of_a_requested_wait() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"), date]), Some(30));
        assert_eq!(wait(&[("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT"), date]), Some(0));
        assert_eq!(wait(&[("x-ratelimit-reset", "3")]), Some(3));
        assert_eq!(wait(&[("retry-after", "2"), ("x-ratelimit-reset", "3")]), Some(2));
        assert_eq!(wait(&[("retry-after", "soon"), ("x-ratelimit-reset", "3")]), Some(3));
    }

    #[test]
    fn absurd_waits_are_cut_or_ignored() {
        assert_eq!(wait(&[("retry-after", "99999999")]), Some(3600));
        assert_eq!(wait(&[("x-ratelimit-reset", "1792567680")]), None);
        assert_eq!(wait(&[("retry-after", "-1")]), None);
        assert_eq!(wait(&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")]), None);
        assert_eq!(wait(&[]), None);
    }
}
