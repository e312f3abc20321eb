//! Klarna's and Kustom's addresses by region and environment, from their public documentation.

use toml::Value;
use url::Url;

use super::setting::Setting as _;
use super::{CheckoutProvider, Environment, Region};
use crate::ids::Provider;

/// The token endpoint; none is known for Oceania.
pub(super) fn token_url(region: Region, environment: Environment) -> Option<Url> {
    let url = match (region, environment) {
        (Region::Eu, Environment::Production) => "https://login.klarna.com/eu/lp/idp/oauth2/token",
        (Region::Na, Environment::Production) => "https://login.klarna.com/na/lp/idp/oauth2/token",
        // For North America too, Klarna's integration guide prints the `eu` path on the playground.
        (Region::Eu | Region::Na, Environment::Playground) => {
            "https://login.playground.klarna.com/eu/lp/idp/oauth2/token"
        }
        (Region::Oc, _) => return None,
    };
    Url::parse(url).ok()
}

/// The sandbox's token endpoint and client in `config.toml`.
const SANDBOX: &str = "http://127.0.0.1:8090/eu/lp/idp/oauth2/token";
const SANDBOX_CLIENT: &str = "sandbox-client";

/// Names the token endpoint of a provider, if it is the sandbox's or one of Klarna's.
pub(super) fn origin(provider: Provider, client_id: &str) -> Option<String> {
    let is = |endpoint: &str, client: &str| Provider::new(endpoint, client) == provider;
    if is(SANDBOX, SANDBOX_CLIENT) || is(SANDBOX, client_id) {
        return Some(format!("the sandbox, {SANDBOX}"));
    }
    let environments = [Environment::Playground, Environment::Production];
    let all =
        [Region::Eu, Region::Na].map(|region| environments.map(|environment| token_url(region, environment)));
    all.into_iter().flatten().flatten().find(|url| is(url.as_str(), client_id)).map(String::from)
}

/// The revocation endpoint beside the token endpoint. Klarna's discovery document lists both with
/// the same path, except for the last word.
pub(super) fn revoke_url(token_url: &Url) -> Option<Url> {
    let path = token_url.path().strip_suffix("/token")?;
    let mut url = token_url.clone();
    url.set_path(&format!("{path}/revoke"));
    Some(url)
}

/// The Checkout API's base.
pub(super) fn checkout_url(
    provider: CheckoutProvider,
    region: Region,
    environment: Environment,
) -> Option<Url> {
    use {CheckoutProvider as P, Environment as E, Region as R};
    let url = match (provider, region, environment) {
        (P::Kustom, _, E::Production) => "https://api.kustom.co",
        (P::Kustom, _, E::Playground) => "https://api.playground.kustom.co",
        (P::Klarna, R::Eu, E::Production) => "https://api.klarna.com",
        (P::Klarna, R::Eu, E::Playground) => "https://api.playground.klarna.com",
        (P::Klarna, R::Na, E::Production) => "https://api-na.klarna.com",
        (P::Klarna, R::Na, E::Playground) => "https://api-na.playground.klarna.com",
        (P::Klarna, R::Oc, E::Production) => "https://api-oc.klarna.com",
        (P::Klarna, R::Oc, E::Playground) => "https://api-oc.playground.klarna.com",
    };
    Url::parse(url).ok()
}

/// The Klarna Payments API's base. Klarna's own Checkout API has the same hosts.
pub(super) fn payments_url(region: Region, environment: Environment) -> Option<Url> {
    checkout_url(CheckoutProvider::Klarna, region, environment)
}

/// The signing keys' address on the token endpoint's host.
pub(super) fn jwks_url(token_url: &Url, region: Region) -> Option<Url> {
    Url::parse(&format!("{}/.well-known/jwks.json", provider_url(token_url, region))).ok()
}

/// The issuers that Klarna's id_tokens name: the token endpoint's host alone, or with the path of a
/// region. The region is the merchant's, or the one in the endpoint's path.
pub(super) fn issuers(token_url: &Url, region: Region) -> Vec<String> {
    let mut issuers = vec![host(token_url), provider_url(token_url, region)];
    let endpoint = token_url.path().strip_suffix("/oauth2/token").filter(|path| !path.is_empty());
    let own = endpoint.map(|path| format!("{}{path}", host(token_url)));
    issuers.extend(own.filter(|own| !issuers.contains(own)));
    issuers
}

/// Reads an issuer as a URL. `None` if it is none that may be asked.
pub(super) fn issuer_url(issuer: &str) -> Option<Url> {
    Url::read(&Value::String(issuer.to_owned())).ok()
}

fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn provider_url(token_url: &Url, region: Region) -> String {
    let region = match region {
        Region::Eu => "eu",
        Region::Na => "na",
        Region::Oc => "oc",
    };
    format!("{}/{region}/lp/idp", host(token_url))
}
