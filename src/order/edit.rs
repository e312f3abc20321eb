//! Adding members to a JSON text and leaving every other byte as it is.

use std::ops::Range;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::json::{Kind, Object, offset};

/// What is to be added to an object, by key.
type Members<'a> = Vec<(&'a str, Addition<'a>)>;

enum Addition<'a> {
    /// A string, and its place among the values that were asked for.
    Text(&'a str, usize),
    /// Members of an object, which is made where there is none.
    Within(Members<'a>),
}

/// `text` with each of the strings at its path, making the objects on the way, and which of them went in: none does where
/// something stands already or the way leads through something that is no object. A `null` counts as absent and is replaced:
/// Klarna treats members sent as `null` as not sent. It is as if one were added after another, and reads the text once.
///
/// A value may be a secret, so no piece of it is left behind in memory: buffers are sized once, and wiped.
pub(super) fn fill(text: &str, values: &[(&[&str], &str)]) -> (Zeroizing<String>, Vec<bool>) {
    let mut members = Members::new();
    for (place, (path, value)) in values.iter().enumerate() {
        plan(&mut members, path, Addition::Text(value, place));
    }
    let mut merge = Merge { text, edits: Vec::new(), went_in: vec![false; values.len()] };
    if let Some(object) = serde_json::from_str::<&RawValue>(text).ok().and_then(Object::read) {
        merge.object(&object, &members);
    }
    (spliced(text, merge.edits), merge.went_in)
}

/// Sorts an addition in. What is planned for its very place stays; a string on its way stays too, and decides whether there
/// is a way.
fn plan<'a>(members: &mut Members<'a>, path: &[&'a str], addition: Addition<'a>) {
    let [key, rest @ ..] = path else { return };
    match (members.iter_mut().rfind(|(planned, _)| planned == key), rest) {
        (None, []) => members.push((key, addition)),
        (Some((_, Addition::Within(inner))), [_, ..]) => plan(inner, rest, addition),
        (Some(_), []) => {}
        (None | Some((_, Addition::Text(..))), _) => {
            let mut inner = Members::new();
            plan(&mut inner, rest, addition);
            members.push((key, Addition::Within(inner)));
        }
    }
}

struct Merge<'a> {
    text: &'a str,
    edits: Vec<(Range<usize>, Zeroizing<String>)>,
    went_in: Vec<bool>,
}

impl Merge<'_> {
    fn object(&mut self, object: &Object<'_>, members: &Members<'_>) {
        let (end, mut separator) = end_of_members(self.text, object);
        let mut behind = Vec::new();
        for (at, (key, addition)) in members.iter().enumerate() {
            let found = object.get(key);
            if let Some(found) = found.filter(|found| Kind::of(found) != Kind::Null) {
                if let (Addition::Within(inner), Some(object)) = (addition, Object::read(found)) {
                    self.object(&object, inner);
                }
            } else if !holds(&members[..at], key) {
                self.goes_in(addition);
                if let Some(null) = found {
                    let start = offset(self.text, null.get());
                    self.edits.push((start..start + null.get().len(), value(addition)));
                } else {
                    behind.push(concat(&[separator, &member(key, addition)]));
                    separator = ",";
                }
            }
        }
        if !behind.is_empty() {
            self.edits.push((end..end, joined(&behind)));
        }
    }

    fn goes_in(&mut self, addition: &Addition<'_>) {
        match addition {
            Addition::Text(_, place) => self.went_in[*place] = true,
            Addition::Within(members) => firsts(members).for_each(|(_, addition)| self.goes_in(addition)),
        }
    }
}

/// What goes into an object that has none of it yet: of equal keys the first.
fn firsts<'m, 'a>(members: &'m Members<'a>) -> impl Iterator<Item = &'m (&'a str, Addition<'a>)> {
    members.iter().enumerate().filter(|(at, (key, _))| !holds(&members[..*at], key)).map(|(_, member)| member)
}

fn holds(members: &[(&str, Addition<'_>)], key: &str) -> bool {
    members.iter().any(|(held, _)| *held == key)
}

/// Where further members go (right behind the last, before any space), and what separates the first of them.
fn end_of_members(text: &str, object: &Object<'_>) -> (usize, &'static str) {
    match object.members.last() {
        Some((_, last)) => (offset(text, last.get()) + last.get().len(), ","),
        None => (offset(text, object.text) + 1, ""),
    }
}

fn member(key: &str, addition: &Addition<'_>) -> Zeroizing<String> {
    concat(&[&json_string(key), ":", &value(addition)])
}

/// An addition as JSON.
fn value(addition: &Addition<'_>) -> Zeroizing<String> {
    match addition {
        Addition::Text(text, _) => json_string(text),
        Addition::Within(members) => {
            let mut parts = Vec::new();
            for (key, addition) in firsts(members) {
                let separator = if parts.is_empty() { "{" } else { "," };
                parts.push(concat(&[separator, &member(key, addition)]));
            }
            parts.push(concat(&["}"]));
            joined(&parts)
        }
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

fn spliced(text: &str, mut edits: Vec<(Range<usize>, Zeroizing<String>)>) -> Zeroizing<String> {
    edits.sort_by_key(|(at, _)| at.start);
    let mut parts = Vec::with_capacity(2 * edits.len() + 1);
    let mut done = 0;
    for (at, addition) in &edits {
        parts.extend([&text[done..at.start], addition.as_str()]);
        done = at.end;
    }
    parts.push(&text[done..]);
    concat(&parts)
}

fn joined(parts: &[Zeroizing<String>]) -> Zeroizing<String> {
    concat(&parts.iter().map(|part| part.as_str()).collect::<Vec<_>>())
}

/// One buffer, of the size that is needed.
fn concat(parts: &[&str]) -> Zeroizing<String> {
    Zeroizing::new(parts.concat())
}
