//! The page about the merchants in force.

use klarna_order_worker::config::{FailedReload, SettingsStatus};
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::NewPause;

use super::lists::on_both;
use super::{Browser, OPS, keys};
use crate::{Api, Limits, settings_with};

/// The part of the page about a merchant.
fn section<'a>(page: &'a str, merchant: &str) -> &'a str {
    let begin = page.find(&format!("id=\"merchant-{merchant}\"")).unwrap_or_else(|| panic!("{page}"));
    let end = page[begin..].find("</section>").unwrap();
    &page[begin..begin + end]
}

#[tokio::test]
async fn the_page_shows_what_is_in_force_of_each_merchant() {
    on_both(async |api| {
        api.has_an_endpoint().await;
        api.ordered("shop", "u-1").await;
        api.ordered("shop", "u-2").await;
        let all = NewPause {
            merchant: None,
            kind: PauseKind::Keeper,
            reason: "a test".into(),
            paused_by: "local".into(),
            lasts: None,
        };
        let one = NewPause { merchant: Some("shop".into()), kind: PauseKind::Webhooks, ..all.clone() };
        for pause in [all, one] {
            api.app.store.pause(&pause).await.unwrap();
        }
        let browser = Browser::signed_in(api, OPS).await;
        assert!(browser.page("/").await.contains("href=\"/merchants\""));
        let page = browser.page("/merchants").await;
        assert!(page.contains("at its start.") && page.contains("klarna-order-worker doctor"), "{page}");
        let (shop, other) = (section(&page, "shop"), section(&page, "other"));
        for told in [
            "eu, playground",
            "<dd>checkout</dd>",
            "<dd>klarna</dd>",
            "<code>https://login.playground.klarna.com/eu/lp/idp/oauth2/token</code> <span class=\"quiet\">(default)",
            "<code>https://api.playground.klarna.com/ordermanagement/v1/orders</code>",
            "client_id, api_username with api_password",
            "sweeps of the keeper",
            "of all merchants since",
            "all closed",
        ] {
            assert!(shop.contains(told) && other.contains(told), "{told}: {page}");
        }
        assert!(shop.contains("2 queued") && other.contains("0 queued"), "{page}");
        assert!(shop.contains(">webhooks</span>") && !other.contains(">webhooks</span>"), "{page}");
        assert!(shop.contains("Answers and test") && !other.contains("Answers and test"), "{page}");

        let limited = Browser::signed_in(api, "key-of-limited").await;
        let page = limited.page("/merchants").await;
        section(&page, "other");
        assert!(!page.contains(">shop</h2>") && !page.contains("merchant-shop"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn the_page_has_names_of_credentials_and_no_secrets() {
    let secrets = [
        ("CLIENT_SECRET", "sesame-client"),
        ("API_PASSWORD", "sesame-password"),
        ("PUSH_SECRET", "sesame-4cNq8mVwE2sT7yUbG1hJ9rXk3LzPq5"),
        ("HTTP_PROXY", "http://user:sesame@proxy.example:3128"),
        ("TOKEN_URL", "https://login.example/token?key=sesame"),
    ];
    let variables =
        secrets.map(|(name, value)| (format!("KLARNA_WORKER__MERCHANTS__SHOP__{name}"), value.to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_with(None, folder.path(), &keys(), variables);
    let api = Api::of(settings, folder, Limits { requests: 1000, waits: 1000 }).await;
    let page = Browser::signed_in(&api, OPS).await.page("/merchants").await;
    let shop = section(&page, "shop");
    let named =
        "client_id, client_secret (as a form field), api_username with api_password, push_secret, http_proxy";
    assert!(shop.contains(named), "{shop}");
    assert!(shop.contains("<code>https://login.example/token</code>"), "{shop}");
    assert!(shop.contains("(setting token_url)"), "{shop}");
    assert!(!page.contains("sesame"), "{page}");
}

#[tokio::test]
async fn the_page_says_when_and_why_the_settings_were_read() {
    let api = Api::with_keys(&keys()).await;
    let status = |reason: Option<&str>| SettingsStatus {
        read_at: api.clock.now(),
        reloaded_by: Some("command:alma".into()),
        failed: reason.map(|reason| FailedReload { at: api.clock.now(), reason: reason.into() }),
        after_restart: Vec::new(),
    };
    api.app.pages().settings.replace(status(None));
    let browser = Browser::signed_in(&api, OPS).await;
    let page = browser.page("/merchants").await;
    assert!(page.contains("by a reload (command:alma)."), "{page}");
    api.app.pages().settings.replace(status(Some("something is <b>wrong</b>")));
    assert!(browser.page("/merchants").await.contains("something is &lt;b&gt;wrong"));
    // Whoever is limited learns nothing of others.
    let page = Browser::signed_in(&api, "key-of-limited").await.page("/merchants").await;
    assert!(page.contains("by a reload.") && !page.contains("alma") && !page.contains("&lt;b&gt;"), "{page}");
}
