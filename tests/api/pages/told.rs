//! What an operator is told before a retry, of orders that wait, and by the figures of the
//! overview.

use std::time::Duration;

use klarna_order_worker::order::{Disposition, TokenOutcome};
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::NewPause;
use tempfile::tempdir;

use super::lists::{listed, on_both};
use super::{Browser, OPS, error, failed, keys, submitted};
use crate::{Api, Limits, settings_with};

impl Api {
    /// Lets an order fail with a code.
    async fn failed_with(&self, user: &str, code: &str) -> String {
        let order = self.ordered("shop", user).await;
        self.settle(&failed(code)).await;
        order
    }

    async fn pause_orders(&self, lasts: Option<Duration>) {
        let pause = NewPause {
            merchant: Some("shop".into()),
            kind: PauseKind::Orders,
            reason: "Klarna is being maintained".into(),
            paused_by: "key:anna".into(),
            lasts,
        };
        self.app.store.pause(&pause).await.unwrap();
    }
}

#[tokio::test]
async fn a_retry_of_many_is_told_by_code_and_can_leave_out_what_fails_again() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        api.failed_with("u-1", "deadline_exceeded").await;
        api.failed_with("u-2", "deadline_exceeded").await;
        let refused = api.failed_with("u-3", "klarna_refused_order").await;
        let ask = "/orders/bulk?action=retry&status=failed";
        let question = browser.page(ask).await.replace("&amp;", "&");
        assert!(question.contains("Retry 3 failed orders?"), "{question}");
        assert!(question.contains("<b>deadline_exceeded: 2</b>. Ask the shop"), "{question}");
        assert!(
            question.contains("class=\"wrong\"><b>klarna_refused_order: 1</b>. A retry sends the same order"),
            "{question}"
        );
        let without = "/orders/bulk?action=retry&again=0&status=failed";
        assert!(question.contains(&format!("<a href=\"{without}\">Leave these out</a>")), "{question}");
        let question = browser.page(without).await;
        assert!(
            question.contains("Retry 2 failed orders?") && question.contains("<dd>left out</dd>"),
            "{question}"
        );
        assert!(!question.contains("klarna_refused_order"), "{question}");
        let fields = [("action", "retry"), ("again", "0"), ("status", "failed")];
        let done = browser.act(without, "/orders/bulk", &fields).await;
        assert!(done.header("location").contains("changed=2&"), "{done:?}");
        assert_eq!(listed(&browser, "status=failed").await, [refused.as_str()]);
        // One alone, where there is nothing to leave out.
        let question = browser.page(&format!("/orders/{refused}/retry")).await;
        assert!(question.contains("Klarna refuses it again, unless the merchant's settings"), "{question}");
        let selected =
            browser.page(&format!("/orders/bulk?action=retry&only=selected&order={refused}")).await;
        assert!(selected.contains("klarna_refused_order: 1"), "{selected}");
        assert!(!selected.contains("Leave these out"), "{selected}");
    })
    .await;
}

#[tokio::test]
async fn the_list_of_queued_orders_tells_a_pause_from_a_circuit_breaker() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        api.ordered("shop", "u-1").await;
        let behind = Disposition::Retry {
            after: Duration::from_mins(5),
            error: error("klarna_paused", "Circuit breaker open for checkout: HTTP 503"),
            possible_duplicate: false,
            token_waited: Duration::ZERO,
        };
        api.settle(&behind).await;
        let list = browser.page("/orders?status=queued").await;
        assert!(list.contains(">circuit breaker or rate limit</span>"), "{list}");
        assert!(!list.contains(">klarna_paused<") && !list.contains("paused by"), "{list}");
        api.ordered("shop", "u-2").await;
        api.catch_up();
        let list = browser.page("/orders?status=queued&user=u-2").await;
        assert!(list.contains("<td data-label=\"Next try\">due</td>"), "no time that has passed: {list}");
        api.pause_orders(None).await;
        let list = browser.page("/orders?status=queued").await;
        let held = "title=\"Klarna is being maintained\">paused by key:anna</a>";
        assert_eq!(list.matches(held).count(), 2, "{list}");
        assert_eq!(list.matches("data-label=\"Next try\">when it is resumed<").count(), 2, "{list}");
        api.pause_orders(Some(Duration::from_hours(1))).await;
        let list = browser.page("/orders?status=queued").await;
        assert_eq!(list.matches("data-label=\"Next try\">after the pause, <time").count(), 2, "{list}");
        assert!(!browser.page("/orders?status=failed").await.contains("paused by"));
    })
    .await;
}

#[tokio::test]
async fn each_number_of_the_overview_leads_to_as_many_orders() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        for (user, token) in [
            ("u-1", TokenOutcome::Fresh),
            ("u-2", TokenOutcome::Cached),
            ("u-3", TokenOutcome::NotRegistered),
        ] {
            api.ordered("shop", user).await;
            api.settle(&submitted(token)).await;
        }
        api.failed_with("u-4", "deadline_exceeded").await;
        for user in ["u-5", "u-6"] {
            api.ordered("shop", user).await;
        }
        api.catch_up();
        let page = browser.page("/?range=1h").await.replace("&amp;", "&");
        let mut numbers = Vec::new();
        for (before, after) in [("</a> <b>", "</b>"), ("<dd><a href=\"", "</a></dd>")] {
            for (at, _) in page.match_indices(before) {
                let (link, count) = if before.starts_with("<dd>") {
                    let (link, rest) = page[at + before.len()..].split_once("\">").unwrap();
                    (link, rest.split_once(after).unwrap().0)
                } else {
                    let link = page[..at].rsplit_once("href=\"").unwrap().1.split_once('"').unwrap().0;
                    (link, page[at + before.len()..].split_once(after).unwrap().0)
                };
                let Some(query) = link.strip_prefix("/orders?") else { continue };
                let count: usize = count.parse().unwrap();
                assert_eq!(listed(&browser, query).await.len(), count, "{link}");
                numbers.push(count);
            }
        }
        // The parts of the chart, then the figures: submitted, failed, waiting, running.
        assert_eq!(numbers, [2, 1, 1, 0, 2, 0, 3, 1, 2, 0], "{page}");
    })
    .await;
}

#[tokio::test]
async fn the_page_of_an_order_begins_with_its_reference_and_why_it_failed() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let id = api.ordered_as("WEB <7>", "u-1").await;
    api.settle(&failed("klarna_refused_order")).await;
    let page = browser.page(&format!("/orders/{id}")).await;
    assert!(
        page.contains("<h1>WEB &lt;7&gt;</h1>") && page.contains(&format!("<code>{id}</code>")),
        "{page}"
    );
    assert!(page.find("Why it failed").unwrap() < page.find("id=\"order\"").unwrap(), "{page}");
    let question = browser.page(&format!("/orders/{id}/retry")).await;
    assert!(question.contains("<b>WEB &lt;7&gt;</b>") && question.contains("<dt>Amount</dt>"), "{question}");
}

#[tokio::test]
async fn ids_for_klarnas_support_have_a_button_to_copy_them() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let order = api.ordered("shop", "u-1").await;
    api.settle(&submitted(TokenOutcome::Fresh)).await;
    let page = browser.page(&format!("/orders/{order}")).await;
    for id in ["corr-2", "klarna-1"] {
        let copied = format!(
            "<code>{id}</code> <button class=\"plain\" type=\"button\" data-copy hidden>Copy</button>"
        );
        assert!(page.contains(&copied), "{id}: {page}");
    }
}

#[tokio::test]
async fn a_search_that_finds_nothing_says_how_orders_are_found() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.ordered("shop", "U-1").await;
    let none = browser.page("/orders?q=u-1").await;
    for told in [
        "or the beginning of one: 3 characters or more, 8 of an order's id. ",
        "No order has a name that is or begins with <b>u-1</b>. Capital and small letters differ.",
    ] {
        assert!(none.contains(told), "{told}: {none}");
    }
    assert!(!none.contains("id=\"bulk\""), "nothing can be selected: {none}");
    let other = browser.page("/orders?user=u-1").await;
    assert!(other.contains("No orders match.") && !other.contains("begins with"), "{other}");
}

#[tokio::test]
async fn the_overview_tells_which_of_two_passwords_is_in_use() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "old-0ne\nnew-0ne\n").unwrap();
    let two = ("KLARNA_WORKER__MERCHANTS__SHOP__API_KEY_FILE".to_owned(), file.display().to_string());
    let settings = settings_with(None, folder.path(), &keys(), [two]);
    let api = Api::of(settings, folder, Limits { requests: 1000, waits: 1000 }).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let page = browser.page("/").await;
    assert!(
        page.contains(
            "<b>shop</b> has two API keys: calls use the first now, and the other where Klarna refuses it"
        ),
        "{page}"
    );
    assert!(
        !page.contains("old-0ne") && !page.contains("new-0ne") && !page.contains("<b>other</b> has"),
        "{page}"
    );
}
