//! The call that creates an order at Klarna: how it is built (`request.rs`) and sent (here), and
//! what its answer means (`answer.rs`). What differs between the targets is a `Call`, in a file for
//! each target.

pub(super) mod answer;
mod checkout;
mod payments;
mod refused_fields;
pub mod request;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION};
use url::Url;
use zeroize::Zeroizing;

pub use self::answer::CreateAnswer;
pub(crate) use self::answer::classify;
use super::accepted_credentials::AcceptedCredentials;
use super::authorization::authorized;
use super::http::{self, BuildError, Failure, HttpClient, Limits, is_segment};
use super::large_answer::read_large_answer;
use super::pauses::used_up;
use super::redact::Redactor;
use crate::breaker::UsedUp;
use crate::cause::{Cause, CauseKind};
use crate::config::{ApiCredentials, CredentialSet, Merchant};
use crate::order::{OrderResult, Target};
use crate::received::{Document, Members};

/// The largest answer that is read, in bytes. An answer repeats the order, which may be 1 MB, and
/// adds its snippet.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the order may be read of which an answer told only the id. The id is only in memory
/// meanwhile, so this is part of the 5 s that a stop has for storing results.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// The create call of one target.
pub(crate) struct Call {
    /// The path below the target's address, also the call's name in traces.
    path: &'static str,
    /// The member of an answer that has Klarna's id of the order or session.
    id: &'static str,
    /// Reads what the shop gets from the members of an answer with a status 2xx. `None` if they do
    /// not tell.
    result: fn(&Members<'_>) -> Option<OrderResult>,
}

impl Call {
    /// Returns the call of a target.
    pub(crate) const fn of(target: Target) -> &'static Self {
        match target {
            Target::Checkout => &checkout::CALL,
            Target::Payments => &payments::CALL,
        }
    }

    /// Reads the id of what was created from an answer with a status 2xx: from its members, or else
    /// from its `Location`, of which nothing but the id is used.
    fn id(&self, members: &Members<'_>, headers: &HeaderMap) -> Option<String> {
        let located = || {
            let location = headers.get(LOCATION)?.to_str().ok()?;
            let path = location.split(['?', '#']).next()?;
            let (before, id) = path.trim_end_matches('/').rsplit_once('/')?;
            (before.ends_with(self.path) && is_segment(id)).then(|| id.to_owned())
        };
        answer::id(members, self.id).or_else(located)
    }

    /// Reads what the shop gets from an answer about an order or session that exists.
    pub(super) fn result(&self, members: &Members<'_>) -> Option<OrderResult> {
        (self.result)(members)
    }

    /// Returns the call's path below the target's address.
    pub(super) const fn path(&self) -> &'static str {
        self.path
    }

    /// Returns the URL of the call, below the target's address.
    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(self.path.split('/').skip(1));
        }
        url
    }
}

/// A create call that was made.
#[derive(Debug)]
pub struct Called {
    /// What happened to the order.
    pub answer: CreateAnswer,
    /// Whether the answer says that Klarna's limit of calls is used up.
    pub used_up: Option<UsedUp>,
}

/// Creates orders at Klarna, whatever their target. Clones share their connections.
#[derive(Clone, Debug)]
pub struct CreateClient {
    pub(super) http: HttpClient,
    accepted: AcceptedCredentials,
}

impl CreateClient {
    /// Creates a client. `timeout` limits one whole call; Klarna answers within 30 s. `accepted` is
    /// shared by all clients of a process.
    ///
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new(timeout: Duration, accepted: AcceptedCredentials) -> Result<Self, BuildError> {
        let limits = Limits { connect: CONNECT_TIMEOUT, call: timeout, body: BODY_LIMIT, reuse: true };
        Ok(Self { http: HttpClient::new(limits)?, accepted })
    }

    /// Returns the set of a merchant's credentials that a target has accepted last; at first the
    /// first one.
    #[must_use]
    pub fn credentials_in_use(&self, merchant: &Merchant, target: Target) -> CredentialSet {
        self.accepted.of(merchant, target)
    }

    /// Sends the order to its target once, with one set of the merchant's credentials. If Klarna
    /// accepts it, it is in use from now on. `body` is the order's JSON, with the access token.
    /// Every possible result is a [`CreateAnswer`].
    ///
    /// Klarna's correlation id is recorded in the field `correlation` of the current span.
    ///
    /// `Klarna-Idempotency-Key` is not documented for these calls. It does no harm, and nothing
    /// depends on it.
    pub async fn create_with(
        &self,
        set: CredentialSet,
        merchant: &Merchant,
        target: Target,
        idempotency_key: &str,
        body: Zeroizing<String>,
    ) -> Called {
        let credentials = merchant.credentials(set).unwrap_or(&merchant.api_credentials);
        let call = Call::of(target);
        // The body is shared, not copied, and wiped when the last owner is dropped.
        let body = Bytes::from_owner(body);
        let Some(url) = merchant.url(target) else {
            let failure = Failure::NotSent(format!("the settings have no {target}_url"));
            return Called { answer: unanswered(&failure), used_up: None };
        };
        let request = authorized(self.http.post(call.url(url)), credentials)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header("Klarna-Idempotency-Key", idempotency_key)
            .body(body.clone());
        let longest_pause = merchant.longest_pauses.asked;
        let mut limit = None;
        let answer = match self.http.send(request, merchant.http_proxy.as_ref(), Some(call.path)).await {
            Ok(reply) => {
                self.accepted.answered(merchant, target, set, reply.status);
                let redactor = || Redactor::new(merchant, &body);
                limit = used_up(&reply.headers, longest_pause);
                let http::Reply { status, headers, body } = reply;
                read_large_answer(body.len(), || {
                    classify(call, status, &headers, &body, longest_pause, redactor)
                })
            }
            Err(Failure::Broken { begun, why }) => {
                let http::Reply { status, headers, body } = *begun;
                let read = || classify(call, status, &headers, &body, longest_pause, || None);
                match read_large_answer(body.len(), read) {
                    created @ CreateAnswer::Created { .. } => created,
                    _ => unanswered(&Failure::NoAnswer(why)),
                }
            }
            Err(failure) => unanswered(&failure),
        };
        Called { answer: self.whole(answer, merchant, target, credentials).await, used_up: limit }
    }

    /// Reads what was created at Klarna, once, if the answer tells no more than its id. If that
    /// fails, the answer stays as it is: the shop can read it later. If Klarna does not know the
    /// id, nothing is known.
    async fn whole(
        &self,
        answer: CreateAnswer,
        merchant: &Merchant,
        target: Target,
        credentials: &ApiCredentials,
    ) -> CreateAnswer {
        let CreateAnswer::Created { klarna_id, result: None, correlation_id } = answer else { return answer };
        let call = Call::of(target);
        tracing::warn!(
            klarna_id,
            "Klarna's answer to an order tells no more than its id; the order is read there"
        );
        let Some(base) = merchant.url(target) else {
            return CreateAnswer::Created { klarna_id, result: None, correlation_id };
        };
        let mut url = call.url(base);
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&klarna_id);
        }
        let request = authorized(self.http.get(url), credentials).header(ACCEPT, "application/json");
        let read = self.http.send(request, merchant.http_proxy.as_ref(), Some(call.path));
        let result = match tokio::time::timeout(READ_TIMEOUT, read).await {
            Ok(Ok(reply)) if reply.status.is_success() => {
                read_large_answer(reply.body.len(), || call.result(&Document::new(&reply.body).members()))
            }
            Ok(Ok(reply)) if matches!(reply.status.as_u16(), 404 | 410) => {
                return CreateAnswer::Unavailable {
                    cause: Cause::new("an answer of Klarna that names an order which Klarna does not know")
                        .of_kind(CauseKind::Status(reply.status.as_u16())),
                    words: None,
                    maybe_created: true,
                    retry_after: None,
                    correlation_id,
                };
            }
            Ok(_) | Err(_) => None,
        };
        CreateAnswer::Created { klarna_id, result, correlation_id }
    }
}

fn unanswered(failure: &Failure) -> CreateAnswer {
    CreateAnswer::Unavailable {
        maybe_created: !matches!(failure, Failure::NotSent(_)),
        cause: failure.at_klarna(),
        words: None,
        retry_after: None,
        correlation_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_to_whatever_base_is_set() {
        for (base, expected) in [
            ("https://api.klarna.com", "https://api.klarna.com/checkout/v3/orders"),
            ("https://api.klarna.com/", "https://api.klarna.com/checkout/v3/orders"),
            ("http://127.0.0.1:1/stub/", "http://127.0.0.1:1/stub/checkout/v3/orders"),
        ] {
            assert_eq!(Call::of(Target::Checkout).url(&base.parse().unwrap()).as_str(), expected);
        }
    }
}
