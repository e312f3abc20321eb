//! Reads the fields of a query or a form.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use url::form_urlencoded;

use super::failure::Failure;
use super::links::link;
use crate::ids::check_name;
use crate::when::When;

/// Fields by name. An empty field counts as absent, because forms send empty fields that were not
/// filled in. The values of fields with the same name are joined by spaces.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(super) fn of(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).into_owned();
        let mut fields = BTreeMap::<String, String>::new();
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            let joined = fields.entry(name).or_default();
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&value);
        }
        Self(fields)
    }

    /// The names of the fields, in alphabetical order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a name of a merchant, a user or an error code.
    pub(super) fn name<T: for<'a> From<&'a str>>(&self, name: &str) -> Result<Option<T>, Failure> {
        let found = self.get(name);
        found.map_or(Ok(()), check_name).map_err(|wrong| Failure::Invalid(format!("{name}: {wrong}")))?;
        Ok(found.map(T::from))
    }

    /// Like [`Fields::name`], for a required field.
    pub(super) fn needed<T: for<'a> From<&'a str>>(&self, name: &str) -> Result<T, Failure> {
        self.name(name)?.ok_or_else(|| Failure::Invalid(format!("{name}: is missing")))
    }

    /// Returns a value from a fixed list, by its word.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        all: impl IntoIterator<Item = T>,
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Failure> {
        let Some(wanted) = self.get(name) else { return Ok(None) };
        let all: Vec<T> = all.into_iter().collect();
        let found = all.iter().copied().find(|value| word(*value) == wanted);
        let unknown = || {
            let known: Vec<&str> = all.iter().map(|value| word(*value)).collect();
            Failure::Invalid(format!("Unknown {name} {wanted:?}. Use: {}.", known.join(", ")))
        };
        found.map(Some).ok_or_else(unknown)
    }

    /// Returns an id, or another text of a fixed form.
    pub(super) fn word<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Failure> {
        let Some(word) = self.get(name) else { return Ok(None) };
        read(word).map(Some).ok_or_else(|| Failure::Invalid(format!("{name}: {word:?} is not valid")))
    }

    /// Returns a time, in UTC: a day, perhaps with hour and minute, RFC 3339, or an age such as
    /// `24h`, with which an address stays current.
    pub(super) fn time(&self, name: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let time = Self::time_of(text, now);
        let wrong = || {
            let example = "write one such as 2026-01-31 12:00, or an age such as 24h";
            Failure::Invalid(format!("{name}: {text:?} is no time; {example}"))
        };
        time.map(Some).ok_or_else(wrong)
    }

    /// Reads a time as [`Fields::time`] does.
    pub(super) fn time_of(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        When::parse(text.trim()).ok().map(|when| when.by(now))
    }

    /// Returns a link with these fields, replaced or extended by `more`. An empty value removes a
    /// field.
    pub(super) fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut fields: BTreeMap<&str, &str> =
            self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend(more.iter().copied());
        fields.retain(|_, value| !value.is_empty());
        link(path, &fields.into_iter().collect::<Vec<_>>())
    }
}
