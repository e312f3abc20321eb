//! Which provider issued a refresh token.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A fingerprint of a token endpoint and a client id. A refresh token works only with the provider
/// that issued it: another endpoint, or another client, answers `invalid_grant` (RFC 6749 section
/// 5.2), and that says nothing about the token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provider([u8; 16]);

impl Provider {
    /// Returns the fingerprint. `endpoint` is the URL's scheme, host, port and path.
    #[must_use]
    pub fn new(endpoint: &str, client_id: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [endpoint, "\0", client_id] {
            hash.update(part);
        }
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&hash.finalize()[..16]);
        Self(fingerprint)
    }

    /// A fingerprint that was saved before.
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the fingerprint as the stores save it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Provider {
    type Error = std::array::TryFromSliceError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self::from_bytes)
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Provider {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number
            .map(|number| Self(number.to_be_bytes()))
            .ok_or("expected 32 hexadecimal digits, as `doctor` shows them")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_endpoint_or_client_is_another_provider() {
        let provider = Provider::new("https://login.klarna.com/eu/token", "client");
        assert_eq!(provider.to_string().parse(), Ok(provider));
        assert_eq!(Provider::try_from(provider.as_bytes()).unwrap(), provider);
        for other in
            [("https://login.klarna.com/eu/token", "other"), ("https://login.klarna.com/eu/tokenclient", "")]
        {
            assert_ne!(Provider::new(other.0, other.1), provider);
        }
        assert!("1234".parse::<Provider>().is_err() && format!("+{:031}", 1).parse::<Provider>().is_err());
    }
}
