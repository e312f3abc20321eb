//! The part of Klarna's answer that the shop needs for the shopper's browser.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Target;

/// What the shop needs from Klarna's answer to go on in the shopper's browser. It belongs to the
/// shopper's session: it is shown to the shop, deleted with the order's body (`retention.bodies`),
/// and never logged.
#[derive(Clone, PartialEq, Eq)]
pub enum OrderResult {
    /// The result of Klarna Checkout.
    Checkout {
        /// The HTML that the shop shows to the shopper.
        html_snippet: String,
    },
    /// The result of Klarna Payments.
    Payments(PaymentsSession),
}

/// A session of Klarna Payments, without its id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsSession {
    /// The token that initialises Klarna's script in the shopper's browser.
    pub client_token: String,
    /// The payment methods that the shop can offer, as Klarna wrote them: an array.
    #[serde(default = "none")]
    pub payment_method_categories: Value,
}

fn none() -> Value {
    json!([])
}

impl OrderResult {
    /// Returns the target that gives such a result.
    #[must_use]
    pub const fn target(&self) -> Target {
        match self {
            Self::Checkout { .. } => Target::Checkout,
            Self::Payments(_) => Target::Payments,
        }
    }

    /// Returns whether the part that every shop needs is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Checkout { html_snippet } => html_snippet.is_empty(),
            Self::Payments(session) => session.client_token.is_empty(),
        }
    }

    /// Returns the text that is stored.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Checkout { html_snippet } => html_snippet.into(),
            Self::Payments(session) => json!(session).to_string().into(),
        }
    }

    /// Reads a stored text. `None` if it does not fit the target.
    #[must_use]
    pub fn from_text(target: Target, text: String) -> Option<Self> {
        match target {
            Target::Checkout => Some(Self::Checkout { html_snippet: text }),
            Target::Payments => serde_json::from_str(&text).ok().map(Self::Payments),
        }
    }
}

impl fmt::Debug for OrderResult {
    /// Shows only the target.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderResult({}, …)", self.target())
    }
}

impl fmt::Debug for PaymentsSession {
    /// Shows nothing of the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentsSession").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_as_it_was_stored() {
        let session = PaymentsSession {
            client_token: "secret \"å\"".to_owned(),
            payment_method_categories: json!([{"identifier": "klarna", "name": "Pay \"later\"", "new": 1.5}]),
        };
        for result in [
            OrderResult::Checkout { html_snippet: "<p>secret</p>".to_owned() },
            OrderResult::Payments(session),
        ] {
            let text = result.to_text().into_owned();
            assert_eq!(OrderResult::from_text(result.target(), text), Some(result.clone()));
            assert!(!format!("{result:?}").contains("secret"));
        }
        assert_eq!(OrderResult::from_text(Target::Payments, "<p>".to_owned()), None);
    }
}
