//! Too many rejections in a row stop the merchant.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use klarna_order_worker::breaker::BreakerState;
use klarna_order_worker::ids::TokenId;
use klarna_order_worker::store::RejectedTokens;
use klarna_order_worker::token::IfDue;
use klarna_order_worker::vault::sealing::{AdoptedTokens, adopt};
use klarna_order_worker::vault::{Access, Refreshed, Vault};
use test_support::mockito::{Mock, Server, ServerGuard};
use uuid::Uuid;

use super::providers::with;
use super::{Shop, describe};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_provider_that_rejects_everybody_meets_few_tokens,
    a_success_ends_the_stop_and_one_probe_is_sent_at_a_time,
    some_rejections_among_successes_are_believed,
];

const REJECTED: &str = r#"{"error":"invalid_grant"}"#;

async fn rejecting(server: &mut ServerGuard, path: &str) -> Mock {
    server.mock("POST", path).with_status(400).with_body(REJECTED).expect_at_least(0).create_async().await
}

/// Grants a new token to each request.
async fn granting(server: &mut ServerGuard, path: &str) -> Mock {
    let count = AtomicUsize::new(0);
    let body = move |_: &_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        format!(r#"{{"access_token":"at","refresh_token":"next-{number}"}}"#).into_bytes()
    };
    server.mock("POST", path).with_body_from_request(body).expect_at_least(0).create_async().await
}

/// A shop whose provider has not granted a token yet.
fn shop(db: &Db, server: &ServerGuard) -> Shop {
    Shop { proven: false, ..Shop::new(db, &server.url()) }
}

/// Registers so many users.
async fn sign_in(shop: &Shop, users: usize) {
    for number in 0..users {
        shop.register(&format!("u-{number}"), &format!("rt-{number}")).await;
    }
}

async fn ordered(shop: &Shop, vault: &Vault, user: usize) -> Access {
    shop.access(vault, &format!("u-{user}")).await
}

async fn swept(shop: &Shop, vault: &Vault, user: usize) -> Refreshed {
    let by = shop.db.clock.now() + TimeDelta::days(60);
    let if_due = IfDue { by, issued_before: by };
    vault
        .refresh(
            &shop.merchant,
            &format!("u-{user}").as_str().into(),
            Uuid::now_v7().into(),
            if_due,
            pending(),
        )
        .await
}

async fn rejections(shop: &Shop) -> usize {
    shop.ledger().await.iter().filter(|outcome| *outcome == "rejected").count()
}

async fn a_provider_that_rejects_everybody_meets_few_tokens(db: Db) {
    let mut server = Server::new_async().await;
    let _wrong = rejecting(&mut server, "/wrong").await;
    let _right = granting(&mut server, "/oauth2/token").await;
    let shop = shop(&db, &server);
    // The settings were wrong from the beginning.
    let wrong = with(&shop, &format!("{}/wrong", server.url()), "client-1");
    sign_in(&wrong, 30).await;
    let (vault, _) = wrong.process().await;
    let orders = join_all((0..15).map(|user| ordered(&wrong, &vault, user)));
    let sweep = join_all((15..30).map(|user| swept(&wrong, &vault, user)));
    let (_, swept) = tokio::join!(orders, sweep);
    assert_eq!(rejections(&shop).await, 3);
    assert!(swept.iter().any(|swept| matches!(swept, Refreshed::Held(_))), "{swept:?}");
    assert_eq!(vault.breakers()["shop"], BreakerState::Open);
    let stopped = db.store.stopped_merchants().await.unwrap();
    assert_eq!((stopped.len(), stopped[0].rejections), (1, 3));
    // Another process presents no token either.
    let (other, _) = wrong.process().await;
    for user in 0..30 {
        ordered(&wrong, &other, user).await;
    }
    assert_eq!(rejections(&shop).await, 3);

    // With the right settings again, rejected tokens become active at the same generation.
    let rejected = RejectedTokens { merchant: Some("shop".into()), since: Some(db.clock.now()) };
    assert_eq!(db.store.count_rejected(&rejected).await.unwrap(), 3);
    let (count, last) = db.store.retry_rejected(&rejected, TokenId::START, 10).await.unwrap().unwrap();
    assert_eq!((count, db.store.retry_rejected(&rejected, last, 10).await.unwrap()), (3, None));
    let (from, to) = (wrong.merchant.provider(), shop.merchant.provider());
    let adopted = adopt(&*db.store, &shop.secrets, &"shop".into(), from, to, |_| ()).await.unwrap();
    assert_eq!(adopted, AdoptedTokens { adopted: 30, ..AdoptedTokens::default() });
    let (vault, _) = shop.process().await;
    for user in 0..30 {
        assert_eq!(describe(&ordered(&shop, &vault, user).await), "at", "u-{user}");
        assert_eq!(shop.row(&format!("u-{user}")).await, super::ACTIVE(2));
    }
    assert!(db.store.stopped_merchants().await.unwrap().is_empty());
}

async fn a_success_ends_the_stop_and_one_probe_is_sent_at_a_time(db: Db) {
    let mut server = Server::new_async().await;
    let rejecting = rejecting(&mut server, "/oauth2/token").await;
    let shop = shop(&db, &server);
    sign_in(&shop, 10).await;
    let (vault, _) = shop.process().await;
    for user in 0..10 {
        ordered(&shop, &vault, user).await;
    }
    assert_eq!(rejections(&shop).await, 3);
    // All processes together send one probe, and the next one after twice the pause.
    for (minutes, rejected) in [(5, 4), (5, 4), (5, 5), (19, 5)] {
        db.clock.advance(Duration::from_secs(minutes * 60));
        for _ in 0..3 {
            let (process, _) = shop.process().await;
            ordered(&shop, &process, 8).await;
            ordered(&shop, &process, 9).await;
        }
        assert_eq!(rejections(&shop).await, rejected, "{minutes}");
        db.execute("UPDATE tokens SET state = 'active', reason = NULL").await;
    }
    rejecting.remove_async().await;
    let _granting = granting(&mut server, "/oauth2/token").await;
    db.clock.advance(Duration::from_mins(1));
    let (process, _) = shop.process().await;
    assert_eq!(describe(&ordered(&shop, &process, 9).await), "at");
    assert!(db.store.stopped_merchants().await.unwrap().is_empty());
    assert_eq!(describe(&ordered(&shop, &process, 8).await), "at");
}

async fn some_rejections_among_successes_are_believed(db: Db) {
    let mut server = Server::new_async().await;
    let shop = shop(&db, &server);
    sign_in(&shop, 8).await;
    let (vault, _) = shop.process().await;
    for user in 0..8 {
        let mock = if user % 3 == 0 {
            granting(&mut server, "/oauth2/token").await
        } else {
            rejecting(&mut server, "/oauth2/token").await
        };
        ordered(&shop, &vault, user).await;
        mock.remove_async().await;
    }
    assert_eq!((rejections(&shop).await, vault.breakers()["shop"]), (5, BreakerState::Closed));
    assert!(db.store.stopped_merchants().await.unwrap().is_empty());
}
