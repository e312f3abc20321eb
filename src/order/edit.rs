//! Adding a member to a JSON text and leaving every other byte as it is.

use std::ops::Range;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::json::{Kind, Object, offset};

/// `text` with the string `value` at `path`, making the objects on the way; none where something stands there
/// already or the way leads through something that is no object. A `null` counts as absent and is replaced: Klarna
/// treats members sent as `null` as not sent.
///
/// The value may be a secret, so no piece of it is left behind in memory: buffers are sized once, and wiped.
pub(super) fn insert_absent(text: &str, path: &[&str], value: &str) -> Option<String> {
    let mut object = Object::read(serde_json::from_str::<&RawValue>(text).ok()?)?;
    for (depth, key) in path.iter().enumerate() {
        let rest = &path[depth + 1..];
        match object.get(key) {
            None => {
                let (end, comma) = end_of_members(text, &object);
                let addition = concat(&[comma, &json_string(key), ":", &nested(rest, value)]);
                return Some(splice(text, end..end, &addition));
            }
            Some(found) if Kind::of(found) == Kind::Null => {
                let start = offset(text, found.get());
                return Some(splice(text, start..start + found.get().len(), &nested(rest, value)));
            }
            Some(_) if rest.is_empty() => return None,
            Some(found) => object = Object::read(found)?,
        }
    }
    None
}

/// Where a further member goes (right behind the last, before any space), and what separates it.
fn end_of_members(text: &str, object: &Object<'_>) -> (usize, &'static str) {
    match object.members.last() {
        Some((_, last)) => (offset(text, last.get()) + last.get().len(), ","),
        None => (offset(text, object.text) + 1, ""),
    }
}

/// The string `value` as JSON, inside of objects for the rest of the path.
fn nested(path: &[&str], value: &str) -> Zeroizing<String> {
    match path {
        [] => json_string(value),
        [key, rest @ ..] => concat(&["{", &json_string(key), ":", &nested(rest, value), "}"]),
    }
}

fn json_string(value: &str) -> Zeroizing<String> {
    // An escape takes six bytes at most, so the buffer never moves.
    let mut json = Zeroizing::new(Vec::with_capacity(value.len() * 6 + 2));
    // Neither half can fail: a string is always representable, and a vector takes every write.
    let written = serde_json::to_writer(&mut *json, value).is_ok();
    match std::str::from_utf8(&json) {
        Ok(text) if written => concat(&[text]),
        _ => concat(&["null"]),
    }
}

fn concat(parts: &[&str]) -> Zeroizing<String> {
    Zeroizing::new(parts.concat())
}

fn splice(text: &str, at: Range<usize>, addition: &str) -> String {
    [&text[..at.start], addition, &text[at.end..]].concat()
}
