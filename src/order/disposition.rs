//! The result of one attempt at an order.

use std::time::Duration;

use super::{ErrorCode, OrderError, OrderResult, Prefill, Target, TokenOutcome, Waits};

/// The result of one attempt at an order.
#[derive(Clone, Debug)]
pub enum Disposition {
    /// Klarna created the order or session.
    Submitted {
        /// Klarna's id of the order or session.
        klarna_id: String,
        /// The target that the order was submitted to.
        target: Target,
        /// What the shop gets for the shopper's browser.
        result: Option<OrderResult>,
        /// The id of the call in Klarna's logs.
        correlation_id: Option<String>,
        /// Which access token the order was submitted with, or why without one.
        token: TokenOutcome,
        /// The fields filled in from the id_token.
        prefilled: Prefill,
    },
    /// The order has failed and will not be tried again.
    Failed {
        /// Why it failed.
        error: OrderError,
        /// The token outcome, if the attempt got that far.
        token: Option<TokenOutcome>,
        /// The fields filled in from the id_token.
        prefilled: Prefill,
    },
    /// The attempt failed and is counted. The order is tried again later.
    Retry {
        /// How long to wait, from now.
        after: Duration,
        /// Why it failed.
        error: OrderError,
        /// Whether the create-order call may have reached Klarna.
        possible_duplicate: bool,
        /// How long the order waited for its token before it was sent.
        token_waited: Duration,
    },
    /// The order waits and is tried again. No attempt is counted.
    Snooze {
        /// How long to wait, from now.
        after: Duration,
        /// What it waits for, if someone can do something about it.
        error: Option<OrderError>,
        /// How much longer the order will have waited for its token by then.
        token_waited: Duration,
        /// All waits of the order, with this one.
        waits: Waits,
    },
}

impl Disposition {
    /// Adds a wait for the token. An order that has ended waits no more.
    #[must_use]
    pub fn having_waited(mut self, time: Duration) -> Self {
        if let Self::Retry { token_waited, .. } | Self::Snooze { token_waited, .. } = &mut self {
            *token_waited += time;
        }
        self
    }

    /// Adds how long it took until the order is put back: its wait ends that much later.
    #[must_use]
    pub fn having_taken(mut self, time: Duration) -> Self {
        if let Self::Snooze { waits, .. } = &mut self {
            waits.prolong(time);
        }
        self
    }

    /// Whether it is the end of an attempt that counts. One that only found the deadline over does
    /// not.
    #[must_use]
    pub fn counts(&self) -> bool {
        match self {
            Self::Submitted { .. } | Self::Retry { .. } => true,
            Self::Failed { error, .. } => error.code != ErrorCode::DeadlineExceeded.as_str(),
            Self::Snooze { .. } => false,
        }
    }
}
