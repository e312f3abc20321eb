//! What those who look on are told.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::store::{Backlog, NewToken, OrderRow};
use uuid::Uuid;

use super::orders::order;
use super::tokens::new_token;
use crate::support::stores::{Db, both_engines};

both_engines![
    an_overview_tells_how_the_installation_stands,
    the_token_that_is_due_for_longest_is_found_whatever_its_day,
];

const LOST_AFTER: Duration = Duration::from_secs(10);

async fn an_overview_tells_how_the_installation_stands(db: Db) {
    let nothing = db.store.overview(LOST_AFTER).await.unwrap();
    assert_eq!((nothing.merchants.len(), nothing.workers, nothing.open_exchanges), (0, 0, 0));
    assert_eq!((nothing.swept_at, nothing.oldest_due_token), (None, None));

    let now = nothing.now;
    let later = OrderRow { not_before: Some(now + TimeDelta::hours(1)), ..order(&db, "u-2") };
    let rows = [order(&db, "u-1"), later, OrderRow { merchant: "other".into(), ..order(&db, "u-1") }];
    db.store.insert_orders(&rows).await.unwrap();
    let worker = db.begin_worker().await;
    db.advance(5);
    db.store.beat(worker).await.unwrap();
    let claimed = db.store.claim_orders(worker, &BTreeMap::from([("other".to_owned(), 1)]), None).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let told = db.store.overview(LOST_AFTER).await.unwrap();
    let shop = Backlog { merchant: "shop".into(), queued: 2, due: 1, running: 0, oldest_due: Some(now) };
    let other = Backlog { merchant: "other".into(), queued: 0, due: 0, running: 1, oldest_due: None };
    assert_eq!(told.merchants, [other, shop]);
    assert_eq!((told.workers, told.now - now), (1, TimeDelta::seconds(5)));

    db.advance(11);
    assert_eq!(db.store.overview(LOST_AFTER).await.unwrap().workers, 0, "it is silent");
    assert!(db.store.take_sweep(worker, Duration::from_secs(30)).await.unwrap());
    db.store.end_sweep(worker, true).await.unwrap();
    assert_eq!(db.store.overview(LOST_AFTER).await.unwrap().swept_at, Some(now + TimeDelta::seconds(16)));
    assert!(db.store.take_sweep(Uuid::now_v7(), Duration::from_secs(30)).await.unwrap());
}

async fn the_token_that_is_due_for_longest_is_found_whatever_its_day(db: Db) {
    let now = db.store.overview(LOST_AFTER).await.unwrap().now;
    for (user, byte, expires, due) in [("a", 1, 50, -3), ("b", 2, 20, -7), ("c", 3, 90, 4)] {
        let token = NewToken {
            expires_at: now + TimeDelta::days(expires),
            refresh_due_at: now + TimeDelta::days(due),
            ..new_token(&db, user, byte)
        };
        db.store.register_token(&token, false).await.unwrap();
    }
    let oldest = db.store.overview(LOST_AFTER).await.unwrap().oldest_due_token;
    assert_eq!(oldest, Some(now - TimeDelta::days(7)));
}
