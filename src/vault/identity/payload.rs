//! The payload of an `id_token`, and which parts of it can be filled into an order.
//!
//! The parser skips all members that are not named here, including the national identification
//! number.

use chrono::NaiveDate;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::token::claims::{Address, Claims};

/// The claims, with Klarna's names and with OpenID Connect's standard names.
#[derive(Deserialize)]
pub(crate) struct Payload {
    /// The expiry, in seconds since 1970 (RFC 7519 section 4.1.4). `f64`, because fractions are
    /// allowed.
    pub exp: f64,
    /// The time before which it is not valid, in the same unit.
    #[serde(default)]
    pub nbf: Option<f64>,
    /// The client that the token was issued to, if the issuer says so.
    #[serde(default)]
    pub azp: Option<String>,
    sub: String,
    #[serde(default)]
    given_name: Text,
    #[serde(default)]
    family_name: Text,
    #[serde(default)]
    email: Text,
    #[serde(default)]
    phone: Text,
    #[serde(default)]
    phone_number: Text,
    #[serde(default)]
    date_of_birth: Text,
    #[serde(default)]
    birthdate: Text,
    #[serde(default)]
    billing_address: Lenient<WireAddress>,
    #[serde(default)]
    address: Lenient<WireAddress>,
    #[serde(default)]
    shipping_address: Lenient<WireAddress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireAddress {
    street_address: Part,
    street_address2: Part,
    street_address_2: Part,
    postal_code: Part,
    city: Part,
    locality: Part,
    region: Part,
    country: Part,
}

/// A part of an address. A whole number counts as text: some postal codes arrive as numbers.
#[derive(Default)]
enum Part {
    #[default]
    Absent,
    Text(String),
    /// A value of another kind. The address cannot be used without it.
    Unreadable,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Absent,
            Value::String(text) if text.trim().is_empty() => Self::Absent,
            Value::String(text) => Self::Text(text.trim().to_owned()),
            Value::Number(number) if number.is_i64() => Self::Text(number.to_string()),
            _ => Self::Unreadable,
        })
    }
}

/// A part of an address is of an unknown kind.
struct UnreadablePart;

impl Part {
    /// Returns the text, if there is one.
    fn get(self) -> Result<Option<String>, UnreadablePart> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Unreadable => Err(UnreadablePart),
        }
    }

    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) { other } else { self }
    }
}

/// A value that counts as absent if it has another type, so that one strange claim does not affect
/// the others.
struct Lenient<T>(Option<T>);

type Text = Lenient<String>;

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Wanted(T),
            Other(IgnoredAny),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Wanted(value) => Self(Some(value)),
            Either::Other(_) => Self(None),
        })
    }
}

impl Text {
    /// Returns the trimmed text; an empty one counts as absent.
    fn get(self) -> Option<String> {
        self.0.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

impl Payload {
    /// Returns the claims that can be filled into an order.
    pub fn into_claims(self) -> Claims {
        Claims {
            subject: self.sub,
            given_name: self.given_name.get(),
            family_name: self.family_name.get(),
            email: self.email.get(),
            phone: self.phone.get().or_else(|| self.phone_number.get()),
            date_of_birth: self
                .date_of_birth
                .get()
                .or_else(|| self.birthdate.get())
                .filter(|text| is_date(text)),
            address: self.billing_address.0.and_then(address).or_else(|| self.address.0.and_then(address)),
            shipping_address: self.shipping_address.0.and_then(address),
        }
    }
}

/// Returns one whole address or none. Parts of two addresses are never mixed.
fn address(wire: WireAddress) -> Option<Address> {
    let address = Address {
        street_address: wire.street_address.get().ok()?,
        street_address2: wire.street_address2.or(wire.street_address_2).get().ok()?,
        postal_code: wire.postal_code.get().ok()?,
        city: wire.city.or(wire.locality).get().ok()?,
        region: wire.region.get().ok()?,
        country: wire
            .country
            .get()
            .ok()?
            .filter(|text| is_country_code(text))
            .map(|text| text.to_ascii_uppercase()),
    };
    (address != Address::default()).then_some(address)
}

/// An older example from Klarna has the country's name instead.
fn is_country_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Returns whether `text` is `yyyy-mm-dd`. OpenID Connect also allows a year alone, and `0000` for
/// a hidden year.
fn is_date(text: &str) -> bool {
    text.len() == 10 && !text.starts_with("0000") && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(mut payload: Value) -> Claims {
        payload["exp"] = json!(1);
        payload["sub"] = json!("krn:1");
        serde_json::from_value::<Payload>(payload).unwrap().into_claims()
    }

    fn street2(address: &Value) -> Option<String> {
        claims(json!({"billing_address": address})).address.and_then(|address| address.street_address2)
    }

    #[test]
    fn reads_klarnas_sample() {
        let claims = claims(json!({
            "given_name": "Karl", "family_name": "Karlsson", "email": "test-customer-se@klarna.com",
            "email_verified": true, "phone": "+46701234567", "date_of_birth": "1984-09-21", "country": "SE",
            "locale": "en-SE", "national_identification_number": "198409219667",
            "billing_address": {"street_address": "Karlaplan 3", "street_address_2": null, "postal_code": "11460",
                "city": "Stockholm", "region": null, "country": "SE"}
        }));
        let some = |text: &str| Some(text.to_owned());
        assert!(
            claims
                == Claims {
                    subject: "krn:1".into(),
                    given_name: some("Karl"),
                    family_name: some("Karlsson"),
                    email: some("test-customer-se@klarna.com"),
                    phone: some("+46701234567"),
                    date_of_birth: some("1984-09-21"),
                    address: Some(Address {
                        street_address: some("Karlaplan 3"),
                        street_address2: None,
                        postal_code: some("11460"),
                        city: some("Stockholm"),
                        region: None,
                        country: some("SE"),
                    }),
                    shipping_address: None,
                }
        );
    }

    #[test]
    fn reads_the_standard_names() {
        let claims = claims(json!({
            "phone_number": "+1", "birthdate": "1990-01-02",
            "address": {"street_address": "1 Main St", "locality": "Austin", "region": "TX", "country": "us"}
        }));
        assert_eq!(claims.phone.as_deref(), Some("+1"));
        assert_eq!(claims.date_of_birth.as_deref(), Some("1990-01-02"));
        let address = claims.address.unwrap();
        assert_eq!(address.city.as_deref(), Some("Austin"));
        assert_eq!(address.country.as_deref(), Some("US"));
    }

    #[test]
    fn an_address_is_read_whole_or_not_at_all() {
        let address = |name: &str, change: &str, value: Value| {
            let mut address = json!({
                "street_address": "Karlaplan 3", "postal_code": "11460", "city": "Stockholm", "country": "se"
            });
            address[change] = value;
            claims(json!({ name: address }))
        };
        let code = |claims: Claims| claims.address.and_then(|address| address.postal_code);
        assert_eq!(code(address("billing_address", "postal_code", json!(11460))).as_deref(), Some("11460"));
        for unreadable in [json!(11460.5), json!(true), json!(["11460"]), json!({"code": 1})] {
            assert_eq!(
                address("billing_address", "postal_code", unreadable.clone()).address.map(|_| ()),
                None,
                "{unreadable}"
            );
        }
        assert_eq!(code(address("billing_address", "region", json!(null))).as_deref(), Some("11460"));
        let shipping = address("shipping_address", "city", json!("Lund"));
        assert!(shipping.address.is_none());
        let shipping = shipping.shipping_address.unwrap();
        assert_eq!((shipping.city.as_deref(), shipping.country.as_deref()), (Some("Lund"), Some("SE")));
    }

    #[test]
    fn both_spellings_of_the_second_address_line() {
        assert_eq!(street2(&json!({"street_address2": "c/o A"})).as_deref(), Some("c/o A"));
        assert_eq!(street2(&json!({"street_address_2": "c/o B"})).as_deref(), Some("c/o B"));
    }

    #[test]
    fn drops_what_is_empty_strange_or_no_code() {
        let claims = claims(json!({
            "given_name": "  ", "family_name": "", "email": 7, "phone": ["+1"], "date_of_birth": "1984",
            "billing_address": {"street_address": "", "country": "Sweden"}, "address": "1 Main St"
        }));
        assert!(claims == Claims { subject: "krn:1".into(), ..Claims::default() });
    }

    #[test]
    fn dates_are_whole_and_real() {
        for (text, good) in [
            ("1984-09-21", true),
            ("0000-09-21", false),
            ("1984-13-01", false),
            ("1984-9-21", false),
            ("84-09-21", false),
        ] {
            assert_eq!(is_date(text), good, "{text}");
        }
    }
}
