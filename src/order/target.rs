//! The products of Klarna that an order can be submitted to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::status::read_and_shown_as_words;

/// A product of Klarna that an order is submitted to. It decides the rules for the order's body,
/// the call that creates it, and what the shop gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Klarna Checkout, which Kustom also provides: an order with the HTML of a whole checkout
    /// page.
    Checkout,
    /// Klarna Payments: a session, which the shop's own checkout page shows with Klarna's script.
    Payments,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 2] = [Self::Checkout, Self::Payments];

    /// Returns its word in JSON, in the settings, in the database and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Payments => "payments",
        }
    }

    /// Returns what an operator checks if Klarna refuses the merchant with this HTTP status.
    #[must_use]
    pub const fn what_to_check(self, status: u16) -> &'static str {
        match (status, self) {
            (401, _) => "Check the API credentials and the region",
            (403, Self::Checkout) => "Ask Klarna whether Checkout is activated for the API credentials",
            (403, Self::Payments) => {
                "Ask Klarna whether Klarna Payments is activated for the API credentials"
            }
            (_, Self::Checkout) => "Check checkout_provider and checkout_url",
            (_, Self::Payments) => "Check region, environment and payments_url",
        }
    }
}

read_and_shown_as_words!(Target);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_store_use_the_same_words() {
        for target in Target::ALL {
            assert_eq!(serde_json::to_value(target).unwrap(), target.as_str());
            assert_eq!(target.as_str().parse(), Ok(target));
        }
        assert_eq!("card".parse::<Target>().unwrap_err().expected, "checkout, payments");
    }
}
