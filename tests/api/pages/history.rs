//! The history on an order's page, on both engines.

use std::time::Duration;

use klarna_order_worker::order::{OrderId, TokenOutcome};
use klarna_order_worker::token::{ExchangeResult, Purpose, PurposeKind};
use tokio::time::timeout;

use super::lists::on_both;
use super::{Browser, OPS, failed, submitted};

const SOON: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_order_tells_who_retried_it_and_why_it_has_no_token() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        api.has_token("u-1").await;
        let order = api.ordered("shop", "u-1").await;
        let id: OrderId = order.parse().unwrap();
        let purpose = Purpose { kind: PurposeKind::Order, id: id.into() };
        api.exchanged("u-1", purpose, ExchangeResult::Refused).await;
        api.settle(&failed("bad_order")).await;
        let (page, retry) = (format!("/orders/{order}"), format!("/orders/{order}/retry"));
        let told = browser.page(&page).await;
        assert!(told.contains("refused: HTTP 503"), "the token's line: {told}");
        assert!(told.contains("<b>refused</b> (HTTP 503)"), "the history: {told}");
        assert!(told.contains("<h2>Why it failed</h2>") && !told.contains("since it was retried"), "{told}");
        assert!(told.contains("the token is unchanged") && !told.contains("Refresh token used"), "{told}");
        let user = browser.page("/user?merchant=shop&user=u-1").await;
        assert!(user.contains("<span class=\"quiet\">HTTP 503</span>"), "{user}");

        assert_eq!(browser.act(&retry, &retry, &[]).await.status, 303);
        timeout(SOON, api.app.audit.flush()).await.expect("not stored");
        // The pages' clock of the test stands still otherwise.
        api.clock.advance(Duration::from_mins(1));
        let told = browser.page(&page).await;
        assert!(told.contains("Had failed, and was retried by <b>the API key operator</b>"), "{told}");
        assert!(told.contains("Attempt 1") && told.contains("since it was retried"), "{told}");
        assert!(told.contains("not taken by a worker yet"), "it is due: {told}");
        assert!(!told.contains("Next attempt:") && !told.contains("after it was accepted"), "{told}");

        api.settle(&failed("bad_order")).await;
        let told = browser.page(&page).await;
        assert!(told.contains("after it was retried") && !told.contains("Attempt 2"), "a new count: {told}");
        assert!(!told.contains("not taken by a worker yet"), "{told}");

        assert_eq!(browser.act(&retry, &retry, &[]).await.status, 303);
        api.settle(&submitted(TokenOutcome::Fresh)).await;
        timeout(SOON, api.app.audit.flush()).await.expect("not stored");
        let told = browser.page(&page).await;
        assert_eq!(told.matches("was retried by").count(), 2, "{told}");
        assert!(!told.contains("refused: HTTP 503"), "it has a fresh token: {told}");

        let late = api.ordered("shop", "u-3").await;
        api.settle(&failed("bad_order")).await;
        assert_eq!(
            browser.act(&format!("/orders/{late}/retry"), &format!("/orders/{late}/retry"), &[]).await.status,
            303
        );
        api.settle(&failed("deadline_exceeded")).await;
        let told = browser.page(&format!("/orders/{late}")).await;
        assert!(
            told.contains("Attempt 1") && told.contains("Given up") && !told.contains("Attempt 2"),
            "{told}"
        );

        let other = api.ordered("shop", "u-2").await;
        let cancel = format!("/orders/{other}/cancel");
        assert_eq!(browser.act(&cancel, &cancel, &[]).await.status, 303);
        timeout(SOON, api.app.audit.flush()).await.expect("not stored");
        let told = browser.page(&format!("/orders/{other}")).await;
        assert!(told.contains("Cancelled by <b>the API key operator</b>"), "{told}");
    })
    .await;
}
