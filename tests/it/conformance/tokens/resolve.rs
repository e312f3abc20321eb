//! Operators' decisions about tokens whose answer was lost.

use klarna_order_worker::ids::{TokenId, UserKey};
use klarna_order_worker::store::{Doubtful, DueFilter};
use klarna_order_worker::token::{
    DeadReason, ExchangeResult, Note, Resolution, Resolved, Settled, TokenState,
};

use super::{claim, end, intended, new_token, register, row, successor, view};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_retry_makes_an_uncertain_token_active,
    a_dead_one_says_why_and_still_gives_way_to_a_late_successor,
    only_an_uncertain_token_waits_for_a_decision,
    one_to_be_presented_is_due_at_once,
    all_are_resolved_in_batches,
    of_all_only_those_that_the_filters_leave,
];

const LOST: ExchangeResult = ExchangeResult::NoAnswer { travelling: true, hold: true };

async fn uncertain(db: &Db, user: &str) -> klarna_order_worker::token::Intent {
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
    let resolved = db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Retry).await.unwrap();
    let Resolved::Done(view) = resolved else { panic!("{resolved:?}") };
    assert_eq!((view.state, view.reason, view.generation), (TokenState::Active, None, 1));
    assert_eq!(view.updated_at, db.clock.now());
    assert_eq!(row(&db, "v").await, (TokenState::Uncertain, None, 1), "another's token was resolved too");
    // The lost answer stays in the ledger: an `invalid_grant` now would have the reason
    // `answer_lost`.
    let claim = claim(&*db.store, "u").await;
    assert_eq!((claim.token().answer_lost, claim.token().sealed.as_deref()), (true, Some(&[1][..])));
    claim.release().await;
}

async fn a_dead_one_says_why_and_still_gives_way_to_a_late_successor(db: Db) {
    let intent = uncertain(&db, "u").await;
    let resolved = db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Dead).await.unwrap();
    assert!(matches!(resolved, Resolved::Done(_)), "{resolved:?}");
    assert_eq!(row(&db, "u").await, (TokenState::ReauthRequired, Some(DeadReason::AnswerLost), 1));
    let late = end(&db, &intent, successor(&db, 2));
    assert_eq!(db.store.settle_exchange(&late).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
}

async fn only_an_uncertain_token_waits_for_a_decision(db: Db) {
    for resolution in [Resolution::Retry, Resolution::Dead] {
        let resolved = db.store.resolve_token(&UserKey::new("shop", "nobody"), resolution).await.unwrap();
        assert!(matches!(resolved, Resolved::Missing), "{resolved:?}");
    }
    register(&db, "u", 1).await;
    db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Dead).await.unwrap();
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
    let (claim, intent) = intended(&db, "u", db.begin_worker().await).await;
    claim.settle(&end(&db, &intent, ExchangeResult::Rejected(DeadReason::Rejected))).await.unwrap();
    let resolved = db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Retry).await.unwrap();
    let Resolved::NotUncertain(view) = resolved else { panic!("{resolved:?}") };
    assert_eq!((view.state, view.reason), (TokenState::ReauthRequired, Some(DeadReason::Rejected)));
    db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap();
    db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Retry).await.unwrap();
    assert_eq!(row(&db, "u").await, (TokenState::Forgotten, None, 2));
}

async fn one_to_be_presented_is_due_at_once(db: Db) {
    uncertain(&db, "u").await;
    db.advance(5);
    let resolved = db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Present).await.unwrap();
    let Resolved::Done(view) = resolved else { panic!("{resolved:?}") };
    assert_eq!(
        (view.state, view.generation, view.refresh_due_at),
        (TokenState::Active, 1, Some(db.clock.now()))
    );
    // The note prevents `tokens replan` from moving the date.
    assert_eq!((view.refresh_failures, view.refresh_note), (0, Some(Note::NoAnswer)));
    let due = DueFilter { by: db.clock.now(), merchant: None, except: Vec::new(), after: None, limit: 9 };
    let due = db.store.due_tokens(&due).await.unwrap().tokens;
    assert_eq!(due.iter().map(|token| token.user.as_str()).collect::<Vec<_>>(), ["u"]);
    let claim = claim(&*db.store, "u").await;
    assert_eq!(claim.token().refresh_due_at, Some(db.clock.now()), "the claim asks again whether it is due");
    claim.release().await;
}

/// Applies a decision in batches to the end. Returns how many tokens each batch had.
async fn batches(db: &Db, which: &Doubtful, resolution: Resolution, limit: u32) -> Vec<u64> {
    let (mut batches, mut last) = (Vec::new(), TokenId::START);
    while let Some((count, id)) = db.store.resolve_tokens(which, resolution, last, limit).await.unwrap() {
        batches.push(count);
        last = id;
    }
    batches
}

async fn all_are_resolved_in_batches(db: Db) {
    let late = uncertain(&db, "a").await;
    for user in ["b", "c", "d", "e"] {
        uncertain(&db, user).await;
    }
    register(&db, "active", 7).await;
    register(&db, "forgotten", 7).await;
    db.store.forget_token(&UserKey::new("shop", "forgotten")).await.unwrap();
    let all = Doubtful::default();
    assert_eq!(db.store.count_uncertain(&all).await.unwrap(), 5);
    // After the first batch and an interruption, the other tokens wait for the next run.
    assert_eq!(
        db.store.resolve_tokens(&all, Resolution::Present, TokenId::START, 2).await.unwrap().unwrap().0,
        2
    );
    assert_eq!(db.store.count_uncertain(&all).await.unwrap(), 3);
    assert_eq!(batches(&db, &all, Resolution::Dead, 2).await, [2, 1]);
    assert_eq!((db.store.count_uncertain(&all).await.unwrap(), db.count("tokens").await), (0, 7));
    for (user, expected) in [
        ("a", (TokenState::Active, None, 1)),
        ("b", (TokenState::Active, None, 1)),
        ("c", (TokenState::ReauthRequired, Some(DeadReason::AnswerLost), 1)),
        ("e", (TokenState::ReauthRequired, Some(DeadReason::AnswerLost), 1)),
        ("active", (TokenState::Active, None, 1)),
        ("forgotten", (TokenState::Forgotten, None, 2)),
    ] {
        assert_eq!(row(&db, user).await, expected, "{user}");
    }
    assert_eq!(view(&db, "b").await.refresh_due_at, Some(db.clock.now()));
    assert_ne!(view(&db, "active").await.refresh_due_at, Some(db.clock.now()), "it waited for no decision");
    assert_eq!(
        db.store.settle_exchange(&end(&db, &late, successor(&db, 2))).await.unwrap(),
        Settled::Written
    );
    assert_eq!(row(&db, "a").await, (TokenState::Active, None, 2));
}

async fn of_all_only_those_that_the_filters_leave(db: Db) {
    uncertain(&db, "early").await;
    let other =
        klarna_order_worker::token::NewToken { owner: UserKey::new("other", "o"), ..new_token(&db, "o", 9) };
    db.store.register_token(&other).await.unwrap();
    db.execute("UPDATE tokens SET state = 'uncertain' WHERE merchant = 'other'").await;
    db.advance(60);
    let since = db.clock.now();
    uncertain(&db, "late").await;
    let count = async |which: &Doubtful| db.store.count_uncertain(which).await.unwrap();
    let before = Doubtful { merchant: Some("shop".into()), before: Some(since) };
    assert_eq!((count(&before).await, batches(&db, &before, Resolution::Retry, 9).await), (1, vec![1]));
    assert_eq!(row(&db, "early").await.0, TokenState::Active);
    let shops = Doubtful { merchant: Some("shop".into()), before: None };
    assert_eq!((count(&shops).await, batches(&db, &shops, Resolution::Retry, 9).await), (1, vec![1]));
    assert_eq!(row(&db, "late").await.0, TokenState::Active);
    assert_eq!(count(&Doubtful::default()).await, 1, "another merchant's was resolved too");
}
