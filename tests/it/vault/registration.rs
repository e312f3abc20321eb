//! Which of two sign-ins is the later one, where the clocks of shops and processes differ.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use klarna_order_worker::clock::Clock;
use klarna_order_worker::token::{Registered, TokenView};
use klarna_order_worker::vault::{ImportedToken, Registration, Registry};

use super::{ACTIVE, Shop};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_sign_in_through_a_host_whose_clock_is_behind_is_taken,
    a_shop_whose_clock_is_ahead_keeps_no_later_sign_in_out,
    an_import_that_states_the_expiry_alone_is_as_old_as_that_says,
];

fn sign_in(token: &str, issued_at: Option<DateTime<Utc>>) -> Registration {
    Registration { user: "u".into(), refresh_token: token.into(), issued_at, expires_at: None }
}

async fn put(shop: &Shop, registry: &Registry, registration: Registration) -> Registered {
    registry.register(&shop.merchant, &registration).await.unwrap()
}

#[track_caller]
fn stored(registered: Registered) -> TokenView {
    let Registered::Stored(view) = registered else { panic!("{registered:?}") };
    view
}

async fn a_sign_in_through_a_host_whose_clock_is_behind_is_taken(db: Db) {
    let shop = Shop::new(&db, "http://127.0.0.1:1");
    let ahead = Clock::manual(db.clock.now() + TimeDelta::minutes(5));
    let registry = shop.registry_on(db.open_with(&ahead).await);
    let first = stored(put(&shop, &registry, sign_in("rt-1", None)).await);
    assert_eq!(first.signed_in_at, Some(ahead.now()));
    // The next one comes in a minute later, through a host with another clock.
    db.advance(60);
    let second = stored(put(&shop, &shop.registry(), sign_in("rt-2", None)).await);
    assert_eq!((second.signed_in_at, second.generation), (Some(db.clock.now()), 2));
}

async fn a_shop_whose_clock_is_ahead_keeps_no_later_sign_in_out(db: Db) {
    let (shop, now) = (Shop::new(&db, "http://127.0.0.1:1"), db.clock.now());
    let first = stored(put(&shop, &shop.registry(), sign_in("rt-1", Some(now + TimeDelta::hours(1)))).await);
    assert_eq!((first.signed_in_at, first.issued_at), (Some(now), Some(now)));
    assert_eq!(first.expires_at, Some(now + TimeDelta::days(60)), "the token's life is no longer for that");
    db.advance(1);
    stored(put(&shop, &shop.registry(), sign_in("rt-2", Some(db.clock.now()))).await);
    // What was signed in before that still does not replace it.
    let older = put(&shop, &shop.registry(), sign_in("rt-3", Some(now))).await;
    assert!(matches!(older, Registered::Newer(_)), "{older:?}");
    assert_eq!(shop.row("u").await, ACTIVE(2));
}

async fn an_import_that_states_the_expiry_alone_is_as_old_as_that_says(db: Db) {
    let (shop, now) = (Shop::new(&db, "http://127.0.0.1:1"), db.clock.now());
    let import = async |token: &str, age: TimeDelta| {
        let expires_at = Some(now - age + TimeDelta::days(60));
        let registration = Registration { expires_at, ..sign_in(token, None) };
        let token = ImportedToken { merchant: Arc::clone(&shop.merchant), registration };
        let mut outcomes = shop.registry().import(&[token]).await.unwrap();
        outcomes.remove(0).unwrap()
    };
    db.advance(10 * 24 * 3600);
    let view = stored(import("rt-1", TimeDelta::days(3)).await);
    assert_eq!((view.issued_at, view.signed_in_at), (Some(now - TimeDelta::days(3)), view.issued_at));
    // The user has signed in since, and the file is older.
    stored(put(&shop, &shop.registry(), sign_in("rt-2", Some(now))).await);
    let older = import("rt-3", TimeDelta::days(2)).await;
    assert!(matches!(older, Registered::Newer(_)), "{older:?}");
    stored(import("rt-4", TimeDelta::zero()).await);
    assert_eq!(shop.row("u").await, ACTIVE(3));
}
