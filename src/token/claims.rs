//! What an id_token says of the shopper, in the words of OpenID Connect; each claim may be absent.

use std::fmt;

/// The verified claims that may prefill an order. Never logged: [`fmt::Debug`] shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Klarna's stable id of the shopper.
    pub subject: String,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// `yyyy-mm-dd`.
    pub date_of_birth: Option<String>,
    /// Billing address.
    pub address: Option<Address>,
}

/// A postal address as claimed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Street and number.
    pub street_address: Option<String>,
    /// What does not fit the first line.
    pub street_address2: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or province.
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
