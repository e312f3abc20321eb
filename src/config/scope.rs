//! What an API key allows.

use std::collections::BTreeSet;

use toml::Value;

use super::setting::Setting;

/// What an API key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Read orders and their results.
    OrdersRead,
    /// Submit, cancel and retry orders.
    OrdersWrite,
    /// Read states and history of refresh tokens.
    TokensRead,
    /// Register and forget refresh tokens.
    TokensWrite,
    /// Get access tokens of users.
    TokensVend,
    /// Read metrics and details of the health, what is paused, and see the operators' pages.
    OpsRead,
    /// Act on the operators' pages, retry or cancel many orders, pause work, and resolve tokens.
    Ops,
}

/// The names in the settings, and what each stands for. `tokens` does not stand for `tokens:vend`:
/// a key gets access tokens only if its settings say so.
const NAMES: [(&str, &[Scope]); 9] = [
    ("orders", &[Scope::OrdersRead, Scope::OrdersWrite]),
    ("orders:read", &[Scope::OrdersRead]),
    ("orders:write", &[Scope::OrdersWrite]),
    ("tokens", &[Scope::TokensRead, Scope::TokensWrite]),
    ("tokens:read", &[Scope::TokensRead]),
    ("tokens:write", &[Scope::TokensWrite]),
    ("tokens:vend", &[Scope::TokensVend]),
    ("ops", &[Scope::OpsRead, Scope::Ops]),
    ("ops:read", &[Scope::OpsRead]),
];

impl Scope {
    /// Every name that the settings know.
    pub const NAMES: [&str; 9] = {
        let mut names = [""; 9];
        let mut at = 0;
        while at < names.len() {
            names[at] = NAMES[at].0;
            at += 1;
        }
        names
    };

    /// Returns its own name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrdersRead => "orders:read",
            Self::OrdersWrite => "orders:write",
            Self::TokensRead => "tokens:read",
            Self::TokensWrite => "tokens:write",
            Self::TokensVend => "tokens:vend",
            Self::OpsRead => "ops:read",
            Self::Ops => "ops",
        }
    }
}

/// A list of names in the settings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scopes(pub(super) BTreeSet<Scope>);

impl Setting for Scopes {
    const EXPECTED: &str = "a list of \"orders\", \"orders:read\", \"orders:write\", \"tokens\", \"tokens:read\", \
        \"tokens:write\", \"tokens:vend\", \"ops\" and \"ops:read\"";

    fn read(value: &Value) -> Result<Self, &'static str> {
        let names = Vec::<String>::read(value)?;
        let scopes =
            names.iter().map(|name| NAMES.iter().find(|(known, _)| known == name).map(|(_, scopes)| *scopes));
        let scopes: Option<Vec<_>> = scopes.collect();
        Ok(Self(scopes.ok_or("has an unknown scope")?.concat().into_iter().collect()))
    }
}
