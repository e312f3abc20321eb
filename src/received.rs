//! Reads JSON that another service sent, with one-sided care: whatever can be read is kept.
//!
//! The answer of a token endpoint may hold the only copy of a refresh token, and the answer to an
//! order its only id. So a byte-order mark, bytes that are not UTF-8, unpaired surrogates, repeated
//! members, numbers out of range and text after the document cost nothing but themselves.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// What stands in the place of a character that cannot be kept.
const REPLACEMENT: &str = "\u{fffd}";

/// The text of a body, made readable. A copy is wiped when it is dropped.
pub(crate) enum Document<'b> {
    /// Most bodies are readable as they are.
    Body(&'b str),
    Copy(Zeroizing<String>),
}

/// The members of a JSON object, in their order.
#[derive(Default)]
pub(crate) struct Members<'a> {
    members: Vec<(Name<'a>, &'a RawValue)>,
    /// Whether the object was read to its end. If not, later members are unknown.
    pub complete: bool,
}

/// The name of a member, unescaped.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'b> Document<'b> {
    /// Reads a body as text.
    pub fn new(body: &'b [u8]) -> Self {
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        match String::from_utf8_lossy(body) {
            Cow::Borrowed(text) if !text.contains("\\u") => Self::Body(text),
            Cow::Borrowed(text) => Self::Copy(paired(text)),
            Cow::Owned(text) => Self::Copy(paired(&Zeroizing::new(text))),
        }
    }

    /// Returns the members of the object with which the text begins. Empty and not complete if it
    /// begins with something else.
    pub fn members(&self) -> Members<'_> {
        Members::read(match self {
            Self::Body(text) => text,
            Self::Copy(text) => text,
        })
    }
}

impl<'a> Members<'a> {
    fn read(text: &'a str) -> Self {
        let mut members = Self::default();
        let whole = Collect(&mut members.members).deserialize(&mut serde_json::Deserializer::from_str(text));
        members.complete = whole.is_ok();
        members
    }

    /// Returns the values of a member, the last first: of repeated members the last counts.
    fn values(&self, name: &str) -> impl Iterator<Item = &'a RawValue> {
        self.members.iter().rev().filter(move |(key, _)| key.0 == name).map(|(_, value)| *value)
    }

    /// Returns a member's text; `None` if it is absent, empty or not a string.
    pub fn text(&self, name: &str) -> Option<String> {
        self.values(name)
            .find_map(|value| serde_json::from_str(value.get()).ok().filter(|text: &String| !text.is_empty()))
    }

    /// Returns whether a member has a value that is neither a string nor null.
    pub fn is_odd(&self, name: &str) -> bool {
        self.values(name).any(|value| !value.get().starts_with(['"', 'n']))
    }

    /// Returns a member's number, also if it is written as a string; `None` if it is absent or
    /// anything else.
    pub fn number(&self, name: &str) -> Option<f64> {
        let text =
            self.text(name).or_else(|| self.values(name).next().map(|value| value.get().to_owned()))?;
        text.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Returns the members of a member.
    pub fn object(&self, name: &str) -> Self {
        self.values(name).next().map(|value| Self::read(value.get())).unwrap_or_default()
    }

    /// Returns a member that is an array, as it is; an empty array if it is anything else.
    pub fn array(&self, name: &str) -> Value {
        let read = self
            .values(name)
            .find_map(|value| serde_json::from_str(value.get()).ok().filter(Value::is_array));
        read.unwrap_or_else(|| Value::Array(Vec::new()))
    }

    /// Returns the first texts, `most` at most, in a member that is a text or an array of values.
    /// The rest of a long array is not looked at.
    pub fn texts(&self, name: &str, most: usize) -> Vec<String> {
        let Some(value) = self.values(name).next() else { return Vec::new() };
        if !value.get().starts_with('[') {
            return serde_json::from_str(value.get()).into_iter().take(most).collect();
        }
        let mut texts = Texts { most, texts: Vec::new() };
        // An error says only that the array was not read to its end.
        let _ = (&mut texts).deserialize(&mut serde_json::Deserializer::from_str(value.get()));
        texts.texts
    }
}

/// Puts the members of an object into a list, which keeps what was read before an error.
struct Collect<'l, 'a>(&'l mut Vec<(Name<'a>, &'a RawValue)>);

impl<'a> DeserializeSeed<'a> for Collect<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Collect<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_entry()? {
            self.0.push(member);
        }
        Ok(())
    }
}

/// Collects texts of an array.
struct Texts {
    most: usize,
    texts: Vec<String>,
}

impl<'a> DeserializeSeed<'a> for &mut Texts {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for &mut Texts {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        while self.texts.len() < self.most
            && let Some(item) = items.next_element::<&RawValue>()?
        {
            self.texts.extend(serde_json::from_str::<String>(item.get()));
        }
        Ok(())
    }
}

/// Returns a text that each database can store: PostgreSQL refuses NUL.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', REPLACEMENT)) } else { Cow::Borrowed(text) }
}

/// Returns JSON in which no escape is half of a surrogate pair, which no UTF-8 text can hold.
fn paired(json: &str) -> Zeroizing<String> {
    // It is never longer than `json`, so nothing is moved and left behind unwiped.
    let mut whole = Zeroizing::new(String::with_capacity(json.len()));
    let mut rest = json;
    while let Some((before, escape)) = rest.find('\\').map(|at| rest.split_at(at)) {
        whole.push_str(before);
        let next = escape.get(6..).and_then(unit);
        let length = match (unit(escape), next) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str(REPLACEMENT);
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        whole.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    whole.push_str(rest);
    whole
}

/// Returns the UTF-16 code unit of the escape with which a text begins.
fn unit(text: &str) -> Option<u16> {
    let digits =
        text.strip_prefix("\\u")?.get(..4).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &[u8], name: &str) -> Option<String> {
        Document::new(body).members().text(name)
    }

    #[test]
    fn whatever_can_be_read_is_kept() {
        let a = Some("x".to_owned());
        for body in [
            &b"\xef\xbb\xbf{\"a\":\"x\"}"[..],
            b"{\"a\":\"x\"}\0\0</html>",
            b"{\"a\":\"x\",\"n\":1e999,\"b\":\"\xff\"}",
            b"{\"a\":\"x\",\"b\":\"\\ud800\",\"\\udfff\":1}",
            b"{\"a\":1,\"a\":\"y\",\"a\":\"x\"}",
            b"{\"a\":\"x\",\"a\":null,\"a\":\"\"}",
            b"{\"a\":\"x\",\"b\":",
        ] {
            assert_eq!(text(body, "a"), a, "{}", String::from_utf8_lossy(body));
        }
        for body in ["", "[\"a\",\"x\"]", "{\"a\":\"x", "{\"a\":[\"x\"]}", "a=x"] {
            assert_eq!(text(body.as_bytes(), "a"), None, "{body}");
        }
    }

    #[test]
    fn a_document_that_breaks_off_says_so() {
        let complete = |body: &str| Document::new(body.as_bytes()).members().complete;
        assert!(complete(r#"{"a":1}"#) && complete(r#"{"a":1} and more"#));
        assert!(!complete(r#"{"a":1,"#) && !complete(r#"{"a":1"#) && !complete(""));
    }

    #[test]
    fn the_first_texts_are_read_and_no_more() {
        let texts = |json: &str, most| {
            Document::new(format!(r#"{{"t":{json}}}"#).as_bytes()).members().texts("t", most)
        };
        assert_eq!(texts(r#"["a",1,null,"b",["c"],"d"]"#, 2), ["a", "b"]);
        assert_eq!(texts(r#"["a",1,null,"b",["c"],"d"]"#, 9), ["a", "b", "d"]);
        assert_eq!((texts(r#""a""#, 9), texts(r#""a""#, 0)), (vec!["a".to_owned()], vec![]));
        for none in ["1", "null", "{}", "[]", "[[\"a\"]]"] {
            assert_eq!(texts(none, 9), Vec::<String>::new(), "{none}");
        }
    }

    #[test]
    fn only_half_pairs_are_replaced() {
        for (json, expected) in [
            (r"\ud83d\ude00 \u00e9 \\ud800", r"\ud83d\ude00 \u00e9 \\ud800"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}\\ud83d\\ude00"),
            (r"\u12", r"\u12"),
            ("\\", "\\"),
            ("\\é", "\\é"),
        ] {
            assert_eq!(*paired(json), expected, "{json}");
        }
    }

    #[test]
    fn numbers_are_read_in_every_form() {
        let number =
            |json: &str| Document::new(format!(r#"{{"n":{json}}}"#).as_bytes()).members().number("n");
        assert_eq!(number("299"), Some(299.0));
        assert_eq!(number("\" 299 \""), Some(299.0));
        for odd in ["1e999", "\"NaN\"", "\"soon\"", "null", "[299]", "{}", "true", "\"\""] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }
}
