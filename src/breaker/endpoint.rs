//! The endpoints of Klarna that have circuit breakers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;

/// An endpoint of Klarna.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Endpoint {
    /// Exchanges of refresh tokens
    Token,
    /// Create calls to Klarna Checkout
    Checkout,
    /// Create calls to Klarna Payments
    Payments,
    /// Calls about orders of Klarna Checkout that exist
    CheckoutSession,
    /// Calls about sessions of Klarna Payments that exist
    PaymentsSession,
}

words!(Endpoint {
    Token = "token",
    Checkout = "checkout",
    Payments = "payments",
    CheckoutSession = "checkout_session",
    PaymentsSession = "payments_session",
});

impl Endpoint {
    /// Whether orders wait for it before they are submitted.
    #[must_use]
    pub const fn is_for_new_orders(self) -> bool {
        match self {
            Self::Token | Self::Checkout | Self::Payments => true,
            Self::CheckoutSession | Self::PaymentsSession => false,
        }
    }
}

/// Returns what an order to try a call is about, in words for the audit log.
#[must_use]
pub fn probed(endpoint: Option<Endpoint>) -> &'static str {
    endpoint.map_or("all endpoints", Endpoint::as_str)
}
