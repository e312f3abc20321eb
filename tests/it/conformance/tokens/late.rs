//! Ends that arrive late: after a sign-in, after forgetting, or after the holder was considered
//! dead.

use klarna_order_worker::config::LostAnswer;
use klarna_order_worker::ids::{UserKey, WorkerId};
use klarna_order_worker::token::{DeadReason, ExchangeResult, Intent, Registered, Settled, TokenState};

use super::{cached, claim, end, intended, new_token, outcome, register, row, successor};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_successor_after_a_sign_in_is_superseded,
    a_successor_after_forgetting_is_superseded,
    no_end_touches_a_row_that_moved_on,
    a_late_successor_replaces_an_uncertain_token,
    a_late_successor_replaces_one_thought_dead,
    a_rejection_counts_only_under_an_open_intent_of_its_own,
    a_successor_found_again_after_two_more_rotations_is_old,
    a_store_repeated_after_another_rotation_finds_itself_done,
];

/// Returns the intent of an exchange whose claim is gone, so that its end needs a transaction of
/// its own.
async fn in_flight(db: &Db, holder: WorkerId) -> Intent {
    let (claim, intent) = intended(db, "u", holder).await;
    claim.release().await;
    intent
}

async fn a_successor_after_a_sign_in_is_superseded(db: Db) {
    register(&db, "u", 1).await;
    let intent = in_flight(&db, db.begin_worker().await).await;
    register(&db, "u", 2).await;
    let late = end(&db, &intent, successor(&db, 3));
    for _ in 0..2 {
        assert_eq!(db.store.settle_exchange(&late).await.unwrap(), Settled::Superseded);
        assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
        assert_eq!(outcome(&db, &intent).await.as_deref(), Some("superseded"));
        assert!(!cached(&db, &intent).await);
    }
    let claim = claim(&*db.store, "u").await;
    assert_eq!(claim.token().sealed.as_deref(), Some(&[2][..]));
    claim.release().await;
    // It was received, so it cannot be brought in from outside either.
    assert!(matches!(db.store.register_token(&new_token(&db, "u", 3)).await.unwrap(), Registered::Known(_)));
}

async fn a_successor_after_forgetting_is_superseded(db: Db) {
    register(&db, "u", 1).await;
    let intent = in_flight(&db, db.begin_worker().await).await;
    db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap();
    let late = end(&db, &intent, successor(&db, 3));
    assert_eq!(db.store.settle_exchange(&late).await.unwrap(), Settled::Superseded);
    assert_eq!(row(&db, "u").await, (TokenState::Forgotten, None, 2));
    assert_eq!(db.count("tokens WHERE sealed IS NOT NULL").await, 0);
    assert_eq!(outcome(&db, &intent).await.as_deref(), Some("superseded"));
    assert!(!cached(&db, &intent).await);
}

async fn no_end_touches_a_row_that_moved_on(db: Db) {
    let holder = db.begin_worker().await;
    let results = [
        (ExchangeResult::Unchanged, "unchanged"),
        (ExchangeResult::Rejected(DeadReason::Rejected), "rejected"),
        (ExchangeResult::NoAnswer { travelling: true, hold: false }, "no_answer"),
        (ExchangeResult::NoAnswer { travelling: true, hold: true }, "no_answer"),
    ];
    let mut byte = 0;
    for (result, word) in results {
        for forgotten in [false, true] {
            byte += 2;
            register(&db, "u", byte).await;
            let intent = in_flight(&db, holder).await;
            if forgotten {
                db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap();
            } else {
                register(&db, "u", byte + 1).await;
            }
            let before = row(&db, "u").await;
            let settled = db.store.settle_exchange(&end(&db, &intent, result.clone())).await.unwrap();
            assert_eq!((settled, row(&db, "u").await), (Settled::Superseded, before), "{word}");
            assert_eq!(outcome(&db, &intent).await.as_deref(), Some(word));
            assert!(!cached(&db, &intent).await, "{word}");
        }
    }
}

async fn a_late_successor_replaces_an_uncertain_token(db: Db) {
    register(&db, "u", 1).await;
    let intent = in_flight(&db, db.begin_worker().await).await;
    db.store.close_orphan(intent.exchange, intent.version, LostAnswer::Hold).await.unwrap();
    assert_eq!(row(&db, "u").await, (TokenState::Uncertain, None, 1));
    let late = end(&db, &intent, successor(&db, 2));
    for _ in 0..2 {
        assert_eq!(db.store.settle_exchange(&late).await.unwrap(), Settled::Written);
        assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
        assert!(cached(&db, &intent).await);
    }
    assert_eq!(
        outcome(&db, &intent).await.as_deref(),
        Some("no_answer"),
        "a closed row of the ledger was rewritten"
    );
}

async fn a_late_successor_replaces_one_thought_dead(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let first = in_flight(&db, holder).await;
    db.store.close_orphan(first.exchange, first.version, LostAnswer::Replay).await.unwrap();
    let (claim, second) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &second, ExchangeResult::Rejected(DeadReason::AnswerLost))).await.unwrap();
    assert_eq!(row(&db, "u").await, (TokenState::ReauthRequired, Some(DeadReason::AnswerLost), 1));
    let late = end(&db, &first, successor(&db, 2));
    assert_eq!(db.store.settle_exchange(&late).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
}

async fn a_rejection_counts_only_under_an_open_intent_of_its_own(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let first = in_flight(&db, holder).await;
    db.store.close_orphan(first.exchange, first.version, LostAnswer::Replay).await.unwrap();
    let rejected = ExchangeResult::Rejected(DeadReason::Rejected);
    assert_eq!(
        db.store.settle_exchange(&end(&db, &first, rejected.clone())).await.unwrap(),
        Settled::Superseded
    );
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
    assert_eq!(outcome(&db, &first).await.as_deref(), Some("no_answer"));
    // Nor while another exchange has an open intent.
    let second = in_flight(&db, holder).await;
    assert_eq!(
        db.store.settle_exchange(&end(&db, &first, rejected.clone())).await.unwrap(),
        Settled::Superseded
    );
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
    assert_eq!(db.store.settle_exchange(&end(&db, &second, rejected)).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::ReauthRequired, Some(DeadReason::Rejected), 1));
}

async fn a_successor_found_again_after_two_more_rotations_is_old(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let lost = in_flight(&db, holder).await;
    db.store.close_orphan(lost.exchange, lost.version, LostAnswer::Replay).await.unwrap();
    for byte in [2, 3] {
        let (claim, intent) = intended(&db, "u", holder).await;
        claim.settle(&end(&db, &intent, successor(&db, byte))).await.unwrap();
    }
    let old = end(&db, &lost, successor(&db, 4));
    assert_eq!(db.store.settle_exchange(&old).await.unwrap(), Settled::Superseded);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 3));
    assert_eq!(outcome(&db, &lost).await.as_deref(), Some("no_answer"));
    assert!(!cached(&db, &lost).await);
}

async fn a_store_repeated_after_another_rotation_finds_itself_done(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, first) = intended(&db, "u", holder).await;
    let stored = end(&db, &first, successor(&db, 2));
    claim.settle(&stored).await.unwrap();
    let (claim, second) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &second, successor(&db, 3))).await.unwrap();
    assert_eq!(db.store.settle_exchange(&stored).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 3));
    assert_eq!(outcome(&db, &first).await.as_deref(), Some("rotated"));
}
