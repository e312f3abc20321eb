//! What came of an exchange, and what that means for whoever asked for it: an order or the keeper.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::token::{LOOK_AGAIN, Outcome, Unusable};

/// The one result of an exchange, once its end is written down, or its successor lies in the spool.
#[derive(Clone, Debug)]
pub(super) enum ExchangeReport {
    /// Nothing was presented: the token is not due, and the keeper wants it only then.
    NotDue,
    /// Nothing was presented, and waiting does not help.
    Unusable(Unusable),
    /// Nothing was presented: ask again after this long.
    NotYet(Duration),
    /// Nothing was presented: the merchant is stopped, and its next probe may be sent after this long.
    Held(Duration),
    /// The token was presented and granted.
    Granted {
        /// The access token; `None` if the answer had none. Presenting the successor at once would
        /// hardly bring one.
        access: Option<AccessToken>,
        /// Whether a successor replaced the token presented.
        rotated: bool,
    },
    /// The token was presented and is dead: the shopper must sign in again.
    Died,
    /// The token was presented and is as it was, or nobody knows.
    Failed {
        /// What the ledger says of it.
        outcome: Outcome,
        /// When to ask again.
        next: Next,
    },
    /// The token was presented, and a sign-in or forgetting came in between: what the row says now counts.
    Superseded,
}

/// When a token may be asked for again after an exchange that failed.
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
    /// Whether it is cached from an earlier attempt.
    pub cached: bool,
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
    /// It no longer works, as was found out now.
    Died,
    /// It could not be used before: nothing was presented.
    Unusable(Unusable),
    /// It was presented; it is unchanged, or its state is unknown. Try again after this time.
    Failed(Outcome, Duration),
    /// Nothing was presented, because an exchange is in flight, the wait after one is not over, or
    /// the database is not available. Try again after this time.
    ComeBack(Duration),
    /// The circuit breaker of the merchant's token endpoint is open. Try again after this time.
    Held(Duration),
}

impl ExchangeReport {
    /// The report of an exchange whose end changed nothing but the ledger.
    pub(super) fn superseded(self) -> Self {
        match self {
            Self::Failed { outcome, .. } => Self::Failed { outcome, next: Next::After(LOOK_AGAIN) },
            _ => Self::Superseded,
        }
    }

    /// What an order gets.
    pub(super) fn for_order(self) -> Access {
        match self {
            Self::Granted { access: Some(access), .. } => Access::Ready(access),
            Self::Granted { access: None, .. } => Access::Unusable(Unusable::Unavailable),
            Self::Died => Access::Unusable(Unusable::ReauthRequired),
            Self::Unusable(why) | Self::Failed { next: Next::Never(why), .. } => Access::Unusable(why),
            Self::NotYet(after) | Self::Held(after) | Self::Failed { next: Next::After(after), .. } => {
                Access::ComeBack(after)
            }
            Self::NotDue | Self::Superseded => Access::ComeBack(LOOK_AGAIN),
        }
    }

    /// What the keeper gets.
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
            Self::NotDue | Self::Superseded => Refreshed::NotDue,
        }
    }
}
