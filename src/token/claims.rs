//! The claims of an id_token about the shopper, with their OpenID Connect names. Each may be
//! absent.

use std::fmt;

/// The verified claims that can be filled into an order. [`fmt::Debug`] shows no values, because
/// they must not be logged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: Klarna's id of the shopper, which never changes.
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
    /// Shipping address.
    pub shipping_address: Option<Address>,
}

/// A postal address from an id_token.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Street and number.
    pub street_address: Option<String>,
    /// The second line of the street address.
    pub street_address2: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or province.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2. Any other value was dropped when the id_token was read.
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
