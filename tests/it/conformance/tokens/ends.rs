//! What each end of an exchange stores. Storing it again changes nothing.

use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::config::LostAnswer;
use klarna_order_worker::ids::{PresentationNumber, UserKey};
use klarna_order_worker::store::Renamed;
use klarna_order_worker::token::{
    CachedFor, CachedTokens, DeadReason, ExchangeResult, Outcome, Settled, TokenState,
};
use uuid::Uuid;

use super::super::orders::{insert, order};
use super::{
    cached, cached_for, claim, end, exchange_for, intended, outcome, provider, register, row, successor, view,
};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_successor_takes_the_place_of_the_token_it_came_for,
    unchanged_keeps_the_token_and_what_it_brought,
    unchanged_makes_an_uncertain_token_good,
    a_rejected_token_is_dead_for_its_reason,
    what_was_not_processed_changes_no_token,
    no_answer_is_remembered_for_the_grant,
    no_answer_holds_the_token_where_asked,
    a_settled_exchange_settles_to_the_same_again,
    a_later_exchange_for_the_same_order_replaces_what_is_kept,
    what_is_kept_needs_no_order_of_its_own_kind,
    what_is_kept_is_given_for_the_orders_own_user_alone,
];

async fn a_successor_takes_the_place_of_the_token_it_came_for(db: Db) {
    register(&db, "u", 1).await;
    db.store.note_subject(&UserKey::new("shop", "u"), b"s").await.unwrap();
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    let came = db.clock.now();
    let end = end(&db, &intent, successor(&db, 2));
    db.advance(3);
    assert_eq!(claim.settle(&end).await.unwrap(), Settled::Written);

    let view = view(&db, "u").await;
    assert_eq!((view.state, view.reason, view.generation), (TokenState::Active, None, 2));
    assert_eq!((view.issued_at, view.expires_at), (Some(came), Some(came + TimeDelta::days(60))));
    assert_eq!(view.updated_at, db.clock.now());
    assert_eq!(outcome(&db, &intent).await.as_deref(), Some("rotated"));
    let CachedTokens { cached_for, sealed, received_at, good_until, now, subject } =
        self::cached_for(&db, "u", intent.purpose.id).await.unwrap();
    let expected = CachedFor {
        purpose: intent.purpose.id,
        merchant: "shop".into(),
        token: intent.version.token,
        grant_generation: 1,
        provider: provider(),
    };
    assert_eq!((cached_for, &sealed[..]), (expected, &intent.exchange.as_uuid().as_bytes()[..]));
    assert_eq!((received_at, good_until, now), (came, came + TimeDelta::seconds(299), db.clock.now()));
    assert_eq!(subject.as_deref(), Some(&b"s"[..]));
}

async fn unchanged_keeps_the_token_and_what_it_brought(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    assert_eq!(claim.settle(&end(&db, &intent, ExchangeResult::Unchanged)).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
    assert_eq!(outcome(&db, &intent).await.as_deref(), Some("unchanged"));
    assert!(cached(&db, &intent).await);
    let (claim, next) = intended(&db, "u", holder).await;
    assert_eq!((claim.token().sealed.as_deref(), next.presentation), (Some(&[1][..]), PresentationNumber(2)));
    claim.release().await;
}

async fn unchanged_makes_an_uncertain_token_good(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    claim.release().await;
    db.store.close_orphan(intent.exchange, intent.version, LostAnswer::Hold).await.unwrap();
    let late = end(&db, &intent, ExchangeResult::Unchanged);
    assert_eq!(db.store.settle_exchange(&late).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
}

async fn a_rejected_token_is_dead_for_its_reason(db: Db) {
    let holder = db.begin_worker().await;
    for (user, reason) in
        [("a", DeadReason::Rejected), ("b", DeadReason::AnswerLost), ("c", DeadReason::Expired)]
    {
        register(&db, user, 1).await;
        let (claim, intent) = intended(&db, user, holder).await;
        let end = end(&db, &intent, ExchangeResult::Rejected(reason));
        assert_eq!(claim.settle(&end).await.unwrap(), Settled::Written);
        assert_eq!(row(&db, user).await, (TokenState::ReauthRequired, Some(reason), 1));
        assert_eq!(outcome(&db, &intent).await.as_deref(), Some("rejected"));
    }
}

async fn what_was_not_processed_changes_no_token(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let before = format!("{:?}", view(&db, "u").await);
    db.advance(1);
    for (result, word) in [(ExchangeResult::NotSent, "not_sent"), (ExchangeResult::Refused, "refused")] {
        let (claim, intent) = intended(&db, "u", holder).await;
        assert_eq!(claim.settle(&end(&db, &intent, result)).await.unwrap(), Settled::Written);
        assert_eq!(outcome(&db, &intent).await.as_deref(), Some(word));
        assert_eq!(format!("{:?}", view(&db, "u").await), before);
        assert!(!cached(&db, &intent).await);
    }
    let claim = claim(&*db.store, "u").await;
    assert!(!claim.token().answer_lost);
    claim.release().await;
}

async fn no_answer_is_remembered_for_the_grant(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    for travelling in [true, false] {
        let (claim, intent) = intended(&db, "u", holder).await;
        let result = ExchangeResult::NoAnswer { travelling, hold: false };
        assert_eq!(claim.settle(&end(&db, &intent, result)).await.unwrap(), Settled::Written);
        let claim = super::claim(&*db.store, "u").await;
        let latest = &claim.token().presentations[0];
        assert_eq!((latest.outcome, latest.travelling), (Some(Outcome::NoAnswer), travelling));
        assert!(claim.token().answer_lost);
        claim.release().await;
    }
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
    // A rotation belongs to the same grant. A sign-in begins a new one.
    let (claim, intent) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &intent, successor(&db, 2))).await.unwrap();
    let claim = super::claim(&*db.store, "u").await;
    assert!(claim.token().answer_lost && claim.token().presentations.is_empty());
    claim.release().await;
    register(&db, "u", 3).await;
    let claim = super::claim(&*db.store, "u").await;
    assert!(!claim.token().answer_lost);
    claim.release().await;
}

async fn no_answer_holds_the_token_where_asked(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    let held = ExchangeResult::NoAnswer { travelling: false, hold: true };
    assert_eq!(claim.settle(&end(&db, &intent, held)).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Uncertain, None, 1));
    assert_eq!(outcome(&db, &intent).await.as_deref(), Some("no_answer"));
}

async fn a_settled_exchange_settles_to_the_same_again(db: Db) {
    let holder = db.begin_worker().await;
    let results = [
        successor(&db, 2),
        ExchangeResult::Unchanged,
        ExchangeResult::Rejected(DeadReason::Rejected),
        ExchangeResult::NotSent,
        ExchangeResult::Refused,
        ExchangeResult::NoAnswer { travelling: true, hold: false },
        ExchangeResult::NoAnswer { travelling: true, hold: true },
    ];
    for (n, result) in results.into_iter().enumerate() {
        let user = format!("u{n}");
        register(&db, &user, 1).await;
        let (claim, intent) = intended(&db, &user, holder).await;
        let end = end(&db, &intent, result);
        assert_eq!(claim.settle(&end).await.unwrap(), Settled::Written, "{user}");
        let before = (row(&db, &user).await, outcome(&db, &intent).await, cached(&db, &intent).await);
        for _ in 0..2 {
            assert_eq!(db.store.settle_exchange(&end).await.unwrap(), Settled::Written, "{user}");
            let now = (row(&db, &user).await, outcome(&db, &intent).await, cached(&db, &intent).await);
            assert_eq!(now, before, "{user}");
        }
    }
}

async fn a_later_exchange_for_the_same_order_replaces_what_is_kept(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, first) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &first, successor(&db, 2))).await.unwrap();
    let mut claim = super::claim(&*db.store, "u").await;
    let second =
        klarna_order_worker::token::Intent { purpose: first.purpose, ..super::intent(&*claim, holder) };
    claim.intend(&second).await.unwrap();
    claim.settle(&end(&db, &second, successor(&db, 3))).await.unwrap();
    let cached = cached_for(&db, "u", first.purpose.id).await.unwrap();
    assert_eq!(cached.sealed, second.exchange.as_uuid().as_bytes());
}

async fn what_is_kept_needs_no_order_of_its_own_kind(db: Db) {
    assert!(cached_for(&db, "u", Uuid::now_v7().into()).await.is_none());
}

async fn what_is_kept_is_given_for_the_orders_own_user_alone(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    exchange_for(&db, "u", id).await;
    assert!(cached_for(&db, "u", id.into()).await.is_some());
    // A worker that claimed the order before knows the user's former name.
    let renamed = db.store.rename_user(&UserKey::new("shop", "u"), &"new".into(), Duration::ZERO).await;
    assert!(matches!(renamed.unwrap(), Renamed::Done(_)));
    assert!(cached_for(&db, "u", id.into()).await.is_some());
    // Somebody who can write the database gives the order to another user.
    db.execute("UPDATE orders SET user_id = 'v'").await;
    for user in ["u", "v", "new"] {
        assert!(cached_for(&db, user, id.into()).await.is_none(), "{user}");
    }
}
