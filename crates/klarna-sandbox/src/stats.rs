//! What the sandbox saw: counts ([`Stats`]), and every event in its order ([`Event`]).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::faults::{Endpoint, Failure};
use crate::state::{Holder, Outcome};

/// Everything counted since the start, as `GET /stats` answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// At the token endpoint.
    pub exchanges: Exchanges,
    /// At the Checkout endpoint.
    pub orders: Orders,
    /// At the Payments endpoint, where an order is a session.
    #[serde(default)]
    pub sessions: Orders,
    /// Faults played, by endpoint and kind: `token.lost`.
    pub faults: BTreeMap<String, u64>,
    /// Secrets that came where they have no business.
    pub leaks: Leaks,
    /// What the answers took.
    #[serde(default)]
    pub time: Times,
}

/// The sandbox's own part of whatever its callers measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Of the token endpoint.
    pub token: Time,
    /// Of the Checkout endpoint.
    pub checkout: Time,
    /// Of the Payments endpoint.
    #[serde(default)]
    pub payments: Time,
}

/// From a request's head to the answer being ready, latencies played included, over all calls of an
/// endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// Answers.
    pub calls: u64,
    /// Their times together, in microseconds.
    pub total_us: u64,
    /// The longest of them.
    pub longest_us: u64,
}

impl Stats {
    /// What came to the endpoint where an order is created.
    pub(super) fn orders_at(&mut self, endpoint: Endpoint) -> &mut Orders {
        if endpoint == Endpoint::Payments { &mut self.sessions } else { &mut self.orders }
    }
}

impl Times {
    /// The time of an endpoint.
    pub(super) fn at(&mut self, endpoint: Endpoint) -> &mut Time {
        match endpoint {
            Endpoint::Token => &mut self.token,
            Endpoint::Checkout => &mut self.checkout,
            Endpoint::Payments => &mut self.payments,
        }
    }

    /// The mean time of an exchange and an order together.
    #[must_use]
    pub fn an_order(&self) -> Duration {
        self.token.mean() + self.checkout.mean()
    }
}

impl Time {
    /// The mean of all calls.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_micros(self.total_us / self.calls.max(1))
    }

    /// What came after `earlier`; the longest is of both.
    #[must_use]
    pub fn since(&self, earlier: Self) -> Self {
        Self { calls: self.calls - earlier.calls, total_us: self.total_us - earlier.total_us, ..*self }
    }

    pub(super) fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.calls += 1;
        self.total_us = self.total_us.saturating_add(micros);
        self.longest_us = self.longest_us.max(micros);
    }
}

/// What came to the token endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanges {
    /// Requests of any kind.
    pub total: u64,
    /// Tokens spent, and answered with a successor (whether or not the answer arrived).
    pub rotated: u64,
    /// Presentations judged dead, for any reason.
    pub invalid_grant: u64,
    /// Presentations of a token spent before, whatever the answer: a strict provider revokes the
    /// family for each.
    pub spent_presented: u64,
    /// Presentations of a token that another request was presenting at that moment.
    pub concurrent: u64,
    /// Presentations that were processed, by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Requests refused before their token was looked at, by error code.
    pub refused: BTreeMap<String, u64>,
}

/// What came to an endpoint where orders or sessions are created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Requests of any kind.
    pub requests: u64,
    /// Orders created.
    pub total: u64,
    /// Different `merchant_reference2` among them.
    pub distinct_references: u64,
    /// Orders created with a `merchant_reference2` that an earlier one had.
    pub duplicates: u64,
    /// Orders created with an access token that was good.
    pub recognised: u64,
    /// Orders created with an access token that was not: the shopper must authenticate again.
    pub not_recognised: u64,
    /// Orders created without an access token.
    pub without_token: u64,
    /// Answers given again to a known `Klarna-Idempotency-Key`.
    pub replayed: u64,
    /// Requests refused, by status.
    pub refused: BTreeMap<u16, u64>,
}

/// Secrets seen where none may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaks {
    /// Requests to the token endpoint with form fields in their query string.
    pub token_in_query: u64,
    /// Create calls with a refresh token anywhere in them.
    pub refresh_token_in_order: u64,
    /// Create calls with their shopper's national identification number.
    pub national_identification_number_in_order: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// Whose token it concerns; `None` where it is unknown or absent.
    pub user: Option<String>,
    /// The sign-in that the token comes from, counted over all users from 0.
    pub family: Option<usize>,
    /// How many rotations after that sign-in; 0 for its first token. An access token has that of
    /// its refresh token.
    pub generation: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The user signed in.
    SignedIn,
    /// The user withdrew.
    Revoked,
    /// A refresh token was presented.
    Presented {
        /// `None` where a fault kept it from being processed.
        outcome: Option<Outcome>,
        /// Whether another request was presenting it at that moment.
        concurrent: bool,
        /// The fault that was played on the answer.
        fault: Option<Failure>,
    },
    /// An order or session was created.
    Order {
        /// Klarna's id of it.
        order_id: String,
        /// Its `merchant_reference2`.
        reference: Option<String>,
        /// What its access token was worth.
        recognition: Recognition,
        /// The fault that was played on the answer.
        fault: Option<Failure>,
    },
}

/// What an order's access token was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recognition {
    /// Good: Klarna recognises the shopper.
    Recognised,
    /// Unknown, expired or revoked.
    NotRecognised,
    /// There was none.
    WithoutToken,
}

/// Counts and events, kept together.
#[derive(Default)]
pub(super) struct Witness {
    pub(super) stats: Stats,
    pub(super) references: HashMap<String, u64>,
    pub(super) events: Vec<Event>,
    /// Whether events are kept.
    pub(super) record: bool,
}

impl Witness {
    pub(super) fn event(&mut self, at: DateTime<Utc>, holder: Option<&Holder>, what: What) {
        if self.record {
            self.events.push(Event {
                at,
                user: holder.map(|holder| holder.user.to_string()),
                family: holder.map(|holder| holder.family),
                generation: holder.map(|holder| holder.generation),
                what,
            });
        }
    }

    pub(super) fn fault(&mut self, endpoint: &str, failure: Failure) {
        *self.stats.faults.entry(format!("{endpoint}.{failure}")).or_default() += 1;
    }

    pub(super) fn outcome(&mut self, outcome: Outcome, spent_before: bool) {
        let exchanges = &mut self.stats.exchanges;
        exchanges.rotated += u64::from(outcome == Outcome::Rotated);
        exchanges.invalid_grant += u64::from(!outcome.is_granted());
        exchanges.spent_presented += u64::from(spent_before);
        *exchanges.outcomes.entry(outcome).or_default() += 1;
    }

    pub(super) fn order(&mut self, endpoint: Endpoint, reference: Option<&str>, recognition: Recognition) {
        let orders = self.stats.orders_at(endpoint);
        orders.total += 1;
        *match recognition {
            Recognition::Recognised => &mut orders.recognised,
            Recognition::NotRecognised => &mut orders.not_recognised,
            Recognition::WithoutToken => &mut orders.without_token,
        } += 1;
        if let Some(reference) = reference {
            let seen = self.references.entry(reference.to_owned()).or_default();
            *seen += 1;
            if *seen == 1 {
                orders.distinct_references += 1;
            } else {
                orders.duplicates += 1;
            }
        }
    }
}
