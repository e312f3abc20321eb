//! Orders with failing follow-ups: the list and the retry, on the pages and in the API.

use std::time::Duration;

use klarna_order_worker::order::TokenOutcome;
use klarna_order_worker::store::FOLLOW_UP_FOR;
use reqwest::Method;
use serde_json::json;

use super::lists::on_both;
use super::{Browser, OPS, submitted};
use crate::{Api, json as as_json, send};

/// Longer than this test takes.
const LEASE: Duration = Duration::from_hours(1);

impl Api {
    /// Lets the due follow-ups of the shop fail.
    async fn follow_ups_fail(&self, wait: Duration) {
        for follow_up in self.app.store.claim_follow_ups(&"shop".into(), 9, LEASE).await.unwrap() {
            self.app.store.retry_follow_up(&follow_up, wait, "HTTP 401 from <Klarna>").await.unwrap();
        }
    }

    async fn due_follow_ups(&self) -> usize {
        self.app.store.claim_follow_ups(&"shop".into(), 9, LEASE).await.unwrap().len()
    }
}

#[tokio::test]
async fn follow_ups_that_were_given_up_are_listed_and_retried() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let order = api.ordered("shop", "u-1").await;
        api.settle(&submitted(TokenOutcome::Fresh)).await;
        api.ordered("shop", "u-2").await;
        api.app.store.record_push(&"shop".into(), "klarna-1").await.unwrap();
        api.follow_ups_fail(FOLLOW_UP_FOR).await;

        // From the overview to the list, and from the list to the question.
        let overview = browser.page("/").await.replace("&amp;", "&");
        let list = "/orders?follow_ups=failing&merchant=shop";
        assert!(overview.contains(&format!("href=\"{list}\"")), "{overview}");
        let page = browser.page(list).await;
        assert!(page.contains(&order) && page.matches("<a class=\"id\"").count() == 1, "{page}");
        assert!(page.contains("Retry the follow-ups of all 1 that match…"), "{page}");
        // These orders are submitted.
        assert!(!page.contains("value=\"retry\"") && !page.contains("value=\"cancel\""), "{page}");
        assert!(!browser.page("/orders").await.contains("Retry follow-ups…"), "only where they fail");
        let shown = browser.page(&format!("/orders/{order}")).await;
        assert!(
            shown.contains("read and acknowledge it, given up after 1 that failed: HTTP 401 from &lt;"),
            "{shown}"
        );
        let ask = "/orders/bulk?action=retry-follow-ups&follow_ups=failing&merchant=shop";
        let question = browser.page(ask).await;
        assert!(question.contains("Retry the follow-ups of 1 submitted order?"), "{question}");
        let fields = [("action", "retry-follow-ups"), ("follow_ups", "failing"), ("merchant", "shop")];
        let done = browser.act(ask, "/orders/bulk", &fields).await;
        let told = browser.page(done.header("location")).await;
        assert!(told.contains("Klarna is asked again about 1 order."), "{told}");
        assert_eq!(api.due_follow_ups().await, 1);

        // One that has none now, by its box.
        let ask = format!("/orders/bulk?action=retry-follow-ups&only=selected&order={order}");
        let question = browser.page(&ask).await;
        assert!(
            question.contains("1 of the selected orders is not submitted with a failing follow-up"),
            "{question}"
        );
        assert!(
            question.contains("No submitted order with a failing follow-up is among them."),
            "{question}"
        );

        // The API.
        let list = |query: &str| {
            api.request(Method::GET, &format!("/v1/orders?{query}")).bearer_auth("key-of-the-shop")
        };
        let retry = async |body: serde_json::Value| {
            let request = api.request(Method::POST, "/v1/orders/retry-follow-ups").bearer_auth(OPS);
            send(as_json(request, body.to_string())).await.json()
        };
        assert_eq!(send(list("follow_ups=failing")).await.json()["orders"], json!([]));
        let unchanged = json!([{"reason": "no_failing_follow_up", "orders": 1}]);
        assert_eq!(retry(json!({"orders": [order]})).await, json!({"changed": 0, "unchanged": unchanged}));
        api.app.store.record_read(&"shop".into(), "klarna-1").await.unwrap();
        api.follow_ups_fail(LEASE).await;
        assert_eq!(send(list("follow_ups=failing&merchant=shop")).await.json()["orders"][0]["id"], order);
        assert_eq!(send(list("follow_ups=given_up")).await.json()["orders"], json!([]));
        assert_eq!(send(list("follow_ups=broken")).await.status, 400);
        assert_eq!(retry(json!({"merchant": "other"})).await, json!({"changed": 0}));
        assert_eq!(retry(json!({"follow_ups": "failing"})).await, json!({"changed": 1}));
        assert_eq!(api.due_follow_ups().await, 1);
        api.app.audit.flush().await;
        let rows = send(api.request(Method::GET, "/v1/audit?action=order.retry_follow_ups").bearer_auth(OPS));
        let rows = rows.await.json();
        let objects = rows["rows"].as_array().unwrap().iter().filter(|row| row["object"] == order.as_str());
        assert_eq!(objects.count(), 2, "{rows}");
    })
    .await;
}
