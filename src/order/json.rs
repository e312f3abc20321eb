//! Reads JSON without changing it: members keep their order, and every value keeps its text.
//!
//! `serde_json::Value` would change `5e4` to `50000.0`, and would silently keep only the last of
//! two equal keys.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Fault, MAX_DEPTH};

/// The most faults of form that are reported. A document with more is not worth the memory for
/// their pointers.
pub(super) const MAX_FORM_FAULTS: usize = 20;

/// The message for a key that occurs twice in one object.
pub(super) const TWICE: &str = "occurs twice, and readers disagree about which one counts: remove one";

/// The members of one JSON object, in their order.
pub(super) struct Object<'a> {
    /// The object's own text, from `{` to `}`.
    pub text: &'a str,
    /// The keys (unescaped) and values (as written).
    pub members: Vec<(Key<'a>, &'a RawValue)>,
}

/// The name of a member, unescaped.
#[derive(Deserialize, PartialEq, Eq, Hash)]
pub(super) struct Key<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl<'a> Object<'a> {
    /// Reads `raw` as an object. `None` if it is another kind of value, or if a key is not valid
    /// Unicode.
    pub fn read(raw: &'a RawValue) -> Option<Self> {
        Self::of(raw.get())
    }

    /// Reads a text as an object, as [`Object::read`] does. There must be no space around it.
    pub fn of(text: &'a str) -> Option<Self> {
        let Members(members) = serde_json::from_str(text).ok()?;
        Some(Self { text, members })
    }

    /// Returns the value of `key`, which may be `null`.
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(name, _)| name.0 == key).map(|(_, value)| *value)
    }
}

struct Members<'a>(Vec<(Key<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Returns the values of the array `raw`, or `None` if it is not an array.
pub(super) fn array(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// The kind of a JSON value. The first character of its text tells it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    pub fn of(raw: &RawValue) -> Self {
        match raw.get().as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::String,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

/// Returns whether `raw` stands for nothing, as shops write absent members: null, an empty text, or
/// an empty array, which is what PHP writes for an empty object.
pub(super) fn is_blank(raw: &RawValue) -> bool {
    match Kind::of(raw) {
        Kind::Null => true,
        Kind::String => raw.get() == "\"\"",
        Kind::Array => raw.get()[1..].trim_start().starts_with(']'),
        Kind::Bool | Kind::Number | Kind::Object => false,
    }
}

/// Returns why [`Object::read`] found no object in `raw`, as the message of a fault.
pub(super) fn not_an_object(raw: &RawValue) -> String {
    match Kind::of(raw) {
        Kind::Object => "has a key with an unpaired surrogate escape, expected Unicode text".to_owned(),
        kind => format!("is {kind}, expected an object"),
    }
}

/// Returns the position of `part`, a slice of `whole`, in bytes.
pub(super) fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

/// Appends one step to a JSON pointer (RFC 6901 section 3).
pub(super) fn push_step(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Returns the faults of form, at any depth: keys that occur twice, keys that are not valid
/// Unicode, nesting deeper than [`MAX_DEPTH`].
pub(super) fn form_faults(value: &RawValue) -> Vec<Fault> {
    let mut form = Form { pointer: String::new(), faults: Vec::new() };
    form.value(value, 1);
    form.faults
}

struct Form {
    pointer: String,
    faults: Vec<Fault>,
}

impl Form {
    fn value(&mut self, value: &RawValue, depth: usize) {
        let kind = Kind::of(value);
        if !matches!(kind, Kind::Array | Kind::Object) || self.faults.len() >= MAX_FORM_FAULTS {
            return;
        }
        if depth > MAX_DEPTH {
            self.fault(format!("is nested too deeply: expected at most {MAX_DEPTH} levels"));
        } else if kind == Kind::Array {
            for (index, item) in array(value).unwrap_or_default().into_iter().enumerate() {
                self.within(&index.to_string(), |form| form.value(item, depth + 1));
            }
        } else if let Some(object) = Object::read(value) {
            self.members(&object, depth);
        } else {
            self.fault(not_an_object(value));
        }
    }

    fn members(&mut self, object: &Object<'_>, depth: usize) {
        let mut seen = HashSet::new();
        for (key, value) in &object.members {
            self.within(&key.0, |form| {
                if !seen.insert(key) {
                    form.fault(TWICE.to_owned());
                }
                form.value(value, depth + 1);
            });
        }
    }

    fn within(&mut self, key: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        push_step(&mut self.pointer, key);
        visit(self);
        self.pointer.truncate(length);
    }

    fn fault(&mut self, message: String) {
        if self.faults.len() < MAX_FORM_FAULTS {
            self.faults.push(Fault::new(self.pointer.as_str(), message));
        }
    }
}
