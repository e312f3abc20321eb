//! What Klarna says about an order, made fit for our database and the shop's eyes.

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::config::Merchant;

/// Longer texts are cut, in characters.
const LONGEST_MESSAGE: usize = 500;

/// Shorter values (`SE`, `Mr`) say little and would garble the message.
const SHORTEST_VALUE: usize = 4;

const MARK: &str = "[redacted]";

/// Removes from a text whatever the request carried of credentials and of the shopper: the access token, the
/// merchant's password, and the values under `customer` and the addresses, which may come from an `id_token`.
pub(crate) struct Redactor {
    /// Longest first, so that a value within another leaves no rest of it.
    values: Vec<Zeroizing<String>>,
}

/// The order's members whose values are the shopper's.
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
    /// `None` where the body cannot be read: then nobody knows what to remove, and no text may be kept.
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

    /// On one line, redacted, and only then cut: half a token at the end would not be found any more.
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
