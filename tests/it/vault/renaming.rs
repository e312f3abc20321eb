//! A user is renamed while a token of theirs is at Klarna.

use std::future::pending;
use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::ids::{UserId, UserKey};
use klarna_order_worker::store::Renamed;
use klarna_order_worker::token::IfDue;
use klarna_order_worker::vault::Refreshed;
use uuid::Uuid;

use super::in_flight::{Gated, waiting};
use super::{ACTIVE, Shop, an_order, describe};
use crate::support::klarna::rotated;
use crate::support::stores::{Db, both_engines};

both_engines![a_token_at_klarna_comes_home_to_the_new_name];

async fn a_token_at_klarna_comes_home_to_the_new_name(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("old", "rt-1").await;
    let rename = async |from: &str, to: &str| {
        let renamed = db
            .store
            .rename_user(&UserKey::new("shop", from), &UserId::from(to), Duration::ZERO)
            .await
            .unwrap();
        assert!(matches!(renamed, Renamed::Done(moved) if moved.token), "{renamed:?}");
    };
    // An order's exchange. (No order row here: whether one is waited for is the store's test.)
    let order = an_order();
    let asking = waiting(&shop, &vault, "old", order);
    klarna.endpoint.reached(1).await;
    rename("old", "new").await;
    klarna.answer_one();
    assert_eq!(describe(&asking.await.unwrap()), "at-rt-1");
    assert_eq!(shop.row("new").await, ACTIVE(2));
    // The keeper's.
    let by = db.clock.now() + TimeDelta::days(60);
    let sweeping = {
        let (shop, vault) = (shop.clone(), vault.clone());
        let if_due = IfDue { by, issued_before: by };
        tokio::spawn(async move {
            vault.refresh(&shop.merchant, &"new".into(), Uuid::now_v7().into(), if_due, pending()).await
        })
    };
    klarna.endpoint.reached(2).await;
    rename("new", "newest").await;
    klarna.answer_one();
    assert_eq!(sweeping.await.unwrap(), Refreshed::Rotated);
    assert_eq!(shop.row("newest").await, ACTIVE(3));
    // What was stored can be read under the new name.
    klarna.answer_one();
    assert_eq!(describe(&shop.access(&vault, "newest").await), "at-rt-3");
    assert_eq!(describe(&shop.access(&vault, "old").await), "NotRegistered");
    assert_eq!(klarna.endpoint.presented(), ["rt-1", "rt-2", "rt-3"]);
}
