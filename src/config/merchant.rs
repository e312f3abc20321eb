//! `[merchants.<name>]`

mod given;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use self::given::GivenMerchant;
use super::overrides::GivenUrls;
use super::reader::Reader;
use super::{
    ApiCredentials, CheckoutProvider, ClientAuth, CredentialSet, EndpointUrl, Environment, LongestPauses,
    OnUnusableToken, Region, Webhook, presets,
};
use crate::ids::{MerchantName, Provider};
use crate::order::Target;

/// The merchants of the settings.
pub type Merchants = BTreeMap<MerchantName, Arc<Merchant>>;

/// One merchant at Klarna.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Merchant {
    /// As in `[merchants.<name>]`; what orders and API paths call it.
    pub name: MerchantName,
    /// Decides Klarna's hosts.
    pub region: Region,
    /// Decides Klarna's hosts.
    pub environment: Environment,
    /// The client of *Sign in with Klarna*; an id_token's audience.
    pub client_id: String,
    /// The secret of a confidential client; `None` for a public client.
    pub client_secret: Option<SecretString>,
    /// How the client secret is sent.
    pub client_auth: ClientAuth,
    /// The product of Klarna that orders are submitted to, unless they name one.
    pub target: Target,
    /// Decides the Checkout API's host; `None` if `checkout_url` alone names it, or if orders go to
    /// another target.
    pub checkout_provider: Option<CheckoutProvider>,
    /// How this service proves to Klarna's APIs who the merchant is.
    pub api_credentials: ApiCredentials,
    /// Another set of credentials, for the time of a rotation. It is tried if the first is refused.
    pub second_api_credentials: Option<ApiCredentials>,
    /// Whether an order gets the shopper's access token. If not, no exchange is made for it either.
    pub send_access_token: bool,
    /// How long a refresh token lives from its issue: Klarna's default is 60 days, other lengths
    /// are agreed with it.
    pub refresh_token_lifetime: Duration,
    /// What happens to an order whose user has no usable token.
    pub on_unusable_token: OnUnusableToken,
    /// Whether absent fields of an order are prefilled from the id_token, unless the order says
    /// otherwise.
    pub prefill: bool,
    /// The same for orders that are submitted to Klarna Payments.
    pub payments_prefill: bool,
    /// The maximum number of orders per second that all processes send to Klarna.
    pub checkout_rate_per_second: f64,
    /// The maximum number of exchanges per second of all processes.
    pub token_rate_per_second: f64,
    /// How long calls wait at most.
    pub longest_pauses: LongestPauses,
    /// The full URL of the token endpoint.
    pub token_url: EndpointUrl,
    /// The revocation endpoint (RFC 7009). `None`: none is known, because the path of `token_url`
    /// does not end in `/token`.
    pub revoke_url: Option<EndpointUrl>,
    /// Whether a refresh token is revoked when its user is forgotten or erased.
    pub revoke_on_forget: bool,
    /// The Checkout API's base; `/checkout/v3/orders` is added.
    /// `None` if the settings name none, because orders go to another target.
    pub checkout_url: Option<EndpointUrl>,
    /// The Klarna Payments API's base; `/payments/v1/sessions` is added.
    pub payments_url: EndpointUrl,
    /// The URL of the keys that sign id_tokens (JWKS).
    pub jwks_url: EndpointUrl,
    /// The issuers that an id_token may name.
    pub issuers: Vec<String>,
    /// Whether the addresses are compared daily with those that the issuers' OpenID documents list.
    pub discovery: bool,
    /// Which of the addresses above the settings give, instead of the defaults.
    pub given: GivenUrls,
    /// The proxy that every call to Klarna for this merchant goes through; `None` means directly.
    /// It may have a user name and a password in it.
    pub http_proxy: Option<SecretString>,
    /// The shop's webhook endpoint; `None` if it has none.
    pub webhook: Option<Webhook>,
    /// The secret in the address that Klarna's pushes go to. `None`: they go to the shop.
    pub push_secret: Option<SecretString>,
}

impl Merchant {
    /// Returns the provider that this merchant's refresh tokens are presented to. Neither secrets
    /// nor the query of the URL are part of it.
    #[must_use]
    pub fn provider(&self) -> Provider {
        let mut endpoint = Url::clone(&self.token_url);
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        Provider::new(endpoint.as_str(), &self.client_id)
    }

    /// Names the token endpoint of a provider, if it is the one of the sandbox or one of Klarna's.
    #[must_use]
    pub fn origin_of(&self, provider: Provider) -> Option<String> {
        presets::origin(provider, &self.client_id)
    }

    /// Returns the base of a target's API. `None` if the settings name none.
    #[must_use]
    pub fn url(&self, target: Target) -> Option<&Url> {
        match target {
            Target::Checkout => self.checkout_url.as_deref(),
            Target::Payments => Some(&self.payments_url),
        }
    }

    /// Returns a set of credentials. `None`: the settings have no second one.
    #[must_use]
    pub fn credentials(&self, set: CredentialSet) -> Option<&ApiCredentials> {
        match set {
            CredentialSet::First => Some(&self.api_credentials),
            CredentialSet::Second => self.second_api_credentials.as_ref(),
        }
    }

    /// Returns whether orders for a target are prefilled, unless they say otherwise.
    #[must_use]
    pub fn prefills(&self, target: Target) -> bool {
        match target {
            Target::Checkout => self.prefill,
            Target::Payments => self.payments_prefill,
        }
    }

    /// Returns the issuers that are URLs, so that their OpenID documents can be read.
    #[must_use]
    pub fn issuer_urls(&self) -> Vec<Url> {
        self.issuers.iter().filter_map(|issuer| presets::issuer_url(issuer)).collect()
    }

    pub(super) fn read(reader: &mut Reader, name: &str) -> Option<Arc<Self>> {
        let given = GivenMerchant::read(reader, name);
        given.check(reader);
        given.build(reader).map(Arc::new)
    }
}
