//! Registering and forgetting tokens.

use chrono::TimeDelta;
use futures::future::join_all;
use klarna_order_worker::ids::{Provider, UserKey};
use klarna_order_worker::store::TokenFilter;
use klarna_order_worker::token::{
    DeadReason, ExchangeResult, NewToken, Registered, Settled, SignIn, TokenState,
};

use super::{cached, end, intended, new_token, register, row, successor, view};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_registration_is_active_under_a_new_generation,
    a_known_token_changes_nothing_ever,
    what_a_rotation_brought_or_spent_is_known,
    an_older_sign_in_never_replaces_a_newer_one,
    a_rotation_is_no_sign_in,
    a_token_of_another_row_is_refused_and_its_holder_named,
    one_token_for_many_users_at_once_is_one_users,
    a_token_of_an_adopted_provider_is_known,
    a_registration_ends_reauth_required_and_uncertain,
    forgetting_leaves_a_tombstone_and_generations_go_on,
    forgetting_deletes_what_was_kept_and_who_it_was,
    the_first_subject_noted_stays,
    registrations_at_once_each_get_a_generation,
    equal_registrations_at_once_are_one,
    lists_go_by_merchant_and_user,
];

async fn again(db: &Db, token: &NewToken) -> Registered {
    db.store.register_token(token).await.unwrap()
}

async fn a_registration_is_active_under_a_new_generation(db: Db) {
    assert!(db.store.token(&UserKey::new("shop", "u")).await.unwrap().is_none());
    let first = register(&db, "u", 1).await;
    assert_eq!((first.state, first.reason, first.generation), (TokenState::Active, None, 1));
    assert_eq!((first.issued_at, first.updated_at), (Some(db.clock.now()), db.clock.now()));
    assert_eq!(first.expires_at, Some(db.clock.now() + TimeDelta::days(60)));
    assert_eq!(register(&db, "u", 2).await.generation, 2);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
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

async fn an_older_sign_in_never_replaces_a_newer_one(db: Db) {
    let at = |byte, seconds| {
        let issued_at = db.clock.now() + TimeDelta::seconds(seconds);
        NewToken { issued_at, ..new_token(&db, "u", byte) }
    };
    assert!(matches!(again(&db, &at(1, 10)).await, Registered::Stored(_)));
    let Registered::Newer(view) = again(&db, &at(2, 9)).await else { panic!() };
    assert_eq!((view.generation, view.signed_in_at), (1, Some(at(1, 10).issued_at)));
    assert!(matches!(again(&db, &at(3, 10)).await, Registered::Stored(_)));
    // It was not stored, so it is not known.
    assert!(matches!(again(&db, &at(2, 11)).await, Registered::Stored(_)));
    // Whatever became of the newer one.
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &intent, ExchangeResult::Rejected(DeadReason::Rejected))).await.unwrap();
    assert!(matches!(again(&db, &at(4, 0)).await, Registered::Newer(_)));
    assert_eq!(row(&db, "u").await, (TokenState::ReauthRequired, Some(DeadReason::Rejected), 3));
    // A token of unknown age may be older than any.
    let unknown = NewToken { sign_in: SignIn::Unknown, ..at(5, 20) };
    let Registered::Stored(view) = again(&db, &unknown).await else { panic!() };
    assert_eq!(view.signed_in_at, None);
    assert!(matches!(again(&db, &at(6, 0)).await, Registered::Stored(_)));
    assert!(db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap());
    assert!(matches!(again(&db, &at(7, -5)).await, Registered::Stored(_)));
    // Where the shop does not state the time, nothing can tell which sign-in is older.
    let just_now = NewToken { sign_in: SignIn::JustNow, ..at(8, -9) };
    let Registered::Stored(view) = again(&db, &just_now).await else { panic!() };
    assert_eq!(view.signed_in_at, Some(just_now.issued_at));
    assert!(matches!(again(&db, &at(9, -10)).await, Registered::Newer(_)));
}

async fn a_rotation_is_no_sign_in(db: Db) {
    register(&db, "u", 1).await;
    let signed_in = db.clock.now() + TimeDelta::seconds(1);
    db.advance(5);
    let (claim, intent) = intended(&db, "u", db.begin_worker().await).await;
    assert_eq!(claim.settle(&end(&db, &intent, successor(&db, 2))).await.unwrap(), Settled::Written);
    // The shop brings the token of a sign-in that was before the rotation.
    let token = NewToken { issued_at: signed_in, ..new_token(&db, "u", 3) };
    let Registered::Stored(view) = again(&db, &token).await else { panic!() };
    assert_eq!((view.generation, view.signed_in_at), (3, Some(signed_in)));
}

async fn a_token_of_another_row_is_refused_and_its_holder_named(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &intent, successor(&db, 2))).await.unwrap();
    let refused = async |owner: &UserKey, byte| {
        let token = NewToken { owner: owner.clone(), ..new_token(&db, "u", byte) };
        let Registered::HeldElsewhere(holder) = again(&db, &token).await else { panic!("{owner:?} {byte}") };
        assert_eq!(holder, UserKey::new("shop", "u"));
    };
    // What was spent, and what is current; for a user without a row and for one with a token.
    register(&db, "v", 9).await;
    for owner in [UserKey::new("shop", "v"), UserKey::new("shop", "w"), UserKey::new("other", "u")] {
        refused(&owner, 1).await;
        refused(&owner, 2).await;
    }
    assert_eq!((row(&db, "v").await, row(&db, "u").await.2), ((TokenState::Active, None, 1), 2));
    assert_eq!(db.count("tokens").await, 2, "a refusal left a row behind");
    // Forgetting frees nothing: the token may have been spent. Erasure leaves no trace of it.
    assert!(db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap());
    refused(&UserKey::new("shop", "v"), 2).await;
    db.store.erase_user(&UserKey::new("shop", "u")).await.unwrap();
    let token = NewToken { owner: UserKey::new("shop", "v"), ..new_token(&db, "u", 2) };
    assert!(matches!(again(&db, &token).await, Registered::Stored(_)));
}

async fn one_token_for_many_users_at_once_is_one_users(db: Db) {
    let other_process = db.open().await;
    let tokens: Vec<_> = (0..20)
        .map(|n| NewToken { owner: UserKey::new("shop", format!("u-{n}")), ..new_token(&db, "u", 1) })
        .collect();
    let registered = join_all(tokens.iter().enumerate().map(|(n, token)| {
        let store = if n % 2 == 0 { &db.store } else { &other_process };
        store.register_token(token)
    }));
    let registered: Vec<_> = registered.await.into_iter().map(Result::unwrap).collect();
    let stored = registered.iter().filter(|one| matches!(one, Registered::Stored(_))).count();
    let refused = registered.iter().filter(|one| matches!(one, Registered::HeldElsewhere(_))).count();
    assert_eq!((stored, refused), (1, 19));
    assert_eq!((db.count("tokens").await, db.count("known_tokens").await), (1, 1));
}

async fn a_token_of_an_adopted_provider_is_known(db: Db) {
    let [old, between, new] = ["old", "between", "new"].map(|host| Provider::new(host, "client"));
    let of = |user: &str, provider, byte| NewToken {
        provider,
        owner: UserKey::new("shop", user),
        ..new_token(&db, "u", byte)
    };
    assert!(matches!(again(&db, &of("u", old, 1)).await, Registered::Stored(_)));
    assert!(matches!(again(&db, &of("v", between, 2)).await, Registered::Stored(_)));
    db.store.join_providers(between, old).await.unwrap();
    db.store.join_providers(new, between).await.unwrap();
    for provider in [old, between, new] {
        for (user, byte) in [("u", 1), ("v", 2)] {
            assert!(
                matches!(again(&db, &of(user, provider, byte)).await, Registered::Known(_)),
                "{user} {provider}"
            );
            assert!(
                matches!(again(&db, &of("w", provider, byte)).await, Registered::HeldElsewhere(_)),
                "{provider}"
            );
        }
    }
    let strange = Provider::new("strange", "client");
    assert!(matches!(again(&db, &of("w", strange, 1)).await, Registered::Stored(_)));
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
        store.register_token(token)
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
        store.register_token(&token)
    }));
    let stored = registered.await.into_iter().filter(|one| matches!(one, Ok(Registered::Stored(_)))).count();
    assert_eq!((stored, row(&db, "u").await), (1, (TokenState::Active, None, 1)));
}

async fn lists_go_by_merchant_and_user(db: Db) {
    for (merchant, user) in [("b", "x"), ("a", "z"), ("a", "y"), ("b", "w")] {
        let token = NewToken { owner: UserKey::new(merchant, user), ..new_token(&db, user, 1) };
        db.store.register_token(&token).await.unwrap();
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
