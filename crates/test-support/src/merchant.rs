//! A merchant for tests.

use std::time::Duration;

use klarna_order_worker::config::{
    ApiCredentials, CheckoutProvider, ClientAuth, Environment, GivenUrls, LongestPauses, Merchant,
    OnUnusableToken, Region,
};
use klarna_order_worker::order::Target;

/// Returns a public client whose URLs all begin with `base`.
pub fn merchant(base: &str) -> Merchant {
    let url = |path: &str| format!("{base}{path}").parse().unwrap();
    Merchant {
        name: "shop".into(),
        region: Region::Eu,
        environment: Environment::Playground,
        client_id: "client-1".into(),
        client_secret: None,
        client_auth: ClientAuth::ClientSecretPost,
        target: Target::Checkout,
        checkout_provider: Some(CheckoutProvider::Klarna),
        api_credentials: ApiCredentials::Password {
            username: "PK1_user".into(),
            password: "pass word:1".into(),
        },
        second_api_credentials: None,
        send_access_token: true,
        refresh_token_lifetime: Duration::from_hours(60 * 24),
        on_unusable_token: OnUnusableToken::SubmitWithoutToken,
        prefill: true,
        payments_prefill: false,
        checkout_rate_per_second: 1_000.0,
        token_rate_per_second: 1_000.0,
        longest_pauses: LongestPauses::default(),
        token_url: url("/oauth2/token"),
        revoke_url: Some(url("/oauth2/revoke")),
        revoke_on_forget: false,
        checkout_url: Some(url("/")),
        payments_url: url("/"),
        jwks_url: url("/jwks.json"),
        issuers: vec!["https://login.klarna.com".into(), "https://login.klarna.com/eu/lp/idp".into()],
        discovery: false,
        given: GivenUrls { token: true, revoke: true, checkout: true, payments: true, jwks: true },
        http_proxy: None,
        webhook: None,
        push_secret: None,
    }
}
