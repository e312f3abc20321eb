//! Klarna's order body, exactly as the shop wrote it.

use std::fmt;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::edit::{self, Insertion};
use super::json::{Kind, Object, form_faults, is_blank, not_an_object};
use super::{Fault, MAX_BODY, Rejection};

/// One JSON object, byte for byte as it was given: with its key order, number formats, escapes,
/// spaces and unknown fields.
///
/// No object in it has the same key twice, at any depth, because JSON readers disagree about which
/// of the two counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// Parses `text` as an order body. Space around the object is dropped.
    ///
    /// This checks only the form. [`super::check`] checks Klarna's rules.
    ///
    /// # Errors
    /// [`Rejection::TooLarge`] beyond [`MAX_BODY`]; faults where it is not a JSON object, a key
    /// occurs twice, or it is nested beyond [`super::MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        if raw.get().len() > MAX_BODY {
            return Err(Rejection::TooLarge);
        }
        if Kind::of(raw) != Kind::Object {
            return Err(Rejection::Faults(vec![Fault::new("", not_an_object(raw))]));
        }
        let faults = form_faults(raw);
        if faults.is_empty() { Ok(Self(raw.get().to_owned())) } else { Err(Rejection::Faults(faults)) }
    }

    /// Takes a text that [`Body::parse`] has accepted before, without looking at its form again. A
    /// text that is no object any more, because its row was changed, is refused all the same.
    ///
    /// # Errors
    /// Like [`Body::parse`].
    pub fn parsed_before(text: &str) -> Result<Self, Rejection> {
        if text.starts_with('{') && Object::of(text).is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Self::parse(text)
        }
    }

    /// Returns the text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text as it was given, without copying it.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Returns the text as a JSON value. [`Body::parse`] has checked that it is one.
    pub(super) fn raw(&self) -> Option<&RawValue> {
        serde_json::from_str(&self.0).ok()
    }

    /// Reads the members once, for several questions.
    #[must_use]
    pub fn members(&self) -> BodyMembers<'_> {
        BodyMembers { text: &self.0, object: Object::of(&self.0) }
    }
}

/// The members of a body.
pub struct BodyMembers<'a> {
    text: &'a str,
    object: Option<Object<'a>>,
}

impl<'a> BodyMembers<'a> {
    /// Returns the body's text with strings added, and which of them were added. Each string has a
    /// path such as `["billing_address", "email"]`. Missing objects on the path are created, and
    /// all other bytes stay as they are. `null`, `""` and `[]` count as missing and are replaced,
    /// because shops write absent members so. A string is not added if the order already has a
    /// value there, or if its path leads through something that is not an object.
    #[must_use]
    pub fn filled(&self, values: &[Insertion<'_>]) -> (Zeroizing<String>, Vec<bool>) {
        edit::fill(self.text, self.object.as_ref(), values)
    }

    /// Returns whether the object at `path` has a value for one of `keys`; `null`, `""` and `[]` do
    /// not count.
    #[must_use]
    pub fn holds_any(&self, path: &[&str], keys: &[&str]) -> bool {
        let is_value = |value: &RawValue| !is_blank(value);
        let holds = |object: &Object<'_>| keys.iter().any(|key| object.get(key).is_some_and(is_value));
        self.at(path, |object| Some(holds(object))).unwrap_or_default()
    }

    /// Returns the text `key` of the object at `path`. `None` if there is no text, or an empty one.
    #[must_use]
    pub fn text(&self, path: &[&str], key: &str) -> Option<String> {
        let text: String = serde_json::from_str(self.at(path, |object| object.get(key))?.get()).ok()?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// Returns the texts in the array `key` of the object at `path`; none if it is no array of
    /// texts.
    #[must_use]
    pub fn texts(&self, path: &[&str], key: &str) -> Vec<String> {
        let array = self.at(path, |object| object.get(key));
        array.and_then(|array| serde_json::from_str(array.get()).ok()).unwrap_or_default()
    }

    fn at<T>(&self, path: &[&str], look: impl FnOnce(&Object<'a>) -> Option<T>) -> Option<T> {
        let body = self.object.as_ref()?;
        let Some((first, rest)) = path.split_first() else { return look(body) };
        let mut object = Object::read(body.get(first)?)?;
        for key in rest {
            object = Object::read(object.get(key)?)?;
        }
        look(&object)
    }
}

/// Returns the rejection of a text that is not JSON, with line and column. The parser's messages
/// never quote the text.
pub(super) fn not_json(error: &serde_json::Error) -> Rejection {
    Rejection::Faults(vec![Fault::new("", format!("is not JSON: {error}"))])
}

impl fmt::Debug for Body {
    /// Shows no content: an order contains a shopper's data, which must not appear in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests;
