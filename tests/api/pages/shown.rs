//! What lists show, how their filters are folded, and what a question names, on both engines.

use klarna_order_worker::order::{Disposition, OrderError, Prefill};

use super::lists::on_both;
use super::{Browser, OPS, error, failed, keys};
use crate::Api;

/// The part of a page between two texts.
#[track_caller]
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from}: {page}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}: {page}")).0
}

#[tokio::test]
async fn most_filters_are_folded_and_the_active_ones_are_told() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let page = browser.page("/orders").await;
    let (first, folded) = between(&page, "aria-label=\"Filters\"", "</form>").split_once("<details").unwrap();
    let fields = |form: &str| form.matches("<label>").count();
    assert_eq!((fields(first), fields(folded)), (5, 7), "{page}");
    assert!(folded.contains(" id=\"more-filters\"><summary>More filters</summary>"), "{folded}");
    assert!(!page.contains("Active filters"), "{page}");
    assert!(folded.contains("name=\"until\" placeholder="), "an empty time has no value: {folded}");

    let page =
        browser.page("/orders?merchant=shop&status=failed&target=checkout&user=%3Cu%3E&before=&done=x").await;
    assert!(page.contains("Filters (3)") && page.contains("More filters (2)"), "{page}");
    let chips = between(&page, "aria-label=\"Active filters\">", "</nav>").replace("&amp;", "&");
    assert_eq!(chips.matches("<a ").count(), 3, "the tab says the status: {chips}");
    let of_target = "<a href=\"/orders?merchant=shop&status=failed&user=%3Cu%3E\" title=\"Remove this filter\">Target: \
                     <b>checkout</b> ×</a>";
    assert!(chips.contains(of_target) && chips.contains("User: <b>&lt;u&gt;</b>"), "{chips}");
}

#[tokio::test]
async fn times_are_written_as_people_write_them() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.ordered("shop", "u-1").await;
    for time in ["2020-01-31", "2020-01-31 08:17", "2020-01-31T08:17", "2020-01-31T08:17:57Z", "2h"] {
        let page = browser.page(&format!("/orders?from={}", time.replace(' ', "+"))).await;
        assert!(page.contains(&format!("name=\"from\" value=\"{time}\"")), "{time}: {page}");
        assert!(page.contains("class=\"id\""), "{time}: {page}");
    }
    assert_eq!(browser.get("/orders?from=31.1.2020").await.status, 400);
}

#[tokio::test]
async fn the_cause_of_an_order_has_the_status_of_the_answer() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.ordered("other", "u-1").await;
    let late = Disposition::Failed {
        error: OrderError {
            http_status: Some(503),
            ..error(
                "deadline_exceeded",
                "The last attempt: Circuit breaker open for checkout: HTTP 503, 5 failures",
            )
        },
        token: None,
        prefilled: Prefill::default(),
    };
    api.settle(&late).await;
    let page = browser.page("/orders").await;
    assert!(page.contains(">deadline_exceeded <span class=\"quiet\">HTTP 503</span></span>"), "{page}");
    // Where there is one merchant, no column repeats it.
    assert!(page.contains("data-label=\"Merchant\">other<"), "{page}");
    let limited = Browser::signed_in(&api, "key-of-limited").await;
    for page in ["/orders", "/users", "/webhooks"] {
        assert!(!limited.page(page).await.contains("data-label=\"Merchant\""), "{page}");
    }
}

#[tokio::test]
async fn a_question_about_many_orders_names_some_of_them() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        for number in 1..=5 {
            api.ordered_as(&format!("WEB-<{number}>"), "u-1").await;
            api.settle(&failed("bad_order")).await;
        }
        let last = api.ordered("shop", "u-2").await;
        let question = browser.page("/orders/bulk?action=retry&status=failed").await;
        assert!(question.contains("Retry 5 failed orders?"), "{question}");
        let named = between(&question, "<p>Orders: ", "</p>");
        assert_eq!(named.matches(" (500.00 SEK)").count(), 3, "{named}");
        assert!(named.contains(">WEB-&lt;5&gt;</a>") && named.ends_with(", and 2 more."), "{named}");
        // An order without a name has its id.
        let question = browser.page("/orders/bulk?action=cancel&user=u-2").await;
        let named = between(&question, "<p>Orders: ", "</p>");
        let id = format!("<a href=\"/orders/{last}\">…{}</a>", &last[24..]);
        assert_eq!(named, format!("{id} (500.00 SEK)."));
        let none = browser.page("/orders/bulk?action=cancel&user=u-3").await;
        assert!(!none.contains("Orders: "), "{none}");
    })
    .await;
}

#[tokio::test]
async fn webhooks_have_tabs_with_numbers_and_the_references_of_their_orders() {
    on_both(async |api| {
        api.has_an_endpoint().await;
        let browser = Browser::signed_in(api, OPS).await;
        let order = api.ordered_as("WEB-<7>", "u-1").await;
        api.settle(&failed("bad_order")).await;
        let unnamed = api.ordered("shop", "u-2").await;
        api.settle(&failed("bad_order")).await;
        let tabs = async |query: &str| {
            let page = browser.page(&format!("/webhooks?{query}")).await;
            let tabs = between(&page, "aria-label=\"Status\">", "</nav>").replace("&amp;", "&");
            let tabs = tabs.split("</a>").map(|tab| tab.rsplit_once("\">").map_or("", |(_, name)| name));
            (tabs.collect::<Vec<_>>().join("|"), page)
        };
        let (numbers, page) = tabs("").await;
        assert_eq!(numbers, "all|pending <b>2</b>|delivered|failed <b>0</b>|");
        assert!(
            page.contains(&format!("<a href=\"/orders/{order}\" title=\"{order}\">WEB-&lt;7&gt;</a>")),
            "{page}"
        );
        assert!(page.contains(&format!("<a class=\"id\" href=\"/orders/{unnamed}\"")), "{page}");
        assert!(page.contains("data-label=\"Merchant\">shop<"), "{page}");
        let (numbers, page) = tabs("user=u-1&status=failed").await;
        assert_eq!(
            numbers, "all|pending <b>1</b>|delivered|failed <b>0</b>|",
            "a tab keeps the other filters"
        );
        assert!(
            page.contains("aria-current=\"page\">failed <b>0") && page.contains("No webhooks match."),
            "{page}"
        );
        assert!(
            page.contains("<input type=\"hidden\" name=\"status\" value=\"failed\">"),
            "a filter keeps the tab"
        );
        let (numbers, _) = tabs("kind=order.submitted").await;
        assert_eq!(numbers, "all|pending <b>0</b>|delivered|failed <b>0</b>|");
        assert_eq!(tabs("happened=2100-01-01").await.0, numbers);
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_leaves_out_who_only_looked_unless_asked() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let order = api.ordered("shop", "u-1").await;
        browser.page("/users").await;
        let read = browser.page("/audit").await;
        assert!(read.contains("Show all rows"), "{read}");
        api.app.audit.flush().await;
        let actions = async |query: &str| {
            let page = browser.page(&format!("/audit?{query}")).await;
            let found =
                page.split("data-label=\"Action\">").skip(1).map(|rest| rest.split_once('<').unwrap().0);
            let mut found: Vec<String> = found.map(str::to_owned).collect();
            found.sort();
            found.dedup();
            (found.join(" "), page)
        };
        let (changes, page) = actions("key=operator").await;
        assert_eq!(changes, "pages.sign_in");
        assert!(page.contains("/audit?key=operator&amp;rows=all\">Show all rows</a>"), "{page}");
        let (all, page) = actions("key=operator&rows=all").await;
        assert!(all.contains("audit.read pages.sign_in tokens.list"), "{all}");
        assert!(!page.contains("Show all rows"), "{page}");
        assert_eq!(actions("action=tokens.list").await.0, "tokens.list", "who asks for an action gets it");
        assert_eq!(browser.get("/audit?rows=some").await.status, 400);
        // Ids are short, and a button copies the whole one.
        let (_, page) = actions(&format!("object={order}")).await;
        let copied = format!("data-copy=\"{order}\" hidden>Copy</button>");
        assert!(page.contains(&copied) && page.contains(&format!(">…{}</a>", &order[24..])), "{page}");
        let request = between(&page, "data-label=\"Request\"><span class=\"copy\"><code title=\"", "\"");
        assert!(request.len() == 36 && page.contains(&format!("data-copy=\"{request}\"")), "{page}");
    })
    .await;
}
