//! While an operator has paused exchanges, no token is presented.

use std::future::pending;
use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::clock::since_boot;
use klarna_order_worker::pauses::{Pause, PauseKind};
use klarna_order_worker::token::{IfDue, Unusable};
use klarna_order_worker::vault::{Access, NotVended, Refreshed, Vault, Vend};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{Shop, ready};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, both_engines};

both_engines![
    orders_wait_within_their_patience_and_then_go_without,
    no_token_is_presented_for_vends_and_sweeps_either,
    a_sweep_that_is_paused_stops_no_order,
];

/// A pause of the shop that has lasted for `age` seconds.
fn pause(shop: &Shop, kind: PauseKind, age: i64, left: Option<i64>) -> Pause {
    let read_at = shop.db.clock.now();
    Pause {
        merchant: Some("shop".into()),
        kind,
        reason: "a test".into(),
        paused_by: "local".into(),
        since: read_at - TimeDelta::seconds(age),
        until: left.map(|left| read_at + TimeDelta::seconds(left)),
        read_at,
    }
}

async fn swept(shop: &Shop, vault: &Vault) -> Refreshed {
    let by = shop.db.clock.now() + TimeDelta::days(60);
    let if_due = IfDue { by, issued_before: by };
    vault.refresh(&shop.merchant, &"u".into(), Uuid::now_v7().into(), if_due, pending()).await
}

async fn orders_wait_within_their_patience_and_then_go_without(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    shop.register("u", "rt-1").await;
    let (vault, _) = shop.process().await;
    // The patience is 20 seconds.
    for (age, left, wait) in [(0, None, 1), (19, None, 1), (0, Some(15), 15), (0, Some(3600), 60)] {
        shop.pauses.replace(vec![pause(&shop, PauseKind::Exchanges, age, left)], since_boot());
        let access = shop.access(&vault, "u").await;
        let Access::ComeBack(after) = access else { panic!("{access:?}") };
        let wait = Duration::from_secs(wait);
        assert!(after <= wait && after + Duration::from_secs(5) > wait, "{after:?} of {wait:?}");
    }
    shop.pauses.replace(vec![pause(&shop, PauseKind::Exchanges, 20, None)], since_boot());
    let access = shop.access(&vault, "u").await;
    assert!(matches!(access, Access::Unusable(Unusable::Unavailable)), "{access:?}");
    assert_eq!(endpoint.presented(), [""; 0]);
    shop.pauses.replace(Vec::new(), since_boot());
    assert_eq!(ready(shop.access(&vault, "u").await).token.expose_secret(), "at-rt-1");
}

async fn no_token_is_presented_for_vends_and_sweeps_either(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    shop.register("u", "rt-1").await;
    let (vault, _) = shop.process().await;
    shop.pauses.replace(vec![pause(&shop, PauseKind::Exchanges, 0, Some(3600))], since_boot());
    let vend = Vend {
        merchant: &shop.merchant,
        user: &"u".into(),
        min_validity: Duration::ZERO,
        patience: Duration::from_secs(20),
    };
    let refused = vault.vend(vend).await.unwrap_err();
    assert!(matches!(refused, NotVended::ComeBack(wait) if wait.as_secs() >= 55), "{refused:?}");
    let refreshed = swept(&shop, &vault).await;
    assert!(matches!(refreshed, Refreshed::Held(_)), "{refreshed:?}");
    assert_eq!(endpoint.presented(), [""; 0]);
}

async fn a_sweep_that_is_paused_stops_no_order(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    shop.register("u", "rt-1").await;
    let (vault, _) = shop.process().await;
    shop.pauses.replace(vec![pause(&shop, PauseKind::Keeper, 0, None)], since_boot());
    let refreshed = swept(&shop, &vault).await;
    assert!(matches!(refreshed, Refreshed::Held(_)), "{refreshed:?}");
    assert_eq!(ready(shop.access(&vault, "u").await).token.expose_secret(), "at-rt-1");
}
