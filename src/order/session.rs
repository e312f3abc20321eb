//! What Klarna last said of an order or session that it created.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::status::read_and_shown_as_words;

/// What has become of an order or session at Klarna.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionPhase {
    /// The shopper can still pay.
    Open,
    /// The shopper has paid, or the shop has placed the order of a session.
    Completed,
    /// It cannot be paid any more: it expired, or was aborted.
    Ended,
}

impl SessionPhase {
    /// All phases, in the order in which a session can have them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Completed, Self::Ended];

    /// Returns its word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Completed => "completed",
            Self::Ended => "ended",
        }
    }

    /// Returns the phase for Klarna's word. `checkout_incomplete` and `incomplete` are the words of
    /// an open order and session, `AUTHORIZED` is the first word of order management for a paid
    /// one. A word that is not known counts as open, because nothing follows from that.
    #[must_use]
    pub fn of_status(status: &str) -> Self {
        let status = status.to_ascii_lowercase();
        match status.strip_prefix("checkout_").unwrap_or(&status) {
            "complete" | "authorized" | "part_captured" | "captured" | "closed" => Self::Completed,
            "aborted" | "cancelled" | "expired" => Self::Ended,
            _ => Self::Open,
        }
    }
}

read_and_shown_as_words!(SessionPhase);

/// What Klarna said of an order or session when it was last read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KlarnaState {
    /// What has become of it: `open` (the shopper can still pay), `completed` (the shopper has
    /// paid, or the shop has placed the order), `ended` (it cannot be paid any more).
    pub phase: SessionPhase,
    /// Klarna's own word, such as `checkout_incomplete`; `not_found` if Klarna does not know it any
    /// more, as after 48 hours.
    #[schema(example = "checkout_incomplete")]
    pub status: String,
    /// When it was read.
    pub read_at: DateTime<Utc>,
    /// Klarna's id of the order that was read, if it is another one than the order's own: Klarna
    /// has created the order twice, and the shopper has paid this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub other_klarna_order_id: Option<String>,
    /// The amount to pay, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 50000)]
    pub order_amount: Option<i64>,
    /// ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "SEK")]
    pub purchase_currency: Option<String>,
    /// The shop's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "cart-1001")]
    pub merchant_reference1: Option<String>,
}

impl fmt::Debug for KlarnaState {
    /// Leaves out the shop's own text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KlarnaState({}, {})", self.phase, self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn klarnas_words_are_read_in_any_case() {
        for (word, phase) in [
            ("checkout_incomplete", SessionPhase::Open),
            ("CHECKOUT_COMPLETE", SessionPhase::Completed),
            ("incomplete", SessionPhase::Open),
            ("complete", SessionPhase::Completed),
            ("AUTHORIZED", SessionPhase::Completed),
            ("PART_CAPTURED", SessionPhase::Completed),
            ("EXPIRED", SessionPhase::Ended),
            ("something_new", SessionPhase::Open),
        ] {
            assert_eq!(SessionPhase::of_status(word), phase, "{word}");
        }
    }
}
