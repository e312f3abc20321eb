//! The result of an exchange, and what it means for an order or for the keeper.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::clock::since_boot;
use crate::token::{Outcome, POLL_INTERVAL, Unusable};

/// The result of an exchange, after its end is stored or its successor is in the spool.
#[derive(Clone, Debug)]
pub(super) enum ExchangeReport {
    /// Nothing was presented: the keeper refreshes only due tokens, and the token is not due.
    NotDue,
    /// Nothing was presented: this access token was cached after the vend looked for one.
    Cached(AccessToken),
    /// Nothing was presented, and waiting does not help.
    Unusable(Unusable),
    /// Nothing was presented: ask again after this long.
    NotYet(Duration),
    /// Nothing was presented: the merchant is stopped, and its next probe may be sent after this
    /// long.
    Held(Duration),
    /// The token was presented and granted.
    Granted {
        /// The access token; `None` if the answer had none. The successor is not presented for one,
        /// because that would probably give none either.
        access: Option<AccessToken>,
        /// Whether a successor replaced the presented token.
        rotated: bool,
    },
    /// The token was presented and no longer works: the shopper must sign in again.
    Died,
    /// The token was presented. It is unchanged, or its state is unknown.
    Failed {
        /// The outcome in the ledger.
        outcome: Outcome,
        /// When to ask again.
        next: Next,
    },
    /// The token was presented, and the user signed in or was forgotten meanwhile. The present row
    /// counts.
    Superseded,
}

/// When to ask for a token again after a failed exchange.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// After this long.
    After(Duration),
    /// Waiting does not help.
    Never(Unusable),
}

/// The answer to a request for an access token.
#[derive(Clone, Debug)]
pub enum Access {
    /// An access token.
    Ready(AccessToken),
    /// There is none, and waiting does not help.
    Unusable(Unusable),
    /// Not yet: ask again after this time.
    ComeBack(Duration),
}

/// An access token with its id_token. [`std::fmt::Debug`] shows no secret.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The access token.
    pub token: SecretString,
    /// The id_token about the shopper; not verified yet.
    pub id_token: Option<SecretString>,
    /// When it was received, by the database's clock.
    pub received_at: DateTime<Utc>,
    /// When the access token expires.
    pub good_until: DateTime<Utc>,
    /// The same by this process's own clock ([`since_boot`]).
    pub(super) expires_at: Duration,
    /// Whether it is cached from an earlier exchange.
    pub cached: bool,
    /// Whether the commit that stored the exchange also announced the order's create call.
    pub announced: bool,
    /// The keyed hash of the first `sub` that was seen for the user.
    pub(super) subject: Option<Vec<u8>>,
}

/// The result of refreshing one token for the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// A successor was stored.
    Rotated,
    /// The token stays valid: the provider does not rotate.
    Unchanged,
    /// It was not due any more, because something else had exchanged it.
    NotDue,
    /// It was presented, and no longer works.
    Died,
    /// Nothing was presented, because the token could not be used before.
    Unusable(Unusable),
    /// It was presented; it is unchanged, or its state is unknown. Try again after this time.
    Failed(Outcome, Duration),
    /// Nothing was presented, because an exchange is in flight, the wait after one is not over, or
    /// the database is not available. Try again after this time.
    ComeBack(Duration),
    /// The circuit breaker of the merchant's token endpoint is open. Try again after this time.
    Held(Duration),
    /// The sweep was stopped before the exchange could begin.
    NotBegun,
}

impl AccessToken {
    /// Returns for how long the access token is still valid.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.expires_at.saturating_sub(since_boot())
    }

    /// Whether it stays valid for at least `time` from now, or for half of its life if that is
    /// shorter. A provider that states a life of zero states nothing.
    #[must_use]
    pub fn lasts(&self, time: Duration) -> bool {
        let life = (self.good_until - self.received_at).to_std().unwrap_or_default();
        life.is_zero() || self.expires_at >= since_boot().saturating_add(time.min(life / 2))
    }
}

impl ExchangeReport {
    /// Converts the report of an exchange whose store announced the order's create call.
    pub(super) fn announced(mut self) -> Self {
        if let Self::Granted { access: Some(access), .. } = &mut self {
            access.announced = true;
        }
        self
    }

    /// Converts the report of an exchange whose end changed only the ledger.
    pub(super) fn superseded(self) -> Self {
        match self {
            Self::Failed { outcome, .. } => Self::Failed { outcome, next: Next::After(POLL_INTERVAL) },
            _ => Self::Superseded,
        }
    }

    /// Converts the report to the answer for an order.
    pub(super) fn for_order(self) -> Access {
        match self {
            Self::Granted { access: Some(access), .. } | Self::Cached(access) => Access::Ready(access),
            Self::Granted { access: None, .. } => Access::Unusable(Unusable::Unavailable),
            Self::Died => Access::Unusable(Unusable::ReauthRequired),
            Self::Unusable(why) | Self::Failed { next: Next::Never(why), .. } => Access::Unusable(why),
            Self::NotYet(after) | Self::Held(after) | Self::Failed { next: Next::After(after), .. } => {
                Access::ComeBack(after)
            }
            Self::NotDue | Self::Superseded => Access::ComeBack(POLL_INTERVAL),
        }
    }

    /// Converts the report to the answer for the keeper.
    pub(super) fn for_keeper(self) -> Refreshed {
        match self {
            Self::Granted { rotated: true, .. } => Refreshed::Rotated,
            Self::Granted { rotated: false, .. } => Refreshed::Unchanged,
            Self::Died => Refreshed::Died,
            Self::Failed { outcome, next: Next::After(after) } => Refreshed::Failed(outcome, after),
            Self::Failed { outcome, next: Next::Never(_) } => Refreshed::Failed(outcome, Duration::ZERO),
            Self::Unusable(why) => Refreshed::Unusable(why),
            Self::NotYet(after) => Refreshed::ComeBack(after),
            Self::Held(after) => Refreshed::Held(after),
            // No refresh looks for cached access tokens.
            Self::NotDue | Self::Cached(_) | Self::Superseded => Refreshed::NotDue,
        }
    }
}
