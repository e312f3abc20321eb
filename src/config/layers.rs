//! Combines the settings file with the environment.
//!
//! Both become one flat map from key path to value, so that a variable replaces exactly the key it
//! names.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// The prefix of variables: `KLARNA_WORKER__DATABASE__URL` is `database.url`, in upper or lower
/// case.
const PREFIX: &str = "KLARNA_WORKER__";

/// All given values. Items of lists of tables have numbers as names: `server.api_keys.0.name`.
pub(super) struct Layers {
    values: BTreeMap<String, Given>,
    /// The tables of the file, including empty ones.
    sections: BTreeSet<String>,
    env: BTreeMap<String, String>,
}

/// One value, and where it came from.
pub(super) enum Given {
    File(Value),
    Variable { name: String, text: String },
}

impl Given {
    /// The environment variable that gave it.
    pub(super) fn variable(&self) -> Option<&str> {
        match self {
            Self::File(_) => None,
            Self::Variable { name, .. } => Some(name),
        }
    }
}

impl Layers {
    pub(super) fn new(file: Table, env: BTreeMap<String, String>) -> Self {
        let mut layers = Self { values: BTreeMap::new(), sections: BTreeSet::new(), env };
        for (key, value) in file {
            layers.lay(key, value);
        }
        for (name, text) in &layers.env {
            if let Some(path) = key_path(name) {
                layers.values.insert(path, Given::Variable { name: name.clone(), text: text.clone() });
            }
        }
        layers
    }

    fn lay(&mut self, path: String, value: Value) {
        match value {
            Value::Table(table) => {
                for (key, value) in table {
                    self.lay(format!("{path}.{key}"), value);
                }
                self.sections.insert(path);
            }
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
                for (index, item) in items.into_iter().enumerate() {
                    self.lay(format!("{path}.{index}"), item);
                }
                self.sections.insert(path);
            }
            value => {
                self.values.insert(path, Given::File(value));
            }
        }
    }

    pub(super) fn get(&self, path: &str) -> Option<&Given> {
        self.values.get(path)
    }

    /// The value of an environment variable that a setting names.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    pub(super) fn is_empty_list(&self, path: &str) -> bool {
        matches!(self.values.get(path), Some(Given::File(Value::Array(items))) if items.is_empty())
    }

    /// Returns a digest of each value.
    pub(super) fn digests(&self) -> super::setting_digests::SettingDigests {
        let mut digests = super::setting_digests::SettingDigests::default();
        for (path, value) in &self.values {
            match value {
                Given::File(value) => digests.add(path, &value.to_string()),
                Given::Variable { text, .. } => digests.add(path, text),
            }
        }
        digests
    }

    pub(super) fn is_section(&self, path: &str) -> bool {
        self.sections.contains(path)
    }

    /// The paths of sections and values, in order.
    pub(super) fn paths(&self) -> BTreeSet<&str> {
        self.sections.iter().chain(self.values.keys()).map(String::as_str).collect()
    }
}

fn key_path(variable: &str) -> Option<String> {
    let path = variable.to_ascii_uppercase().strip_prefix(PREFIX)?.to_ascii_lowercase();
    Some(path.replace("__", "."))
}
