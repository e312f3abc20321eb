//! Pausing and resuming on the pages.

use std::time::Duration;

use super::lists::on_both;
use super::{Browser, OPS, keys};
use crate::Api;

#[tokio::test]
async fn an_operator_pauses_and_resumes_on_the_pages() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let overview = browser.page("/").await;
    assert!(overview.contains("<section id=\"pauses\" data-live hidden></section>"), "{overview}");
    assert!(overview.contains("<a class=\"button\" href=\"/pauses/new\">Pause work…</a>"), "{overview}");
    let order = api.ordered("shop", "u-1").await;
    let wicked = "<b>Klarna</b> is down";
    let fields = [("merchant", "shop"), ("kind", "orders"), ("for", "10m"), ("reason", wicked)];
    let done = browser.act("/pauses/new", "/pauses", &fields).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/pauses?done=paused"), "{done:?}");
    let order = format!("/orders/{order}");
    for path in ["/", "/pauses", &order] {
        let page = browser.page(path).await;
        assert!(page.contains("key:operator") && page.contains("&lt;b&gt;Klarna"), "{path}: {page}");
        assert!(!page.contains(wicked), "{path}");
    }
    assert!(
        browser.page(&order).await.contains("The order waits because the orders of shop have been paused")
    );
    let fields = [("merchant", "*"), ("kind", "exchanges"), ("kind", "keeper"), ("reason", "a test")];
    assert_eq!(browser.act("/pauses/new", "/pauses", &fields).await.status, 303);
    // Two kinds of all merchants are resumed at once; the merchant's own pause stays.
    let all = browser.page("/pauses").await.replace("&amp;", "&");
    assert!(
        all.contains("href=\"/pauses/resume?kind=exchanges&kind=keeper\">Resume everything of all"),
        "{all}"
    );
    assert!(browser.page(&order).await.contains("Refresh tokens of all merchants are not used"));

    let (ask, fields) =
        ("/pauses/resume?merchant=shop&kind=orders", [("merchant", "shop"), ("kind", "orders")]);
    assert!(browser.page(ask).await.contains("Resume this work?"));
    assert_eq!(browser.act(ask, "/pauses/resume", &fields).await.status, 303);
    assert_eq!(browser.get(ask).await.status, 404);
    assert_eq!(browser.act("/pauses/new", "/pauses/resume", &fields).await.status, 409);
    assert!(!browser.page(&order).await.contains("The order waits because"));

    for wrong in [
        &[("kind", "orders")][..],
        &[("reason", "a test")],
        &[("merchant", "*"), ("reason", "a test")],
        &[("merchant", "*"), ("kind", "all"), ("reason", "a test")],
        &[("merchant", "*"), ("kind", "orders"), ("reason", "a test"), ("for", "soon")],
    ] {
        assert_eq!(browser.act("/pauses/new", "/pauses", wrong).await.status, 400, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_limited_pauses_its_merchants_alone() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, "key-of-limited").await;
    assert!(!browser.page("/pauses/new").await.contains("all merchants"));
    for merchant in ["*", "shop"] {
        let fields = [("kind", "orders"), ("reason", "a test"), ("merchant", merchant)];
        assert_eq!(browser.act("/pauses/new", "/pauses", &fields).await.status, 404, "{merchant}");
    }
    let fields = [("kind", "orders"), ("reason", "a test"), ("merchant", "other")];
    assert_eq!(browser.act("/pauses/new", "/pauses", &fields).await.status, 303);
}

#[tokio::test]
async fn a_pause_is_somebodys_choice_and_says_what_becomes_of_orders() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let order = api.ordered("shop", "u-1").await;
        let form = browser.page("/pauses/new").await;
        assert!(
            form.contains("<option value=\"\">choose …</option>"),
            "no merchant is chosen already: {form}"
        );
        assert!(!form.contains("selected") && !form.contains("checked"), "{form}");
        assert!(form.contains("<option value=\"5m\">for 5 minutes</option><option value=\"10m\">"), "{form}");
        assert!(form.contains("1 order of shop waits now. Past the deadline already: 0, in"), "{form}");

        let fields = [("merchant", "shop"), ("kind", "orders"), ("kind", "webhooks"), ("reason", "a test")];
        assert_eq!(browser.act("/pauses/new", "/pauses", &fields).await.status, 303);
        let ask = "/pauses/resume?merchant=shop&kind=orders&kind=webhooks";
        let asks = browser.page(ask).await;
        assert!(!asks.contains("past their deadline"), "{asks}");
        let told = browser.page(&format!("/orders/{order}")).await;
        assert!(told.contains("when the orders are resumed after its deadline at"), "{told}");
        api.clock.advance(Duration::from_hours(1));
        let late = Browser::signed_in(api, OPS).await;
        let told = late.page(&format!("/orders/{order}")).await;
        assert!(told.contains("Its deadline passed at"), "{told}");
        for page in [ask, "/pauses"] {
            let page = late.page(page).await;
            assert!(page.contains("Queued orders of shop that are past their deadline: 1."), "{page}");
        }
        let fields = [("merchant", "shop"), ("kind", "orders"), ("kind", "webhooks")];
        assert_eq!(late.act(ask, "/pauses/resume", &fields).await.status, 303);
        assert!(late.page("/pauses").await.contains("Nothing is paused."));
    })
    .await;
}
