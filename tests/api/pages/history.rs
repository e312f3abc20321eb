//! The history on an order's page, on both engines.

use std::time::Duration;

use klarna_order_worker::order::{KlarnaState, OrderId, SessionPhase, TokenOutcome};
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::NewPause;
use klarna_order_worker::token::{ExchangeResult, Purpose, PurposeKind};
use reqwest::Method;
use serde_json::Value;
use tokio::time::timeout;

use super::lists::on_both;
use super::{Browser, OPS, failed, submitted};
use crate::{Api, send};

const SOON: Duration = Duration::from_mins(1);

/// Returns what happened to an order, as the API tells it to a key.
async fn events(api: &Api, key: &str, order: &str) -> Vec<String> {
    let path = format!("/v1/orders/{order}?history=true");
    let answer = send(api.request(Method::GET, &path).bearer_auth(key)).await.json();
    let what = |event: &Value| event["what"].as_str().unwrap().to_owned();
    answer["history"].as_array().unwrap().iter().map(what).collect()
}

/// Returns what happened to an order, as the API tells it and as its page shows it.
async fn told(api: &Api, browser: &Browser<'_>, order: &str) -> (Vec<String>, String) {
    let events = events(api, "key-of-the-shop", order).await;
    let page = browser.page(&format!("/orders/{order}")).await;
    let (_, history) = page.split_once("<ol class=\"history\">").unwrap();
    (events, history.split_once("</ol>").unwrap().0.to_owned())
}

#[tokio::test]
async fn an_order_tells_once_when_it_was_pushed_paid_and_acknowledged() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let order = api.ordered("shop", "u-1").await;
        api.settle(&submitted(TokenOutcome::Fresh)).await;
        let (id, shop): (OrderId, _) = (order.parse().unwrap(), "shop".into());
        let store = &api.app.store;
        let pushed = "Klarna pushed the order: it says that a shopper has paid";
        store.record_push(&shop, "klarna-1").await.unwrap();
        let (events, page) = told(api, &browser, &order).await;
        assert_eq!(events.last().unwrap(), pushed, "it is not read yet: {events:?}");
        assert_eq!(page.matches(pushed).count(), 1, "{page}");

        let paid = KlarnaState {
            phase: SessionPhase::Completed,
            status: "AUTHORIZED".into(),
            read_at: chrono::DateTime::UNIX_EPOCH,
            other_klarna_order_id: None,
            order_amount: None,
            purchase_currency: None,
            merchant_reference1: None,
        };
        let mut first = Vec::new();
        // Klarna repeats a push until the order is acknowledged, and some arrive after that.
        for round in 0..2 {
            store.record_push(&shop, "klarna-1").await.unwrap();
            let push = store.claim_follow_ups(&shop, 9, SOON).await.unwrap().remove(0);
            let pushed_at = Some(push.recorded_at);
            assert!(store.note_session(id, "klarna-1", &paid, None, pushed_at).await.unwrap());
            store.end_follow_up(&push, Some(id)).await.unwrap();
            let (mut events, page) = told(api, &browser, &order).await;
            let told =
                ["Klarna pushed the order", "Its payment was read at Klarna", "Acknowledged at Klarna"];
            let places = told.map(|what| (page.matches(what).count(), page.find(what)));
            assert!(places.iter().all(|(count, _)| *count == 1) && places.is_sorted(), "{places:?}: {page}");
            if round == 0 {
                let after = [pushed, "its payment was read at Klarna (AUTHORIZED)", "acknowledged at Klarna"];
                assert_eq!(events[events.len() - 3..], after);
                first = events;
            } else {
                assert_eq!(events.pop().unwrap(), "last read at Klarna: completed (AUTHORIZED)");
                for event in &mut first {
                    *event = event.replace(" (AUTHORIZED)", "");
                }
                assert_eq!(events, first);
            }
        }
        let plain =
            send(api.request(Method::GET, &format!("/v1/orders/{order}")).bearer_auth("key-of-the-shop"));
        assert_eq!(plain.await.json().get("history"), None);
    })
    .await;
}

#[tokio::test]
async fn an_order_tells_who_retried_it_and_why_it_has_no_token() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        api.has_token("u-1").await;
        let maintained = NewPause {
            merchant: None,
            kind: PauseKind::Exchanges,
            reason: "the shop other moves".into(),
            paused_by: "key:operator".into(),
            lasts: None,
        };
        api.app.store.pause(&maintained).await.unwrap();
        let order = api.ordered("shop", "u-1").await;
        let id: OrderId = order.parse().unwrap();
        let purpose = Purpose { kind: PurposeKind::Order, id: id.into() };
        api.exchanged("u-1", purpose, ExchangeResult::Refused).await;
        api.settle(&failed("bad_order")).await;
        let (page, retry) = (format!("/orders/{order}"), format!("/orders/{order}/retry"));
        let told = browser.page(&page).await;
        assert!(told.contains("refused: HTTP 503"), "the token's line: {told}");
        assert!(told.contains(": refused (HTTP 503)"), "the history: {told}");
        assert!(told.contains("<h2>Why it failed</h2>") && !told.contains("since it was retried"), "{told}");
        assert!(told.contains("the token is unchanged") && !told.contains("Refresh token used"), "{told}");
        let told = async |key| events(api, key, &order).await.concat();
        assert!(told("key-of-the-shop").await.contains("refresh token sent"));
        let told = told("key-of-the-reader").await;
        assert!(told.contains("accepted") && !told.contains("token sent"), "without tokens:read: {told}");
        assert!(told.contains("of all merchants were paused"), "{told}");
        assert!(!told.contains("moves") && !told.contains("operator"), "without ops:read: {told}");
        let user = browser.page("/user?merchant=shop&user=u-1").await;
        assert!(user.contains("<span class=\"quiet\">HTTP 503</span>"), "{user}");

        assert_eq!(browser.act(&retry, &retry, &[]).await.status, 303);
        timeout(SOON, api.app.audit.flush()).await.expect("not stored");
        // The pages' clock of the test stands still otherwise.
        api.clock.advance(Duration::from_mins(1));
        let told = browser.page(&page).await;
        assert!(told.contains("Had failed, and was retried by the API key operator"), "{told}");
        assert!(told.contains("Attempt 1") && told.contains("since it was retried"), "{told}");
        assert!(told.contains("not taken by a worker yet"), "it is due: {told}");
        assert!(!told.contains("Next attempt") && !told.contains("after it was accepted"), "{told}");

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
        assert!(told.contains("Cancelled by the API key operator"), "{told}");
    })
    .await;
}
