//! What one sweep does.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::keeper::{Run, Scope, Summary};
use klarna_order_worker::token::{DeadReason, IfDue, Note, TokenState};
use klarna_order_worker::vault::{ImportedToken, Refreshed, Registration};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use super::{DAY, Process, at_once, never, sign_in};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::log::Log;
use crate::support::stores::{Db, both_engines};
use crate::vault::Shop;
use crate::vault::in_flight::Gated;

both_engines!(
    what_is_due_is_refreshed_and_nothing_else,
    what_an_order_refreshed_meanwhile_is_left_alone,
    a_failure_gets_a_later_time_and_the_token_stays,
    no_next_time_lies_past_the_tokens_life,
    a_dead_token_is_flagged_once_and_left_alone,
    a_token_past_its_time_is_presented_all_the_same,
    a_lost_answer_is_presented_again_once_its_wait_is_over,
    an_imported_token_of_unknown_age_is_due_at_once,
    a_provider_that_does_not_rotate_is_asked_once_a_day,
    tokens_of_idle_users_expire_until_the_user_comes_back,
    tokens_of_the_long_idle_are_forgotten,
    an_endpoint_that_is_left_alone_keeps_its_tokens_due,
    a_sweep_that_is_stopped_goes_on_where_the_next_begins,
    a_stop_waits_for_no_token_behind_a_slow_endpoint,
    more_than_is_due_can_be_asked_for_and_less,
    a_program_of_before_beside_it_costs_no_token,
    more_than_the_rate_carries_is_warned_of,
);

fn refreshed(tokens: u64) -> Summary {
    Summary { refreshed: tokens, ..Summary::default() }
}

fn failed(note: &'static str) -> Summary {
    Summary { failed: [(note, 1)].into(), ..Summary::default() }
}

async fn rotating() -> Endpoint {
    Endpoint::start(|token| async move { rotated(&token) }).await
}

async fn what_is_due_is_refreshed_and_nothing_else(db: Db) {
    let endpoint = rotating().await;
    let shop = Shop::new(&db, &endpoint.url);
    // One at a time, so that the test sees their order.
    let shop =
        Shop { settings: klarna_order_worker::config::Vault { max_in_flight: 1, ..shop.settings }, ..shop };
    sign_in(&shop, "fresh", "rt-100", 29 * DAY).await;
    sign_in(&shop, "due", "rt-200", 41 * DAY).await;
    sign_in(&shop, "urgent", "rt-300", 58 * DAY).await;
    let process = Process::start(&shop).await;
    assert_eq!(process.sweep().await, refreshed(2));
    assert_eq!(endpoint.presented(), ["rt-300", "rt-200"]);
    assert_eq!(process.sweep().await, refreshed(0), "each has a new date");
    let purposes = db.raw().await.column("DISTINCT purpose FROM exchanges").await;
    assert_eq!((purposes, db.count("cached_tokens").await), (vec![Some("keeper".to_owned())], 0));
    let view = db.store.token(&UserKey::new("shop", "due")).await.unwrap().unwrap();
    let ahead = view.expires_at.unwrap() - view.refresh_due_at.unwrap();
    assert!((20..=30).contains(&ahead.num_days()) && view.generation == 2, "{view:?}");
    let last = db.store.last_sweep().await.unwrap();
    assert_eq!((last.ended_at, last.sweeper), (Some(db.clock.now()), None));
}

async fn what_an_order_refreshed_meanwhile_is_left_alone(db: Db) {
    let endpoint = rotating().await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "u", "rt-1", 45 * DAY).await;
    let process = Process::start(&shop).await;
    let began = db.clock.now();
    // The sweep has read that the token is due; then an order exchanges it.
    let page = klarna_order_worker::store::DueFilter {
        by: began,
        merchant: None,
        except: Vec::new(),
        after: None,
        limit: 10,
    };
    assert_eq!(db.store.due_tokens(&page).await.unwrap().tokens.len(), 1);
    shop.access(&process.vault, "u").await;
    let if_due = IfDue { by: began, issued_before: began };
    let came =
        process.vault.refresh(&shop.merchant, &"u".into(), Uuid::now_v7().into(), if_due, pending()).await;
    assert_eq!((came, endpoint.presented().len()), (Refreshed::NotDue, 1));
    assert_eq!(shop.ledger().await, ["rotated"], "not even an intent");
}

async fn a_failure_gets_a_later_time_and_the_token_stays(db: Db) {
    let endpoint = Endpoint::start(|_| async { (503, json!({})) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "u", "rt-1", 41 * DAY).await;
    let mut waits = Vec::new();
    for failures in 1..=8 {
        // A new process each time, because the circuit breaker of one process would open.
        let process = Process::start(&shop).await;
        assert_eq!(process.sweep().await, failed("refused"));
        assert_eq!(process.sweep().await, refreshed(0), "its time has not come");
        let view = db.store.token(&UserKey::new("shop", "u")).await.unwrap().unwrap();
        assert_eq!((view.refresh_failures, view.refresh_note), (failures, Some(Note::Refused)));
        assert_eq!((view.state, view.generation), (TokenState::Active, 1));
        let wait = (view.refresh_due_at.unwrap() - db.clock.now()).to_std().unwrap();
        waits.push(wait);
        db.clock.advance(wait);
    }
    assert!(waits[0] >= Duration::from_secs(150) && waits[0] <= Duration::from_mins(5), "{waits:?}");
    assert!(waits[7] >= Duration::from_hours(5) && waits[7] <= DAY, "{waits:?}");
    assert_eq!(endpoint.presented().len(), 8);
}

async fn no_next_time_lies_past_the_tokens_life(db: Db) {
    let endpoint = Endpoint::start(|_| async { (503, json!({})) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "u", "rt-1", Duration::from_mins(60 * 24 * 60 - 2)).await;
    for _ in 0..4 {
        assert_eq!(Process::start(&shop).await.sweep().await, failed("refused"));
        let view = db.store.token(&UserKey::new("shop", "u")).await.unwrap().unwrap();
        assert!(view.refresh_due_at.unwrap() < view.expires_at.unwrap(), "{view:?}");
        db.clock.advance((view.refresh_due_at.unwrap() - db.clock.now()).to_std().unwrap());
    }
}

async fn a_dead_token_is_flagged_once_and_left_alone(db: Db) {
    let endpoint = Endpoint::start(|_| async { (400, json!({ "error": "invalid_grant" })) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "u", "rt-1", 45 * DAY).await;
    let process = Process::start(&shop).await;
    let summary = process.sweep().await;
    assert_eq!(summary, Summary { needs_sign_in: 1, ..Summary::default() });
    assert!(summary.all_well(), "that is the user's affair");
    assert_eq!(shop.row("u").await, (TokenState::ReauthRequired, Some(DeadReason::Rejected), 1));
    db.clock.advance(30 * DAY);
    assert_eq!(process.sweep().await, Summary::default());
    assert_eq!(endpoint.presented().len(), 1);
}

async fn a_token_past_its_time_is_presented_all_the_same(db: Db) {
    let endpoint = Endpoint::start(|token| async move {
        if token == "rt-1" { (400, json!({ "error": "invalid_grant" })) } else { rotated(&token) }
    })
    .await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "expired", "rt-1", 61 * DAY).await;
    sign_in(&shop, "lives longer", "rt-10", 61 * DAY).await;
    let summary = Process::start(&shop).await.sweep().await;
    assert_eq!(summary, Summary { needs_sign_in: 1, ..refreshed(1) });
    assert_eq!(shop.row("expired").await, (TokenState::ReauthRequired, Some(DeadReason::Expired), 1));
    assert_eq!(shop.row("lives longer").await, (TokenState::Active, None, 2));
}

async fn a_lost_answer_is_presented_again_once_its_wait_is_over(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "unanswered", "rt-1", DAY).await;
    sign_in(&shop, "of the dead", "rt-10", DAY).await;
    // An exchange without an answer, and one whose process died in flight.
    let (dead, process) = (db.begin_worker().await, Process::start(&shop).await);
    let holder = process.worker;
    let token = |user: &str| format!("(SELECT id FROM tokens WHERE user_id = '{user}')");
    for (user, holder) in [("unanswered", holder), ("of the dead", dead)] {
        let (claim, intent) = crate::conformance::tokens::intended(&db, user, holder).await;
        if user == "unanswered" {
            let silent =
                klarna_order_worker::token::ExchangeResult::NoAnswer { travelling: true, hold: false };
            claim.settle(&crate::conformance::tokens::end(&db, &intent, silent)).await.unwrap();
        }
    }
    db.store.end_worker(dead).await.unwrap();
    let summary = process.sweep().await;
    assert_eq!(summary, Summary { in_use: 2, ..Summary::default() }, "the wait is not over");
    let orphan = format!("outcome FROM exchanges WHERE token_id = {}", token("of the dead"));
    assert_eq!(db.value(&orphan).await.as_deref(), Some("no_answer"));
    assert_eq!(process.sweep().await, refreshed(0), "and not asked for again before");
    db.advance(11);
    assert_eq!(process.sweep().await, refreshed(2));
    let mut presented = endpoint.presented();
    presented.sort();
    assert_eq!(presented, ["rt-1", "rt-10"]);
}

async fn an_imported_token_of_unknown_age_is_due_at_once(db: Db) {
    let endpoint = rotating().await;
    let shop = Shop::new(&db, &endpoint.url);
    let registry = shop.registry();
    let token = |user: &str, token: &str| Registration {
        user: user.into(),
        refresh_token: token.into(),
        issued_at: None,
        expires_at: None,
    };
    let mixed = [token("imported", "rt-1"), token("no token", "two words")]
        .map(|registration| ImportedToken { merchant: Arc::clone(&shop.merchant), registration });
    assert!(
        matches!(registry.import(&mixed).await.unwrap()[..], [Ok(_), Err(_)]),
        "one does not keep the others out"
    );
    registry.register(&shop.merchant, &token("signed in", "rt-10")).await.unwrap();
    let view = db.store.token(&UserKey::new("shop", "imported")).await.unwrap().unwrap();
    assert_eq!(view.refresh_note, Some(Note::AgeUnknown));
    db.advance(1);
    assert_eq!(Process::start(&shop).await.sweep().await, refreshed(1));
    assert_eq!(endpoint.presented(), ["rt-1"]);
}

async fn a_provider_that_does_not_rotate_is_asked_once_a_day(db: Db) {
    let endpoint =
        Endpoint::start(|_| async { (200, json!({ "access_token": "at", "expires_in": 299 })) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "u", "rt-1", 41 * DAY).await;
    let process = Process::start(&shop).await;
    let fresh = Summary { already_fresh: 1, ..Summary::default() };
    assert_eq!(process.sweep().await, fresh);
    assert_eq!(process.sweep().await, Summary::default());
    db.clock.advance(DAY);
    assert_eq!(process.sweep().await, fresh);
    assert_eq!((shop.row("u").await, endpoint.presented().len()), ((TokenState::Active, None, 1), 2));
}

async fn tokens_of_idle_users_expire_until_the_user_comes_back(db: Db) {
    let endpoint = rotating().await;
    let mut shop = Shop::new(&db, &endpoint.url);
    shop.keeper.stop_after_idle = Some(100 * DAY);
    sign_in(&shop, "idle", "rt-1", DAY).await;
    sign_in(&shop, "regular", "rt-100", DAY).await;
    let process = Process::start(&shop).await;
    for _ in 0..2 {
        db.clock.advance(40 * DAY);
        assert_eq!(process.sweep().await, refreshed(2));
    }
    shop.access(&process.vault, "regular").await;
    db.clock.advance(41 * DAY);
    assert_eq!(process.sweep().await, Summary { idle: 1, ..refreshed(1) });
    assert_eq!(process.sweep().await, refreshed(0), "passed over once, and not found again");
    assert_eq!(
        db.store.token(&UserKey::new("shop", "idle")).await.unwrap().unwrap().refresh_note,
        Some(Note::Idle)
    );
    // The token is still there, and an order makes it due again.
    shop.access(&process.vault, "idle").await;
    db.clock.advance(41 * DAY);
    assert_eq!(process.sweep().await, refreshed(2));
}

async fn tokens_of_the_long_idle_are_forgotten(db: Db) {
    let endpoint = rotating().await;
    let mut shop = Shop::new(&db, &endpoint.url);
    shop.keeper.forget_after_idle = Some(100 * DAY);
    sign_in(&shop, "idle", "rt-1", DAY).await;
    let process = Process::start(&shop).await;
    db.clock.advance(41 * DAY);
    assert_eq!(process.sweep().await, refreshed(1));
    db.clock.advance(60 * DAY);
    assert_eq!(process.sweep().await, Summary { forgotten: 1, ..Summary::default() });
    assert_eq!(shop.row("idle").await, (TokenState::Forgotten, None, 3));
}

async fn an_endpoint_that_is_left_alone_keeps_its_tokens_due(db: Db) {
    let endpoint = Endpoint::start(|_| async { (500, json!({})) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let shop =
        Shop { settings: klarna_order_worker::config::Vault { max_in_flight: 1, ..shop.settings }, ..shop };
    for user in 0..20 {
        sign_in(&shop, &format!("u-{user}"), &format!("rt-{}", user * 100), 41 * DAY).await;
    }
    let process = Process::start(&shop).await;
    let summary = process.sweep().await;
    // Failures in a row open the merchant's circuit breaker.
    assert_eq!((summary.failed["no_answer"], summary.breaker_open), (5, 15), "{summary:?}");
    assert!(!summary.all_well());
    assert_eq!(endpoint.presented().len(), 5);
    assert_eq!(db.store.count_due(db.clock.now()).await.unwrap(), 15);
}

async fn a_sweep_that_is_stopped_goes_on_where_the_next_begins(db: Db) {
    let endpoint = rotating().await;
    let shop = Shop::new(&db, &endpoint.url);
    for user in 0..20 {
        sign_in(&shop, &format!("u-{user}"), &format!("rt-{}", user * 100), 41 * DAY).await;
    }
    let process = Process::start(&shop).await;
    let (ending, stopping) = watch::channel(false);
    let mut heard = 0;
    let mut told = |_: &_, _: &_| {
        heard += 1;
        if heard == 7 {
            ending.send_replace(true);
        }
    };
    let Run::Swept(first) = process.sweeper.run(&at_once(), stopping, &mut told).await.unwrap() else {
        panic!()
    };
    assert!(first.interrupted && !first.all_well());
    assert!((7..20).contains(&first.refreshed), "{first:?}");
    assert_eq!(first.refreshed, endpoint.presented().len() as u64, "what was in flight came to its end");
    assert_eq!(db.store.last_sweep().await.unwrap().ended_at, None, "it is to be caught up");
    let second = process.sweep().await;
    assert_eq!((first.refreshed + second.refreshed, endpoint.presented().len()), (20, 20));
}

async fn a_stop_waits_for_no_token_behind_a_slow_endpoint(db: Db) {
    let klarna = Gated::start(rotated).await;
    // Until the provider has granted a token, the second one waits for the first.
    let shop = Shop { proven: false, ..Shop::new(&db, &klarna.endpoint.url) };
    for user in 0..4 {
        sign_in(&shop, &format!("u-{user}"), &format!("rt-{}", user * 100), 41 * DAY).await;
    }
    let process = Process::start(&shop).await;
    let (ending, stopping) = watch::channel(false);
    let sweeping = {
        let sweeper = Arc::clone(&process.sweeper);
        tokio::spawn(async move { sweeper.run(&at_once(), stopping, &mut |_, _| {}).await.unwrap() })
    };
    klarna.endpoint.reached(1).await;
    ending.send_replace(true);
    // The second one would be presented as soon as the first is answered.
    klarna.answer_one();
    klarna.answer_one();
    let Run::Swept(swept) = sweeping.await.unwrap() else { panic!() };
    assert_eq!(swept, Summary { interrupted: true, ..refreshed(1) });
    assert_eq!(klarna.endpoint.presented().len(), 1);
    assert_eq!(db.store.count_due(db.clock.now()).await.unwrap(), 3);
}

async fn more_than_is_due_can_be_asked_for_and_less(db: Db) {
    let endpoint = rotating().await;
    let shop = Shop::new(&db, &endpoint.url);
    for user in 0..6 {
        sign_in(&shop, &format!("u-{user}"), &format!("rt-{}", user * 100), 41 * DAY).await;
    }
    sign_in(&shop, "young", "rt-1000", DAY).await;
    let process = Process::start(&shop).await;
    let swept = async |scope: &Scope| match process.sweeper.run(scope, never(), &mut |_, _| {}).await.unwrap()
    {
        Run::Swept(summary) => summary,
        Run::Elsewhere(_) => panic!(),
    };
    assert_eq!(swept(&Scope { limit: Some(4), ..at_once() }).await, refreshed(4));
    assert_eq!(swept(&Scope { merchant: Some("other".into()), ..at_once() }).await, refreshed(0));
    assert_eq!(db.store.last_sweep().await.unwrap().ended_at, None, "a part is no sweep");
    db.advance(1);
    // A sweep presents no token twice, whatever `within` is.
    let summary = swept(&Scope { within: 100 * DAY, ..at_once() }).await;
    assert_eq!(summary, refreshed(7), "those of the first run too, and the young one");
    assert_eq!(endpoint.presented().len(), 11);
}

async fn a_program_of_before_beside_it_costs_no_token(db: Db) {
    let endpoint = rotating().await;
    let shop = Shop::new(&db, &endpoint.url);
    sign_in(&shop, "u", "rt-1", DAY).await;
    // It stores a successor, and knows nothing of due dates: the old one stays in the row.
    db.execute("UPDATE tokens SET refresh_due_generation = generation - 1, refresh_due_at = issued_at").await;
    let process = Process::start(&shop).await;
    assert_eq!(process.sweep().await, refreshed(0), "the old date is none");
    let due_at = db.store.token(&UserKey::new("shop", "u")).await.unwrap().unwrap().refresh_due_at.unwrap();
    db.clock.advance((due_at - db.clock.now()).to_std().unwrap());
    assert_eq!((process.sweep().await, shop.row("u").await.2), (refreshed(1), 2));
}

async fn more_than_the_rate_carries_is_warned_of(db: Db) {
    let mut shop = Shop::new(&db, "http://127.0.0.1:1");
    // At this rate, 864 tokens a day can be refreshed.
    shop.keeper.rate_per_second = 0.01;
    let rows = |from: u32, to: u32| {
        format!(
            "INSERT INTO tokens (merchant, user_id, generation, grant_generation, state, reason, sealed, provider, issued_at, expires_at,
                refresh_due_at, refresh_due_generation, updated_at)
             WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             SELECT t.merchant, 'u-' || CAST(n.i AS text), 1, 1, 'active', NULL, t.sealed, t.provider, t.issued_at, t.expires_at,
                t.refresh_due_at, 1, t.updated_at FROM tokens t, n WHERE t.user_id = 'u'"
        )
    };
    sign_in(&shop, "u", "rt-1", 45 * DAY).await;
    let process = Process::start(&shop).await;
    let warned = async || {
        let log = Log::default();
        let nothing = Scope { merchant: Some("nobody".into()), ..at_once() };
        let _guard = log.listen();
        process.run(&nothing).await;
        log.text().contains("More tokens are due within a day than keeper.rate_per_second allows")
    };
    db.execute(&rows(1, 863)).await;
    assert!(!warned().await);
    db.execute(&rows(864, 864)).await;
    assert!(warned().await);
}
