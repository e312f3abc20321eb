//! Adds members to a JSON text and leaves every other byte as it is.

use std::ops::Range;

use zeroize::Zeroizing;

use super::json::{Object, is_blank, offset};

/// A string to add to a JSON text. It may be a secret.
#[derive(Clone, Copy)]
pub struct Insertion<'a> {
    /// The keys on the way to it, its own last.
    pub path: &'a [&'a str],
    /// The string.
    pub value: &'a str,
}

/// An addition to an object.
struct Member<'a> {
    key: &'a str,
    addition: Addition<'a>,
}

enum Addition<'a> {
    /// A string, and its index in the list of values to add.
    Text(&'a str, usize),
    /// Additions to an object, which is created if it does not exist.
    Within(Vec<Member<'a>>),
}

/// Returns `text`, the text of `object`, with each string added at its path, and which of them were
/// added. Missing objects on a path are created. A string is not added if there is already a value,
/// or if its path leads through something that is not an object. `null`, `""` and `[]` count as
/// missing and are replaced: shops write absent members so, and Klarna treats them as not sent. The
/// result is as if the strings were added one by one; no object is read twice.
///
/// A value may be a secret. To leave no copy in memory, buffers are allocated at their final size
/// and wiped.
pub(super) fn fill(
    text: &str,
    object: Option<&Object<'_>>,
    values: &[Insertion<'_>],
) -> (Zeroizing<String>, Vec<bool>) {
    let mut members = Vec::new();
    for (place, Insertion { path, value }) in values.iter().enumerate() {
        plan(&mut members, path, Addition::Text(value, place));
    }
    let mut merge = Merge { text, edits: Vec::new(), went_in: vec![false; values.len()] };
    if let Some(object) = object {
        merge.object(object, &members);
    }
    (spliced(text, merge.edits), merge.went_in)
}

/// Adds one string to the plan. An earlier string at the same path stays. An earlier string on the
/// way to this path also stays, and the new one is then dropped.
fn plan<'a>(members: &mut Vec<Member<'a>>, path: &[&'a str], addition: Addition<'a>) {
    let [key, rest @ ..] = path else { return };
    let planned = members.iter_mut().rfind(|member| member.key == *key);
    match (planned.map(|member| &mut member.addition), rest) {
        (None, []) => members.push(Member { key, addition }),
        (Some(Addition::Within(inner)), [_, ..]) => plan(inner, rest, addition),
        (Some(_), []) => {}
        (None | Some(Addition::Text(..)), _) => {
            let mut inner = Vec::new();
            plan(&mut inner, rest, addition);
            members.push(Member { key, addition: Addition::Within(inner) });
        }
    }
}

/// A text that takes the place of a part of the old one.
struct Edit {
    at: Range<usize>,
    text: Zeroizing<String>,
}

struct Merge<'a> {
    text: &'a str,
    edits: Vec<Edit>,
    went_in: Vec<bool>,
}

impl Merge<'_> {
    fn object(&mut self, object: &Object<'_>, members: &[Member<'_>]) {
        let (end, mut separator) = end_of_members(self.text, object);
        let mut behind = Vec::new();
        for (at, Member { key, addition }) in members.iter().enumerate() {
            let found = object.get(key);
            if let Some(found) = found.filter(|found| !is_blank(found)) {
                if let (Addition::Within(inner), Some(object)) = (addition, Object::read(found)) {
                    self.object(&object, inner);
                }
            } else if !holds(&members[..at], key) {
                self.goes_in(addition);
                if let Some(blank) = found {
                    let start = offset(self.text, blank.get());
                    self.edits.push(Edit { at: start..start + blank.get().len(), text: value(addition) });
                } else {
                    behind.push(concat(&[separator, &member(key, addition)]));
                    separator = ",";
                }
            }
        }
        if !behind.is_empty() {
            self.edits.push(Edit { at: end..end, text: joined(&behind) });
        }
    }

    fn goes_in(&mut self, addition: &Addition<'_>) {
        match addition {
            Addition::Text(_, place) => self.went_in[*place] = true,
            Addition::Within(members) => firsts(members).for_each(|member| self.goes_in(&member.addition)),
        }
    }
}

/// Returns the additions to a new object. For equal keys, the first one counts.
fn firsts<'m, 'a>(members: &'m [Member<'a>]) -> impl Iterator<Item = &'m Member<'a>> {
    let all = members.iter().enumerate();
    all.filter(|(at, member)| !holds(&members[..*at], member.key)).map(|(_, member)| member)
}

fn holds(members: &[Member<'_>], key: &str) -> bool {
    members.iter().any(|member| member.key == key)
}

/// Returns where to insert further members (directly after the last one, before any space), and the
/// separator before the first of them.
fn end_of_members(text: &str, object: &Object<'_>) -> (usize, &'static str) {
    match object.members.last() {
        Some((_, last)) => (offset(text, last.get()) + last.get().len(), ","),
        None => (offset(text, object.text) + 1, ""),
    }
}

fn member(key: &str, addition: &Addition<'_>) -> Zeroizing<String> {
    concat(&[&json_string(key), ":", &value(addition)])
}

/// Writes an addition as JSON.
fn value(addition: &Addition<'_>) -> Zeroizing<String> {
    match addition {
        Addition::Text(text, _) => json_string(text),
        Addition::Within(members) => {
            let mut parts = Vec::new();
            for Member { key, addition } in firsts(members) {
                let separator = if parts.is_empty() { "{" } else { "," };
                parts.push(concat(&[separator, &member(key, addition)]));
            }
            parts.push(concat(&["}"]));
            joined(&parts)
        }
    }
}

fn json_string(value: &str) -> Zeroizing<String> {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if value.bytes().all(is_plain) {
        return concat(&["\"", value, "\""]);
    }
    // An escape needs at most six bytes, so the buffer never has to grow.
    let mut json = Zeroizing::new(Vec::with_capacity(value.len() * 6 + 2));
    // This cannot fail: every string can be written as JSON, and a vector accepts every write.
    let written = serde_json::to_writer(&mut *json, value).is_ok();
    match std::str::from_utf8(&json) {
        Ok(text) if written => concat(&[text]),
        _ => concat(&["null"]),
    }
}

fn spliced(text: &str, mut edits: Vec<Edit>) -> Zeroizing<String> {
    edits.sort_by_key(|edit| edit.at.start);
    let mut parts = Vec::with_capacity(2 * edits.len() + 1);
    let mut done = 0;
    for Edit { at, text: addition } in &edits {
        parts.extend([&text[done..at.start], addition.as_str()]);
        done = at.end;
    }
    parts.push(&text[done..]);
    concat(&parts)
}

fn joined(parts: &[Zeroizing<String>]) -> Zeroizing<String> {
    concat(&parts.iter().map(|part| part.as_str()).collect::<Vec<_>>())
}

/// Joins the parts in one buffer of exactly the needed size.
fn concat(parts: &[&str]) -> Zeroizing<String> {
    Zeroizing::new(parts.concat())
}
