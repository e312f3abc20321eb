//! Pausing and resuming on the pages.

use super::{Browser, OPS, keys};
use crate::Api;

#[tokio::test]
async fn an_operator_pauses_and_resumes_on_the_pages() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    assert!(browser.page("/").await.contains("Nothing is paused."));
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
    assert!(browser.page(&order).await.contains("The order waits because the orders of shop are paused"));
    let fields = [("kind", "exchanges"), ("reason", "a test")];
    assert_eq!(browser.act("/pauses/new", "/pauses", &fields).await.status, 303);
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
        &[("kind", "all"), ("reason", "a test")],
        &[("kind", "orders"), ("reason", "a test"), ("for", "soon")],
    ] {
        assert_eq!(browser.act("/pauses/new", "/pauses", wrong).await.status, 400, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_limited_pauses_its_merchants_alone() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, "key-of-limited").await;
    assert!(!browser.page("/pauses/new").await.contains("all merchants"));
    for merchant in [&[][..], &[("merchant", "shop")]] {
        let fields = [&[("kind", "orders"), ("reason", "a test")][..], merchant].concat();
        assert_eq!(browser.act("/pauses/new", "/pauses", &fields).await.status, 404, "{merchant:?}");
    }
    let fields = [("kind", "orders"), ("reason", "a test"), ("merchant", "other")];
    assert_eq!(browser.act("/pauses/new", "/pauses", &fields).await.status, 303);
}
