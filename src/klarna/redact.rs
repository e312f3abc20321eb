//! Removes secrets and personal data from Klarna's texts, so that they can be stored and shown to
//! the shop.

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::config::Merchant;

/// The most characters of a text; longer texts are cut.
const LONGEST_MESSAGE: usize = 500;

/// The shortest value that is removed, in characters. Shorter ones (`SE`, `Mr`) reveal little, and
/// removing them would make the message unreadable.
const SHORTEST_VALUE: usize = 4;

const MARK: &str = "[redacted]";

/// Removes from a text all credentials and personal data that the request contained: the access
/// token, the merchant's password, and the values in `customer` and the addresses, which may come
/// from an `id_token`.
pub(crate) struct Redactor {
    /// The longest first, so that a value inside another leaves no rest of it.
    values: Vec<Zeroizing<String>>,
}

/// The members of an order that contain the shopper's data.
#[derive(Deserialize)]
struct Personal {
    #[serde(default)]
    customer: Value,
    #[serde(default)]
    billing_address: Value,
    #[serde(default)]
    shipping_address: Value,
}

impl Redactor {
    /// Creates a redactor for a request. `None` if the body cannot be read: then it is unknown what
    /// to remove, and no text may be kept.
    pub fn new(merchant: &Merchant, body: &[u8]) -> Option<Self> {
        let order: Personal = serde_json::from_slice(body).ok()?;
        let mut values = vec![Zeroizing::new(merchant.api_password.expose_secret().to_owned())];
        for member in [order.customer, order.billing_address, order.shipping_address] {
            collect(member, &mut values);
        }
        values.retain(|value| value.chars().count() >= SHORTEST_VALUE);
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Some(Self { values })
    }

    /// Returns the text on one line, redacted and then cut. It must be redacted first, because half
    /// a token would not be found.
    pub fn clean(&self, text: &str) -> String {
        let redacted = self.values.iter().fold(text.to_owned(), |text, value| text.replace(value.as_str(), MARK));
        let line: Vec<&str> = redacted.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let line = line.join(" ");
        match line.char_indices().nth(LONGEST_MESSAGE) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

fn collect(value: Value, into: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) => into.push(Zeroizing::new(text)),
        Value::Array(items) => items.into_iter().for_each(|item| collect(item, into)),
        Value::Object(members) => members.into_iter().for_each(|(_, member)| collect(member, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
