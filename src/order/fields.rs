//! Reads typed members of JSON objects and collects every fault.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use super::Fault;
use super::json::{Kind, Object, array, is_blank, not_an_object, offset, push_step};

/// The faults found so far, each with the position of its value in the document.
pub(super) struct Faults<'a> {
    document: &'a str,
    found: Vec<(usize, Fault)>,
}

impl<'a> Faults<'a> {
    pub fn new(document: &'a str) -> Self {
        Self { document, found: Vec::new() }
    }

    /// Adds a fault. `at` is the part of the document that it concerns.
    pub fn add(&mut self, at: &str, fault: Fault) {
        self.found.push((offset(self.document, at), fault));
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns all faults in document order. A missing member comes before the members that are
    /// present.
    pub fn sorted(mut self) -> Vec<Fault> {
        self.found.sort_by_key(|(place, _)| *place);
        self.found.into_iter().map(|(_, fault)| fault).collect()
    }
}

/// Whether a member is required.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// A number of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// Written in plain digits.
    Exact(i64),
    /// Written in another way: with a fraction, with an exponent, or as text. It is sent as it is,
    /// and nothing is calculated with it.
    Inexact,
}

/// The members of one object, with its position.
pub(super) struct Fields<'a> {
    object: Object<'a>,
    pointer: String,
    /// Whether a value stands for an absent optional member.
    is_absent: fn(&RawValue) -> bool,
}

impl<'a> Fields<'a> {
    /// Returns the members of an envelope, or `None` if it is not an object. A `null` stands for an
    /// absent member.
    pub fn of_envelope(document: &'a RawValue) -> Option<Self> {
        Self::of_document(document, |raw| Kind::of(raw) == Kind::Null)
    }

    /// Returns the members of an order, or `None` if it is not an object. `null`, `""` and `[]`
    /// stand for an absent member, at any depth: shops write it so, and no source says that Klarna
    /// refuses it. (In PHP, `[]` is an empty object too.)
    pub fn of_order(document: &'a RawValue) -> Option<Self> {
        Self::of_document(document, is_blank)
    }

    fn of_document(document: &'a RawValue, is_absent: fn(&RawValue) -> bool) -> Option<Self> {
        Some(Self { object: Object::read(document)?, pointer: String::new(), is_absent })
    }

    /// Returns the members of a part of this object.
    fn part(&self, raw: &'a RawValue, pointer: String) -> Option<Self> {
        Some(Self { object: Object::read(raw)?, pointer, is_absent: self.is_absent })
    }

    /// Returns all members, by name.
    pub fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.object.members.iter().map(|(key, value)| (&*key.0, *value))
    }

    /// Returns the pointer to the member `name`.
    pub fn pointer(&self, name: &str) -> String {
        let mut pointer = self.pointer.clone();
        push_step(&mut pointer, name);
        pointer
    }

    /// Adds a fault of the member `name`. If the member is missing, its position is the beginning
    /// of the object.
    pub fn fault(&self, name: &str, message: impl Into<String>, faults: &mut Faults<'_>) {
        let at = self.object.get(name).map_or(self.object.text, RawValue::get);
        faults.add(at, Fault::new(self.pointer(name), message));
    }

    /// Returns the text of a member of the wanted kind. Any other kind is added as a fault that
    /// names `expected`.
    pub fn value(
        &self,
        name: &str,
        need: Need,
        kind: Kind,
        expected: &str,
        faults: &mut Faults<'_>,
    ) -> Option<&'a RawValue> {
        match self.object.get(name) {
            Some(raw) if Kind::of(raw) == kind => return Some(raw),
            None | Some(_) if need == Need::Optional && self.is_absent(name) => {}
            None => self.fault(name, format!("is missing: expected {expected}"), faults),
            Some(raw) => self.fault(name, format!("is {}, expected {expected}", Kind::of(raw)), faults),
        }
        None
    }

    /// Returns a number within `range`. Shops also write integers as `1000.0` or `"1000"`, and
    /// unrounded ones as `9998.6666`.
    pub fn number(
        &self,
        name: &str,
        need: Need,
        range: &RangeInclusive<i64>,
        faults: &mut Faults<'_>,
    ) -> Option<Amount> {
        let expected = describe_integer(range);
        let quoted = self.object.get(name).filter(|raw| Kind::of(raw) == Kind::String).and_then(unescape);
        let (text, is_text) = match quoted.filter(|text| serde_json::from_str::<f64>(text).is_ok()) {
            Some(text) => (text, true),
            None => (Cow::Borrowed(self.value(name, need, Kind::Number, &expected, faults)?.get()), false),
        };
        let hint = match text.parse::<i64>() {
            Ok(number) if range.contains(&number) => {
                return Some(if is_text { Amount::Inexact } else { Amount::Exact(number) });
            }
            Err(_) if text.contains(['.', 'e', 'E']) && holds(range, &text) => return Some(Amount::Inexact),
            Err(_) if !text.contains(['.', 'e', 'E']) => ", of 64 bits",
            _ => "",
        };
        self.fault(name, format!("is {}, expected {expected}{hint}", excerpt(&text)), faults);
        None
    }

    /// Returns text with a number of characters within `length`. Shops also write numbers where
    /// text belongs, such as `"reference": 1001`.
    pub fn text(
        &self,
        name: &str,
        need: Need,
        length: &RangeInclusive<usize>,
        faults: &mut Faults<'_>,
    ) -> Option<Cow<'a, str>> {
        match self.object.get(name) {
            Some(raw) if matches!(Kind::of(raw), Kind::Number | Kind::Bool) => {
                self.measured(name, Cow::Borrowed(raw.get()), length, faults)
            }
            _ => self.string(name, need, length, faults),
        }
    }

    /// Returns a string with a number of characters (Unicode scalar values) within `range`.
    pub fn string(
        &self,
        name: &str,
        need: Need,
        length: &RangeInclusive<usize>,
        faults: &mut Faults<'_>,
    ) -> Option<Cow<'a, str>> {
        let expected = describe_string(length);
        let raw = self.value(name, need, Kind::String, &expected, faults)?;
        let Some(text) = unescape(raw) else {
            self.fault(name, format!("has an unpaired surrogate escape: expected {expected}"), faults);
            return None;
        };
        self.measured(name, text, length, faults)
    }

    fn measured(
        &self,
        name: &str,
        text: Cow<'a, str>,
        length: &RangeInclusive<usize>,
        faults: &mut Faults<'_>,
    ) -> Option<Cow<'a, str>> {
        let count = text.chars().count();
        if length.contains(&count) {
            return Some(text);
        }
        let expected = describe_string(length);
        let message = if count == 0 { "is empty".to_owned() } else { format!("has {count} characters") };
        self.fault(name, format!("{message}, expected {expected}"), faults);
        None
    }

    /// Returns a boolean.
    pub fn boolean(&self, name: &str, faults: &mut Faults<'_>) -> Option<bool> {
        let raw = self.value(name, Need::Optional, Kind::Bool, "true or false", faults)?;
        Some(raw.get() == "true")
    }

    /// Returns the members of the object `name`, if it is present.
    pub fn object(&self, name: &str, faults: &mut Faults<'_>) -> Option<Self> {
        let raw = self.value(name, Need::Optional, Kind::Object, "an object", faults)?;
        self.part(raw, self.pointer(name))
    }

    /// Returns the members of each object in the array `name`, which has 1 to `most` items; `None`
    /// if there is no such array. An item that is not an object is added as a fault, and is `None`
    /// in the result.
    pub fn objects(&self, name: &str, most: usize, faults: &mut Faults<'_>) -> Option<Vec<Option<Self>>> {
        let expected = format!("an array of 1 to {most} lines");
        let items = array(self.value(name, Need::Required, Kind::Array, &expected, faults)?)?;
        // Before the items, each of which may have faults of its own.
        if !(1..=most).contains(&items.len()) {
            self.fault(name, format!("has {} lines, expected 1 to {most}", items.len()), faults);
            return None;
        }
        let read = |(index, raw): (usize, &'a RawValue)| {
            let pointer = format!("{}/{index}", self.pointer(name));
            let item = self.part(raw, pointer.clone());
            if item.is_none() {
                faults.add(raw.get(), Fault::new(pointer, not_an_object(raw)));
            }
            item
        };
        Some(items.into_iter().enumerate().map(read).collect())
    }

    /// Returns whether `name` is missing, or has a value that stands for an absent member.
    pub fn is_absent(&self, name: &str) -> bool {
        self.object.get(name).is_none_or(self.is_absent)
    }
}

fn unescape(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

/// Returns whether a number with a fraction or an exponent lies in the range.
#[expect(clippy::cast_precision_loss, reason = "the bounds are far apart, or small enough to be exact")]
fn holds(range: &RangeInclusive<i64>, text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| number >= *range.start() as f64 && number <= *range.end() as f64)
}

fn describe_integer(range: &RangeInclusive<i64>) -> String {
    match (*range.start(), *range.end()) {
        (i64::MIN, i64::MAX) => "an integer".to_owned(),
        (i64::MIN, most) => format!("an integer of at most {most}"),
        (least, i64::MAX) => format!("an integer of {least} or more"),
        (least, most) => format!("an integer from {least} to {most}"),
    }
}

fn describe_string(length: &RangeInclusive<usize>) -> String {
    match (*length.start(), *length.end()) {
        (0, usize::MAX) => "a string".to_owned(),
        (0, most) => format!("a string of at most {most} characters"),
        (least, most) => format!("a string of {least} to {most} characters"),
    }
}

/// Returns the beginning of a number or code, short enough for a message.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(24) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
