//! Outages, which processes share.

use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::breaker::{BreakerState, Endpoint, WaitingBreaker};
use klarna_order_worker::silence::HeartbeatCount;
use klarna_order_worker::store::{ExpiredKind, Outage};

use crate::support::stores::{Db, both_engines};

both_engines![
    an_outage_is_one_however_many_breakers_open,
    an_outage_of_dead_processes_ends,
    outages_are_kept_for_a_time_and_listed_by_merchant,
];

pub fn breaker(db: &Db, merchant: &str, cause: &str) -> WaitingBreaker {
    let now = db.clock.now();
    WaitingBreaker {
        endpoint: Endpoint::Checkout,
        merchant: merchant.into(),
        state: BreakerState::Open,
        cause: cause.into(),
        since: now,
        next_try: now,
    }
}

async fn listed(db: &Db) -> Vec<Outage> {
    db.store.outages(None, 10).await.unwrap()
}

async fn an_outage_is_one_however_many_breakers_open(db: Db) {
    let begun = db.clock.now();
    db.store.begin_outage(&breaker(&db, "shop", "HTTP 503")).await.unwrap();
    db.advance(7);
    db.store.begin_outage(&breaker(&db, "shop", "HTTP 502")).await.unwrap();
    let [outage] = &listed(&db).await[..] else { panic!("{:?}", listed(&db).await) };
    assert_eq!((&*outage.cause, outage.since, outage.until), ("HTTP 503", begun, None));
    // The first call that succeeds ends it; breakers of other processes close later.
    db.store.end_outage(&"shop".into(), Endpoint::Checkout).await.unwrap();
    db.advance(20);
    db.store.end_outage(&"shop".into(), Endpoint::Checkout).await.unwrap();
    assert_eq!(listed(&db).await[0].until, Some(begun + TimeDelta::seconds(7)));
    // It goes on if a breaker opens soon; later, it is another one.
    db.advance(270);
    db.store.begin_outage(&breaker(&db, "shop", "HTTP 503")).await.unwrap();
    let [outage] = &listed(&db).await[..] else { panic!("{:?}", listed(&db).await) };
    assert_eq!((outage.since, outage.until), (begun, None));
    db.store.end_outage(&"shop".into(), Endpoint::Checkout).await.unwrap();
    db.advance(301);
    db.store.begin_outage(&breaker(&db, "shop", "HTTP 500")).await.unwrap();
    let causes: Vec<String> = listed(&db).await.into_iter().map(|outage| outage.cause).collect();
    assert_eq!(causes, ["HTTP 500", "HTTP 503"]);
    // A process that was away begins again what others had ended meanwhile, however long ago.
    let waiting = breaker(&db, "other", "HTTP 503");
    db.store.begin_outage(&waiting).await.unwrap();
    db.advance(1);
    db.store.end_outage(&"other".into(), Endpoint::Checkout).await.unwrap();
    db.advance(3600);
    db.store.begin_outage(&waiting).await.unwrap();
    let others = db.store.outages(Some(&["other".into()]), 10).await.unwrap();
    assert_eq!(others.iter().map(|outage| outage.until).collect::<Vec<_>>(), [None]);
}

async fn an_outage_of_dead_processes_ends(db: Db) {
    let begun = db.clock.now();
    let worker = db.begin_worker().await;
    for merchant in ["shop", "other"] {
        db.store.begin_outage(&breaker(&db, merchant, "HTTP 503")).await.unwrap();
    }
    db.store.note_breakers(worker, &[breaker(&db, "shop", "HTTP 503")]).await.unwrap();
    let end_lost = async |silent: &[HeartbeatCount]| db.store.end_lost_outages(silent).await.unwrap();
    let heartbeat = async || {
        let confirmed = db.store.heartbeat(worker).await.unwrap().unwrap();
        [HeartbeatCount { worker, heartbeats: confirmed.heartbeats }]
    };
    let lasting = async || {
        let outages = listed(&db).await.into_iter().filter(|outage| outage.until.is_none());
        outages.map(|outage| outage.merchant.to_string()).collect::<Vec<_>>()
    };
    let early = heartbeat().await;
    end_lost(&[]).await;
    assert_eq!(lasting().await, ["shop"], "no process reports the other one");
    // The database was away, or its clock has stepped: nobody has watched the process be silent.
    db.advance(600);
    end_lost(&[]).await;
    assert_eq!(lasting().await, ["shop"], "nobody has watched it be silent");
    let (last, silent) = (db.clock.now(), heartbeat().await);
    end_lost(&early).await;
    assert_eq!(lasting().await, ["shop"], "it has sent a heartbeat since");
    db.advance(11);
    end_lost(&silent).await;
    assert_eq!(lasting().await, [""; 0]);
    let ends = listed(&db).await.into_iter().map(|outage| outage.until).collect::<Vec<_>>();
    assert_eq!(ends, [Some(begun), Some(last)], "with the last heartbeat of a process that saw it");
}

async fn outages_are_kept_for_a_time_and_listed_by_merchant(db: Db) {
    for merchant in ["shop", "other", "third"] {
        db.store.begin_outage(&breaker(&db, merchant, "HTTP 503")).await.unwrap();
    }
    let of = async |merchants: &[&str]| {
        let merchants: Vec<_> = merchants.iter().map(|name| (*name).into()).collect();
        let outages = db.store.outages(Some(&merchants), 10).await.unwrap();
        outages.into_iter().map(|outage| outage.merchant.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of(&["shop", "third", "no-such"]).await, ["third", "shop"]);
    assert_eq!(of(&[]).await, [""; 0]);
    assert_eq!(db.store.outages(None, 2).await.unwrap().len(), 2);
    db.store.end_outage(&"shop".into(), Endpoint::Checkout).await.unwrap();
    db.advance(61);
    let removed = db.store.remove_expired(ExpiredKind::Outages, Duration::from_mins(1), 10).await.unwrap();
    assert_eq!((removed, of(&["shop", "other", "third"]).await.len()), (1, 2), "those that last stay");
}
