//! Settings that replace Klarna's own addresses.

use url::Url;

use super::GivenUrls;
use super::reader::Reader;

/// The addresses that a merchant's settings give.
pub(super) struct Overrides {
    pub(super) token_url: Option<Url>,
    pub(super) revoke_url: Option<Url>,
    pub(super) checkout_url: Option<Url>,
    pub(super) payments_url: Option<Url>,
    pub(super) jwks_url: Option<Url>,
    pub(super) issuer: Option<String>,
}

impl Overrides {
    pub(super) fn read(reader: &mut Reader, key: impl Fn(&str) -> String) -> Self {
        Self {
            token_url: reader.get(&key("token_url")),
            revoke_url: reader.get(&key("revoke_url")),
            checkout_url: reader.get(&key("checkout_url")),
            payments_url: reader.get(&key("payments_url")),
            jwks_url: reader.get(&key("jwks_url")),
            issuer: reader.get(&key("issuer")),
        }
    }

    pub(super) fn given(&self) -> GivenUrls {
        GivenUrls {
            token: self.token_url.is_some(),
            revoke: self.revoke_url.is_some(),
            checkout: self.checkout_url.is_some(),
            payments: self.payments_url.is_some(),
            jwks: self.jwks_url.is_some(),
        }
    }
}
