//! The calls about an order or session that exists at Klarna. None of them needs a token.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use url::Url;
use zeroize::Zeroizing;

use super::accepted_credentials::AcceptedCredentials;
use super::authorization::authorized;
use super::create::Call;
use super::create::answer::{describe, error_code, messages};
use super::http::{self, BuildError, Failure, HttpClient, Limits, Reply, is_id, is_segment};
use super::large_answer::read_large_answer;
use super::pauses::retry_after;
use super::redact::Redactor;
use crate::cause::Cause;
use crate::clock::since_boot;
use crate::config::{CredentialSet, Merchant};
use crate::order::{OrderResult, SessionPhase, Target};
use crate::received::{Document, storable};

/// The largest answer that is read, in bytes. It has its snippet and the order, which may be 1 MB.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The path of order management, below Checkout's address.
pub const MANAGEMENT: &str = "/ordermanagement/v1/orders";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest `merchant_reference1` that is kept, in characters: Klarna's limit.
const LONGEST_REFERENCE: usize = 255;

/// What an answer says of an order or session. What it does not say is absent.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRead {
    /// Klarna's word for its status; `None` if the answer has none.
    pub status: Option<String>,
    /// The amount to pay, in minor units.
    pub order_amount: Option<i64>,
    /// ISO 4217.
    pub purchase_currency: Option<String>,
    /// The shop's own reference.
    pub merchant_reference1: Option<String>,
    /// The second reference: our id of the order, unless the shop had one of its own.
    pub merchant_reference2: Option<String>,
    /// What the shop gets for the shopper's browser.
    pub result: Option<OrderResult>,
}

/// The result of a call about an order or session.
#[derive(Clone, PartialEq, Eq)]
pub enum SessionAnswer {
    /// Klarna did it.
    Done(SessionRead),
    /// Klarna does not know the order or session any more.
    Gone,
    /// Klarna refuses the call. Repeating it does not help.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Klarna's messages; never empty.
        messages: Vec<String>,
        /// Klarna's `error_code`.
        error_code: Option<String>,
        /// Klarna's id of the call.
        correlation_id: Option<String>,
    },
    /// Klarna refuses the merchant's credentials.
    Unauthorised {
        /// The HTTP status.
        status: u16,
        /// Klarna's id of the call.
        correlation_id: Option<String>,
    },
    /// Too many calls.
    Throttled {
        /// The pause that Klarna asks for.
        retry_after: Option<Duration>,
    },
    /// No usable answer.
    Unavailable {
        /// What happened: the answer's status and code, or a kind of failure.
        cause: Cause,
        /// Klarna's own words, which may quote the order.
        words: Option<String>,
        /// Whether the call may still be on its way to Klarna, which then does it later.
        may_arrive: bool,
        /// The pause that Klarna asks for.
        retry_after: Option<Duration>,
        /// Klarna's id of the call.
        correlation_id: Option<String>,
    },
}

/// Calls Klarna about orders and sessions that exist. Clones share their connections.
#[derive(Clone, Debug)]
pub struct SessionClient {
    http: HttpClient,
    accepted: AcceptedCredentials,
    /// The longest time that a call takes, unless the process is suspended.
    longest: Duration,
}

impl SessionClient {
    /// `timeout` limits one whole call. `accepted` is shared by all clients of a process.
    ///
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new(timeout: Duration, accepted: AcceptedCredentials) -> Result<Self, BuildError> {
        let limits = Limits { connect: CONNECT_TIMEOUT, call: timeout, body: BODY_LIMIT, reuse: true };
        let longest = timeout.saturating_add(http::GRACE_PERIOD);
        Ok(Self { http: HttpClient::new(limits)?, accepted, longest })
    }

    /// Reads an order or session.
    pub async fn read(&self, merchant: &Merchant, target: Target, klarna_id: &str) -> SessionAnswer {
        let url = match url(merchant, target, klarna_id) {
            Ok(url) => url,
            Err(failure) => return unanswered(&failure),
        };
        // Nothing was sent, so it is unknown what the reason of a refusal might repeat.
        self.send(merchant, target, self.http.get(url), || None).await
    }

    /// Replaces the order of an order or session that the shopper has not paid yet. `body` is its
    /// JSON. The call may be repeated.
    pub async fn update(
        &self,
        merchant: &Merchant,
        target: Target,
        klarna_id: &str,
        body: Zeroizing<String>,
    ) -> SessionAnswer {
        let url = match url(merchant, target, klarna_id) {
            Ok(url) => url,
            Err(failure) => return unanswered(&failure),
        };
        // The body is shared, not copied, and wiped when the last owner is dropped.
        let body = Bytes::from_owner(body);
        let request = self.http.post(url).header(CONTENT_TYPE, "application/json").body(body.clone());
        self.send(merchant, target, request, || Redactor::new(merchant, &body)).await
    }

    /// Reads an order that the shopper has paid in order management.
    pub async fn read_paid(&self, merchant: &Merchant, klarna_id: &str) -> SessionAnswer {
        match managed(merchant, klarna_id, None) {
            Ok(url) => {
                self.send_to(MANAGEMENT, merchant, Target::Checkout, self.http.get(url), || None).await
            }
            Err(failure) => unanswered(&failure),
        }
    }

    /// Aborts an order of Checkout that the shopper has not paid. The call may be repeated.
    pub async fn abort(&self, merchant: &Merchant, klarna_id: &str) -> SessionAnswer {
        let path = Call::of(Target::Checkout).path();
        match below(merchant, Target::Checkout, path, klarna_id, Some("abort")) {
            Ok(url) => self.send(merchant, Target::Checkout, self.http.post(url), || None).await,
            Err(failure) => unanswered(&failure),
        }
    }

    /// Acknowledges an order that the shopper has paid: Klarna pushes no more. The call may be
    /// repeated.
    pub async fn acknowledge(&self, merchant: &Merchant, klarna_id: &str) -> SessionAnswer {
        match managed(merchant, klarna_id, Some("acknowledge")) {
            Ok(url) => {
                self.send_to(MANAGEMENT, merchant, Target::Checkout, self.http.post(url), || None).await
            }
            Err(failure) => unanswered(&failure),
        }
    }

    async fn send(
        &self,
        merchant: &Merchant,
        target: Target,
        request: RequestBuilder,
        redactor: impl Fn() -> Option<Redactor>,
    ) -> SessionAnswer {
        self.send_to(Call::of(target).path(), merchant, target, request, redactor).await
    }

    /// `template` is the call's path in traces.
    async fn send_to(
        &self,
        template: &'static str,
        merchant: &Merchant,
        target: Target,
        request: RequestBuilder,
        redactor: impl Fn() -> Option<Redactor>,
    ) -> SessionAnswer {
        let set = self.accepted.of(merchant, target);
        // A refusal of the credentials does nothing else, so the other set is tried as well.
        let again = merchant.credentials(set.other()).and_then(|_| request.try_clone());
        let begun = since_boot();
        let answer = self.send_with(set, template, merchant, target, request, &redactor).await;
        // If the process was suspended meanwhile, another one may have sent a newer change.
        let is_in_time = since_boot().saturating_sub(begun) <= self.longest;
        match (answer, again) {
            (SessionAnswer::Unauthorised { .. }, Some(request)) if is_in_time => {
                self.send_with(set.other(), template, merchant, target, request, &redactor).await
            }
            (answer, _) => answer,
        }
    }

    async fn send_with(
        &self,
        set: CredentialSet,
        template: &'static str,
        merchant: &Merchant,
        target: Target,
        request: RequestBuilder,
        redactor: impl Fn() -> Option<Redactor>,
    ) -> SessionAnswer {
        let credentials = merchant.credentials(set).unwrap_or(&merchant.api_credentials);
        let request = authorized(request, credentials).header(ACCEPT, "application/json");
        match self.http.send(request, merchant.http_proxy.as_ref(), Some(template)).await {
            Ok(reply) => {
                self.accepted.answered(merchant, target, set, reply.status);
                let longest_pause = merchant.longest_pauses.asked;
                read_large_answer(reply.body.len(), || {
                    read(Call::of(target), &reply, longest_pause, redactor)
                })
            }
            Err(failure) => unanswered(&failure),
        }
    }
}

/// Returns the address of an order or session.
fn url(merchant: &Merchant, target: Target, klarna_id: &str) -> Result<Url, Failure> {
    below(merchant, target, Call::of(target).path(), klarna_id, None)
}

/// Returns the address of a paid order in order management, which has the same host as Checkout.
fn managed(merchant: &Merchant, klarna_id: &str, action: Option<&str>) -> Result<Url, Failure> {
    below(merchant, Target::Checkout, MANAGEMENT, klarna_id, action)
}

/// Returns an address below that of a target.
fn below(
    merchant: &Merchant,
    target: Target,
    path: &str,
    klarna_id: &str,
    action: Option<&str>,
) -> Result<Url, Failure> {
    let base = merchant.url(target);
    let base = base.ok_or_else(|| Failure::NotSent(format!("the settings have no {target}_url")))?;
    if !is_segment(klarna_id) {
        return Err(Failure::NotSent("the id cannot be part of an address".to_owned()));
    }
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/').skip(1)).push(klarna_id).extend(action);
    }
    Ok(url)
}

fn unanswered(failure: &Failure) -> SessionAnswer {
    SessionAnswer::Unavailable {
        may_arrive: !matches!(failure, Failure::NotSent(_)),
        cause: failure.at_klarna(),
        words: None,
        retry_after: None,
        correlation_id: None,
    }
}

/// Reads a whole answer. The redactor is created only if texts of Klarna are kept.
pub(crate) fn read(
    call: &Call,
    reply: &Reply,
    longest_pause: Duration,
    redactor: impl Fn() -> Option<Redactor>,
) -> SessionAnswer {
    let Reply { status, headers, body } = reply;
    let document = Document::new(body);
    let members = document.members();
    let correlation_id = || http::correlation_id(headers);
    let retry_after = || retry_after(headers, longest_pause);
    match status.as_u16() {
        200..=299 => SessionAnswer::Done(SessionRead {
            status: members.text("status").filter(|status| is_id(status)),
            order_amount: members.number("order_amount").and_then(whole),
            purchase_currency: members.text("purchase_currency").filter(|currency| is_id(currency)),
            merchant_reference1: members
                .text("merchant_reference1")
                .filter(|reference| reference.chars().count() <= LONGEST_REFERENCE)
                .map(|reference| storable(&reference).into_owned()),
            merchant_reference2: members.text("merchant_reference2"),
            result: call.result(&members),
        }),
        404 | 410 => SessionAnswer::Gone,
        401 => SessionAnswer::Unauthorised { status: 401, correlation_id: correlation_id() },
        429 => SessionAnswer::Throttled { retry_after: retry_after() },
        code @ (400..=407 | 409..=424 | 426..=499) => {
            let redactor = redactor();
            SessionAnswer::Refused {
                status: code,
                error_code: error_code(&members, redactor.as_ref()),
                messages: messages(body, &members, redactor.as_ref()),
                correlation_id: correlation_id(),
            }
        }
        code => {
            let (cause, words) = describe(*status, body, &members, redactor().as_ref());
            SessionAnswer::Unavailable {
                cause,
                words,
                // A gateway gave up waiting.
                may_arrive: matches!(code, 502 | 504),
                retry_after: retry_after(),
                correlation_id: correlation_id(),
            }
        }
    }
}

/// Returns an amount that has no fraction. Amounts in JSON are far below 2⁵³.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked on the line above")]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

impl SessionRead {
    /// Returns what has become of the order or session.
    #[must_use]
    pub fn phase(&self) -> SessionPhase {
        self.status.as_deref().map_or(SessionPhase::Open, SessionPhase::of_status)
    }
}

/// Leaves out what belongs to the shopper's session.
impl fmt::Debug for SessionRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionRead({:?}, …)", self.status)
    }
}

/// Leaves out what belongs to the shopper's session.
impl fmt::Debug for SessionAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(read) => write!(f, "Done({read:?})"),
            Self::Gone => f.write_str("Gone"),
            Self::Refused { status, messages, .. } => write!(f, "Refused({status}, {messages:?})"),
            Self::Unauthorised { status, .. } => write!(f, "Unauthorised({status})"),
            Self::Throttled { retry_after } => write!(f, "Throttled({retry_after:?})"),
            Self::Unavailable { cause, words, .. } => write!(f, "Unavailable({cause}, {words:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn answered(status: u16, body: &str) -> SessionAnswer {
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec().into(),
        };
        read(Call::of(Target::Checkout), &reply, Duration::from_hours(1), || None)
    }

    #[test]
    fn only_what_an_answer_says_is_kept() {
        let whole = r#"{"status":"checkout_complete","order_amount":50000.0,"purchase_currency":"SEK",
            "merchant_reference1":"cart-1","html_snippet":"<div>"}"#;
        let SessionAnswer::Done(read) = answered(200, whole) else { panic!() };
        assert_eq!((read.phase(), read.order_amount), (SessionPhase::Completed, Some(50_000)));
        assert_eq!((read.purchase_currency.as_deref(), read.result.is_some()), (Some("SEK"), true));
        for odd in ["", "<html>", r#"{"status":"two words","order_amount":1.5}"#] {
            let SessionAnswer::Done(read) = answered(200, odd) else { panic!("{odd}") };
            assert_eq!((read.phase(), read.status, read.order_amount), (SessionPhase::Open, None, None));
        }
    }

    #[test]
    fn every_other_status_has_its_meaning() {
        assert_eq!(answered(404, ""), SessionAnswer::Gone);
        assert_eq!(answered(401, ""), SessionAnswer::Unauthorised { status: 401, correlation_id: None });
        assert!(matches!(answered(403, ""), SessionAnswer::Refused { status: 403, .. }));
        assert!(matches!(answered(408, ""), SessionAnswer::Unavailable { may_arrive: false, .. }));
        assert!(matches!(answered(503, ""), SessionAnswer::Unavailable { may_arrive: false, .. }));
        assert!(matches!(answered(504, ""), SessionAnswer::Unavailable { may_arrive: true, .. }));
        assert!(matches!(answered(302, ""), SessionAnswer::Unavailable { may_arrive: false, .. }));
    }
}
