//! Figures for metrics and pages.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::order::{Disposition, Status, Waits};
use klarna_order_worker::store::{
    Answer, Backlog, ClaimedFollowUp, ClaimedOrder, Delivery, DueFilter, ExpiredKind, FOLLOW_UP_FOR,
    FollowUpBacklog, InstallationCounts, LatencySample, OrderRow, Overview, QueuedDeadlines, Retried,
    StuckFollowUp, WebhookBacklog, WebhookCounts,
};
use klarna_order_worker::token::{NewToken, Note};
use uuid::Uuid;

use super::orders::{claim as claim_order, insert, order};
use super::sessions::at_klarna;
use super::settling::{failed, retry, submitted};
use super::tokens::{new_token, view};
use super::webhooks::{claim, end_order, open_endpoint};
use crate::support::stores::{Db, both_engines};

both_engines![
    an_overview_tells_how_the_installation_stands,
    the_token_that_is_due_for_longest_is_found_whatever_its_day,
    tokens_that_the_keeper_missed_are_counted,
    webhooks_wait_are_due_and_given_up,
    orders_that_wait_for_their_next_try_are_counted_apart,
    calls_about_submitted_orders_wait_and_fail,
    orders_are_held_until_they_are_sent_or_cannot_be,
    deadlines_of_queued_orders_are_counted,
    times_begin_when_an_order_was_first_due_or_retried,
];

const LOST_AFTER: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_hours(10 * 24);

async fn an_overview_tells_how_the_installation_stands(db: Db) {
    let nothing = db.store.overview(LOST_AFTER, SOON).await.unwrap();
    assert_eq!((nothing.merchants.len(), nothing.workers, nothing.open_exchanges), (0, 0, 0));
    assert_eq!((nothing.swept_at, nothing.oldest_due_token), (None, None));

    let now = nothing.now;
    let later = OrderRow { not_before: Some(now + TimeDelta::hours(1)), ..order(&db, "u-2") };
    let rows = [order(&db, "u-1"), later, OrderRow { merchant: "other".into(), ..order(&db, "u-1") }];
    db.store.insert_orders(&rows).await.unwrap();
    let worker = db.begin_worker().await;
    db.advance(5);
    db.store.heartbeat(worker).await.unwrap();
    let claimed = db.store.claim_orders(worker, &BTreeMap::from([("other".into(), 1)]), None).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let told = db.store.overview(LOST_AFTER, SOON).await.unwrap();
    let shop = Backlog {
        merchant: "shop".into(),
        queued: 2,
        due: 1,
        running: 0,
        oldest_due: Some(now),
        delayed: 0,
        delayed_since: None,
    };
    let other =
        Backlog { merchant: "other".into(), queued: 0, due: 0, running: 1, oldest_due: None, ..shop.clone() };
    assert_eq!(told.merchants, [other, shop]);
    assert_eq!((told.workers, told.now - now), (1, TimeDelta::seconds(5)));

    db.advance(11);
    assert_eq!(db.store.overview(LOST_AFTER, SOON).await.unwrap().workers, 0, "it is silent");
    assert!(db.store.take_sweep(worker, Duration::from_secs(30)).await.unwrap());
    db.store.end_sweep(worker, true).await.unwrap();
    assert_eq!(
        db.store.overview(LOST_AFTER, SOON).await.unwrap().swept_at,
        Some(now + TimeDelta::seconds(16))
    );
    assert!(db.store.take_sweep(Uuid::now_v7().into(), Duration::from_secs(30)).await.unwrap());
}

async fn the_token_that_is_due_for_longest_is_found_whatever_its_day(db: Db) {
    let now = db.store.overview(LOST_AFTER, SOON).await.unwrap().now;
    for (user, byte, expires, due) in [("a", 1, 50, -3), ("b", 2, 20, -7), ("c", 3, 90, 4)] {
        let token = NewToken {
            expires_at: now + TimeDelta::days(expires),
            refresh_due_at: now + TimeDelta::days(due),
            ..new_token(&db, user, byte)
        };
        db.store.register_token(&token).await.unwrap();
    }
    let oldest = db.store.overview(LOST_AFTER, SOON).await.unwrap().oldest_due_token;
    assert_eq!(oldest, Some(now - TimeDelta::days(7)));
}

async fn look(db: &Db) -> Overview {
    db.store.overview(LOST_AFTER, SOON).await.unwrap()
}

async fn tokens_that_the_keeper_missed_are_counted(db: Db) {
    let now = look(&db).await.now;
    for (user, byte, expires) in [("a", 1, 8), ("b", 2, 9), ("c", 3, 11), ("dead", 4, 8), ("idle", 5, 8)] {
        let token = NewToken {
            expires_at: now + TimeDelta::days(expires),
            refresh_due_at: now + TimeDelta::days(expires - 30),
            ..new_token(&db, user, byte)
        };
        db.store.register_token(&token).await.unwrap();
    }
    db.store.forget_token(&UserKey::new("shop", "dead")).await.unwrap();
    let due = DueFilter { by: now, merchant: None, except: Vec::new(), after: None, limit: 10 };
    let due = db.store.due_tokens(&due).await.unwrap().tokens;
    let idle = due.into_iter().find(|token| token.user == "idle").unwrap();
    assert!(db.store.postpone(idle.version, None, 0, Note::Idle).await.is_ok());
    assert_eq!(view(&db, "idle").await.refresh_due_at, None);
    assert_eq!(look(&db).await.expiring_tokens, 2);
}

async fn orders_that_wait_for_their_next_try_are_counted_apart(db: Db) {
    let begun = look(&db).await.now;
    insert(&db, order(&db, "u-1")).await;
    let worker = db.begin_worker().await;
    let claimed = claim_order(&db, worker, 1).await;
    db.advance(30);
    // The circuit breaker is open.
    let snooze = Disposition::Snooze {
        after: Duration::from_mins(1),
        error: None,
        token_waited: Duration::ZERO,
        waits: Waits::default(),
    };
    assert!(db.store.settle_order(&claimed[0].claim, &snooze).await.unwrap().is_some());
    db.advance(59);
    let told = look(&db).await.merchants.remove(0);
    assert_eq!((told.queued, told.due, told.delayed, told.delayed_since), (1, 0, 1, Some(begun)));
    db.advance(1);
    let told = look(&db).await.merchants.remove(0);
    assert_eq!((told.due, told.delayed, told.delayed_since), (1, 0, None), "it waits for a worker");
    // Klarna does not answer. An order in its first attempt has not been waited for.
    insert(&db, order(&db, "u-2")).await;
    assert_eq!(claim_order(&db, worker, 2).await.len(), 2);
    db.advance(20);
    let told = look(&db).await.merchants.remove(0);
    assert_eq!((told.running, told.delayed, told.delayed_since), (2, 0, Some(begun)));
}

async fn calls_about_submitted_orders_wait_and_fail(db: Db) {
    let shop = "shop".into();
    let oldest = look(&db).await.now;
    assert_eq!(look(&db).await.follow_ups, []);
    db.store.record_push(&shop, "k-1").await.unwrap();
    db.advance(60);
    db.store.record_push(&shop, "k-2").await.unwrap();
    let backlog = |waiting, failed| FollowUpBacklog {
        merchant: shop.clone(),
        waiting,
        failed,
        given_up: 0,
        oldest: Some(oldest),
        stuck: 0,
        example: None,
    };
    assert_eq!(look(&db).await.follow_ups, [backlog(2, 0)]);
    let claimed = db.store.claim_follow_ups(&shop, 1, SOON).await.unwrap();
    let wait = Duration::from_mins(1);
    let again = db.store.retry_follow_up(&claimed[0], wait, "HTTP 503").await.unwrap();
    assert_eq!(again, Retried::Again);
    assert_eq!(look(&db).await.follow_ups, [backlog(2, 1)]);
    db.advance(60);
    let claimed = db.store.claim_follow_ups(&shop, 2, SOON).await.unwrap();
    for follow_up in &claimed {
        db.store.end_follow_up(follow_up, None).await.unwrap();
    }
    assert_eq!((claimed.len(), look(&db).await.follow_ups), (2, Vec::new()));

    // What is about a known order that may be paid is kept, and everything else is deleted.
    at_klarna(&db).await;
    for klarna_id in ["k-1", "k-unknown"] {
        db.store.record_read(&shop, klarna_id).await.unwrap();
    }
    let fail_for_days = async |follow_up: &ClaimedFollowUp| {
        db.store.retry_follow_up(follow_up, FOLLOW_UP_FOR, "HTTP 401").await.unwrap()
    };
    for follow_up in db.store.claim_follow_ups(&shop, 2, SOON).await.unwrap() {
        assert_eq!(fail_for_days(&follow_up).await, Retried::GivenUp);
    }
    let example = Some(StuckFollowUp { klarna_id: "k-1".into(), error: "HTTP 401".into() });
    let stuck = FollowUpBacklog { given_up: 1, oldest: None, stuck: 1, example, ..backlog(0, 0) };
    assert_eq!(look(&db).await.follow_ups, [stuck]);
    db.advance(60);
    assert!(db.store.due_follow_ups().await.unwrap().is_empty());
    assert_eq!(db.store.claim_follow_ups(&shop, 2, SOON).await.unwrap(), []);
    assert_eq!(db.store.delete_lapsed_follow_ups(&shop).await.unwrap(), 0);
    let remove = async |after| db.store.remove_expired(ExpiredKind::FollowUps, after, 10).await.unwrap();
    assert_eq!(remove(Duration::from_mins(2)).await, 0);

    // It is tried again when order management answers, or when it is asked for again.
    assert_eq!(db.store.renew_follow_ups(&"other".into()).await.unwrap(), 0);
    assert_eq!(db.store.renew_follow_ups(&shop).await.unwrap(), 1);
    let claimed = db.store.claim_follow_ups(&shop, 2, SOON).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].attempts), (1, 0));
    assert_eq!(fail_for_days(&claimed[0]).await, Retried::GivenUp);
    db.store.record_read(&shop, "k-1").await.unwrap();
    let claimed = db.store.claim_follow_ups(&shop, 2, SOON).await.unwrap();
    assert_eq!((claimed.len(), db.store.renew_follow_ups(&shop).await.unwrap()), (1, 0));
    assert_eq!(fail_for_days(&claimed[0]).await, Retried::GivenUp);
    db.advance(180);
    assert_eq!((remove(Duration::from_mins(2)).await, look(&db).await.follow_ups), (1, Vec::new()));
}

async fn webhooks_wait_are_due_and_given_up(db: Db) {
    assert_eq!(look(&db).await.webhooks, []);
    open_endpoint(&db, 1).await;
    let now = look(&db).await.now;
    let backlog = |pending, due, oldest_due, disabled| WebhookBacklog {
        merchant: "shop".into(),
        pending,
        due,
        oldest_due,
        disabled,
    };
    assert_eq!(look(&db).await.webhooks, [backlog(0, 0, None, false)]);
    for user in ["a", "b"] {
        end_order(&db, user, &submitted()).await;
    }
    assert_eq!(look(&db).await.webhooks, [backlog(2, 2, Some(now), false)]);
    let events = claim(&db, 2).await;
    db.store.settle_webhook(events[0].claim, &Delivery::Delivered, Answer::default()).await.unwrap();
    let later = |after, gone| Delivery::Retry { after, error: "HTTP 500".into(), gone };
    db.store
        .settle_webhook(events[1].claim, &later(Duration::from_secs(5), false), Answer::default())
        .await
        .unwrap();
    assert_eq!(look(&db).await.webhooks, [backlog(1, 0, Some(now + TimeDelta::seconds(5)), false)]);
    let pending = WebhookCounts { merchant: "shop".into(), failed: 0, oldest_pending: Some(now) };
    assert_eq!(
        db.store.counts().await.unwrap(),
        InstallationCounts { webhooks: vec![pending], held_orders: 0 }
    );
    db.advance(5);
    let event = claim(&db, 1).await.remove(0);
    db.store
        .settle_webhook(event.claim, &later(Duration::from_secs(5), true), Answer::default())
        .await
        .unwrap();
    db.advance(10);
    assert_eq!(look(&db).await.webhooks, [backlog(1, 0, None, true)], "nothing is sent there");
    db.advance(4 * 24 * 3600);
    assert_eq!(db.store.expire_webhooks(&["shop".into()], 10).await.unwrap(), ["shop"]);
    let failed = WebhookCounts { merchant: "shop".into(), failed: 1, oldest_pending: None };
    assert_eq!(db.store.counts().await.unwrap().webhooks, [failed]);
}

async fn orders_are_held_until_they_are_sent_or_cannot_be(db: Db) {
    let held = async || db.store.counts().await.unwrap().held_orders;
    let orders = [insert(&db, order(&db, "a")).await, insert(&db, order(&db, "b")).await];
    assert_eq!(held().await, 0);
    db.store.hold_orders(10).await.unwrap();
    assert_eq!(held().await, 2);
    db.store.retry_order(orders[0], Duration::from_mins(10)).await.unwrap().unwrap();
    assert_eq!(db.store.order(orders[0]).await.unwrap().unwrap().status, Status::Queued);
    assert_eq!(held().await, 1);
    db.advance(60);
    db.store.remove_expired(ExpiredKind::Bodies, Duration::from_secs(30), 10).await.unwrap();
    assert_eq!(held().await, 0, "it cannot be sent any more");
}

async fn deadlines_of_queued_orders_are_counted(db: Db) {
    let now = db.store.overview(LOST_AFTER, SOON).await.unwrap().now;
    let minutes = |minutes| now + TimeDelta::minutes(minutes);
    let times = [now, minutes(5), minutes(60)];
    assert_eq!(db.store.deadlines(None, &times, 9).await.unwrap(), []);
    let other = || OrderRow { merchant: "other".into(), ..order(&db, "u") };
    let rows = [
        OrderRow { deadline: Some(minutes(2)), ..order(&db, "a") },
        OrderRow { deadline: Some(minutes(30)), ..order(&db, "b") },
        OrderRow { deadline: Some(minutes(90)), not_before: Some(minutes(1)), ..order(&db, "c") },
        // Not due yet.
        OrderRow { deadline: Some(minutes(5)), not_before: Some(minutes(1)), ..other() },
    ];
    db.store.insert_orders(&rows).await.unwrap();
    // One that has ended does not count.
    let ended = insert(&db, OrderRow { deadline: Some(minutes(1)), ..other() }).await;
    db.store.cancel_order(ended).await.unwrap().unwrap();
    let counted = |merchant: &str, queued, more, before: [u64; 3]| QueuedDeadlines {
        merchant: merchant.into(),
        queued,
        more,
        before: before.to_vec(),
    };
    let of_other = counted("other", 1, false, [0, 0, 1]);
    let of_shop = counted("shop", 3, false, [0, 1, 2]);
    assert_eq!(db.store.deadlines(None, &times, 9).await.unwrap(), [of_other.clone(), of_shop]);
    assert_eq!(db.store.deadlines(Some(&"other".into()), &times, 9).await.unwrap(), [of_other]);
    let none = counted("none", 0, false, [0, 0, 0]);
    assert_eq!(db.store.deadlines(Some(&"none".into()), &times, 9).await.unwrap(), [none]);
    // Those that are due first are looked at.
    let first = db.store.deadlines(Some(&"shop".into()), &times, 2).await.unwrap();
    assert_eq!(first, [counted("shop", 2, true, [0, 1, 2])]);
}

async fn times_begin_when_an_order_was_first_due_or_retried(db: Db) {
    let worker = db.begin_worker().await;
    let now = db.clock.now();
    let claimed = async || claim_order(&db, worker, 1).await.remove(0);
    let settle = async |order: &ClaimedOrder, end: &Disposition| {
        assert!(db.store.settle_order(&order.claim, end).await.unwrap().is_some());
    };
    let sample = async || db.store.latency_samples(None, 1).await.unwrap().remove(0);
    let at = |seconds| now + TimeDelta::seconds(seconds);

    // It is for later, and submitted by its second attempt.
    insert(&db, OrderRow { not_before: Some(at(100)), ..order(&db, "a") }).await;
    db.advance(105);
    let first = claimed().await;
    assert_eq!((first.due_at, first.first_due_at), (at(100), at(100)));
    settle(&first, &retry(20, false)).await;
    db.advance(25);
    let second = claimed().await;
    assert_eq!((second.due_at, second.first_due_at), (at(125), at(100)));
    db.advance(1);
    settle(&second, &submitted()).await;
    assert_eq!(sample().await, LatencySample { began: at(100), claimed: at(105), ended: at(131) });

    // It fails, and is retried an hour later. That hour is no wait.
    let order = insert(&db, order(&db, "b")).await;
    settle(&claimed().await, &retry(1, false)).await;
    db.advance(1);
    settle(&claimed().await, &failed()).await;
    db.advance(3600);
    db.store.retry_order(order, Duration::from_mins(10)).await.unwrap().unwrap();
    db.advance(2);
    let first = claimed().await;
    assert_eq!((first.first_due_at, first.accepted_at), (at(3732), at(131)));
    settle(&first, &retry(30, false)).await;
    db.advance(30);
    settle(&claimed().await, &submitted()).await;
    assert_eq!(sample().await, LatencySample { began: at(3732), claimed: at(3734), ended: at(3764) });
}
