//! The credentials of Klarna's and Kustom's APIs.

use secrecy::{ExposeSecret, SecretString};

use super::reader::Reader;

/// What the service sends to the APIs in `Authorization: Basic`.
#[derive(Clone, Debug)]
pub enum ApiCredentials {
    /// A user name and a password.
    Password {
        /// The user name, which is not secret.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// An API key, which is sent as it was issued: `Authorization: Basic <key>`.
    Key(SecretString),
}

/// One of at most two sets of credentials of a merchant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialSet {
    /// The first, or the only one.
    #[default]
    First,
    /// The other, while credentials are changed.
    Second,
}

impl CredentialSet {
    /// Both sets, in their order.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    /// Returns the other set.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// Returns its word in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

impl ApiCredentials {
    /// Returns the secret part.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        match self {
            Self::Password { password, .. } => password,
            Self::Key(key) => key,
        }
    }

    /// Returns what several of them are called.
    #[must_use]
    pub const fn plural(&self) -> &'static str {
        match self {
            Self::Password { .. } => "API passwords",
            Self::Key(_) => "API keys",
        }
    }

    /// Reads `api_key`, or `api_username` and `api_password`: exactly one of both. Variables
    /// replace the other form in the file. Each may be a list of two, for a rotation: then two sets
    /// are returned.
    pub(super) fn read(reader: &mut Reader, section: &str) -> Option<Vec<Self>> {
        let by_key = reader.secret_source(section, "api_key");
        let by_password =
            reader.secret_source(section, "api_username").max(reader.secret_source(section, "api_password"));
        for name in ["api_key", "api_password"] {
            reader.note_secret(&format!("{section}.{name}"));
        }
        let keys = reader.one_or_two(section, "api_key");
        let path = format!("{section}.api_key");
        if by_key.is_some() && by_key == by_password {
            let wrong = "given together with api_username or api_password";
            reader.fault(&path, wrong, "leave out the key, or user name and password");
        } else if by_key.is_none() && by_password.is_none() {
            let instead = "write it, or api_username and api_password (each also as …_env or …_file)";
            reader.fault(&path, "missing", instead);
        }
        let is_by_key = by_key >= by_password;
        if !is_by_key {
            for name in ["api_username", "api_password"] {
                reader.require_source(section, name);
            }
        }
        // If the API key counts, read these anyway, so that they are not reported as unknown keys.
        let usernames = reader.one_or_two(section, "api_username");
        let passwords = reader.one_or_two(section, "api_password");
        if is_by_key {
            return Some(keys?.into_iter().map(Self::Key).collect());
        }
        let (usernames, passwords) = (usernames?, passwords?);
        if usernames.len() > passwords.len() {
            let wrong = "has two user names, and api_password has one password";
            reader.fault(&format!("{section}.api_username"), wrong, "write two passwords, or one user name");
            return None;
        }
        // One user name may have two passwords.
        let usernames = usernames.iter().cycle();
        let pair = |(username, password): (&SecretString, SecretString)| Self::Password {
            username: username.expose_secret().to_owned(),
            password,
        };
        Some(usernames.zip(passwords).map(pair).collect())
    }
}
