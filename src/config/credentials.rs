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

impl ApiCredentials {
    /// Returns the secret part.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        match self {
            Self::Password { password, .. } => password,
            Self::Key(key) => key,
        }
    }

    /// Reads `api_key`, or `api_username` and `api_password`: exactly one of both. Variables replace
    /// the other form in the file.
    pub(super) fn read(reader: &mut Reader, section: &str) -> Option<Self> {
        let by_key = reader.secret_source(section, "api_key");
        let by_password =
            reader.secret_source(section, "api_username").max(reader.secret_source(section, "api_password"));
        let key = reader.secret(section, "api_key");
        let path = format!("{section}.api_key");
        if by_key.is_some() && by_key == by_password {
            let wrong = "given together with api_username or api_password";
            reader.fault(&path, wrong, "leave out the key, or user name and password");
        } else if by_key.is_none() && by_password.is_none() {
            let instead = "write it, or api_username and api_password (each also as …_env or …_file)";
            reader.fault(&path, "missing", instead);
        }
        if by_key >= by_password {
            // The API key counts. Read these anyway, so that they are not reported as unknown keys.
            for name in ["api_username", "api_password"] {
                reader.secret(section, name);
            }
            return key.map(Self::Key);
        }
        let username = reader.require_secret(section, "api_username");
        let password = reader.require_secret(section, "api_password");
        Some(Self::Password { username: username?.expose_secret().to_owned(), password: password? })
    }
}
