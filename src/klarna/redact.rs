//! Removes secrets and personal data from Klarna's texts, so that they can be stored and shown to
//! the shop.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::fields::is_field;
use crate::config::{ApiCredentials, CredentialSet, Merchant};

/// The most bytes of a text that are read, and the most characters that are kept of it.
const LONGEST_TEXT: usize = 8 * 1024;
const LONGEST_MESSAGE: usize = 500;

/// The shortest value that is removed, in characters. Shorter ones (`SE`, `Mr`) reveal little, and
/// removing them would make the message unreadable.
const SHORTEST_VALUE: usize = 4;

/// The most bytes of all values together. A shopper's data has a few hundred bytes. If a request
/// has more than this, no text about it is kept.
const MOST_VALUES: usize = 64 * 1024;

const MARK: &str = "[redacted]";

/// Removes from a text all credentials and personal data that the request contained: the access
/// token, the merchant's password or API key, the values in `customer` and the addresses, which may
/// come from an `id_token`, and those in `attachment` and `merchant_data`, where shops tell more of
/// a shopper. All values are looked for at once, so a text takes one pass.
pub(crate) struct Redactor {
    /// Finds the longest of several values that begin at the same position, so that no part of it
    /// remains.
    values: AhoCorasick,
    /// The length of the longest value, in bytes.
    longest: usize,
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
    #[serde(default)]
    attachment: Value,
    #[serde(default)]
    merchant_data: Value,
}

impl Redactor {
    /// Creates a redactor for a request. `None` if the body cannot be read, or has too many values:
    /// then it is unknown what to remove, and no text may be kept.
    pub fn new(merchant: &Merchant, body: &[u8]) -> Option<Self> {
        let order: Personal = serde_json::from_slice(body).ok()?;
        let credentials = CredentialSet::ALL.into_iter().filter_map(|set| merchant.credentials(set));
        let secret = |credentials: &ApiCredentials| credentials.secret().expose_secret().to_owned();
        let mut values: Vec<_> = credentials.map(secret).map(Zeroizing::new).collect();
        let Personal { customer, billing_address, shipping_address, attachment, merchant_data } = order;
        for member in [customer, billing_address, shipping_address, attachment, merchant_data] {
            collect(member, &mut values);
        }
        // The name of a field is no secret, and tells which field Klarna's message is about.
        values.retain(|value| value.chars().count() >= SHORTEST_VALUE && !is_field(value));
        if values.iter().map(|value| value.len()).sum::<usize>() > MOST_VALUES {
            return None;
        }
        let longest = values.iter().map(|value| value.len()).max().unwrap_or_default();
        let values = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .build(values.iter().map(|value| value.as_bytes()));
        Some(Self { values: values.ok()?, longest })
    }

    /// Returns the text on one line, redacted and then cut. It must be redacted first, because half
    /// a token would not be found.
    pub fn clean(&self, text: &str) -> String {
        let read = &text[..text.floor_char_boundary(LONGEST_TEXT)];
        // A value may continue in the part that was not read.
        let sure =
            if read.len() == text.len() { read.len() } else { read.len().saturating_sub(self.longest) };
        let sure = read.floor_char_boundary(sure);
        let (mut redacted, mut at) = (String::new(), 0);
        for found in self.values.find_iter(read).take_while(|found| found.start() < sure) {
            redacted.push_str(&read[at..found.start()]);
            redacted.push_str(MARK);
            at = found.end();
        }
        redacted.push_str(read.get(at..sure).unwrap_or_default());
        let line: Vec<&str> = redacted.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let line = line.join(" ");
        match line.char_indices().nth(LONGEST_MESSAGE) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

fn collect(value: Value, into: &mut Vec<Zeroizing<String>>) {
    collect_within(value, 1, into);
}

/// Collects the texts of a value. `depth` is how often JSON in a text is looked into.
fn collect_within(value: Value, depth: u8, into: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) => match serde_json::from_str(&text) {
            // The body of an attachment is JSON in a text.
            Ok(inner @ (Value::Object(_) | Value::Array(_))) if depth > 0 => {
                collect_within(inner, depth - 1, into);
            }
            _ => into.push(Zeroizing::new(text)),
        },
        Value::Array(items) => items.into_iter().for_each(|item| collect_within(item, depth, into)),
        Value::Object(members) => {
            members.into_iter().for_each(|(_, member)| collect_within(member, depth, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
