//! The addresses in force of a merchant, and where they come from.

use std::fmt;

use url::Url;

use super::Merchant;
use crate::order::Target;

/// Where calls to Klarna for a merchant go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressOf {
    /// The token endpoint.
    Token,
    /// The revocation endpoint.
    Revoke,
    /// The keys that sign id_tokens.
    Jwks,
    /// The API of a target.
    Target(Target),
}

/// An address in force. Its query is left out, because it may contain a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Scheme, host, port and path.
    pub url: String,
    /// The name of the setting that can give it.
    pub setting: &'static str,
    /// Where it comes from: `setting`, or which default.
    pub source: &'static str,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.url, self.source)
    }
}

impl Merchant {
    /// Returns an address in force. `None`: the settings name none.
    #[must_use]
    pub fn address(&self, of: AddressOf) -> Option<Address> {
        let given = self.given;
        let (url, setting, is_given, default) = match of {
            AddressOf::Token => (Some(&*self.token_url), "token_url", given.token, "default"),
            AddressOf::Revoke => {
                (self.revoke_url.as_deref(), "revoke_url", given.revoke, "default, beside token_url")
            }
            AddressOf::Jwks => {
                (Some(&*self.jwks_url), "jwks_url", given.jwks, "default, on the host of token_url")
            }
            AddressOf::Target(target) => {
                let setting = match target {
                    Target::Checkout => "checkout_url",
                    Target::Payments => "payments_url",
                };
                (self.url(target), setting, given.target(target), "default")
            }
        };
        let source = if is_given { "setting" } else { default };
        url.map(|url| Address { url: shown(url), setting, source })
    }
}

fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn an_address_is_shown_with_its_source() {
        let text = "installation = \"test\"\n[merchants.shop]\nregion = \"eu\"\nenvironment = \"production\"\n\
             client_id = \"client\"\napi_key = \"key\"\ncheckout_provider = \"kustom\"\n\
             jwks_url = \"https://keys.example/jwks?key=1\"\n";
        let settings = Settings::parse("test", text, std::iter::empty()).unwrap();
        let merchant = &settings.merchants["shop"];
        let of = [AddressOf::Token, AddressOf::Revoke, AddressOf::Jwks, AddressOf::Target(Target::Checkout)];
        assert_eq!(
            of.map(|of| merchant.address(of).unwrap().to_string()),
            [
                "https://login.klarna.com/eu/lp/idp/oauth2/token (default)",
                "https://login.klarna.com/eu/lp/idp/oauth2/revoke (default, beside token_url)",
                "https://keys.example/jwks (setting)",
                "https://api.kustom.co/ (default)",
            ]
        );
    }
}
