//! Counts ([`Stats`]) and events ([`Event`]) of a sandbox.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::faults::{Endpoint, Failure};
use crate::state::{Holder, Outcome};

/// The counts since the start, as `GET /stats` answers them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Requests to the token endpoint.
    pub exchanges: Exchanges,
    /// Requests to the Checkout endpoint.
    pub orders: Orders,
    /// Requests to the Payments endpoint. Each order counted here is a session.
    #[serde(default)]
    pub sessions: Orders,
    /// Tokens that were revoked at the revocation endpoint.
    #[serde(default)]
    pub revocations: u64,
    /// Failures injected, by endpoint and kind, such as `token.lost`.
    pub faults: BTreeMap<String, u64>,
    /// Answers that are held at this moment.
    #[serde(default)]
    pub held: u64,
    /// Secrets that arrived where they must not be.
    pub leaks: Leaks,
    /// How long the answers took.
    #[serde(default)]
    pub time: Times,
}

/// The time that the sandbox takes, so that a measurement of its clients can subtract it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The time of the token endpoint.
    pub token: Time,
    /// The time of the Checkout endpoint.
    pub checkout: Time,
    /// The time of the Payments endpoint.
    #[serde(default)]
    pub payments: Time,
    /// The time of the revocation endpoint.
    #[serde(default)]
    pub revoke: Time,
}

/// The times from the request's head until the answer is ready, latencies included, over all calls
/// of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// The number of calls.
    pub calls: u64,
    /// The sum of the times, in microseconds.
    pub total_us: u64,
    /// The longest time, in microseconds.
    pub longest_us: u64,
}

impl Stats {
    /// Returns the counts of a create endpoint.
    pub(super) fn orders_at(&mut self, endpoint: Endpoint) -> &mut Orders {
        if endpoint == Endpoint::Payments { &mut self.sessions } else { &mut self.orders }
    }
}

impl Times {
    /// Returns the times of an endpoint.
    pub(super) fn at(&mut self, endpoint: Endpoint) -> &mut Time {
        match endpoint {
            Endpoint::Token => &mut self.token,
            Endpoint::Checkout => &mut self.checkout,
            Endpoint::Payments => &mut self.payments,
            Endpoint::Revoke => &mut self.revoke,
        }
    }

    /// Returns the mean time of an exchange plus the mean time of creating an order.
    #[must_use]
    pub fn mean_per_order(&self) -> Duration {
        self.token.mean() + self.checkout.mean()
    }
}

impl Time {
    /// Returns the mean time of a call.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_micros(self.total_us / self.calls.max(1))
    }

    /// Returns the times of the calls after `earlier` was read. The longest time is that of all
    /// calls.
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

/// Requests to the token endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanges {
    /// All requests.
    pub total: u64,
    /// Tokens that were rotated, whether or not the answer arrived.
    pub rotated: u64,
    /// Presentations that were refused with `invalid_grant`.
    pub invalid_grant: u64,
    /// Presentations of a token that was already spent, whatever the answer was.
    pub spent_presented: u64,
    /// Presentations of a token while another request was presenting the same token.
    pub concurrent: u64,
    /// Processed presentations, by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Requests that were refused before their token was looked up, by error code.
    pub refused: BTreeMap<String, u64>,
}

/// Requests to an endpoint that creates orders or sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// All requests.
    pub requests: u64,
    /// Orders created.
    pub total: u64,
    /// Different values of `merchant_reference2` among the orders created.
    pub distinct_references: u64,
    /// Orders created with the `merchant_reference2` of an earlier order.
    pub duplicates: u64,
    /// Orders created with a good access token.
    pub recognised: u64,
    /// Orders created with an unknown, expired or revoked access token: the shopper must sign in
    /// again.
    pub not_recognised: u64,
    /// Orders created without an access token.
    pub without_token: u64,
    /// Requests with a known `Klarna-Idempotency-Key`, answered with the first order.
    pub replayed: u64,
    /// Refused requests, by status.
    pub refused: BTreeMap<u16, u64>,
}

/// Secrets that arrived where they must not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaks {
    /// Requests to the token endpoint with the form's fields in the query string.
    pub token_in_query: u64,
    /// Create calls whose body contains a refresh token.
    pub refresh_token_in_order: u64,
    /// Create calls whose body contains the shopper's national identification number.
    pub national_identification_number_in_order: u64,
}

/// A recorded event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// The user whose token it concerns; `None` if the token is unknown or absent.
    pub user: Option<String>,
    /// The number of the token's sign-in, counted over all users from 0.
    pub family: Option<usize>,
    /// How many rotations the token came after the sign-in; 0 for the first token. An access token
    /// has the number of its refresh token.
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
    /// The user withdrew consent, or the client revoked a token.
    Revoked,
    /// A refresh token was presented.
    Presented {
        /// The result; `None` if a failure prevented processing.
        outcome: Option<Outcome>,
        /// Whether another request was presenting the same token.
        concurrent: bool,
        /// The failure that was injected.
        fault: Option<Failure>,
    },
    /// An order or session was created.
    Order {
        /// Klarna's id of the order or session.
        order_id: String,
        /// The order's `merchant_reference2`.
        reference: Option<String>,
        /// Whether Klarna recognises the shopper.
        recognition: Recognition,
        /// The failure that was injected.
        fault: Option<Failure>,
    },
    /// An order or session was updated.
    Updated {
        /// Its id.
        klarna_id: String,
    },
    /// An order was aborted.
    Aborted {
        /// Its id.
        klarna_id: String,
    },
    /// The shop placed an order with a session of Klarna Payments.
    Placed {
        /// The session's id.
        klarna_id: String,
        /// The id that order management has for the order.
        order_id: String,
    },
    /// The merchant acknowledged a paid order.
    Acknowledged {
        /// Its id.
        klarna_id: String,
    },
    /// A push was sent for a paid order.
    Pushed {
        /// Its id.
        klarna_id: String,
        /// The status of the answer; `None` if there was none.
        status: Option<u16>,
    },
}

/// Whether an order's access token lets Klarna recognise the shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recognition {
    /// The token is good: Klarna recognises the shopper.
    Recognised,
    /// The token is unknown, expired or revoked.
    NotRecognised,
    /// The order has no access token.
    WithoutToken,
}

/// A refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    /// The sign-in that it comes from.
    pub(super) family: usize,
    pub(super) generation: u64,
}

/// Counts and events.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) stats: Stats,
    pub(super) references: HashMap<String, u64>,
    pub(super) events: Vec<Event>,
    /// The tokens whose presenters closed the connection before the answer.
    pub(super) left: HashSet<TokenKey>,
    /// Whether events are kept.
    pub(super) record: bool,
}

impl Recorder {
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

    /// Notes that a client did not wait for the answer about this token.
    pub(super) fn left(&mut self, holder: &Holder) {
        if self.record {
            self.left.insert(TokenKey { family: holder.family, generation: holder.generation });
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
