//! Two operations at the same time that must not disturb each other.

use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::token::{Registered, TokenState};
use klarna_order_worker::vault::{Access, Registration};
use test_support::program::until;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::in_flight::{Gated, answers, waiting};
use super::{ACTIVE, Shop, an_order, describe, ready};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, both_engines, postgres_alone};

both_engines![
    a_registration_repeated_after_a_rotation_brings_no_spent_token_back,
    forgetting_and_a_new_sign_in_meanwhile_win_whatever_the_answer,
    a_token_registered_in_mid_exchange_again_changes_nothing,
];
postgres_alone![
    a_claim_whose_connection_dies_before_its_intent_presents_no_token_twice,
    an_exchange_that_waits_keeps_no_other_of_its_session_from_its_store,
];

async fn registered_again(shop: &Shop, token: &str) -> Registered {
    let registration =
        Registration { user: "u".into(), refresh_token: token.into(), issued_at: None, expires_at: None };
    shop.registry().register(&shop.merchant, &registration).await.unwrap()
}

async fn a_registration_repeated_after_a_rotation_brings_no_spent_token_back(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    ready(shop.access(&vault, "u").await);
    // The spent token, and its successor, which a shop could only have from a backup of the
    // database.
    for token in ["rt-1", "rt-2"] {
        let again = registered_again(&shop, token).await;
        let Registered::Known(view) = again else { panic!("{again:?}") };
        assert_eq!((view.state, view.generation), (TokenState::Active, 2));
    }
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-2");
    assert_eq!(endpoint.presented(), ["rt-1", "rt-2"]);
}

async fn a_token_registered_in_mid_exchange_again_changes_nothing(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let waiting = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    assert!(matches!(registered_again(&shop, "rt-1").await, Registered::Known(_)));
    klarna.answer_one();
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    assert_eq!(shop.row("u").await, ACTIVE(2));
}

async fn forgetting_and_a_new_sign_in_meanwhile_win_whatever_the_answer(db: Db) {
    for answer in answers() {
        let meanwhile = answer.clone();
        let klarna =
            Gated::start(move |token| if token == "rt-1" { meanwhile.clone() } else { rotated(token) }).await;
        let shop = Shop::new(&db, &klarna.endpoint.url);
        let (vault, _) = shop.process().await;
        shop.register("u", "rt-1").await;
        let order = an_order();
        let waiting = waiting(&shop, &vault, "u", order);
        klarna.endpoint.reached(1).await;
        assert!(shop.registry().forget(&UserKey::new("shop", "u")).await.unwrap());
        shop.register("u", "rt-50").await;
        klarna.answer_one();
        assert_eq!(describe(&waiting.await.unwrap()), "200ms", "{answer:?}");
        // Generations continue after the tombstone, so the end of the first grant's exchange fits
        // none.
        assert_eq!((shop.row("u").await, db.count("cached_tokens").await), (ACTIVE(3), 0), "{answer:?}");
        klarna.answer_one();
        assert_eq!(describe(&shop.access_for(&vault, "u", order).await), "at-rt-50", "{answer:?}");
        db.execute(
            "DELETE FROM exchanges; DELETE FROM tokens; DELETE FROM known_tokens; DELETE FROM cached_tokens",
        )
        .await;
    }
}

/// Both processes believe that they hold the claim. The ledger allows only one of them to send.
async fn a_claim_whose_connection_dies_before_its_intent_presents_no_token_twice(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    let (elsewhere, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let mut ledger = db.raw().await;
    // A wait for the ledger ends after a second. On a busy machine, that of the first may end
    // before the second waits.
    let mut tries = 0;
    let (first, second) = loop {
        tries += 1;
        assert!(tries <= 20, "the second intent never came within the first one's second");
        ledger.execute("BEGIN; LOCK TABLE exchanges IN EXCLUSIVE MODE").await;
        let first = waiting(&shop, &vault, "u", an_order());
        if intents_waiting(&db, 1, &first).await {
            crate::conformance::pg::kill_claims(&db).await;
            let second = waiting(&shop, &elsewhere, "u", an_order());
            if intents_waiting(&db, 2, &first).await && intents_waiting(&db, 2, &second).await {
                ledger.execute("COMMIT").await;
                break (first, second);
            }
            second.await.unwrap();
        }
        first.await.unwrap();
        ledger.execute("ROLLBACK").await;
    };
    klarna.endpoint.reached(1).await;
    klarna.answer_one();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    let fetched = [&first, &second].into_iter().filter(|access| matches!(access, Access::Ready(_))).count();
    assert_eq!(fetched, 1, "{first:?} {second:?}");
    vault.wait_until_idle().await;
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(2), vec!["rotated".to_owned()]));
    assert_eq!(klarna.endpoint.presented(), ["rt-1"]);
}

/// Waits until so many intents wait for the ledger, or until one of them has ended without.
async fn intents_waiting(db: &Db, count: u64, one: &JoinHandle<Access>) -> bool {
    let blocked = "pg_locks WHERE NOT granted AND relation = 'exchanges'::regclass \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while db.count(blocked).await != count {
        if one.is_finished() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

async fn an_exchange_that_waits_keeps_no_other_of_its_session_from_its_store(db: Db) {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let endpoint = Endpoint::start(move |token| {
        let gate = Arc::clone(&closed);
        async move {
            if token == "rt-1" {
                gate.acquire().await.unwrap().forget();
            }
            rotated(&token)
        }
    })
    .await;
    let shop = Shop::new(&db, &endpoint.url);
    let (vault, _) = shop.process().await;
    for (user, token) in [("slow", "rt-1"), ("u", "rt-100"), ("v", "rt-200")] {
        shop.register(user, token).await;
    }
    let slow = waiting(&shop, &vault, "slow", an_order());
    endpoint.reached(1).await;
    for user in ["u", "v"] {
        ready(shop.access(&vault, user).await);
        assert_eq!(shop.row(user).await, ACTIVE(2));
    }
    let sessions = "count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    // A commit frees all locks of its session, which then takes those that it needs again.
    until("the lock", Duration::from_mins(1), async || db.value(sessions).await.as_deref() != Some("0"))
        .await;
    assert_eq!((vault.in_flight(), db.value(sessions).await.as_deref()), (1, Some("1")));
    assert_eq!((slow.is_finished(), shop.row("slow").await), (false, ACTIVE(1)));
    gate.add_permits(1);
    ready(slow.await.unwrap());
    assert_eq!(shop.row("slow").await, ACTIVE(2));
}
