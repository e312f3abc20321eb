//! What an operator decides about a token whose answer is lost.

use klarna_order_worker::store::{DeadReason, ExchangeResult, Resolution, Resolved, Settled, TokenState};

use super::{claim, end, intended, register, row, successor};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_retry_makes_an_uncertain_token_active,
    a_dead_one_says_why_and_still_gives_way_to_a_late_successor,
    only_an_uncertain_token_waits_for_a_decision,
];

const LOST: ExchangeResult = ExchangeResult::NoAnswer { travelling: true, hold: true };

async fn uncertain(db: &Db, user: &str) -> klarna_order_worker::store::Intent {
    register(db, user, 1).await;
    let (claim, intent) = intended(db, user, db.begin_worker().await).await;
    assert_eq!(claim.settle(&end(db, &intent, LOST)).await.unwrap(), Settled::Written);
    assert_eq!(row(db, user).await, (TokenState::Uncertain, None, 1));
    intent
}

async fn a_retry_makes_an_uncertain_token_active(db: Db) {
    uncertain(&db, "u").await;
    uncertain(&db, "v").await;
    db.advance(5);
    let resolved = db.store.resolve_token("shop", "u", Resolution::Retry).await.unwrap();
    let Resolved::Done(view) = resolved else { panic!("{resolved:?}") };
    assert_eq!((view.state, view.reason, view.generation), (TokenState::Active, None, 1));
    assert_eq!(view.updated_at, db.clock.now());
    assert_eq!(row(&db, "v").await, (TokenState::Uncertain, None, 1), "another's token was resolved too");
    // What happened before is not forgotten: an `invalid_grant` now would be the lost answer's.
    let claim = claim(&*db.store, "u").await;
    assert_eq!((claim.token().answer_lost, claim.token().sealed.as_deref()), (true, Some(&[1][..])));
    claim.release().await;
}

async fn a_dead_one_says_why_and_still_gives_way_to_a_late_successor(db: Db) {
    let intent = uncertain(&db, "u").await;
    let resolved = db.store.resolve_token("shop", "u", Resolution::Dead).await.unwrap();
    assert!(matches!(resolved, Resolved::Done(_)), "{resolved:?}");
    assert_eq!(row(&db, "u").await, (TokenState::ReauthRequired, Some(DeadReason::AnswerLost), 1));
    let late = end(&db, &intent, successor(&db, 2));
    assert_eq!(db.store.settle_exchange(&late).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
}

async fn only_an_uncertain_token_waits_for_a_decision(db: Db) {
    for resolution in [Resolution::Retry, Resolution::Dead] {
        let resolved = db.store.resolve_token("shop", "nobody", resolution).await.unwrap();
        assert!(matches!(resolved, Resolved::Missing), "{resolved:?}");
    }
    register(&db, "u", 1).await;
    db.store.resolve_token("shop", "u", Resolution::Dead).await.unwrap();
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
    let (claim, intent) = intended(&db, "u", db.begin_worker().await).await;
    claim.settle(&end(&db, &intent, ExchangeResult::Rejected(DeadReason::Rejected))).await.unwrap();
    let resolved = db.store.resolve_token("shop", "u", Resolution::Retry).await.unwrap();
    let Resolved::NotUncertain(view) = resolved else { panic!("{resolved:?}") };
    assert_eq!((view.state, view.reason), (TokenState::ReauthRequired, Some(DeadReason::Rejected)));
    db.store.forget_token("shop", "u").await.unwrap();
    db.store.resolve_token("shop", "u", Resolution::Retry).await.unwrap();
    assert_eq!(row(&db, "u").await, (TokenState::Forgotten, None, 2));
}
