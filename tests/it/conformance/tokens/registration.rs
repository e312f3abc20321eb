//! Registering and forgetting tokens.

use chrono::TimeDelta;
use futures::future::join_all;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::store::TokenFilter;
use klarna_order_worker::token::{DeadReason, ExchangeResult, NewToken, Registered, Settled, TokenState};

use super::{cached, end, intended, new_token, register, row, successor, view};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_registration_is_active_under_a_new_generation,
    a_known_token_changes_nothing_ever,
    what_a_rotation_brought_or_spent_is_known,
    an_import_never_overwrites_a_token_issued_later,
    a_registration_ends_reauth_required_and_uncertain,
    forgetting_leaves_a_tombstone_and_generations_go_on,
    forgetting_deletes_what_was_kept_and_who_it_was,
    the_first_subject_noted_stays,
    registrations_at_once_each_get_a_generation,
    equal_registrations_at_once_are_one,
    lists_go_by_merchant_and_user,
];

async fn again(db: &Db, token: &NewToken) -> Registered {
    db.store.register_token(token, false).await.unwrap()
}

async fn a_registration_is_active_under_a_new_generation(db: Db) {
    assert!(db.store.token(&UserKey::new("shop", "u")).await.unwrap().is_none());
    let first = register(&db, "u", 1).await;
    assert_eq!((first.state, first.reason, first.generation), (TokenState::Active, None, 1));
    assert_eq!((first.issued_at, first.updated_at), (Some(db.clock.now()), db.clock.now()));
    assert_eq!(first.expires_at, Some(db.clock.now() + TimeDelta::days(60)));
    assert_eq!(register(&db, "u", 2).await.generation, 2);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
    // The same text is a different token for another user.
    assert_eq!(register(&db, "v", 1).await.generation, 1);
}

async fn a_known_token_changes_nothing_ever(db: Db) {
    register(&db, "u", 1).await;
    register(&db, "u", 2).await;
    let before = format!("{:?}", view(&db, "u").await);
    db.advance(5);
    for byte in [1, 2] {
        let Registered::Known(view) = again(&db, &new_token(&db, "u", byte)).await else { panic!("{byte}") };
        assert_eq!(format!("{view:?}"), before);
    }
    assert!(db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap());
    for byte in [1, 2] {
        let Registered::Known(view) = again(&db, &new_token(&db, "u", byte)).await else { panic!("{byte}") };
        assert_eq!((view.state, view.generation), (TokenState::Forgotten, 3));
    }
}

async fn what_a_rotation_brought_or_spent_is_known(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    assert_eq!(claim.settle(&end(&db, &intent, successor(&db, 2))).await.unwrap(), Settled::Written);
    for byte in [1, 2] {
        assert!(matches!(again(&db, &new_token(&db, "u", byte)).await, Registered::Known(_)), "{byte}");
    }
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
}

async fn an_import_never_overwrites_a_token_issued_later(db: Db) {
    let at = |byte, seconds| {
        let issued_at = db.clock.now() + TimeDelta::seconds(seconds);
        NewToken { issued_at, ..new_token(&db, "u", byte) }
    };
    assert!(matches!(db.store.register_token(&at(1, 10), true).await.unwrap(), Registered::Stored(_)));
    let Registered::Newer(view) = db.store.register_token(&at(2, 9), true).await.unwrap() else { panic!() };
    assert_eq!((view.generation, view.issued_at), (1, Some(at(1, 10).issued_at)));
    // It was not registered, so it is unknown, and a sign-in can register it.
    assert!(matches!(db.store.register_token(&at(2, 9), false).await.unwrap(), Registered::Stored(_)));
    assert!(matches!(db.store.register_token(&at(3, 9), true).await.unwrap(), Registered::Stored(_)));
    // A token that no longer works is replaced even by an older one.
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &intent, ExchangeResult::Rejected(DeadReason::Rejected))).await.unwrap();
    assert!(matches!(db.store.register_token(&at(4, 0), true).await.unwrap(), Registered::Stored(_)));
}

async fn a_registration_ends_reauth_required_and_uncertain(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let dead = ExchangeResult::Rejected(DeadReason::Expired);
    let held = ExchangeResult::NoAnswer { travelling: true, hold: true };
    for (byte, result, state) in [(2, dead, TokenState::ReauthRequired), (3, held, TokenState::Uncertain)] {
        let (claim, intent) = intended(&db, "u", holder).await;
        assert_eq!(claim.settle(&end(&db, &intent, result)).await.unwrap(), Settled::Written);
        assert_eq!(view(&db, "u").await.state, state);
        let view = register(&db, "u", byte).await;
        assert_eq!((view.state, view.reason, view.generation), (TokenState::Active, None, i64::from(byte)));
    }
}

async fn forgetting_leaves_a_tombstone_and_generations_go_on(db: Db) {
    assert!(!db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap());
    register(&db, "u", 1).await;
    assert!(!db.store.forget_token(&UserKey::new("other", "u")).await.unwrap());
    assert!(db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap());
    let tombstone = view(&db, "u").await;
    assert_eq!((tombstone.state, tombstone.generation), (TokenState::Forgotten, 2));
    assert_eq!((tombstone.issued_at, tombstone.expires_at), (None, None));
    assert_eq!(db.count("tokens WHERE sealed IS NOT NULL").await, 0);
    assert!(!db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap());
    assert_eq!(view(&db, "u").await.generation, 2);
    assert_eq!(register(&db, "u", 2).await.generation, 3);
}

async fn forgetting_deletes_what_was_kept_and_who_it_was(db: Db) {
    register(&db, "u", 1).await;
    register(&db, "v", 1).await;
    let holder = db.begin_worker().await;
    let mut intents = Vec::new();
    for user in ["u", "v"] {
        let (claim, intent) = intended(&db, user, holder).await;
        claim.settle(&end(&db, &intent, successor(&db, 2))).await.unwrap();
        db.store.note_subject(&UserKey::new("shop", user), b"subject").await.unwrap();
        intents.push(intent);
    }
    assert!(db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap());
    assert!(!cached(&db, &intents[0]).await);
    assert!(cached(&db, &intents[1]).await);
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, 1);
    db.store.note_subject(&UserKey::new("shop", "u"), b"subject").await.unwrap();
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, 1, "a tombstone learnt who it was");
}

async fn the_first_subject_noted_stays(db: Db) {
    register(&db, "u", 1).await;
    db.store.note_subject(&UserKey::new("shop", "u"), b"first").await.unwrap();
    db.store.note_subject(&UserKey::new("shop", "u"), b"second").await.unwrap();
    let claim = super::claim(&*db.store, "u").await;
    assert_eq!(claim.token().subject.as_deref(), Some(&b"first"[..]));
    claim.release().await;
}

async fn registrations_at_once_each_get_a_generation(db: Db) {
    let other_process = db.open().await;
    let tokens: Vec<_> = (1..=20).map(|byte| new_token(&db, "u", byte)).collect();
    let registered = join_all(tokens.iter().enumerate().map(|(n, token)| {
        let store = if n % 2 == 0 { &db.store } else { &other_process };
        store.register_token(token, false)
    }));
    let mut generations: Vec<_> = registered
        .await
        .into_iter()
        .map(|registered| match registered.unwrap() {
            Registered::Stored(view) => view.generation,
            other => panic!("{other:?}"),
        })
        .collect();
    generations.sort_unstable();
    assert_eq!(generations, (1..=20).collect::<Vec<_>>());
}

async fn equal_registrations_at_once_are_one(db: Db) {
    let other_process = db.open().await;
    let token = new_token(&db, "u", 1);
    let registered = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &db.store } else { &other_process };
        store.register_token(&token, false)
    }));
    let stored = registered.await.into_iter().filter(|one| matches!(one, Ok(Registered::Stored(_)))).count();
    assert_eq!((stored, row(&db, "u").await), (1, (TokenState::Active, None, 1)));
}

async fn lists_go_by_merchant_and_user(db: Db) {
    for (merchant, user) in [("b", "x"), ("a", "z"), ("a", "y"), ("b", "w")] {
        let token = NewToken { owner: UserKey::new(merchant, user), ..new_token(&db, user, 1) };
        db.store.register_token(&token, false).await.unwrap();
    }
    db.store.forget_token(&UserKey::new("b", "w")).await.unwrap();
    let list = |filter: TokenFilter| {
        let db = db.clone();
        async move {
            let tokens = db.store.tokens(&filter).await.unwrap();
            tokens.into_iter().map(|token| format!("{}/{}", token.merchant, token.user)).collect::<Vec<_>>()
        }
    };
    let all = TokenFilter { limit: 100, ..TokenFilter::default() };
    assert_eq!(list(all.clone()).await, ["a/y", "a/z", "b/x"]);
    assert_eq!(list(TokenFilter { limit: 2, ..all.clone() }).await, ["a/y", "a/z"]);
    let after = TokenFilter { after: Some(UserKey::new("a", "z")), ..all.clone() };
    assert_eq!(list(after).await, ["b/x"]);
    assert_eq!(list(TokenFilter { merchant: Some("a".into()), ..all.clone() }).await, ["a/y", "a/z"]);
    assert_eq!(list(TokenFilter { state: Some(TokenState::Forgotten), ..all.clone() }).await, ["b/w"]);
    assert!(list(TokenFilter { state: Some(TokenState::Uncertain), ..all }).await.is_empty());
}
