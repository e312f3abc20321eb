//! Reads a merchant's section of the settings.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{CheckoutProvider, ClientAuth, Environment, Merchant, OnUnusableToken, Region};
use crate::config::overrides::{Addresses, Overrides};
use crate::config::reader::Reader;
use crate::config::strength::weakness_of_key;
use crate::config::{ApiCredentials, EndpointUrl, LongestPauses, NAME_EXPECTED, Webhook, is_name, presets};
use crate::order::Target;

/// What the settings say about a merchant. A required value that is missing or wrong is `None`, and
/// a fault.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(super) struct GivenMerchant {
    name: String,
    section: String,
    region: Option<Region>,
    environment: Option<Environment>,
    checkout_provider: Option<CheckoutProvider>,
    credentials: GivenCredentials,
    refresh_token_lifetime: Duration,
    on_unusable_token: OnUnusableToken,
    target: Target,
    prefill: bool,
    payments_prefill: bool,
    send_access_token: bool,
    revoke_on_forget: Option<bool>,
    rates: Rates,
    longest_pauses: LongestPauses,
    overrides: Overrides,
    http_proxy: Option<SecretString>,
    webhook: Option<Webhook>,
    push_secret: Option<SecretString>,
    discovery: bool,
}

/// What the merchant proves itself with.
struct GivenCredentials {
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    client_auth: Option<ClientAuth>,
    /// One set, or two for a rotation.
    api: Option<Vec<ApiCredentials>>,
}

/// Calls per second of all processes.
struct Rates {
    checkout: f64,
    token: f64,
}

impl GivenMerchant {
    pub(super) fn read(reader: &mut Reader, name: &str) -> Self {
        let section = format!("merchants.{name}");
        let key = |key: &str| format!("{section}.{key}");
        if !is_name(name) {
            reader.fault(&section, "not a name", NAME_EXPECTED);
        }
        Self {
            region: reader.require(&key("region"), r#""eu", "na" or "oc""#),
            environment: reader.require(&key("environment"), r#""production" or "playground""#),
            checkout_provider: reader.get(&key("checkout_provider")),
            credentials: GivenCredentials::read(reader, &section),
            refresh_token_lifetime: reader
                .lasting(&key("refresh_token_lifetime"), Duration::from_hours(24 * 60)),
            on_unusable_token: reader.get_or(&key("on_unusable_token"), OnUnusableToken::SubmitWithoutToken),
            target: reader.get_or(&key("target"), Target::Checkout),
            prefill: reader.get_or(&key("prefill"), true),
            payments_prefill: reader.get_or(&key("payments_prefill"), false),
            send_access_token: reader.get_or(&key("send_access_token"), true),
            revoke_on_forget: reader.get(&key("revoke_on_forget")),
            rates: Rates::read(reader, key),
            longest_pauses: LongestPauses::read(reader, key),
            overrides: Overrides::read(reader, key),
            http_proxy: proxy(reader, &key("http_proxy")),
            webhook: Webhook::read(reader, &section),
            push_secret: push_secret(reader, &section),
            discovery: reader.get_or(&key("discovery"), false),
            name: name.to_owned(),
            section,
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.section)
    }

    /// Records a fault for each pair of settings that contradict each other.
    pub(super) fn check(&self, reader: &mut Reader) {
        self.credentials.check(reader, &self.section);
        if !self.send_access_token && self.on_unusable_token == OnUnusableToken::Fail {
            let wrong = "\"fail\", but send_access_token = false sends no token";
            reader.fault(&self.key("on_unusable_token"), wrong, "leave one of them out");
        }
        self.check_addresses(reader);
        self.check_discovery(reader);
    }

    /// Records a fault for each address that is needed and missing.
    fn check_addresses(&self, reader: &mut Reader) {
        if self.region == Some(Region::Oc) && !reader.has(&self.key("token_url")) {
            reader.fault(
                &self.key("token_url"),
                "missing, and no login host is known for oc",
                "write the URL that Klarna gave you",
            );
        }
        let names_checkout =
            reader.has(&self.key("checkout_provider")) || reader.has(&self.key("checkout_url"));
        if self.target == Target::Checkout && !names_checkout {
            reader.fault(
                &self.key("checkout_provider"),
                "missing",
                r#"write "kustom" or "klarna", whichever issued your Checkout credentials (or write checkout_url)"#,
            );
        }
    }

    /// Records a fault if OpenID documents are to be read, and the given issuer can have none.
    fn check_discovery(&self, reader: &mut Reader) {
        let is_no_url = |issuer: &str| presets::issuer_url(issuer).is_none();
        if self.discovery && self.overrides.issuer.as_deref().is_some_and(is_no_url) {
            let wrong = "true, and issuer is no https:// URL, below which the provider's document would be";
            reader.fault(&self.key("discovery"), wrong, "correct issuer, or leave it out");
        }
    }

    /// Returns the merchant, with Klarna's addresses where none is given. `None` if something
    /// required is missing.
    pub(super) fn build(self, reader: &mut Reader) -> Option<Merchant> {
        let (region, environment) = (self.region?, self.environment?);
        let revocation = self.key("revoke_on_forget");
        let GivenCredentials { client_id, client_secret, client_auth, api } = self.credentials;
        let mut api_credentials = api?.into_iter();
        let given = self.overrides.given();
        let addresses = self.overrides.or_presets(region, environment, self.checkout_provider)?;
        if self.revoke_on_forget == Some(true) && addresses.revoke_url.is_none() {
            let wrong = "true, and no revocation endpoint is known: token_url does not end in /token";
            reader.fault(&revocation, wrong, "add revoke_url, or leave it out");
        }
        let Addresses { token_url, revoke_url, checkout_url, payments_url, jwks_url, issuers } = addresses;
        Some(Merchant {
            name: self.name.into(),
            region,
            environment,
            client_id: client_id?,
            client_secret,
            client_auth: client_auth.unwrap_or(ClientAuth::ClientSecretPost),
            target: self.target,
            checkout_provider: self.checkout_provider,
            api_credentials: api_credentials.next()?,
            second_api_credentials: api_credentials.next(),
            send_access_token: self.send_access_token,
            refresh_token_lifetime: self.refresh_token_lifetime,
            on_unusable_token: self.on_unusable_token,
            prefill: self.prefill,
            payments_prefill: self.payments_prefill,
            checkout_rate_per_second: self.rates.checkout,
            token_rate_per_second: self.rates.token,
            longest_pauses: self.longest_pauses,
            checkout_url: checkout_url.map(EndpointUrl::from),
            payments_url: payments_url.into(),
            jwks_url: jwks_url.into(),
            issuers,
            discovery: self.discovery,
            revoke_on_forget: self.revoke_on_forget.unwrap_or(revoke_url.is_some()),
            revoke_url: revoke_url.map(EndpointUrl::from),
            token_url: token_url.into(),
            given,
            http_proxy: self.http_proxy,
            webhook: self.webhook,
            push_secret: self.push_secret,
        })
    }
}

impl GivenCredentials {
    fn read(reader: &mut Reader, section: &str) -> Self {
        let key = |key: &str| format!("{section}.{key}");
        Self {
            client_id: reader.require(&key("client_id"), "the client id that Klarna's portal shows"),
            client_secret: reader.secret(section, "client_secret"),
            client_auth: reader.get(&key("client_auth")),
            api: ApiCredentials::read(reader, section),
        }
    }

    /// Records a fault if a setting says how to send a client secret, and there is none.
    fn check(&self, reader: &mut Reader, section: &str) {
        if self.client_auth.is_some() && reader.secret_source(section, "client_secret").is_none() {
            reader.fault(
                &format!("{section}.client_auth"),
                "says how to send client_secret, which is missing",
                "add client_secret, or leave client_auth out",
            );
        }
    }
}

impl Rates {
    fn read(reader: &mut Reader, key: impl Fn(&str) -> String) -> Self {
        let mut rate = |name| reader.within(&key(name), 100.0, &(0.01..=100_000.0));
        Self { checkout: rate("checkout_rate_per_second"), token: rate("token_rate_per_second") }
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

/// Reads the URL of a proxy. It may be plain HTTP: what goes to Klarna through it is encrypted end
/// to end.
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
