//! `[merchants.<name>]`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::overrides::{GivenUrls, Overrides};
use super::reader::Reader;
use super::strength::weakness_of_key;
use super::{
    ApiCredentials, CheckoutProvider, ClientAuth, CredentialSet, EndpointUrl, Environment, LongestPauses,
    NAME_EXPECTED, OnUnusableToken, Region, Webhook, is_name, presets,
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
    /// How long a refresh token lives from its issue: Klarna's default is 60 days, other lengths are agreed with it.
    pub refresh_token_lifetime: Duration,
    /// What happens to an order whose user has no usable token.
    pub on_unusable_token: OnUnusableToken,
    /// Whether absent fields of an order are prefilled from the id_token, unless the order says otherwise.
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
    /// The revocation endpoint (RFC 7009). `None`: none is known, because the path of `token_url` does
    /// not end in `/token`.
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
    /// The proxy that every call to Klarna for this merchant goes through; `None` means directly. It
    /// may have a user name and a password in it.
    pub http_proxy: Option<SecretString>,
    /// The shop's webhook endpoint; `None` if it has none.
    pub webhook: Option<Webhook>,
    /// The secret in the address that Klarna's pushes go to. `None`: they go to the shop.
    pub push_secret: Option<SecretString>,
}

impl Merchant {
    /// Returns the provider that this merchant's refresh tokens are presented to. Neither secrets nor
    /// the query of the URL are part of it.
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
        let section = format!("merchants.{name}");
        let key = |key: &str| format!("{section}.{key}");
        if !is_name(name) {
            reader.fault(&section, "not a name", NAME_EXPECTED);
        }
        let region = reader.require(&key("region"), r#""eu", "na" or "oc""#);
        let environment = reader.require(&key("environment"), r#""production" or "playground""#);
        let client_id = reader.require(&key("client_id"), "the client id that Klarna's portal shows");
        let client_secret = reader.secret(&section, "client_secret");
        let client_auth = reader.get(&key("client_auth"));
        let checkout_provider = reader.get(&key("checkout_provider"));
        let api_credentials = ApiCredentials::read(reader, &section);
        let refresh_token_lifetime =
            reader.lasting(&key("refresh_token_lifetime"), Duration::from_hours(24 * 60));
        let on_unusable_token = reader.get_or(&key("on_unusable_token"), OnUnusableToken::SubmitWithoutToken);
        let target = reader.get_or(&key("target"), Target::Checkout);
        let prefill = reader.get_or(&key("prefill"), true);
        let send_access_token = reader.get_or(&key("send_access_token"), true);
        let revoke_on_forget = reader.get(&key("revoke_on_forget"));
        let payments_prefill = reader.get_or(&key("payments_prefill"), false);
        let mut rate = |name| reader.within(&key(name), 100.0, &(0.01..=100_000.0));
        let checkout_rate_per_second = rate("checkout_rate_per_second");
        let token_rate_per_second = rate("token_rate_per_second");
        let longest_pauses = LongestPauses::read(reader, key);
        let overrides = Overrides::read(reader, key);
        let http_proxy = proxy(reader, &key("http_proxy"));
        let webhook = Webhook::read(reader, &section);
        let push_secret = push_secret(reader, &section);
        let discovery = reader.get_or(&key("discovery"), false);
        check_client_auth(reader, &section, client_auth);
        if !send_access_token && on_unusable_token == OnUnusableToken::Fail {
            let wrong = "\"fail\", but send_access_token = false sends no token";
            reader.fault(&key("on_unusable_token"), wrong, "leave one of them out");
        }
        check_addresses(reader, key, region, target);
        check_discovery(reader, key, discovery, &overrides);
        let (region, environment) = (region?, environment?);
        let mut api_credentials = api_credentials?.into_iter();
        let given = overrides.given();
        let addresses = overrides.or_presets(region, environment, checkout_provider)?;
        if revoke_on_forget == Some(true) && addresses.revoke_url.is_none() {
            let wrong = "true, and no revocation endpoint is known: token_url does not end in /token";
            reader.fault(&key("revoke_on_forget"), wrong, "add revoke_url, or leave it out");
        }
        Some(Arc::new(Self {
            name: name.into(),
            region,
            environment,
            client_id: client_id?,
            client_secret,
            client_auth: client_auth.unwrap_or(ClientAuth::ClientSecretPost),
            target,
            checkout_provider,
            api_credentials: api_credentials.next()?,
            second_api_credentials: api_credentials.next(),
            send_access_token,
            refresh_token_lifetime,
            on_unusable_token,
            prefill,
            payments_prefill,
            checkout_rate_per_second,
            token_rate_per_second,
            longest_pauses,
            checkout_url: addresses.checkout_url.map(EndpointUrl::from),
            payments_url: addresses.payments_url.into(),
            jwks_url: addresses.jwks_url.into(),
            issuers: addresses.issuers,
            discovery,
            revoke_on_forget: revoke_on_forget.unwrap_or(addresses.revoke_url.is_some()),
            revoke_url: addresses.revoke_url.map(EndpointUrl::from),
            token_url: addresses.token_url.into(),
            given,
            http_proxy,
            webhook,
            push_secret,
        }))
    }
}

/// Records a fault if a setting says how to send a client secret, and there is none.
fn check_client_auth(reader: &mut Reader, section: &str, client_auth: Option<ClientAuth>) {
    if client_auth.is_some() && reader.secret_source(section, "client_secret").is_none() {
        reader.fault(
            &format!("{section}.client_auth"),
            "says how to send client_secret, which is missing",
            "add client_secret, or leave client_auth out",
        );
    }
}

/// Records a fault for each address that is needed and missing.
fn check_addresses(
    reader: &mut Reader,
    key: impl Fn(&str) -> String,
    region: Option<Region>,
    target: Target,
) {
    if region == Some(Region::Oc) && !reader.has(&key("token_url")) {
        reader.fault(
            &key("token_url"),
            "missing, and no login host is known for oc",
            "write the URL that Klarna gave you",
        );
    }
    let names_checkout = reader.has(&key("checkout_provider")) || reader.has(&key("checkout_url"));
    if target == Target::Checkout && !names_checkout {
        reader.fault(
            &key("checkout_provider"),
            "missing",
            r#"write "kustom" or "klarna", whichever issued your Checkout credentials (or write checkout_url)"#,
        );
    }
}

/// Records a fault if OpenID documents are to be read, and the given issuer can have none.
fn check_discovery(
    reader: &mut Reader,
    key: impl Fn(&str) -> String,
    discovery: bool,
    overrides: &Overrides,
) {
    let is_no_url = |issuer: &str| presets::issuer_url(issuer).is_none();
    if discovery && overrides.issuer.as_deref().is_some_and(is_no_url) {
        let wrong = "true, and issuer is no https:// URL, below which the provider's document would be";
        reader.fault(&key("discovery"), wrong, "correct issuer, or leave it out");
    }
}

/// Reads the secret of the address for pushes. It is a part of a path, so it must need no encoding.
fn push_secret(reader: &mut Reader, section: &str) -> Option<SecretString> {
    const EXPECTED: &str = "write at least 24 random letters, digits, - and _ (`openssl rand -hex 32`)";
    let key = format!("{section}.push_secret");
    let secret = reader.secret(section, "push_secret")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !secret.expose_secret().bytes().all(is_plain) {
        reader.fault(&key, "has other characters than letters, digits, - and _", EXPECTED);
    } else if let Some(weakness) = weakness_of_key(secret.expose_secret()) {
        reader.fault(&key, weakness, EXPECTED);
    }
    Some(secret)
}

/// Reads the URL of a proxy. It may be plain HTTP: what goes to Klarna through it is encrypted end to
/// end.
fn proxy(reader: &mut Reader, key: &str) -> Option<SecretString> {
    let proxy: SecretString = reader.get(key)?;
    let url = Url::parse(proxy.expose_secret());
    if url.as_ref().is_ok_and(|url| url.password().is_some()) {
        reader.note_secret(key);
    }
    if url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some()) {
        return Some(proxy);
    }
    reader.fault(key, "not the URL of a proxy", r#"write "http://proxy.example:3128", or leave it out"#);
    None
}
