//! Reads one token of an import from a JSON line or a CSV row. No message shows a value, because
//! any value may be the token.

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::ids::check_name;
use crate::vault::Registration;

/// The members or columns, in the order of [`Raw`].
const FIELDS: [&str; 5] = ["merchant", "user", "refresh_token", "issued_at", "expires_at"];

const EXPECTED: &str = "expected merchant, user, refresh_token and, if known, issued_at and expires_at";

/// The format of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values; the first line names the columns
    Csv,
}

/// A token to be registered.
pub(crate) struct Record {
    pub merchant: String,
    pub registration: Registration,
}

/// Reads lines in one format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Jsonl,
    /// For each column, its index in [`FIELDS`].
    Csv(Vec<usize>),
}

type Values = [Option<String>; FIELDS.len()];

impl Reader {
    /// Returns the reader for an input that begins with this line, and whether the line is a
    /// header.
    pub(crate) fn new(format: Option<InputFormat>, first: &str) -> Result<(Self, bool), String> {
        let sniffed = if first.trim_start().starts_with('{') { InputFormat::Jsonl } else { InputFormat::Csv };
        match format.unwrap_or(sniffed) {
            InputFormat::Jsonl => Ok((Self::Jsonl, false)),
            InputFormat::Csv => Ok((Self::Csv(columns(first)?), true)),
        }
    }

    pub(crate) fn read(&self, line: &str) -> Result<Record, String> {
        match self {
            Self::Jsonl => record(json(line)?),
            Self::Csv(columns) => record(csv(line, columns)?),
        }
    }
}

fn columns(header: &str) -> Result<Vec<usize>, String> {
    let wrong = || {
        format!(
            "is neither a JSON object nor the header of a CSV file (each column once, separated by commas): {EXPECTED}"
        )
    };
    let place = |name: &str| FIELDS.iter().position(|field| *field == name.trim()).ok_or_else(wrong);
    let columns = fields(header)?.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let once = |place| columns.iter().filter(|column| **column == place).count();
    if (0..3).all(|place| once(place) == 1) && (3..5).all(|place| once(place) <= 1) {
        Ok(columns)
    } else {
        Err(wrong())
    }
}

fn csv(line: &str, columns: &[usize]) -> Result<Values, String> {
    let row = fields(line)?;
    if row.len() != columns.len() {
        return Err(format!("has {} columns, expected {} as in the header", row.len(), columns.len()));
    }
    let mut values = Values::default();
    for (place, value) in columns.iter().zip(&row) {
        values[*place] = Some(value.to_owned());
    }
    Ok(values)
}

/// Returns the fields of a line. A field cannot contain a line break, so a quote ends on its line.
fn fields(line: &str) -> Result<::csv::StringRecord, String> {
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).buffer_capacity(256).from_reader(line.as_bytes());
    let mut row = ::csv::StringRecord::new();
    reader.read_record(&mut row).map_err(|_| "is not a valid CSV row".to_owned())?;
    Ok(row)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    merchant: Value,
    user: Value,
    refresh_token: Value,
    issued_at: Value,
    expires_at: Value,
}

fn json(line: &str) -> Result<Values, String> {
    if !line.trim_start().starts_with('{') {
        return Err(format!("is not a JSON object: {EXPECTED}"));
    }
    let raw: Raw = serde_json::from_str(line).map_err(|error| {
        if error.is_data() {
            format!("has an unknown or repeated member: {EXPECTED}")
        } else {
            format!("is not valid JSON: see column {}", error.column())
        }
    })?;
    let mut values = Values::default();
    let given = [raw.merchant, raw.user, raw.refresh_token, raw.issued_at, raw.expires_at];
    for (place, value) in given.into_iter().enumerate() {
        values[place] = match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => return Err(format!("{} is not a string", FIELDS[place])),
        };
    }
    Ok(values)
}

/// Returns a record with these values.
///
/// # Errors
/// What is wrong with them, without any value.
pub(super) fn record_of(
    merchant: String,
    user: String,
    refresh_token: String,
    issued_at: Option<DateTime<Utc>>,
) -> Result<Record, String> {
    let issued_at = issued_at.map(|time| time.to_rfc3339());
    record([Some(merchant), Some(user), Some(refresh_token), issued_at, None])
}

fn record(values: Values) -> Result<Record, String> {
    let [merchant, user, refresh_token, issued_at, expires_at] =
        values.map(|value| value.filter(|text| !text.is_empty()));
    let mut faults = Vec::new();
    let merchant = needed("merchant", merchant, &mut faults);
    let user = needed("user", user, &mut faults);
    let refresh_token = needed("refresh_token", refresh_token, &mut faults);
    let issued_at = time("issued_at", issued_at, &mut faults);
    let expires_at = time("expires_at", expires_at, &mut faults);
    if let Err(wrong) = check_name(&user)
        && !user.is_empty()
    {
        faults.push(format!("user {wrong}"));
    }
    if let (Some(issued_at), Some(expires_at)) = (issued_at, expires_at)
        && expires_at <= issued_at
    {
        faults.push("expires_at is not after issued_at".to_owned());
    }
    let registration = Registration {
        user: user.into(),
        refresh_token: SecretString::from(refresh_token),
        issued_at,
        expires_at,
    };
    if faults.is_empty()
        && let Err(error) = registration.check()
    {
        faults.push(error.to_string());
    }
    if faults.is_empty() { Ok(Record { merchant, registration }) } else { Err(faults.join("; ")) }
}

fn needed(name: &str, value: Option<String>, faults: &mut Vec<String>) -> String {
    value.unwrap_or_else(|| {
        faults.push(format!("{name} is missing"));
        String::new()
    })
}

fn time(name: &str, value: Option<String>, faults: &mut Vec<String>) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(value?.trim());
    if time.is_err() {
        faults.push(format!("{name} is not a time; expected RFC 3339 such as 2026-01-31T12:00:00Z"));
    }
    time.ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(first: &str, line: &str) -> Result<(String, String, String), String> {
        let record = Reader::new(None, first)?.0.read(line)?;
        let Registration { user, refresh_token, .. } = record.registration;
        Ok((record.merchant, user.into(), refresh_token.expose_secret().to_owned()))
    }

    fn error_of(line: &str) -> String {
        read("{", line).unwrap_err()
    }

    #[test]
    fn both_formats_give_the_same() {
        let expected = Ok(("shop".to_owned(), "Ann, \"A\"".to_owned(), "rt_1".to_owned()));
        let json = r#"{"merchant":"shop","user":"Ann, \"A\"","refresh_token":"rt_1","issued_at":"2026-01-31T12:00:00Z"}"#;
        assert_eq!(read(json, json), expected);
        let header = " refresh_token,user, issued_at,merchant";
        assert_eq!(read(header, r#"rt_1,"Ann, ""A""",2026-01-31T12:00:00+01:00,shop"#), expected);
        assert_eq!(read(header, r#"rt_1,"Ann, ""A""",,shop"#), expected);
    }

    #[test]
    fn a_header_must_name_what_is_needed_once() {
        for wrong in [
            "merchant,user",
            "merchant,user,refresh_token,user",
            "merchant,user,refresh_token,x",
            "[{",
            "a;b",
        ] {
            assert!(Reader::new(None, wrong).unwrap_err().starts_with("is neither"), "{wrong}");
        }
        assert_eq!(Reader::new(Some(InputFormat::Jsonl), "merchant").unwrap(), (Reader::Jsonl, false));
        assert!(Reader::new(Some(InputFormat::Csv), "{").is_err());
    }

    #[test]
    fn every_fault_is_told_without_any_value() {
        assert_eq!(error_of("{}"), "merchant is missing; user is missing; refresh_token is missing");
        assert_eq!(error_of(r#"{"refresh_token":17}"#), "refresh_token is not a string");
        assert_eq!(error_of(r#"{"refresh_token":"rt_secret}"#), "is not valid JSON: see column 28");
        assert!(error_of(r#"["shop","u","rt_secret"]"#).starts_with("is not a JSON object"));
        let line = r#"{"merchant":"m","user":"u","refresh_token":"rt_secret x","issued_at":"rt_secret"}"#;
        assert_eq!(error_of(line), "issued_at is not a time; expected RFC 3339 such as 2026-01-31T12:00:00Z");
        for line in [
            r#"{"merchant":"m","user":"u","refresh_token":"rt_secret x"}"#,
            r#"{"merchant":"m","user":"u\u0007","refresh_token":"rt_secret"}"#,
            r#"{"merchant":"m","user":"u","rt_secret":"rt_secret"}"#,
            r#"{"merchant":"m","user":"u","refresh_token":"rt_secret","user":"rt_secret"}"#,
            r#"{"merchant":"m","user":"u","refresh_token":["rt_secret"]}"#,
            r#"{"merchant":"m","user":"u","refresh_token":"rt_secret","issued_at":"2026-02-01T00:00:00Z","expires_at":"2026-01-01T00:00:00Z"}"#,
        ] {
            assert!(!error_of(line).contains("secret"), "{line}: {}", error_of(line));
        }
        let header = "merchant,user,refresh_token";
        assert_eq!(read(header, "shop,rt_secret").unwrap_err(), "has 2 columns, expected 3 as in the header");
        assert!(!read(header, "shop,\"u,rt_secret").unwrap_err().contains("secret"));
    }
}
