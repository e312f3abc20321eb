//! Pauses: their rows, and that nobody claims an order of a paused merchant.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use klarna_order_worker::clock::since_boot;
use klarna_order_worker::config::{Merchant, Merchants};
use klarna_order_worker::ids::MerchantName;
use klarna_order_worker::pauses::{Pause, PauseKind, Pauses};
use klarna_order_worker::queue::{Load, Source as _};
use klarna_order_worker::store::{ExpiredKind, NewPause, OrderRow, Signal};
use klarna_order_worker::worker::OrderSource;
use test_support::merchant::merchant;

use super::orders::{insert, order};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_pause_lasts_until_it_is_resumed_or_its_time_is_over,
    a_pause_that_is_ordered_again_keeps_its_beginning,
    a_pause_of_all_merchants_is_another_one,
    listeners_hear_of_pauses,
    no_order_of_a_paused_merchant_is_claimed,
    a_row_that_cannot_be_read_hides_no_other,
    an_order_knows_the_pauses_that_it_lived_through,
];

pub fn new(merchant: Option<&str>, kind: PauseKind, lasts: Option<u64>) -> NewPause {
    NewPause {
        merchant: merchant.map(Into::into),
        kind,
        reason: "Klarna is being maintained".into(),
        paused_by: "key:operator".into(),
        lasts: lasts.map(Duration::from_secs),
    }
}

fn named(pauses: &[Pause]) -> Vec<(Option<&str>, PauseKind)> {
    pauses.iter().map(|pause| (pause.merchant.as_ref().map(MerchantName::as_str), pause.kind)).collect()
}

async fn a_pause_lasts_until_it_is_resumed_or_its_time_is_over(db: Db) {
    let shop = "shop".into();
    assert!(!db.store.resume(Some(&shop), PauseKind::Orders).await.unwrap());
    let begun = db.store.pause(&new(Some("shop"), PauseKind::Orders, None)).await.unwrap();
    db.store.pause(&new(Some("shop"), PauseKind::Keeper, Some(60))).await.unwrap();
    // Another process reads the same rows.
    let pauses = db.open().await.pauses().await.unwrap();
    assert_eq!(named(&pauses), [(Some("shop"), PauseKind::Keeper), (Some("shop"), PauseKind::Orders)]);
    assert_eq!(pauses[1], Pause { read_at: pauses[1].read_at, ..begun });
    assert_eq!((&*pauses[1].reason, &*pauses[1].paused_by), ("Klarna is being maintained", "key:operator"));
    assert_eq!(pauses[0].until, Some(pauses[0].since + TimeDelta::seconds(60)));
    db.advance(59);
    assert_eq!(db.store.pauses().await.unwrap()[0].age(), Duration::from_secs(59));
    db.advance(1);
    assert_eq!(named(&db.store.pauses().await.unwrap()), [(Some("shop"), PauseKind::Orders)]);
    assert!(!db.store.resume(Some(&shop), PauseKind::Keeper).await.unwrap(), "its time was over");
    assert!(db.store.resume(Some(&shop), PauseKind::Orders).await.unwrap());
    assert_eq!(db.store.pauses().await.unwrap(), []);
}

async fn a_pause_that_is_ordered_again_keeps_its_beginning(db: Db) {
    let first = db.store.pause(&new(Some("shop"), PauseKind::Webhooks, Some(60))).await.unwrap();
    db.advance(30);
    let again = NewPause {
        reason: "It takes longer".into(),
        paused_by: "command:root".into(),
        ..new(Some("shop"), PauseKind::Webhooks, None)
    };
    let second = db.store.pause(&again).await.unwrap();
    assert_eq!((second.since, second.until), (first.since, None));
    assert_eq!((&*second.reason, &*second.paused_by), ("It takes longer", "command:root"));
    // After its end it is a new one.
    db.store.pause(&new(Some("shop"), PauseKind::Webhooks, Some(60))).await.unwrap();
    db.advance(60);
    let third = db.store.pause(&again).await.unwrap();
    assert_eq!((third.since, third.until), (first.since + TimeDelta::seconds(90), None));
    assert_eq!(db.count("pauses").await, 1);
}

async fn a_pause_of_all_merchants_is_another_one(db: Db) {
    db.store.pause(&new(None, PauseKind::Orders, None)).await.unwrap();
    db.store.pause(&new(Some("shop"), PauseKind::Orders, None)).await.unwrap();
    let pauses = db.store.pauses().await.unwrap();
    assert_eq!(named(&pauses), [(None, PauseKind::Orders), (Some("shop"), PauseKind::Orders)]);
    assert!(pauses[0].stops(PauseKind::Orders, &"other".into()));
    assert!(!pauses[1].stops(PauseKind::Orders, &"other".into()));
    assert!(db.store.resume(None, PauseKind::Orders).await.unwrap());
    assert_eq!(named(&db.store.pauses().await.unwrap()), [(Some("shop"), PauseKind::Orders)]);
}

async fn listeners_hear_of_pauses(db: Db) {
    let mut signals = db.store.listen().await.unwrap();
    db.store.pause(&new(None, PauseKind::Orders, None)).await.unwrap();
    assert_eq!(signals.next().await.unwrap(), Signal::Pauses);
    db.store.resume(None, PauseKind::Orders).await.unwrap();
    assert_eq!(signals.next().await.unwrap(), Signal::Pauses);
}

async fn no_order_of_a_paused_merchant_is_claimed(db: Db) {
    insert(&db, order(&db, "u")).await;
    insert(&db, OrderRow { merchant: "other".into(), ..order(&db, "u") }).await;
    let known = |name: &str| {
        (name.into(), Arc::new(Merchant { name: name.into(), ..merchant("http://127.0.0.1:1") }))
    };
    let merchants = Merchants::from([known("shop"), known("other")]).into();
    let pauses = Pauses::default();
    let source = OrderSource::new(db.store.clone(), merchants, pauses.clone(), db.begin_worker().await);
    let claim = async || {
        let batch = source.claim(9, &Load::default(), None).await.unwrap();
        assert!(!batch.blocked && !batch.held_back, "what is paused keeps nobody looking");
        batch.claimed.into_iter().map(|claimed| claimed.group.to_string()).collect::<Vec<_>>()
    };
    db.store.pause(&new(None, PauseKind::Orders, None)).await.unwrap();
    pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    assert_eq!(claim().await, [""; 0]);
    assert_eq!(source.next_due().await.unwrap(), None, "the queue looks again at its next poll");

    db.store.resume(None, PauseKind::Orders).await.unwrap();
    db.store.pause(&new(Some("shop"), PauseKind::Orders, None)).await.unwrap();
    db.store.pause(&new(Some("other"), PauseKind::Exchanges, None)).await.unwrap();
    pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    assert_eq!(claim().await, ["other"]);
    assert_eq!(db.value("claim_number FROM orders WHERE merchant = 'shop'").await.as_deref(), Some("0"));

    db.store.resume(Some(&"shop".into()), PauseKind::Orders).await.unwrap();
    pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    assert_eq!(claim().await, ["shop"]);
}

async fn a_row_that_cannot_be_read_hides_no_other(db: Db) {
    db.store.pause(&new(Some("shop"), PauseKind::Orders, None)).await.unwrap();
    db.store.pause(&new(Some("shop"), PauseKind::Webhooks, None)).await.unwrap();
    // Neither engine's clock reaches there: the largest number on SQLite, infinity on PostgreSQL.
    let endless = if db.is_sqlite() { "9223372036854775807" } else { "'infinity'" };
    db.execute(&format!("UPDATE pauses SET ends_at = {endless} WHERE kind = 'orders'")).await;
    let pauses = db.store.pauses().await.unwrap();
    assert_eq!(named(&pauses), [(Some("shop"), PauseKind::Orders), (Some("shop"), PauseKind::Webhooks)]);
    assert_eq!(pauses[0].until, None);
}

async fn an_order_knows_the_pauses_that_it_lived_through(db: Db) {
    let shop = MerchantName::from("shop");
    let pause = async |merchant, kind, lasts| db.store.pause(&new(merchant, kind, lasts)).await.unwrap();
    pause(Some("shop"), PauseKind::Orders, None).await;
    db.advance(10);
    assert!(db.store.resume(Some(&shop), PauseKind::Orders).await.unwrap());
    let id = insert(&db, order(&db, "u")).await;
    let accepted_at = db.clock.now();
    db.advance(1);
    // Over by time: one that the next one replaces, and one that is resumed later.
    pause(Some("shop"), PauseKind::Orders, Some(5)).await;
    pause(None, PauseKind::Exchanges, Some(5)).await;
    pause(Some("other"), PauseKind::Orders, None).await;
    pause(Some("shop"), PauseKind::Webhooks, None).await;
    db.advance(60);
    pause(Some("shop"), PauseKind::Orders, None).await;
    assert!(!db.store.resume(None, PauseKind::Exchanges).await.unwrap());
    db.advance(60);
    let told = async || {
        let pauses = db.store.order_history(id).await.unwrap().pauses;
        let second = |time: DateTime<Utc>| (time - accepted_at).num_seconds();
        let row = |pause: &Pause| (pause.kind, second(pause.since), pause.until.map(second));
        let mut told: Vec<_> = pauses.iter().map(row).collect();
        told.sort();
        told
    };
    let (orders, exchanges) = (PauseKind::Orders, PauseKind::Exchanges);
    let past = [(orders, 1, Some(6)), (orders, 61, None), (exchanges, 1, Some(6))];
    assert_eq!(told().await, past);
    assert!(db.store.resume(Some(&shop), PauseKind::Orders).await.unwrap());
    let past = [(orders, 1, Some(6)), (orders, 61, Some(121)), (exchanges, 1, Some(6))];
    assert_eq!(told().await, past);

    // It ends, and a later pause is none of its own.
    db.store.cancel_order(id).await.unwrap().unwrap();
    db.advance(1);
    pause(Some("shop"), PauseKind::Orders, None).await;
    assert_eq!(told().await, past);
    let removed = db.store.remove_expired(ExpiredKind::PastPauses, Duration::ZERO, 100).await;
    assert_eq!((removed.unwrap(), told().await), (4, Vec::new()));

    // One that is over by time, and that none follows.
    pause(None, PauseKind::Keeper, Some(5)).await;
    db.advance(6);
    let before = db.count("pauses").await;
    let removed = db.store.remove_expired(ExpiredKind::OverPauses, Duration::ZERO, 100).await;
    assert_eq!((removed.unwrap(), db.count("pauses").await), (1, before - 1));
}
