//! The rules of every HTTP call to Klarna: one call is one request, and a failure says whether the
//! request was sent.
//!
//! Retries, redirects and proxies from the environment are off, because each could send a
//! single-use token twice or to another place. A proxy is used only if the settings name one.
//! HTTP/1 only, so that a broken connection loses one answer and not dozens.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Client, Proxy, Request, RequestBuilder, StatusCode, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;
use zeroize::Zeroizing;

use super::client_tls;
use super::encoding::{decompressed, is_compressed};
use super::large_answer::read_large_answer;
use crate::cause::{Cause, CauseKind};
use crate::telemetry::traces::{failed, traced};

/// The `User-Agent` of every call.
const USER_AGENT: &str = concat!("klarna-order-worker/", env!("CARGO_PKG_VERSION"));

/// How long idle connections are reused, where they are. One that the other side has closed
/// meanwhile would look like a lost answer.
const POOL_IDLE: Duration = Duration::from_secs(5);

/// How long an answer may still be read after the time-out. A process that was suspended wakes up
/// after its time-out, perhaps with the answer in its socket; throwing that away would lose a
/// successor.
pub(crate) const GRACE_PERIOD: Duration = Duration::from_millis(250);

/// The longest id that is accepted; Klarna's are much shorter.
const LONGEST_ID: usize = 255;

/// The HTTP client cannot be created.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot set up TLS: {reason}; if the system has no CA certificates, install its `ca-certificates` package"
)]
pub struct BuildError {
    reason: String,
}

/// Why there is no complete answer. The text is safe to log: it contains no URL and nothing that
/// was sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The request was never sent: DNS, connect or TLS failed, or it could not be built.
    NotSent(String),
    /// The request was sent, wholly or in part, and no complete answer came back.
    NoAnswer(&'static str),
    /// The answer's status and headers came, perhaps with the beginning of its body. Then the
    /// connection broke, or the time was over.
    Broken {
        /// What came.
        begun: Box<Reply>,
        /// What happened then.
        why: &'static str,
    },
}

impl Failure {
    /// Returns the cause for the ledger of a token and the log.
    pub fn cause(&self) -> Cause {
        self.named("not sent", "no answer")
    }

    /// Returns the cause for the error of an order.
    pub fn at_klarna(&self) -> Cause {
        self.named("Klarna could not be reached", "no answer from Klarna")
    }

    fn named(&self, not_sent: &str, no_answer: &str) -> Cause {
        match self {
            Self::NotSent(why) => Cause::new(not_sent).with(why.clone()).of_kind(CauseKind::NotReached),
            Self::NoAnswer(why) | Self::Broken { why, .. } => {
                Cause::new(no_answer).with((*why).to_owned()).of_kind(CauseKind::NoAnswer)
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().fmt(f)
    }
}

const BROKEN: &str = "the connection broke before the answer was complete";
const TIMED_OUT: Failure = Failure::NoAnswer("timed out after sending");

/// An answer.
#[derive(PartialEq, Eq)]
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, decompressed as far as it came. Empty if it exceeded the limit: such a body cannot
    /// be a valid answer.
    pub body: Zeroizing<Vec<u8>>,
}

/// Leaves out what the other side sent.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, …)", self.status)
    }
}

/// The limits of a client's calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The time for DNS, TCP and TLS; at most half of `call`. If the total time-out struck during a
    /// handshake, it could not be told from one after sending.
    pub connect: Duration,
    /// The time for a whole call, from connecting to the last byte of the body.
    pub call: Duration,
    /// The largest body of an answer, in bytes.
    pub body: usize,
    /// Whether a connection may serve another call after the first. Without, each call opens its
    /// own.
    pub reuse: bool,
}

/// An HTTP client that follows the rules above. Clones share their connections.
#[derive(Clone)]
pub(crate) struct HttpClient {
    direct: Client,
    /// A client for each proxy of the settings, made at its first use. The URL of a proxy may have
    /// a password.
    proxied: Arc<Mutex<HashMap<String, Client>>>,
    limits: Limits,
}

/// Leaves out the proxies' URLs, which may have passwords.
impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Creates a client with its own connections.
    ///
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new(limits: Limits) -> Result<Self, BuildError> {
        Ok(Self { direct: Self::client(limits, None)?, proxied: Arc::default(), limits })
    }

    fn client(limits: Limits, proxy: Option<&str>) -> Result<Client, BuildError> {
        let fault = |error: reqwest::Error| BuildError { reason: root_cause(&error.without_url()) };
        let plain = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        let tls = client_tls::shared().map_err(|error| BuildError { reason: root_cause(&error) })?;
        let builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(plain)
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            .pool_idle_timeout(POOL_IDLE)
            .connect_timeout(limits.connect.min(limits.call / 2))
            .user_agent(USER_AGENT);
        let builder = if limits.reuse { builder } else { builder.pool_max_idle_per_host(0) };
        let builder = match proxy {
            Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(fault)?),
            None => builder,
        };
        builder.build().map_err(fault)
    }

    /// Returns a `POST` request to be filled and given to [`HttpClient::send`] with the same proxy.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.direct.post(url)
    }

    /// Returns a `GET` request for [`HttpClient::send`].
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.direct.get(url)
    }

    /// Returns the client for a proxy. If it cannot be created, nothing is sent; the call never
    /// goes without the proxy.
    fn through(&self, proxy: Option<&SecretString>) -> Result<Client, Failure> {
        let Some(proxy) = proxy else { return Ok(self.direct.clone()) };
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = proxied.get(proxy.expose_secret()) {
            return Ok(client.clone());
        }
        let client = Self::client(self.limits, Some(proxy.expose_secret()))
            .map_err(|error| Failure::NotSent(format!("http_proxy cannot be used: {}", error.reason)))?;
        proxied.insert(proxy.expose_secret().to_owned(), client.clone());
        Ok(client)
    }

    /// Sends the request once and reads the whole answer. `template` is the path of this kind of
    /// call, for traces: the URL itself is not recorded, because a shop's URL may contain a secret.
    /// Klarna gets no trace context.
    pub async fn send(
        &self,
        request: RequestBuilder,
        proxy: Option<&SecretString>,
        template: Option<&'static str>,
    ) -> Result<Reply, Failure> {
        let client = self.through(proxy)?;
        let request = request.build().map_err(|error| failure(&error))?;
        let span = call(&request, template);
        let reply = self.send_within(&client, request).instrument(span.clone()).await;
        record_in_span(&span, &reply);
        reply
    }

    async fn send_within(&self, client: &Client, request: Request) -> Result<Reply, Failure> {
        let begun = Mutex::new(None);
        let mut exchange = pin!(self.exchange(client, request, &begun));
        let over = match timeout(self.limits.call, exchange.as_mut()).await {
            Ok(over) => over,
            Err(_) => timeout(GRACE_PERIOD, exchange).await.unwrap_or(Err(TIMED_OUT)),
        };
        let reply = begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (over, reply) {
            (Ok(()), Some(Reply { status, headers, body })) => {
                let body = self.plain(body, &headers);
                Ok(Reply { status, headers, body })
            }
            (Err(Failure::NoAnswer(why)), Some(Reply { status, headers, body })) => {
                let body = self.plain(body, &headers);
                Err(Failure::Broken { begun: Box::new(Reply { status, headers, body }), why })
            }
            (Err(failure), _) => Err(failure),
            (Ok(()), None) => Err(Failure::NoAnswer(BROKEN)),
        }
    }

    fn plain(&self, body: Zeroizing<Vec<u8>>, headers: &HeaderMap) -> Zeroizing<Vec<u8>> {
        if !is_compressed(&body, headers) {
            return body;
        }
        // A small body may become a large one.
        let limit = self.limits.body;
        read_large_answer(limit, || decompressed(body, headers, limit))
    }

    /// Sends the request, and reads the answer into `begun` as far as it comes.
    async fn exchange(
        &self,
        client: &Client,
        request: Request,
        begun: &Mutex<Option<Reply>>,
    ) -> Result<(), Failure> {
        let mut response = client.execute(request).await.map_err(|error| failure(&error))?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        *begun.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Reply { status, headers, body: Zeroizing::default() });
        while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
            let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(Reply { body, .. }) = begun.as_mut() else { break };
            if body.len() + chunk.len() > self.limits.body {
                *body = Zeroizing::default();
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    }
}

/// Returns a call's span.
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

fn record_in_span(span: &Span, reply: &Result<Reply, Failure>) {
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
        Err(Failure::NoAnswer(_) | Failure::Broken { .. }) => failed(span, "no_answer"),
    }
}

/// Returns Klarna's correlation id of a call, by which its support finds the call.
pub(crate) fn correlation_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("klarna-correlation-id")?.to_str().ok()?;
    is_id(id).then(|| id.to_owned())
}

/// Returns whether a text looks like an id or a code of Klarna. Anything else is not kept.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(plain)
}

/// Returns whether an id can be part of an address. Dots alone would lead to another path.
pub(crate) fn is_segment(id: &str) -> bool {
    is_id(id) && !id.bytes().all(|byte| byte == b'.')
}

/// Check `is_connect` first: a connect time-out is also a time-out, but nothing was sent.
fn failure(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        Failure::NotSent("the request cannot be built".into())
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
    Failure::NoAnswer(BROKEN)
}

/// Returns only the kind of error, in fixed words: the errors' own texts may quote what the other
/// side sent.
fn connect_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".into();
    }
    if error.is_dns() {
        return "the host name cannot be resolved".into();
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

/// The TLS connector wraps one `io::Error` in another, whose `source` skips the inner one.
fn innermost(error: &io::Error) -> &io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.map_or(error, innermost)
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password_of_a_proxy() {
        let second = Duration::from_secs(1);
        let client = HttpClient::new(Limits { connect: second, call: second, body: 1, reuse: true }).unwrap();
        client.through(Some(&"http://user:proxy-password@127.0.0.1:1".into())).unwrap();
        assert!(!format!("{client:?}").contains("proxy-password"));
    }
}
