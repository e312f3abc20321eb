//! What the pages show, on both engines.

use std::collections::BTreeSet;
use std::time::Duration;

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::order::{Disposition, TokenOutcome, Waits};
use klarna_order_worker::store::{OrderFilter, Worker};
use reqwest::Method;
use test_support::postgres::TestDatabase;
use uuid::Uuid;

use super::{Browser, OPS, error, failed, keys, submitted};
use crate::{Api, Limits, send};

const LIMITS: Limits = Limits { requests: 1000, waits: 1000 };

pub async fn on_both(test: impl AsyncFn(&Api)) {
    test(&Api::with_keys(&keys()).await).await;
    let database = TestDatabase::create().await;
    let api = Api::over(Some(database.url()), &keys(), LIMITS).await;
    test(&api).await;
    api.app.store.close().await;
    database.remove().await;
}

/// Returns the orders that a list shows, in order.
pub async fn listed(browser: &Browser<'_>, query: &str) -> Vec<String> {
    let page = browser.page(&format!("/orders?{query}")).await;
    let rows = page
        .match_indices("<a class=\"id\" href=\"/orders/")
        .map(|(at, found)| &page[at + found.len()..][..36]);
    rows.map(str::to_owned).collect()
}

#[tokio::test]
async fn orders_are_found_by_each_filter() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let with = api.ordered("shop", "u-1").await;
        api.settle(&submitted(TokenOutcome::Fresh)).await;
        let without = api.ordered("shop", "u-2").await;
        api.settle(&submitted(TokenOutcome::NotRegistered)).await;
        let bad = api.ordered("other", "u-1").await;
        api.settle(&failed("bad_order")).await;
        let twice = api.ordered("shop", "u-1").await;
        let retry = Disposition::Retry {
            after: Duration::from_hours(1),
            error: error("klarna_unavailable", "No."),
            possible_duplicate: true,
            token_waited: Duration::ZERO,
        };
        api.settle(&retry).await;
        let queued = api.ordered("other", "u-3").await;

        api.catch_up();
        let all = [&queued, &twice, &bad, &without, &with];
        let cases: [(&str, &[&String]); 29] = [
            ("", &all),
            ("status=submitted", &[&without, &with]),
            ("status=queued", &[&queued, &twice]),
            ("status=running", &[]),
            ("token=fresh", &[&with]),
            ("token=not_registered&status=submitted", &[&without]),
            ("token=unavailable", &[&bad]),
            ("merchant=other", &[&queued, &bad]),
            ("merchant=none", &[]),
            ("user=u-1", &[&twice, &bad, &with]),
            ("user=u-1&merchant=shop&status=queued", &[&twice]),
            ("error=bad_order", &[&bad]),
            ("error=klarna_unavailable&merchant=shop", &[&twice]),
            ("duplicates=1", &[&twice]),
            ("duplicates=0&user=u-1", &[&bad, &with]),
            ("status=failed&ended_until=2020-01-01T00:00", &[]),
            ("status=failed&ended_since=2020-01-01T00:00&ended_until=2100-01-01T00:00", &[&bad]),
            ("q=+u-1+", &[&twice, &bad, &with]),
            ("q=u-1&status=failed", &[&bad]),
            ("q=klarna-1", &[&without, &with]),
            ("q=klarna", &[&without, &with]),
            ("q=klarna&token=fresh", &[&with]),
            ("q=Klarna", &[]),
            ("error=bad_order+klarna_unavailable", &[&twice, &bad]),
            ("error=bad_order&error=klarna_unavailable", &[&twice, &bad]),
            ("due=1", &[&queued]),
            ("due=1&status=failed", &[]),
            ("from=2020-01-01T00:00&status=", &all),
            ("until=2020-01-01T00:00", &[]),
        ];
        for (query, expected) in cases {
            assert_eq!(listed(&browser, query).await.iter().collect::<Vec<_>>(), expected, "{query}");
        }
        // A search with one hit opens it, unless it only begins so. A list that is updated stays.
        let begins = browser.page(&format!("/orders?q={}", &queued[..30])).await;
        assert!(begins.contains("These begin with it.") && begins.contains(&queued), "{begins}");
        let one = browser.get("/orders?q=u-2").await;
        assert_eq!(
            (one.status.as_u16(), one.header("location")),
            (303, format!("/orders/{without}").as_str())
        );
        let live = browser.request(Method::GET, "/orders?q=u-2").header("x-live", "1");
        assert_eq!(send(live).await.status, 200);
        for wrong in ["status=none", "token=none", "from=yesterday", "before=1", "user=%00"] {
            assert_eq!(browser.get(&format!("/orders?{wrong}")).await.status, 400, "{wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_is_a_file_too() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let mut orders = Vec::new();
        for number in 0..3 {
            orders.push(api.ordered("shop", &format!("=u,{number}")).await);
        }
        api.ordered("other", "u").await;
        let answer = browser.get("/orders.csv?merchant=shop").await;
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
        let lines: Vec<&str> = answer.text.split("\r\n").collect();
        assert!(lines[0].starts_with("id,merchant,user,status,"), "{}", lines[0]);
        orders.reverse();
        let ids: Vec<&str> = lines[1..4].iter().map(|line| &line[..36]).collect();
        assert_eq!((ids, lines[4]), (orders.iter().map(String::as_str).collect(), ""));
        assert!(
            lines[1].contains(r#",shop,"'=u,2",queued,"#) && lines[1].contains(",50000,SEK,"),
            "{}",
            lines[1]
        );
        assert_eq!(browser.get("/orders.csv?status=none").await.status, 400);
        let limited = Browser::signed_in(api, "key-of-limited").await;
        assert_eq!(limited.get("/orders.csv").await.text.lines().count(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_long_list_has_pages() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let mut orders = BTreeSet::new();
        for number in 0..52 {
            orders.insert(api.ordered(["shop", "other"][number % 2], "u-1").await);
        }
        for query in ["", "status=queued", "user=u-1"] {
            let first = listed(&browser, query).await;
            let next = listed(&browser, &format!("{query}&before={}", first[49])).await;
            assert_eq!((first.len(), next.len()), (50, 2), "{query}");
            assert_eq!(first.into_iter().chain(next).collect::<BTreeSet<_>>(), orders, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_order_tells_what_happened_to_it() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let order = api.ordered("shop", "u-1").await;
        let retry = |code| Disposition::Retry {
            after: Duration::ZERO,
            error: error(code, "No."),
            possible_duplicate: false,
            token_waited: Duration::ZERO,
        };
        api.settle(&retry("first_trouble")).await;
        api.settle(&Disposition::Snooze {
            after: Duration::ZERO,
            error: Some(error("a_pause", "Not yet.")),
            token_waited: Duration::ZERO,
            waits: Waits::default(),
        })
        .await;
        // Its worker is lost.
        let claimed = api.claim().await.remove(0);
        api.app.store.lose_order(&claimed.claim).await.unwrap();
        api.settle(&failed("second_trouble")).await;

        let page = browser.page(&format!("/orders/{order}")).await;
        let history = page.split_once("History").unwrap().1;
        let at = |text: &str| history.find(text).unwrap_or_else(|| panic!("no {text}: {history}"));
        let places = ["Accepted", "first_trouble", "its worker stopped", "second_trouble", "Failed"].map(at);
        assert!(places.is_sorted(), "{history}");
        assert!(
            history.contains("Attempt 3 by test") && !history.contains("a_pause"),
            "a pause is no attempt: {history}"
        );
        assert!(page.contains("corr-1") && page.contains("/order/locale"), "{page}");

        // Erasing the user also deletes the texts of the attempts.
        api.app.store.erase_user(&UserKey::new("shop", "u-1")).await.unwrap();
        let erased = browser.page(&format!("/orders/{order}")).await;
        assert!(!erased.contains("first_trouble") && !erased.contains("Attempt 1"), "{erased}");
    })
    .await;
}

#[tokio::test]
async fn the_overview_counts_what_there_is() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        for (user, outcome) in
            [("u-1", TokenOutcome::Fresh), ("u-2", TokenOutcome::Cached), ("u-3", TokenOutcome::Uncertain)]
        {
            api.ordered("shop", user).await;
            api.settle(&submitted(outcome)).await;
        }
        api.ordered("other", "u-1").await;
        api.settle(&failed("bad_order")).await;
        api.ordered("other", "u-1").await;
        api.has_token("u-1").await;
        api.has_token("u-2").await;
        api.uncertain("u-2").await;
        let worker =
            Worker { id: Uuid::new_v4().into(), instance: Uuid::new_v4().into(), name: "the-host/17".into() };
        api.app.store.begin_worker(&worker).await.unwrap();
        let page = browser.page("/").await;
        for (class, count) in [("good", 2), ("warn", 1), ("bad", 1), ("off", 0), ("calm", 1)] {
            let legend = page.split_once(&format!("<i class=\"swatch {class}\">")).unwrap().1;
            assert!(
                legend.split_once("</span>").unwrap().0.ends_with(&format!("<b>{count}</b>")),
                "{class}: {page}"
            );
        }
        for told in [">3</a></dd>", "66 % with a token", "the-host/17", "The last 3 submitted orders"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        let states = page.split_once("id=\"tokens\"").unwrap().1;
        for (state, count) in [("active", 1), ("reauth_required", 0), ("uncertain", 1), ("forgotten", 0)] {
            assert!(
                states.contains(&format!("<a href=\"/users?state={state}\">{count}</a>")),
                "{state}: {states}"
            );
        }
        for range in ["1h", "7d", "30d", "none"] {
            assert!(browser.page(&format!("/?range={range}")).await.contains("66 % with a token"), "{range}");
        }
    })
    .await;
}

#[tokio::test]
async fn users_are_found_by_state_and_by_name() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        api.has_token("u-1").await;
        api.has_token("u-2").await;
        api.uncertain("u-2").await;
        let names = async |query: &str| {
            let page = browser.page(&format!("/users?{query}")).await;
            ["u-1", "u-2"]
                .into_iter()
                .filter(|user| {
                    page.contains(&format!("/user?merchant=shop&amp;user={user}\">"))
                        || page.contains(&format!("/user?merchant=shop&user={user}\">"))
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["u-1", "u-2"]);
        assert_eq!(names("state=uncertain").await, ["u-2"]);
        assert_eq!(names("user=u-1").await, ["u-1"]);
        assert_eq!(names("user=u-1&state=uncertain").await, Vec::<&str>::new());
        assert_eq!(names("merchant=other").await, Vec::<&str>::new());
        let page = browser.page("/user?merchant=shop&user=u-2").await;
        assert!(page.contains("no answer") && page.contains("host/17"), "{page}");
        assert!(
            browser.page("/user?merchant=shop&user=..").await.contains("<h1>..</h1>"),
            "a name that is a folder elsewhere"
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_for_one_merchant_shows_that_one_alone() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, "key-of-limited").await;
        let hidden = api.ordered("shop", "u-1").await;
        let seen = api.ordered("other", "u-1").await;
        api.has_token("u-1").await;
        for query in ["", "status=queued", "user=u-1", "merchant=other", "q=u-1&status=queued"] {
            assert_eq!(listed(&browser, query).await, [seen.as_str()], "{query}");
        }
        assert!(listed(&browser, "merchant=shop").await.is_empty());
        let paths = [
            format!("/orders/{hidden}"),
            format!("/orders/{hidden}/cancel"),
            "/user?merchant=shop&user=u-1".into(),
        ];
        for path in paths {
            assert_eq!(browser.get(&path).await.status, 404, "{path}");
        }
        let page = format!("/orders/{seen}/cancel");
        assert_eq!(browser.act(&page, &format!("/orders/{hidden}/cancel"), &[]).await.status, 404);
        assert!(!browser.page("/users").await.contains("user=u-1"));
        let overview = browser.page("/").await;
        assert!(overview.contains("Queued</a> <b>1</b>") && !overview.contains("shop"), "{overview}");
        assert!(overview.contains("<dt>Merchants</dt><dd>other</dd>"), "those in force: {overview}");
    })
    .await;
}

#[tokio::test]
async fn a_page_that_did_not_change_is_not_sent_again() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    let order = api.ordered("shop", "u-1").await;
    for path in ["/", "/orders", &format!("/orders/{order}")] {
        let first = browser.get(path).await;
        let again = |tag: &str| {
            send(browser.request(Method::GET, path).header("x-live", "1").header("if-none-match", tag))
        };
        let same = again(first.header("etag")).await;
        assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""), "{path}");
        assert_eq!(again("\"another\"").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_tabs_of_a_list_have_totals_and_its_filters_are_in_its_address() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let empty = browser.page("/orders").await;
        assert!(empty.contains("klarna-order-worker enqueue orders.jsonl"), "{empty}");
        for (merchant, code) in [("shop", "a"), ("shop", "b"), ("other", "a")] {
            api.ordered(merchant, "u-1").await;
            api.settle(&failed(code)).await;
        }
        api.ordered("shop", "u-2").await;
        let totals = async |query: &str| {
            let page = browser.page(&format!("/orders?{query}")).await;
            let tabs = page.split_once("aria-label=\"Status\"").unwrap().1.split_once("</nav>").unwrap().0;
            let totals = tabs.split("<b>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned());
            (totals.collect::<Vec<_>>().join(" "), page)
        };
        for (most, counted) in [(3, 3), (9, 4)] {
            let all = OrderFilter::default();
            assert_eq!(api.app.store.count_orders_up_to(&all, most).await.unwrap(), counted);
        }
        let (all, page) = totals("").await;
        assert_eq!(all, "4 1 0 0 3 0");
        assert!(
            !page.contains("Retry all") && !page.contains("Cancel all"),
            "nobody has said which orders are meant: {page}"
        );
        let (_, page) = totals("from=24h").await;
        assert!(
            page.contains("Retry all 3 failed that match…") && page.contains("Cancel all 1 queued"),
            "{page}"
        );
        let (of_shop, page) = totals("merchant=shop&status=failed").await;
        assert_eq!(of_shop, "3 1 0 0 2 0", "a tab keeps the other filters, and counts beyond its status");
        assert!(page.contains("/orders/bulk?action=retry&amp;merchant=shop&amp;status=failed"), "{page}");
        assert!(page.contains("/orders?merchant=shop&amp;status=queued"), "{page}");
        assert!(!page.contains("Cancel all"), "{page}");
        // An age stays current in an address that was kept.
        api.clock.advance(Duration::from_mins(2));
        assert_eq!(listed(&browser, "status=failed&ended_since=1h").await.len(), 3);
        assert_eq!(listed(&browser, "status=failed&ended_since=1m").await.len(), 0);
        let none = browser.page("/orders?error=none").await;
        assert!(none.contains("No orders match.") && !none.contains("enqueue"), "{none}");
        // A question keeps to the time that it was asked at.
        let question = browser.page("/orders/bulk?action=retry&ended_since=1h").await;
        assert!(
            question.contains("Retry 3 failed orders?") && !question.contains("value=\"1h\""),
            "{question}"
        );
        assert!(
            question.contains("<dt>Failed or ended since (UTC)</dt><dd>20"),
            "as in the form: {question}"
        );
        assert!(question.contains("Ask the shop first") && !question.contains("autofocus"), "{question}");
    })
    .await;
}

#[tokio::test]
async fn the_bars_of_the_chart_lead_to_their_orders() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.ordered("shop", "u-1").await;
    api.settle(&failed("bad_order")).await;
    api.ordered("shop", "u-2").await;
    api.catch_up();
    let page = browser.page("/?range=1h").await.replace("&amp;", "&");
    let links: Vec<&str> =
        page.split("href=\"/orders?from=").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
    let failed: Vec<&&str> = links.iter().filter(|link| link.ends_with("&status=failed")).collect();
    assert!(failed.len() >= 3, "the legend, the bar, and the table: {links:?}");
    for link in failed {
        assert_eq!(listed(&browser, &format!("from={link}")).await.len(), 1, "{link}");
    }
    let bars = links.iter().filter(|link| !link.contains("status")).take(60);
    let mut orders = 0;
    for link in bars {
        orders += listed(&browser, &format!("from={link}")).await.len();
    }
    assert_eq!(orders, 2, "each bar has the orders of its minute");
    assert!(page.contains("by the time of acceptance, UTC"), "{page}");
}
