//! Several sweeps at once, and orders beside them.

use std::time::Duration;

use klarna_order_worker::keeper::{Run, Scope, Summary};
use klarna_order_worker::vault::Access;

use super::{DAY, Process, at_once, sign_in};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, both_engines};
use crate::vault::Shop;

both_engines!(
    one_sweeps_and_the_other_hears_who,
    the_sweep_of_the_dead_is_taken_over,
    however_many_sweep_no_token_is_presented_twice_for_one_date,
    orders_beside_a_sweep_get_their_tokens,
);

async fn slow() -> Endpoint {
    Endpoint::start(|token| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        rotated(&token)
    })
    .await
}

async fn due_tokens(shop: &Shop, count: u32) {
    for user in 0..count {
        sign_in(shop, &format!("u-{user}"), &format!("rt-{}", user * 100), 41 * DAY).await;
    }
}

/// Checks that every due token was presented once and no token twice.
fn assert_once(endpoint: &Endpoint, tokens: usize) {
    let mut presented = endpoint.presented();
    presented.sort();
    let all = presented.len();
    presented.dedup();
    assert_eq!((all, presented.len()), (tokens, tokens), "{presented:?}");
}

async fn one_sweeps_and_the_other_hears_who(db: Db) {
    let endpoint = slow().await;
    let shop = Shop::new(&db, &endpoint.url);
    due_tokens(&shop, 4).await;
    let (first, second) = (Process::start(&shop).await, Process::start(&shop).await);
    assert!(db.store.take_sweep(first.worker, Duration::from_secs(30)).await.unwrap());
    assert_eq!(second.run(&at_once()).await, Run::Elsewhere(Some("host/1".into())));
    assert!(endpoint.presented().is_empty());
    // A sweep with `force` runs beside the other one, and presents no token again.
    let forced = second.run(&Scope { force: true, ..at_once() }).await;
    assert_eq!(forced, Run::Swept(Summary { refreshed: 4, ..Summary::default() }));
    assert!(db.store.renew_sweep(first.worker, Duration::from_secs(30)).await.unwrap());
    assert_eq!(first.sweep().await, Summary::default());
}

async fn the_sweep_of_the_dead_is_taken_over(db: Db) {
    let endpoint = slow().await;
    let shop = Shop::new(&db, &endpoint.url);
    due_tokens(&shop, 3).await;
    let (silent, other) = (db.begin_worker().await, Process::start(&shop).await);
    assert!(db.store.take_sweep(silent, Duration::from_secs(30)).await.unwrap());
    db.advance(31);
    assert_eq!(other.sweep().await.refreshed, 3);
}

async fn however_many_sweep_no_token_is_presented_twice_for_one_date(db: Db) {
    let endpoint = slow().await;
    let shop = Shop::new(&db, &endpoint.url);
    due_tokens(&shop, 40).await;
    let processes = [Process::start(&shop).await, Process::start(&shop).await, Process::start(&shop).await];
    // Two services and a `refresh` with `force`; then all three with `force`.
    for force in [[false, false, true], [true, true, true]] {
        let scopes = force.map(|force| Scope { force, ..at_once() });
        let [first, second, third] = &processes;
        tokio::join!(first.run(&scopes[0]), second.run(&scopes[1]), third.run(&scopes[2]));
        // A sweep that met another's claim skipped the token. This one refreshes those.
        processes[0].sweep().await;
        assert_once(&endpoint, if force[0] { 80 } else { 40 });
        db.clock.advance(41 * DAY);
    }
}

async fn orders_beside_a_sweep_get_their_tokens(db: Db) {
    let endpoint = slow().await;
    let shop = Shop::new(&db, &endpoint.url);
    due_tokens(&shop, 30).await;
    let process = Process::start(&shop).await;
    let orders = async {
        for user in 0..30 {
            // The sweep may hold some of these tokens at the moment, so ask again.
            loop {
                match shop.access(&process.vault, &format!("u-{user}")).await {
                    Access::Ready(_) => break,
                    Access::ComeBack(wait) => tokio::time::sleep(wait / 10).await,
                    Access::Unusable(why) => panic!("{why:?}"),
                }
            }
        }
    };
    let (summary, ()) = tokio::join!(process.sweep(), orders);
    let all = summary.refreshed + summary.already_fresh + summary.in_use;
    assert!(all <= 30 && summary.all_well(), "{summary:?}");
    assert_once(&endpoint, 30 + usize::try_from(summary.refreshed).unwrap());
}
