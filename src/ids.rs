//! Types for names and ids. The id of an order is in [`order`](crate::order).
//!
//! `parse` checks a text from outside, once, where it enters the program. `From` converts a text
//! that was checked before: a value from a row, or a name from the settings.

mod provider;

use std::borrow::Borrow;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

pub use self::provider::Provider;

/// The most characters of a merchant's or user's name.
const MOST_CHARACTERS: usize = 255;

/// Checks the name of a merchant or the id of a user: 1 to 255 characters without control
/// characters.
///
/// # Errors
/// If it is invalid: what is wrong and what is expected, as a phrase to read after the position.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let length = name.chars().count();
    if !(1..=MOST_CHARACTERS).contains(&length) {
        return Err("is empty or too long, expected 1 to 255 characters");
    }
    if name.chars().any(char::is_control) {
        return Err("has a control character, expected 1 to 255 characters without any");
    }
    Ok(())
}

macro_rules! name {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and converts a text from outside.
            ///
            /// # Errors
            /// As [`check_name`].
            pub fn parse(name: &str) -> Result<Self, &'static str> {
                check_name(name)?;
                Ok(Self(name.into()))
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// Compares and hashes like its text, so that a map with this key accepts a `&str` for a
        /// lookup.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a merchant, as in `[merchants.<name>]` of the settings. An order or an API path
    /// may name a merchant that the settings do not contain.
    MerchantName
}

name! {
    /// The shop's own id of a user, unique within a merchant.
    UserId
}

/// Declares a type for ids that are UUIDs.
macro_rules! uuid_id {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// Returns the id as the stores save it.
            #[must_use]
            pub fn as_uuid(&self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

pub(crate) use uuid_id;

uuid_id! {
    /// One start of a process that works.
    WorkerId
}

uuid_id! {
    /// An instance folder; it stays the same over all starts in the folder.
    InstanceId
}

uuid_id! {
    /// One exchange of a refresh token, as the ledger names it.
    ExchangeId
}

uuid_id! {
    /// What an exchange is for: the id of the order or the sweep.
    PurposeId
}

uuid_id! {
    /// A webhook event, as the shop sees it.
    WebhookId
}

/// The row of a user's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub i64);

impl TokenId {
    /// The position before every row, where a walk begins.
    pub const START: Self = Self(0);
}

/// One token of a row. Each rotation, registration and forgetting raises the generation by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenVersion {
    /// The row.
    pub token: TokenId,
    /// The generation.
    pub generation: i64,
}

impl TokenVersion {
    /// Returns the version that follows a rotation.
    #[must_use]
    pub fn next(self) -> Self {
        Self { generation: self.generation + 1, ..self }
    }
}

/// Declares a type for numbers that count up from 1.
macro_rules! counting {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The first number.
            pub const FIRST: Self = Self(1);

            /// Returns the number that follows.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

counting! {
    /// The number of a claim on an order: how often the order has been claimed.
    ClaimNumber
}

counting! {
    /// The number of a presentation of one token, within its generation.
    PresentationNumber
}

/// A user of a merchant: the owner of a refresh token or an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey {
    /// The merchant.
    pub merchant: MerchantName,
    /// The merchant's user.
    pub user: UserId,
}

impl UserKey {
    /// A user of a merchant.
    #[must_use]
    pub fn new(merchant: impl Into<MerchantName>, user: impl Into<UserId>) -> Self {
        Self { merchant: merchant.into(), user: user.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_1_to_255_characters_and_no_control_character() {
        let long = "ä".repeat(255);
        assert!(UserId::parse(&long).is_ok() && MerchantName::parse("användare 1").is_ok());
        for name in ["", "a\nb", "a\u{0}", "a\u{85}", &format!("{long}ä")] {
            assert!(UserId::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_name_reads_everywhere_as_its_text() {
        let name = MerchantName::from("shop");
        assert_eq!((name.to_string(), format!("{name:?}")), ("shop".into(), "\"shop\"".into()));
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"shop\"");
    }
}
