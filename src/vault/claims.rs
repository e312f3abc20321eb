//! What an id_token says of the shopper, in the words of OpenID Connect; each claim may be absent.

use std::fmt;

/// The verified claims that may prefill an order. Never logged: [`fmt::Debug`] shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Klarna's stable id of the shopper.
    pub subject: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// `yyyy-mm-dd`.
    pub date_of_birth: Option<String>,
    pub address: Option<Address>,
}

/// A postal address as claimed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    pub street_address: Option<String>,
    pub street_address2: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2; anything else is dropped when the id_token is read.
    pub country: Option<String>,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(…)")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}
