//! Splits the body of a batch into its orders.

use std::fmt;

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::problem::{Kind, Problem};
use crate::order::Fault;

/// The most orders in one batch.
pub(super) const MOST: usize = 1000;

/// Returns the texts of an array's items.
pub(super) fn items(text: &str) -> Result<Vec<&str>, Problem> {
    let mut json = serde_json::Deserializer::from_str(text);
    let items = json.deserialize_seq(Items).and_then(|items| json.end().map(|()| items));
    let no_array = |_| {
        let wrong = "is not an array of orders; send JSON lines with Content-Type: application/x-ndjson";
        Problem::with_faults(Kind::InvalidOrder, vec![Fault::new("", wrong)])
    };
    items.map_err(no_array)?.ok_or_else(too_many)
}

/// Returns the lines, without blank ones.
pub(super) fn lines(text: &str) -> Result<Vec<&str>, Problem> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(MOST + 1).collect();
    if lines.len() > MOST { Err(too_many()) } else { Ok(lines) }
}

fn too_many() -> Problem {
    let wrong = format!("has more than {MOST} orders: split it into several batches");
    Problem::with_faults(Kind::InvalidOrder, vec![Fault::new("", wrong)])
}

/// Reads an array's items as raw text; `None` if there are too many.
struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Option<Vec<&'de str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of orders")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        let mut fits = true;
        // Read to the end, to notice text that follows the array.
        while let Some(item) = array.next_element::<&RawValue>()? {
            fits &= items.len() < MOST;
            if fits {
                items.push(item.get());
            }
        }
        Ok(fits.then_some(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_and_lines_are_cut_as_they_are_written() {
        assert_eq!(items(" [ {\"a\": 1.0e2 },\n 2 ]\n").unwrap(), ["{\"a\": 1.0e2 }", "2"]);
        assert_eq!(lines("{\"a\":1}\r\n\n  \n{\"b\" : 2}").unwrap(), ["{\"a\":1}", "{\"b\" : 2}"]);
        assert_eq!((items("[]").unwrap(), lines("\n \n").unwrap()), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_broken_array_is_refused_and_a_broken_line_is_that_lines_affair() {
        for broken in ["", "{}", "[1", "[1,]", "[1] 2", "[{]"] {
            assert_eq!(items(broken).unwrap_err().details().status, 422, "{broken}");
        }
        assert_eq!(lines("{\n1").unwrap(), ["{", "1"]);
    }

    #[test]
    fn a_thousand_fit_and_no_more() {
        let status = |problem: Problem| problem.details().status;
        for (count, expected) in [(MOST, Ok(MOST)), (MOST + 1, Err(422))] {
            let array = format!("[{}]", vec!["1"; count].join(","));
            assert_eq!(items(&array).map(|items| items.len()).map_err(status), expected);
            assert_eq!(lines(&"1\n".repeat(count)).map(|lines| lines.len()).map_err(status), expected);
        }
    }
}
