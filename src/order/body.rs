//! Klarna's order as the shop wrote it.

use std::fmt;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::json::{Kind, Object, form_faults, not_an_object};
use super::{Fault, Rejection, edit};

/// The largest order in bytes: Klarna takes bodies under 1 MB, and access token and prefill must still fit.
pub const MAX_BODY: usize = 1_000_000 - 16 * 1024;

/// The deepest nesting of objects and arrays; Klarna's own fields need seven levels.
pub const MAX_DEPTH: usize = 32;

/// One JSON object, byte for byte as it was given: key order, number formats, escapes, spaces and unknown fields.
///
/// It has no two equal keys in one object, at any depth: readers disagree about which of them counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// Takes `text` as an order's body; space around the object is left out.
    ///
    /// This looks at the form only; [`super::check`] knows Klarna's rules.
    ///
    /// # Errors
    /// [`Rejection::TooLarge`] beyond [`MAX_BODY`]; faults where it is not a JSON object, a key
    /// occurs twice, or it is nested beyond [`MAX_DEPTH`].
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

    /// The text as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as given, without a copy of it.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text as a JSON value; [`Body::parse`] has seen to it that it is one.
    pub(super) fn raw(&self) -> Option<&RawValue> {
        serde_json::from_str(&self.0).ok()
    }

    /// Whether the order has a value of its own for one of the `keys` of the object at `path`; `null` is none.
    #[must_use]
    pub fn holds_any(&self, path: &[&str], keys: &[&str]) -> bool {
        let mut object = self.raw().and_then(Object::read);
        for key in path {
            object = object.and_then(|object| object.get(key)).and_then(Object::read);
        }
        let is_value = |value: &RawValue| Kind::of(value) != Kind::Null;
        object.is_some_and(|object| keys.iter().any(|key| object.get(key).is_some_and(is_value)))
    }

    /// The text with strings added, each at a path such as `["billing_address", "email"]`, and which of them went in. Objects
    /// on the way are made where absent, and all other bytes stay as they are. `null` counts as absent and is replaced, as
    /// Klarna treats members sent as `null` as not sent. A string stays out where the order has something there already, or
    /// something that is no object on the way.
    #[must_use]
    pub fn filled(&self, values: &[(&[&str], &str)]) -> (Zeroizing<String>, Vec<bool>) {
        edit::fill(&self.0, values)
    }
}

/// A text that is no JSON at all, told by line and column. The parser's messages never quote the text.
pub(super) fn not_json(error: &serde_json::Error) -> Rejection {
    Rejection::Faults(vec![Fault::new("", format!("is not JSON: {error}"))])
}

impl fmt::Debug for Body {
    /// An order holds a shopper's data, which must not slip into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests;
