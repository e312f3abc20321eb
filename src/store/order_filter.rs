//! Selects orders: by their columns, and by the names that a shop or Klarna calls them.

use chrono::{DateTime, Utc};

use crate::ids::{MerchantName, UserId};
use crate::order::{FollowUpState, OrderId, Status, Target, TokenOutcome};

/// Selects orders, newest first.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only orders in this state.
    pub status: Option<Status>,
    /// Only this merchant's.
    pub merchant: Option<MerchantName>,
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only orders for this target. An order that leaves the target to its merchant's setting has
    /// one once it is submitted.
    pub target: Option<Target>,
    /// Only orders with this token outcome.
    pub token: Option<TokenOutcome>,
    /// Only orders that had a token, or only others.
    pub with_token: Option<bool>,
    /// Only orders with an error of one of these codes; all if there are none.
    pub errors: Vec<String>,
    /// Only orders whose error has a code that [fails again](crate::order::ErrorCode::fails_again),
    /// or only others.
    pub fails_again: Option<bool>,
    /// Only possible duplicates, or only others.
    pub duplicates: Option<bool>,
    /// Only orders whose follow-ups fare so.
    pub follow_ups: Option<FollowUpState>,
    /// Only orders with this name, or one that begins so: their id, idempotency key, a reference of
    /// the shop, Klarna's id of the order or session, or their user.
    pub name: Option<OrderName>,
    /// Only queued orders that are due at this time.
    pub due_by: Option<DateTime<Utc>>,
    /// Only orders accepted at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only orders accepted before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only orders that ended at this time or later.
    pub ended_since: Option<DateTime<Utc>>,
    /// Only orders that ended before this time.
    pub ended_until: Option<DateTime<Utc>>,
    /// Only these orders.
    pub ids: Option<Vec<OrderId>>,
    /// Only orders older than this one, which is the last one of the previous page.
    pub before: Option<OrderId>,
    /// The largest number of orders.
    pub limit: u32,
}

/// How many names of each column that begin with a text are looked at: the last ones in the order
/// of the column. References that count upwards are newest there.
pub const BEGINNING: u32 = 1000;

/// What the names of orders are compared with. Capital and small letters differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderName {
    /// A whole name.
    Whole(String),
    /// The beginning of a name. Of each kind of name, at most [`BEGINNING`] are looked at.
    Begins(Beginning),
}

/// The beginning of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    pub(super) text: String,
    /// The first text behind those that begin so, if there is one.
    pub(super) end: Option<String>,
}

impl Beginning {
    /// Returns this beginning.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), end: end_of(text) }
    }

    /// Returns its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl From<&str> for OrderName {
    fn from(name: &str) -> Self {
        Self::Whole(name.to_owned())
    }
}

/// Returns the first text behind those that begin with a text, as both engines compare names: byte
/// by byte, which in UTF-8 is character by character. `None` if none is.
fn end_of(text: &str) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    while let Some(last) = chars.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_behind_the_last_text_that_begins_so() {
        for (text, end) in [
            ("abc", Some("abd")),
            ("ab~", Some("ab\u{7f}")),
            ("abz", Some("ab{")),
            ("ab\u{7f}", Some("ab\u{80}")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("ö%_", Some("ö%`")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}\u{10ffff}", None),
        ] {
            assert_eq!(end_of(text).as_deref(), end, "{text:?}");
            let end = end.unwrap_or("\u{10ffff}\u{10ffff}\u{10ffff}");
            assert!(text < end && *format!("{text}\u{10fffe}\u{10ffff}") < *end, "{text:?}");
        }
    }
}
