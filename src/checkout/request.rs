//! The body that goes to Klarna: the shop's order, the access token, and what the `id_token` can fill in.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::order::{Body, OrderId, is_date};
use crate::vault::claims::{Address, Claims};

/// The most characters of a value that is filled in: what Klarna allows for names and references.
const MOST_CHARACTERS: usize = 255;

/// What makes up a postal address. An order with one of these has an address of its own, and a claimed one beside it
/// would make two halves. (Klarna forbids `street_name` and `street_number` together with `street_address`.)
const ADDRESS_FIELDS: [&str; 10] = [
    "street_address",
    "street_address2",
    "street_name",
    "street_number",
    "house_extension",
    "care_of",
    "postal_code",
    "city",
    "region",
    "country",
];

/// A request body ready to be sent.
pub struct Built {
    /// The JSON text. It holds the access token, so it is wiped when dropped.
    pub json: SecretString,
    /// JSON pointers of what was filled in from the `id_token`, in the order of filling; never the values.
    pub prefilled: Vec<String>,
}

impl fmt::Debug for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Built").field("prefilled", &self.prefilled).finish_non_exhaustive()
    }
}

/// Makes the request body. What the order says itself is never changed: only absent (or null) members are added,
/// and all other bytes are sent as the shop wrote them.
///
/// - `claims`, where given, fill name, e-mail, phone and date of birth one by one, and the address as one block or
///   not at all. A value that Klarna could refuse is left out: prefill must not cost the order.
/// - `order_id` becomes `merchant_reference2`, so that an order whose answer was lost can be found at Klarna.
/// - `access_token` becomes `customer.klarna_access_token`.
#[must_use]
pub fn build(body: &Body, order_id: OrderId, access_token: Option<&SecretString>, claims: Option<&Claims>) -> Built {
    let mut draft = Draft { body: body.clone(), prefilled: Vec::new() };
    if let Some(claims) = claims {
        draft.prefill(claims);
    }
    draft.insert(&["merchant_reference2"], &order_id.to_string());
    // The token goes in last, so that no text but the final one holds it.
    if let Some(token) = access_token {
        draft.insert(&["customer", "klarna_access_token"], token.expose_secret());
    }
    Built { json: SecretString::from(draft.body.into_string()), prefilled: draft.prefilled }
}

struct Draft {
    body: Body,
    prefilled: Vec<String>,
}

impl Draft {
    fn prefill(&mut self, claims: &Claims) {
        // Looked up first: what is filled in below must not count as the order's own.
        let has_address = ADDRESS_FIELDS.iter().any(|field| self.body.holds(&["billing_address", field]));
        self.fill(&["billing_address", "given_name"], claims.given_name.as_deref(), is_text);
        self.fill(&["billing_address", "family_name"], claims.family_name.as_deref(), is_text);
        self.fill(&["billing_address", "email"], claims.email.as_deref(), is_email);
        self.fill(&["billing_address", "phone"], claims.phone.as_deref(), is_phone);
        if let Some(address) = claims.address.as_ref().filter(|_| !has_address) {
            self.fill_address(address);
        }
        self.fill(&["customer", "date_of_birth"], claims.date_of_birth.as_deref(), is_date);
    }

    fn fill_address(&mut self, address: &Address) {
        let parts: [(&str, Option<&str>, Check); 6] = [
            ("street_address", address.street_address.as_deref(), is_text),
            ("street_address2", address.street_address2.as_deref(), is_text),
            ("postal_code", address.postal_code.as_deref(), is_text),
            ("city", address.city.as_deref(), is_text),
            ("region", address.region.as_deref(), is_text),
            ("country", address.country.as_deref(), is_country),
        ];
        let parts = parts.map(|(field, value, fits)| (field, value.filter(|value| !value.trim().is_empty()), fits));
        // A block with one part left out could ship wrongly.
        if parts.iter().all(|(_, value, fits)| value.is_none_or(*fits)) {
            for (field, value, fits) in parts {
                self.fill(&["billing_address", field], value, fits);
            }
        }
    }

    fn fill(&mut self, path: &[&str], value: Option<&str>, fits: Check) {
        if let Some(value) = value.filter(|value| fits(value))
            && self.insert(path, value)
        {
            self.prefilled.push(format!("/{}", path.join("/")));
        }
    }

    fn insert(&mut self, path: &[&str], value: &str) -> bool {
        let Some(body) = self.body.insert_absent(path, value) else {
            return false;
        };
        self.body = body;
        true
    }
}

/// Whether a claimed value is fit to be sent.
type Check = fn(&str) -> bool;

fn is_text(value: &str) -> bool {
    !value.trim().is_empty() && value.chars().count() <= MOST_CHARACTERS && !value.chars().any(char::is_control)
}

fn is_email(value: &str) -> bool {
    let parts = value.split_once('@');
    is_text(value)
        && !value.contains(char::is_whitespace)
        && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

fn is_phone(value: &str) -> bool {
    let is_part = |character: char| character.is_ascii_digit() || "+-()./ ".contains(character);
    is_text(value) && value.chars().all(is_part) && value.contains(|character: char| character.is_ascii_digit())
}

fn is_country(value: &str) -> bool {
    value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
