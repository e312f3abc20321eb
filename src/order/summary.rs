//! What is kept of an order's body after retention has deleted it: the values that searches find an
//! order by, and those that lists show.

use serde_json::value::RawValue;

use super::Body;
use super::json::{Kind, Object};

/// The most characters of a reference, which is Klarna's limit. Longer ones fail the order's check.
const MOST_CHARACTERS: usize = 255;

/// Values of an order's body that are kept in columns of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The shop's `merchant_reference1`, such as its order number.
    pub merchant_reference1: Option<String>,
    /// The shop's `merchant_reference2`. If the shop gives none, Klarna gets the order's id.
    pub merchant_reference2: Option<String>,
    /// `order_amount`, in the currency's smallest unit. `None` if it is not written in plain
    /// digits.
    pub order_amount: Option<i64>,
    /// `purchase_currency`, as ISO 4217 writes it.
    pub purchase_currency: Option<String>,
}

impl Summary {
    /// Reads the values of a body. What is missing, empty, of another type or too long is left out.
    #[must_use]
    pub fn of(body: &Body) -> Self {
        let Some(order) = body.raw().and_then(Object::read) else { return Self::default() };
        let reference =
            |name: &str| text(&order, name).filter(|text| text.chars().count() <= MOST_CHARACTERS);
        let amount = order.get("order_amount").filter(|raw| Kind::of(raw) == Kind::Number);
        let is_currency =
            |text: &String| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        Self {
            merchant_reference1: reference("merchant_reference1"),
            merchant_reference2: reference("merchant_reference2"),
            order_amount: amount.and_then(|raw: &RawValue| raw.get().parse().ok()),
            purchase_currency: text(&order, "purchase_currency").filter(is_currency),
        }
    }
}

/// Returns an amount for people, such as `500.00 SEK`. Klarna's amounts have two decimals in every
/// currency.
#[must_use]
pub fn shown_amount(amount: i64, currency: Option<&str>) -> String {
    let (sign, amount) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    let number = format!("{sign}{}.{:02}", amount / 100, amount % 100);
    currency.map_or_else(|| number.clone(), |currency| format!("{number} {currency}"))
}

/// Returns a text of the order. `None` if there is none, or an empty one.
fn text(order: &Object<'_>, name: &str) -> Option<String> {
    let text: String = serde_json::from_str(order.get(name)?.get()).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Summary {
        Summary::of(&Body::parse(body).unwrap())
    }

    #[test]
    fn the_values_of_a_body_are_kept() {
        let body = r#"{ "order_amount" : 50000, "purchase_currency":"SEK",
            "merchant_reference1":"A-\u00e5-1", "merchant_reference2" : "cart 7" }"#;
        let kept = Summary {
            merchant_reference1: Some("A-å-1".into()),
            merchant_reference2: Some("cart 7".into()),
            order_amount: Some(50000),
            purchase_currency: Some("SEK".into()),
        };
        assert_eq!(of(body), kept);
    }

    #[test]
    fn an_amount_has_two_decimals() {
        assert_eq!(shown_amount(50_005, Some("SEK")), "500.05 SEK");
        assert_eq!(shown_amount(-7, None), "-0.07");
        assert_eq!(shown_amount(i64::MIN, Some("EUR")), "-92233720368547758.08 EUR");
    }

    #[test]
    fn what_cannot_be_kept_is_left_out() {
        let long = format!(r#"{{"merchant_reference1":"{}"}}"#, "å".repeat(256));
        for body in [
            "{}",
            r#"{"merchant_reference1":"","merchant_reference2":null}"#,
            r#"{"merchant_reference1":17,"merchant_reference2":["x"],"purchase_currency":"crowns"}"#,
            r#"{"order_amount":5e4}"#,
            r#"{"order_amount":"500"}"#,
            r#"{"order_amount":99999999999999999999}"#,
            &long,
        ] {
            assert_eq!(of(body), Summary::default(), "{body}");
        }
        let longest = format!(r#"{{"merchant_reference1":"{}"}}"#, "å".repeat(255));
        assert_eq!(of(&longest).merchant_reference1.unwrap().chars().count(), 255);
    }
}
