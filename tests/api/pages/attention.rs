//! The strip on top of the overview.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use chrono::TimeDelta;
use klarna_order_worker::breaker::{BreakerState, Endpoint, WaitingBreaker};
use klarna_order_worker::order::{Disposition, TokenOutcome, Waits};
use klarna_order_worker::pages::Dependencies;
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::{NewPause, ProcessFacts, ReloadFailure, Worker};
use sqlx::Connection as _;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::lists::{listed, on_both};
use super::{Browser, OPS, error, failed, keys, submitted};
use crate::{Api, pages, pages_of};

/// The strip of an overview; `None` if it is hidden.
fn strip(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(r#"<section class="attention" id="attention" data-live"#).expect(page);
    let (strip, _) = rest.split_once("</section>").unwrap();
    (!strip.starts_with(" hidden>")).then(|| strip.replace("&amp;", "&"))
}

impl Api {
    async fn has_a_worker(&self) {
        let worker =
            Worker { id: Uuid::new_v4().into(), instance: Uuid::new_v4().into(), name: "the-host/17".into() };
        self.app.store.begin_worker(&worker).await.unwrap();
    }

    /// Puts the clock of the pages to the time of the database.
    pub fn catch_up(&self) {
        let behind = self.app.clock.now() - self.clock.now();
        self.clock.advance(behind.to_std().unwrap_or_default());
    }
}

#[tokio::test]
async fn the_strip_is_hidden_when_all_is_well() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        assert!(strip(&browser.page("/").await).unwrap().contains("No worker is alive"));
        api.has_a_worker().await;
        api.ordered("shop", "u-1").await;
        api.has_token("u-1").await;
        api.catch_up();
        assert_eq!(strip(&browser.page("/").await), None);
    })
    .await;
}

#[tokio::test]
async fn what_fails_and_what_waits_is_told_with_its_list() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        api.has_a_worker().await;
        for (merchant, code) in
            [("shop", "bad_order"), ("other", "bad_order"), ("shop", "klarna_refused_order")]
        {
            api.ordered(merchant, "u-1").await;
            api.settle(&failed(code)).await;
        }
        api.ordered("shop", "u-2").await;
        let error = Some(error("klarna_unavailable", "No."));
        api.settle(&Disposition::Snooze {
            after: Duration::from_hours(1),
            error,
            token_waited: Duration::ZERO,
            waits: Waits::default(),
        })
        .await;
        api.catch_up();
        let now = strip(&browser.page("/").await).unwrap();
        assert!(now.contains("3 orders failed in the last hour"), "{now}");
        let listed = now.split_once("status=failed&error=bad_order&ended_since=").unwrap();
        assert!(listed.1.contains("bad_order</a> 2</span>, "), "{now}");
        assert!(!now.contains("waiting after a failed attempt"), "it is not old enough: {now}");
        let list = now.split("href=\"").find(|link| link.contains("error=bad_order")).unwrap();
        let list = browser.page(list.split('"').next().unwrap()).await;
        assert_eq!(list.matches("<a class=\"id\"").count(), 2, "{list}");

        // The clock of the pages goes on; that of the database does not.
        api.clock.advance(Duration::from_mins(2));
        let late = strip(&browser.page("/").await).unwrap();
        assert!(late.contains("1 order is waiting after a failed attempt"), "{late}");
        assert!(late.contains("status=queued&error=klarna_unavailable"), "{late}");
        assert!(late.contains("The clocks differ"), "{late}");
        let limited = Browser::signed_in(api, "key-of-limited").await;
        let theirs = strip(&limited.page("/").await).unwrap();
        assert!(theirs.contains("1 order failed in the last hour"), "{theirs}");
        assert!(!theirs.contains("failed attempt") && !theirs.contains("clocks"), "{theirs}");
        api.clock.advance(Duration::from_mins(59));
        let browser = Browser::signed_in(api, OPS).await;
        assert!(!strip(&browser.page("/").await).unwrap().contains("failed in the last hour"));
    })
    .await;
}

#[tokio::test]
async fn a_merchant_that_klarna_refuses_is_told_at_once() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        api.has_a_worker().await;
        for code in ["klarna_refused_merchant", "klarna_unavailable"] {
            api.ordered("shop", code).await;
            let words = "Klarna refused the merchant shop with HTTP 401: no. Check the API credentials";
            let error = Some(error(code, words));
            let after = Duration::from_secs(15);
            api.settle(&Disposition::Snooze {
                after,
                error,
                token_waited: Duration::ZERO,
                waits: Waits::default(),
            })
            .await;
        }
        api.catch_up();
        let now = strip(&browser.page("/").await).unwrap();
        assert!(
            now.contains("error=klarna_refused_merchant\">Klarna refuses the merchant shop</a>"),
            "{now}"
        );
        assert!(
            now.contains("1 order waits") && now.contains("HTTP 401: no. Check the API credentials"),
            "{now}"
        );
        let limited = Browser::signed_in(api, "key-of-limited").await;
        let theirs = strip(&limited.page("/").await).unwrap_or_default();
        assert!(!theirs.contains("Klarna refuses"), "{theirs}");
    })
    .await;
}

#[tokio::test]
async fn uncertain_tokens_and_endpoints_that_fail_are_told() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.has_a_worker().await;
    api.has_token("u-1").await;
    api.uncertain("u-1").await;
    api.has_an_endpoint().await;
    let folder = api.folder.path().join("worker.db");
    let mut raw = sqlx::SqliteConnection::connect(&format!("sqlite://{}", folder.display())).await.unwrap();
    sqlx::query("UPDATE webhook_endpoints SET failing_since = 0").execute(&mut raw).await.unwrap();
    for (klarna_id, merchant) in [("k-1", "shop"), ("k-2", "other")] {
        let given_up =
            "INSERT INTO follow_ups (kind, merchant, klarna_id, recorded_at, due_at, give_up_at, error, given_up_at)
            VALUES ('push', $1, $2, 0, 0, 0, 'HTTP 401 from Klarna', 0)";
        sqlx::query(given_up).bind(merchant).bind(klarna_id).execute(&mut raw).await.unwrap();
    }
    let strip = strip(&browser.page("/").await).unwrap();
    assert!(strip.contains("/users?state=uncertain\">1 uncertain token<"), "{strip}");
    for told in [
        "/orders?follow_ups=failing&merchant=shop\">Calls about unknown orders of shop failed<",
        "k-1: HTTP 401 from Klarna. ",
    ] {
        assert!(strip.contains(told), "{told}: {strip}");
    }
    assert!(strip.contains("orders of other failed") && !strip.contains("retry the follow-ups"), "{strip}");
    assert!(strip.contains("/webhooks?merchant=shop\">The webhook endpoint of shop is failing<"), "{strip}");
}

/// The numbers of a strip, each with the list that its link leads to.
fn numbers(strip: &str) -> Vec<(&str, usize)> {
    let links = strip.split("<a href=\"/orders?").skip(1);
    let read = links.filter_map(|link| {
        let (query, rest) = link.split_once("\">")?;
        let (text, after) = rest.split_once("</a>")?;
        let after = after.trim_start().trim_start_matches("<span class=\"about\">");
        let digits = after.split(|char: char| !char.is_ascii_digit()).next()?;
        let number = text.split(' ').chain([digits]).find_map(|word| word.parse().ok())?;
        Some((query, number))
    });
    read.collect()
}

#[tokio::test]
async fn each_number_of_the_strip_leads_to_as_many_orders() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    for (number, code) in
        ["klarna_unavailable", "klarna_unavailable", "klarna_throttled", "klarna_refused_merchant"]
            .into_iter()
            .enumerate()
    {
        api.ordered("shop", &format!("waits-{number}")).await;
        let snooze = Disposition::Snooze {
            after: Duration::from_hours(1),
            error: Some(error(code, "No.")),
            token_waited: Duration::ZERO,
            waits: Waits::default(),
        };
        api.settle(&snooze).await;
    }
    for (merchant, code) in [("shop", "bad_order"), ("other", "bad_order"), ("shop", "klarna_refused_order")]
    {
        api.ordered(merchant, "u-1").await;
        api.settle(&failed(code)).await;
    }
    let path = api.folder.path().join("worker.db");
    let mut raw = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    // The first has two calls that fail, of the second one was given up, and that of the third is
    // new.
    for (klarna_id, calls) in
        [("k-1", &[("push", 3), ("abort", 4)][..]), ("k-2", &[("push", 9)]), ("k-3", &[("push", 0)])]
    {
        let id = api.ordered("shop", klarna_id).await;
        api.settle(&submitted(TokenOutcome::Fresh)).await;
        let named = "UPDATE orders SET klarna_id = $1 WHERE user_id = $1 AND lower(hex(id)) = $2";
        let named = sqlx::query(named).bind(klarna_id).bind(id.replace('-', "")).execute(&mut raw).await;
        assert_eq!(named.unwrap().rows_affected(), 1);
        for (kind, attempts) in calls {
            let call = "INSERT INTO follow_ups (kind, merchant, klarna_id, recorded_at, due_at, give_up_at, attempts,
                    error, given_up_at)
                VALUES ($1, 'shop', $2, 0, 0, 0, $3, 'HTTP 503', iif($3 = 9, 0, NULL))";
            let call = sqlx::query(call).bind(*kind).bind(klarna_id).bind(*attempts);
            call.execute(&mut raw).await.unwrap();
        }
    }
    for (merchant, user) in [("shop", "due-1"), ("shop", "due-2"), ("other", "due-3")] {
        api.ordered(merchant, user).await;
    }
    sqlx::query("UPDATE orders SET due_at = 0 WHERE user_id LIKE 'due-%'").execute(&mut raw).await.unwrap();
    // These wait, and are neither due nor failing.
    api.ordered("shop", "later").await;
    let later = "UPDATE orders SET due_at = due_at + 3600000000 WHERE user_id = 'later'";
    sqlx::query(later).execute(&mut raw).await.unwrap();

    api.catch_up();
    api.clock.advance(Duration::from_mins(2));
    let strip = strip(&browser.page("/").await).unwrap();
    let numbers = numbers(&strip);
    for (query, number) in &numbers {
        let file = browser.page(&format!("/orders.csv?{query}")).await;
        assert_eq!(file.lines().count() - 1, *number, "{query}: {file}\n{strip}");
        // The list, and the tab that is shown.
        assert_eq!(listed(&browser, query).await.len(), *number, "{query}");
    }
    let numbers: Vec<usize> = numbers.into_iter().map(|(_, number)| number).collect();
    // Of the refused merchant; due, of each merchant; failed, in all and by code; with failing
    // follow-ups, and of these given up; waiting after a failure, in all and by code.
    assert_eq!(numbers, [1, 1, 2, 3, 2, 1, 2, 1, 3, 2, 1], "{strip}");
}

#[tokio::test]
async fn orders_that_somebody_paused_are_not_told_as_not_started() {
    let api = Api::with_keys(&keys()).await;
    let browser = Browser::signed_in(&api, OPS).await;
    api.has_a_worker().await;
    api.ordered("shop", "u-1").await;
    let folder = api.folder.path().join("worker.db");
    let mut raw = sqlx::SqliteConnection::connect(&format!("sqlite://{}", folder.display())).await.unwrap();
    sqlx::query("UPDATE orders SET due_at = 0").execute(&mut raw).await.unwrap();
    api.catch_up();
    let told = strip(&browser.page("/").await).unwrap();
    assert!(
        told.contains("1 order of shop is due but not started")
            && told.contains("run no order of this merchant now"),
        "{told}"
    );
    let pause = NewPause {
        merchant: Some("shop".into()),
        kind: PauseKind::Orders,
        reason: "a test".into(),
        paused_by: "local".into(),
        lasts: None,
    };
    api.app.store.pause(&pause).await.unwrap();
    let told = strip(&browser.page("/").await).unwrap();
    assert!(told.contains("The orders of shop are paused") && !told.contains("not started"), "{told}");
}

#[tokio::test]
async fn breakers_of_every_process_are_told() {
    let api = Api::open().await;
    let now = api.clock.now();
    let breaker_in = |state, merchant: &str| WaitingBreaker {
        endpoint: Endpoint::Checkout,
        merchant: merchant.into(),
        state,
        cause: "HTTP 503, 5 failures in a row".into(),
        since: now - TimeDelta::seconds(30),
        next_try: now + TimeDelta::seconds(8),
    };
    let breaker = |merchant: &str| breaker_in(BreakerState::Open, merchant);
    let half_open = |merchant: &str| breaker_in(BreakerState::HalfOpen, merchant);
    // Of every process, and of this one as of others.
    let mut workers = Vec::new();
    for (name, open) in [
        ("a/1", &[breaker("shop"), half_open("other")][..]),
        ("b/2", &[breaker("shop")]),
        ("c/3", &[half_open("shop")]),
    ] {
        let worker = Worker { id: Uuid::new_v4().into(), instance: Uuid::new_v4().into(), name: name.into() };
        api.app.store.begin_worker(&worker).await.unwrap();
        api.app.store.note_breakers(worker.id, open).await.unwrap();
        workers.push(worker.id);
    }
    let browser = Browser::new(&api);
    let strip = strip(&browser.page("/").await).unwrap();
    assert!(strip.contains("No calls to checkout for shop"), "{strip}");
    assert!(
        strip.contains("The circuit breakers of 2 processes have been open since <time class=\"at\""),
        "{strip}"
    );
    assert!(strip.contains(": HTTP 503, 5 failures in a row. Next try at <time class=\"at\""), "{strip}");
    assert!(strip.contains("/orders?status=queued&merchant=shop&target=checkout\""), "{strip}");
    // No call waits there.
    assert!(!strip.contains("No calls to checkout for other"), "{strip}");
    assert!(strip.contains("half-open, and the next call decides"), "{strip}");
    assert!(strip.contains("checkout for other"), "{strip}");
    assert_eq!(browser.page("/").await.matches("data-label=\"Process\"").count(), 4);
    // Those of a process that has ended, and those that have closed, are no trouble any more.
    api.app.store.end_worker(workers[0]).await.unwrap();
    for closed in &workers[1..] {
        api.app.store.note_breakers(*closed, &[]).await.unwrap();
    }
    let page = browser.page("/").await;
    assert!(!page.contains("No calls to") && page.contains("All circuit breakers are closed"), "{page}");
}

#[tokio::test]
async fn troubles_that_only_a_process_itself_knows_are_told_of_every_living_one() {
    let api = Api::open().await;
    let at = api.clock.now();
    let failed = |reason: &str| Some(ReloadFailure { at, reason: reason.into(), settings_read_at: at });
    let facts = |spool_files, dropped_lines, clock_off_seconds, failed_reload| ProcessFacts {
        spool_files,
        dropped_lines,
        clock_off_seconds,
        failed_reload,
    };
    let own = facts(2, 0, 0, failed("client_id: missing"));
    let other = facts(3, 7, 5, failed("client_id: missing"));
    let mut workers = Vec::new();
    for (name, facts) in [("this/1", &own), ("b/2", &other), ("c/3", &facts(0, 0, 1, failed("another")))] {
        let worker = Worker { id: Uuid::new_v4().into(), instance: Uuid::new_v4().into(), name: name.into() };
        api.app.store.begin_worker(&worker).await.unwrap();
        api.app.store.note_facts(worker.id, facts).await.unwrap();
        workers.push(worker.id);
    }
    let strip_of = async |worker| {
        let own = own.clone();
        let deps = Dependencies {
            facts: Arc::new(move || own.clone()),
            process: "this/1".to_owned(),
            worker,
            ..pages_of(&api.app, &api.clock)
        };
        let answer = pages(deps).oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        let page = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        strip(std::str::from_utf8(&page).unwrap()).unwrap()
    };
    // Its own row, which may be older than what it knows, does not count beside it.
    let told = strip_of(Some(workers[0])).await;
    assert!(told.contains("5 files in the spool") && told.contains("this/1: 2, b/2: 3. "), "{told}");
    assert!(told.contains("Log lines were dropped") && told.contains("b/2: 7 since its start"), "{told}");
    assert!(told.contains("The clocks differ") && told.contains("b/2: 5.0 s. "), "{told}");
    assert!(told.contains("by this/1, b/2. They go on") && told.contains("client_id: missing"), "{told}");
    assert!(told.contains("by c/3. It goes on") && told.contains("another"), "{told}");
    // A process with the role `api` alone has no row, and one that has ended is no trouble.
    for ended in &workers[..2] {
        api.app.store.end_worker(*ended).await.unwrap();
    }
    let told = strip_of(None).await;
    assert!(told.contains("2 files in the spool") && !told.contains("b/2"), "{told}");
}

#[tokio::test]
async fn a_browser_gets_a_page_for_a_wrong_address() {
    let api = Api::open().await;
    let wrong = |accept: &'static str| api.request(reqwest::Method::GET, "/ordres").header("accept", accept);
    let page = crate::send(wrong("text/html,application/xhtml+xml,*/*;q=0.8")).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(
        page.text.contains("Go to the overview") && page.header("content-security-policy").contains("'none'")
    );
    // Both have the menu and the search of all other pages.
    let menu =
        |page: &str| page.split_once("<nav").unwrap().1.split_once("</form>").unwrap().0.replace('\n', "");
    let browser = Browser::new(&api);
    let missing = browser.get("/orders/none").await;
    assert_eq!((missing.status.as_u16(), menu(&missing.text)), (404, menu(&page.text)));
    let usual = menu(&browser.page("/").await).replace(" aria-current=\"page\"", "");
    assert_eq!(menu(&page.text), usual);
    crate::send(wrong("application/json")).await.problem(404, "not-found");
    crate::send(wrong("*/*")).await.problem(404, "not-found");
}
