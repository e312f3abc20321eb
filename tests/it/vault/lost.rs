//! Lost answers, and processes that died while they waited for one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::config::LostAnswer;
use klarna_order_worker::ids::{UserKey, WorkerId};
use klarna_order_worker::ops::metrics::{Exchanges, Metrics, Sources};
use klarna_order_worker::token::{DeadReason, Intent, Resolution, TokenState};
use serde_json::{Value, json};

use super::{ACTIVE, Shop, dead, describe, poll, watch};
use crate::conformance::tokens::intended;
use crate::support::klarna::{Endpoint, rotated};
use crate::support::log::Log;
use crate::support::stores::{Db, both_engines};

both_engines![
    an_unanswered_presentation_is_repeated_after_its_wait_and_not_before,
    a_spent_token_says_that_the_answer_was_lost,
    two_silences_in_a_row_back_off,
    a_dead_process_leaves_a_lost_answer,
    a_silent_process_is_dead_only_to_who_watched_it,
    a_holder_that_goes_on_is_alive_at_once,
    hold_leaves_the_token_to_an_operator,
    hold_counts_for_dead_processes_too,
    an_operator_who_says_retry_finds_out,
    an_operator_who_says_dead_ends_it,
    tidying_closes_only_what_nobody_holds,
    tidying_takes_no_exchange_that_ends_meanwhile_for_abandoned,
];

/// How often each user's token is exchanged while the process tidies.
const ROUNDS: usize = 6;

fn away() -> (u16, Value) {
    (504, json!({}))
}

/// Starts an endpoint that gives these answers in turn, and then rotates.
async fn answering(answers: Vec<(u16, Value)>) -> Endpoint {
    let answers = std::sync::Mutex::new(answers.into_iter());
    Endpoint::start(move |token| {
        let answer = answers.lock().unwrap().next().unwrap_or_else(|| rotated(&token));
        async move { answer }
    })
    .await
}

/// Returns an intent whose holder never stores its outcome.
async fn abandoned(db: &Db, holder: WorkerId) -> Intent {
    let (claim, intent) = intended(db, "u", holder).await;
    claim.release().await;
    intent
}

async fn an_unanswered_presentation_is_repeated_after_its_wait_and_not_before(db: Db) {
    let endpoint = answering(vec![away(), (500, json!({}))]).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    let (elsewhere, _) = shop.process().await;
    for (user, token) in [("u", "rt-1"), ("v", "rt-11")] {
        shop.register(user, token).await;
    }
    assert_eq!(describe(&shop.access(&vault, "u").await), "10s");
    db.advance(4);
    assert_eq!(describe(&shop.access(&elsewhere, "u").await), "6s");
    db.advance(5);
    assert_eq!(describe(&shop.access(&vault, "u").await), "1s");
    assert_eq!(endpoint.presented().len(), 1);
    db.advance(1);
    // The answer was complete but useless, so no request is on its way.
    assert_eq!(describe(&shop.access(&vault, "v").await), "1s");
    assert_eq!(describe(&shop.access(&elsewhere, "u").await), "at-rt-1");
    assert_eq!((shop.row("u").await, endpoint.presented().len()), (ACTIVE(2), 3));
    db.advance(1);
    assert_eq!(describe(&shop.access(&vault, "v").await), "at-rt-11");
    assert_eq!(shop.ledger().await, ["no_answer", "rotated", "no_answer", "rotated"]);
}

async fn a_spent_token_says_that_the_answer_was_lost(db: Db) {
    let endpoint = answering(vec![away(), (400, json!({"error": "invalid_grant"}))]).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "10s");
    db.advance(10);
    assert_eq!(describe(&shop.access(&vault, "u").await), "ReauthRequired");
    assert_eq!(shop.row("u").await, dead(DeadReason::AnswerLost, 1));
    shop.register("u", "rt-5").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-5");
}

async fn two_silences_in_a_row_back_off(db: Db) {
    let endpoint = answering(vec![away(), away()]).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    for _ in 0..2 {
        assert_eq!(describe(&shop.access(&vault, "u").await), "10s");
        db.advance(10);
    }
    assert_eq!(describe(&shop.access(&vault, "u").await), "50s");
    db.advance(50);
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-1");
}

async fn a_dead_process_leaves_a_lost_answer(db: Db) {
    let endpoint = answering(vec![]).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let dying = db.begin_worker().await;
    abandoned(&db, dying).await;
    assert_eq!(
        describe(&shop.access(&vault, "u").await),
        "200ms",
        "a living process may have the successor in memory"
    );
    db.store.end_worker(dying).await.unwrap();
    // The wait begins now, when the intent is closed; until then the request might have been about
    // to be sent.
    db.advance(60);
    assert_eq!(describe(&shop.access(&vault, "u").await), "10s");
    assert_eq!(shop.ledger().await, ["no_answer"]);
    db.advance(9);
    assert_eq!(describe(&shop.access(&vault, "u").await), "1s");
    assert!(endpoint.presented().is_empty());
    db.advance(1);
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-1");
    assert_eq!(
        (shop.row("u").await, shop.ledger().await),
        (ACTIVE(2), vec!["no_answer".into(), "rotated".into()])
    );
}

async fn a_silent_process_is_dead_only_to_who_watched_it(db: Db) {
    let endpoint = answering(vec![]).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (late, early) = (watch(), watch());
    let (newcomer, _) = shop.process_that_watches(&late).await;
    let (watcher, _) = shop.process_that_watches(&early).await;
    shop.register("u", "rt-1").await;
    abandoned(&db, db.begin_worker().await).await;
    poll(&db, &early, 0).await;
    poll(&db, &late, 1).await;
    // The database's clock is put forward by a day: that proves nothing.
    db.advance(24 * 60 * 60);
    assert_eq!(describe(&shop.access(&watcher, "u").await), "200ms");
    poll(&db, &early, 299).await;
    assert_eq!(describe(&shop.access(&watcher, "u").await), "200ms");
    for silence in [&early, &late] {
        poll(&db, silence, 300).await;
    }
    assert_eq!(describe(&shop.access(&newcomer, "u").await), "200ms");
    assert_eq!(describe(&shop.access(&watcher, "u").await), "10s");
    db.advance(10);
    assert_eq!(describe(&shop.access(&newcomer, "u").await), "at-rt-1");
}

/// It was suspended for as long as `orphan_after`, and goes on just now.
async fn a_holder_that_goes_on_is_alive_at_once(db: Db) {
    let endpoint = answering(vec![]).await;
    let shop = Shop::new(&db, &endpoint.url);
    let silence = watch();
    let (vault, _) = shop.process_that_watches(&silence).await;
    shop.register("u", "rt-1").await;
    let holder = db.begin_worker().await;
    for second in [0, 300] {
        poll(&db, &silence, second).await;
    }
    db.advance(300);
    abandoned(&db, holder).await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "200ms", "its intent came with a heartbeat");
}

async fn hold_leaves_the_token_to_an_operator(db: Db) {
    let endpoint = answering(vec![away()]).await;
    let mut shop = Shop::new(&db, &endpoint.url);
    shop.settings.lost_answer = LostAnswer::Hold;
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    for _ in 0..2 {
        assert_eq!(describe(&shop.access(&vault, "u").await), "Uncertain");
        assert_eq!(shop.row("u").await, (TokenState::Uncertain, None, 1));
        db.advance(24 * 60 * 60);
    }
    assert_eq!(endpoint.presented().len(), 1);
    shop.register("u", "rt-5").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-5");
}

async fn an_operator_who_says_retry_finds_out(db: Db) {
    for (answer, access, row) in [
        (rotated("rt-1"), "at-rt-1", ACTIVE(2)),
        ((400, json!({"error": "invalid_grant"})), "ReauthRequired", dead(DeadReason::AnswerLost, 1)),
        (away(), "Uncertain", (TokenState::Uncertain, None, 1)),
    ] {
        let endpoint = answering(vec![away(), answer]).await;
        let mut shop = Shop::new(&db, &endpoint.url);
        shop.settings.lost_answer = LostAnswer::Hold;
        let (vault, _) = shop.process().await;
        shop.register("u", "rt-1").await;
        assert_eq!(describe(&shop.access(&vault, "u").await), "Uncertain");
        shop.registry().resolve(&UserKey::new("shop", "u"), Resolution::Retry).await.unwrap();
        // The first request may still be on its way, whatever the operator decides.
        assert_eq!(describe(&shop.access(&vault, "u").await), "10s");
        db.advance(10);
        assert_eq!(describe(&shop.access(&vault, "u").await), access);
        assert_eq!((shop.row("u").await, endpoint.presented().len()), (row, 2));
        db.execute(
            "DELETE FROM exchanges; DELETE FROM tokens; DELETE FROM known_tokens; DELETE FROM cached_tokens",
        )
        .await;
    }
}

async fn an_operator_who_says_dead_ends_it(db: Db) {
    let endpoint = answering(vec![away()]).await;
    let mut shop = Shop::new(&db, &endpoint.url);
    shop.settings.lost_answer = LostAnswer::Hold;
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "Uncertain");
    shop.registry().resolve(&UserKey::new("shop", "u"), Resolution::Dead).await.unwrap();
    db.advance(24 * 60 * 60);
    assert_eq!(describe(&shop.access(&vault, "u").await), "ReauthRequired");
    assert_eq!((shop.row("u").await, endpoint.presented().len()), (dead(DeadReason::AnswerLost, 1), 1));
}

async fn hold_counts_for_dead_processes_too(db: Db) {
    let endpoint = answering(vec![]).await;
    let mut shop = Shop::new(&db, &endpoint.url);
    shop.settings.lost_answer = LostAnswer::Hold;
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let dying = db.begin_worker().await;
    abandoned(&db, dying).await;
    db.store.end_worker(dying).await.unwrap();
    for _ in 0..2 {
        assert_eq!(describe(&shop.access(&vault, "u").await), "Uncertain");
        assert_eq!(shop.row("u").await, (TokenState::Uncertain, None, 1));
    }
    assert!(endpoint.presented().is_empty());
}

async fn tidying_closes_only_what_nobody_holds(db: Db) {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let closed = std::sync::Arc::clone(&gate);
    let endpoint = Endpoint::start(move |token| {
        let gate = std::sync::Arc::clone(&closed);
        async move {
            gate.acquire().await.unwrap().forget();
            rotated(&token)
        }
    })
    .await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, holder) = shop.process().await;
    let other = db.begin_worker().await;
    for (user, token) in [("a", "rt-11"), ("u", "rt-21"), ("z", "rt-1")] {
        shop.register(user, token).await;
    }
    let (claim, _) = intended(&db, "a", other).await;
    claim.release().await;
    abandoned(&db, holder).await;
    let waiting = {
        let (shop, vault) = (shop.clone(), vault.clone());
        tokio::spawn(async move { shop.access(&vault, "z").await })
    };
    endpoint.reached(1).await;
    let metrics = metrics(&shop);
    let lost = async || {
        let told = metrics.render().await;
        let line = told
            .lines()
            .find_map(|line| line.strip_prefix("klarna_worker_lost_answers_total{merchant=\"shop\"} "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = lost().await;
    vault.tidy().await.unwrap();
    assert_eq!(shop.ledger().await, ["-", "no_answer", "-"]);
    assert!(lost().await > before, "it is counted");
    gate.add_permits(1);
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    vault.tidy().await.unwrap();
    assert_eq!(shop.ledger().await, ["-", "no_answer", "rotated"]);
}

/// Returns the metrics of this process.
fn metrics(shop: &Shop) -> Metrics {
    let sources = Sources {
        stats: shop.db.store.clone(),
        connections: shop.db.store.clone(),
        replica: shop.db.store.clone(),
        providers: shop.db.store.clone(),
        pausing: shop.db.store.clone(),
        keeper: shop.db.store.clone(),
        keys: shop.db.store.clone(),
        schema: shop.db.store.schema(),
        secrets: Arc::clone(&shop.secrets),
        clock: shop.db.clock.clone(),
        merchants: BTreeMap::from([(shop.merchant.name.clone(), Arc::clone(&shop.merchant))]).into(),
        worker_lost_after: Duration::from_secs(10),
        expiring_within: Duration::from_secs(10),
        breakers: Box::new(Vec::new),
        exchanges: Box::new(Exchanges::default),
        spool_files: Box::new(|| 0),
    };
    Metrics::new(sources).unwrap()
}

/// An exchange may end after its open intent was read, and before it is looked up among those in
/// flight.
async fn tidying_takes_no_exchange_that_ends_meanwhile_for_abandoned(db: Db) {
    let log = Log::default();
    let _guard = log.listen();
    let endpoint = answering(Vec::new()).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    let users: Vec<String> = (0..20).map(|user| format!("u-{user}")).collect();
    for (number, user) in users.iter().enumerate() {
        shop.register(user, &format!("rt-{}", number * 100)).await;
    }
    let exchanges = async {
        for _ in 0..ROUNDS {
            for access in join_all(users.iter().map(|user| shop.access(&vault, user))).await {
                assert!(describe(&access).starts_with("at-"), "{access:?}");
            }
        }
    };
    let tidying = async {
        loop {
            vault.tidy().await.unwrap();
        }
    };
    tokio::select! {
        () = exchanges => {}
        () = tidying => {}
    }
    assert_eq!(shop.ledger().await, vec!["rotated"; ROUNDS * users.len()]);
    assert!(!log.text().contains("task panicked"), "an exchange that had ended was taken for abandoned");
}
