//! Reads what PHP's `serialize` wrote: an array with texts, or a text.

use serde_json::{Map, Value};

/// How deep arrays may be nested.
const DEEPEST: usize = 8;

/// Returns the members of an array that are texts, or those of the JSON object in a text. `None`:
/// it is neither, or it is damaged.
pub(super) fn members(serialised: &str) -> Option<Map<String, Value>> {
    let mut rest = serialised.as_bytes();
    match value(&mut rest, 0)? {
        Value::Object(members) => Some(members),
        Value::String(text) => serde_json::from_str(&text).ok(),
        _ => None,
    }
}

/// Reads a value: texts and arrays as they are, all others as null.
fn value(rest: &mut &[u8], depth: usize) -> Option<Value> {
    let (kind, after) = (*rest.first()?, rest.get(1..)?);
    *rest = after;
    match kind {
        b'N' => expect(rest, b';').map(|()| Value::Null),
        b'i' | b'b' | b'd' => {
            expect(rest, b':')?;
            until(rest, b';').map(|_| Value::Null)
        }
        b's' => {
            expect(rest, b':')?;
            let length: usize = number(until(rest, b':')?)?;
            let (text, after) = rest.strip_prefix(b"\"")?.split_at_checked(length)?;
            *rest = after.strip_prefix(b"\";")?;
            Some(Value::String(std::str::from_utf8(text).ok()?.to_owned()))
        }
        b'a' if depth < DEEPEST => {
            expect(rest, b':')?;
            let count: usize = number(until(rest, b':')?)?;
            expect(rest, b'{')?;
            let mut members = Map::new();
            for _ in 0..count {
                let name = value(rest, depth + 1)?;
                let content = value(rest, depth + 1)?;
                if let Value::String(name) = name {
                    members.insert(name, content);
                }
            }
            expect(rest, b'}')?;
            Some(Value::Object(members))
        }
        _ => None,
    }
}

fn expect(rest: &mut &[u8], byte: u8) -> Option<()> {
    *rest = rest.strip_prefix(&[byte])?;
    Some(())
}

/// Returns what stands before a byte, and goes on behind it.
fn until<'a>(rest: &mut &'a [u8], byte: u8) -> Option<&'a [u8]> {
    let end = rest.iter().position(|found| *found == byte)?;
    let before = &rest[..end];
    *rest = &rest[end + 1..];
    Some(before)
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
