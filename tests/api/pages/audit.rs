//! The audit log: the rows that pages and their actions leave, and its page.

use super::{Browser, OPS, failed, keys};
use crate::{Api, SOON};
use klarna_order_worker::store::AuditFilter;

async fn rows(api: &Api) -> Vec<(String, String, String)> {
    tokio::time::timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let filter = AuditFilter { actor: Some("key:operator".into()), limit: 100, ..AuditFilter::default() };
    let mut rows = api.app.store.audit_rows(&filter).await.unwrap();
    rows.reverse();
    rows.into_iter().map(|row| (row.action, row.outcome, row.object.unwrap_or_default())).collect()
}

#[tokio::test]
async fn what_an_operator_sees_of_tokens_and_does_leaves_rows() {
    let api = Api::with_keys(&keys()).await;
    let order = api.ordered("shop", "u-1").await;
    api.settle(&failed("bad_order")).await;
    api.has_token("u-1").await;
    let browser = Browser::signed_in(&api, OPS).await;
    browser.page("/").await;
    browser.page("/orders").await;
    browser.page("/users").await;
    let user = "/user?merchant=shop&user=u-1";
    browser.page(user).await;
    // What updates itself leaves one row for the page, not one for each update.
    crate::send(browser.request(reqwest::Method::GET, user).header("x-live", "1")).await;
    let about = [("merchant", "shop"), ("user", "u-1")];
    let (retry, cancel) = (format!("/orders/{order}/retry"), format!("/orders/{order}/cancel"));
    browser.act(&retry, &retry, &[]).await;
    browser.act(&cancel, &retry, &[]).await;
    browser.act(&cancel, &cancel, &[]).await;
    let forget = "/user/forget?merchant=shop&user=u-1";
    browser.act(forget, "/user/forget", &about).await;
    browser.act("/", "/user/forget", &about).await;
    tokio::time::timeout(SOON, api.app.audit.flush()).await.expect("not stored");
    let page = browser.page("/audit?action=order.cancel").await;
    assert!(
        page.contains("key:operator") && page.contains(&order) && !page.contains("order.retry</td>"),
        "{page}"
    );
    browser.act("/", "/sign-out", &[]).await;
    let own = |action: &str, outcome: &str, object: &str| {
        (action.to_owned(), outcome.to_owned(), object.to_owned())
    };
    assert_eq!(
        rows(&api).await,
        [
            own("pages.sign_in", "done", ""),
            own("tokens.list", "done", ""),
            own("token.read", "done", ""),
            own("order.retry", "done", &order),
            own("order.retry", "rejected", &order),
            own("order.cancel", "done", &order),
            own("token.read", "done", ""),
            own("token.forget", "done", ""),
            own("token.forget", "rejected", ""),
            own("audit.read", "done", ""),
            own("pages.sign_out", "done", ""),
        ]
    );
}

#[tokio::test]
async fn the_page_is_for_keys_of_all_merchants() {
    let api = Api::with_keys(&keys()).await;
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    let answer = limited.get("/audit").await;
    assert!(answer.status == 404 && answer.text.contains("limited to some"), "{answer:?}");
}
