//! A merchant's addresses: those of its settings, and otherwise Klarna's own.

use url::Url;

use super::reader::Reader;
use super::{CheckoutProvider, Environment, Region, presets};
use crate::order::Target;

/// Which addresses the settings give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is about a setting of its own")]
pub struct GivenUrls {
    /// `token_url`
    pub token: bool,
    /// `revoke_url`
    pub revoke: bool,
    /// `checkout_url`
    pub checkout: bool,
    /// `payments_url`
    pub payments: bool,
    /// `jwks_url`
    pub jwks: bool,
}

impl GivenUrls {
    /// Returns whether the settings give the address of a target.
    #[must_use]
    pub fn target(self, target: Target) -> bool {
        match target {
            Target::Checkout => self.checkout,
            Target::Payments => self.payments,
        }
    }
}

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

    /// Returns all addresses. `None` if the token endpoint is missing, which has no default
    /// everywhere.
    pub(super) fn or_presets(
        self,
        region: Region,
        environment: Environment,
        provider: Option<CheckoutProvider>,
    ) -> Option<Addresses> {
        let token_url = self.token_url.or_else(|| presets::token_url(region, environment))?;
        let checkout_url = || presets::checkout_url(provider?, region, environment);
        Some(Addresses {
            revoke_url: self.revoke_url.or_else(|| presets::revoke_url(&token_url)),
            checkout_url: self.checkout_url.or_else(checkout_url),
            payments_url: self.payments_url.or_else(|| presets::payments_url(region, environment))?,
            jwks_url: self.jwks_url.or_else(|| presets::jwks_url(&token_url, region))?,
            issuers: self.issuer.map_or_else(|| presets::issuers(&token_url, region), |issuer| vec![issuer]),
            token_url,
        })
    }
}

/// A merchant's addresses.
pub(super) struct Addresses {
    pub(super) token_url: Url,
    /// `None`: none is known.
    pub(super) revoke_url: Option<Url>,
    /// `None`: the settings name none.
    pub(super) checkout_url: Option<Url>,
    pub(super) payments_url: Url,
    pub(super) jwks_url: Url,
    pub(super) issuers: Vec<String>,
}
