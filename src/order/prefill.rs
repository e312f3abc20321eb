//! The fields that the service filled into an order, and whether Klarna accepted them.

use serde::{Deserialize, Serialize};

/// The fields filled in from the `id_token`, as JSON pointers. Stored with the order as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prefill {
    /// The order was sent with these fields; empty if none was filled in.
    Filled(Vec<String>),
    /// Klarna refused the order with these fields, so it was sent once more without them.
    Withdrawn {
        /// The fields, as JSON pointers.
        withdrawn: Vec<String>,
    },
    /// None was filled in, because the `id_token` was not accepted.
    Refused {
        /// Why, in words.
        refused: String,
    },
}

impl Prefill {
    /// Returns the fields with which the order was sent last.
    #[must_use]
    pub fn filled(&self) -> &[String] {
        match self {
            Self::Filled(fields) => fields,
            Self::Withdrawn { .. } | Self::Refused { .. } => &[],
        }
    }

    /// Returns the fields that were taken back.
    #[must_use]
    pub fn withdrawn(&self) -> &[String] {
        match self {
            Self::Filled(_) | Self::Refused { .. } => &[],
            Self::Withdrawn { withdrawn } => withdrawn,
        }
    }

    /// Returns why the `id_token` was not accepted, if it was not.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        match self {
            Self::Refused { refused } => Some(refused),
            Self::Filled(_) | Self::Withdrawn { .. } => None,
        }
    }
}

impl Default for Prefill {
    fn default() -> Self {
        Self::Filled(Vec::new())
    }
}

impl From<Vec<String>> for Prefill {
    fn from(fields: Vec<String>) -> Self {
        Self::Filled(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_stored_and_read() {
        let fields = vec!["/customer/date_of_birth".to_owned()];
        for (prefill, json) in [
            (Prefill::default(), "[]"),
            (fields.clone().into(), r#"["/customer/date_of_birth"]"#),
            (Prefill::Withdrawn { withdrawn: fields }, r#"{"withdrawn":["/customer/date_of_birth"]}"#),
            (Prefill::Refused { refused: "it is malformed".into() }, r#"{"refused":"it is malformed"}"#),
        ] {
            assert_eq!(serde_json::to_string(&prefill).unwrap(), json);
            assert_eq!(serde_json::from_str::<Prefill>(json).unwrap(), prefill);
        }
    }
}
