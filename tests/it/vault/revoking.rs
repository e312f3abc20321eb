//! Revocation of forgotten tokens.

use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::config::{Merchant, Merchants};
use klarna_order_worker::ids::{MerchantName, UserKey};
use klarna_order_worker::vault::Revoker;
use test_support::faults::{FaultyServer, Step, http};
use test_support::merchant::merchant;
use test_support::mockito::{Matcher, Server};
use tokio::time::timeout;

use super::in_flight::{Gated, waiting};
use super::{Shop, an_order, describe};
use crate::support::klarna::rotated;
use crate::support::stores::{Db, both_engines};

both_engines![
    a_forgotten_token_is_revoked_once_and_nothing_of_it_stays,
    a_failure_is_tried_again_for_a_day_and_then_given_up,
    a_refusal_for_good_is_not_tried_again,
    without_the_setting_nothing_is_revoked,
    the_successor_of_an_exchange_in_flight_is_revoked_too,
    a_successor_of_a_later_sign_in_is_not_revoked,
    no_other_provider_sees_a_token,
    a_merchant_that_nobody_knows_keeps_no_token_for_longer_than_a_day,
    a_lapsed_revocation_of_a_known_merchant_is_tried,
    a_process_that_died_leaves_the_revocation_to_others,
    a_hung_endpoint_holds_up_no_other_merchant,
];

/// A shop that revokes what it forgets, at `base`.
fn shop(db: &Db, base: &str) -> Shop {
    let mut shop = Shop::new(db, base);
    Arc::make_mut(&mut shop.merchant).revoke_on_forget = true;
    shop
}

async fn revoker(shop: &Shop) -> Revoker {
    let (store, secrets) = (shop.db.open().await, Arc::clone(&shop.secrets));
    Revoker::new(store, secrets, shop.merchants().into(), Duration::from_secs(10)).unwrap()
}

async fn forget(shop: &Shop, user: &str) {
    assert!(shop.registry().forget(&UserKey::new("shop", user)).await.unwrap());
}

fn ok() -> Step {
    Step::close_after(http("200 OK", "", ""))
}

async fn a_forgotten_token_is_revoked_once_and_nothing_of_it_stays(db: Db) {
    let server = FaultyServer::start([ok(), ok()]).await;
    let shop = shop(&db, &server.url());
    let revoker = revoker(&shop).await;
    for (user, token) in [("u", "rt-1"), ("v", "rt-2")] {
        shop.register(user, token).await;
    }
    assert_eq!(revoker.revoke_due().await.unwrap(), 0);
    forget(&shop, "u").await;
    // At once, whatever Klarna does.
    assert_eq!(db.count("tokens WHERE sealed IS NOT NULL").await, 1);
    assert_eq!((db.count("revocations").await, server.requests()), (1, 0));
    assert_eq!(revoker.revoke_due().await.unwrap(), 1);
    assert!(
        !shop.registry().forget(&UserKey::new("shop", "u")).await.unwrap(),
        "there is nothing more to forget"
    );
    assert_eq!((revoker.revoke_due().await.unwrap(), db.count("revocations").await), (0, 0));
    let sent = server.seen();
    assert!(sent.starts_with("POST /oauth2/revoke HTTP/1.1"), "{sent}");
    assert!(sent.ends_with("token=rt-1&token_type_hint=refresh_token&client_id=client-1"), "{sent}");
    // Erasing forgets first.
    forget(&shop, "v").await;
    db.store.erase_user(&UserKey::new("shop", "v")).await.unwrap();
    assert_eq!((revoker.revoke_due().await.unwrap(), db.count("revocations").await), (1, 0));
    assert!(server.seen().contains("token=rt-2&"));
}

async fn a_failure_is_tried_again_for_a_day_and_then_given_up(db: Db) {
    let unavailable = || Step::close_after(http("503 Service Unavailable", "retry-after: 600\r\n", ""));
    let server = FaultyServer::start([Step::reset(), unavailable()]).await;
    let shop = shop(&db, &server.url());
    let revoker = revoker(&shop).await;
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    assert_eq!(revoker.revoke_due().await.unwrap(), 1);
    assert_eq!(revoker.revoke_due().await.unwrap(), 0, "five seconds later, with a tenth of chance");
    db.advance(6);
    assert_eq!(revoker.revoke_due().await.unwrap(), 1);
    db.advance(599);
    assert_eq!(revoker.revoke_due().await.unwrap(), 0, "the endpoint has asked for ten minutes");
    let mut attempts = 2;
    for _ in 0..30 {
        db.advance(3600);
        attempts += revoker.revoke_due().await.unwrap();
    }
    assert!((8..=11).contains(&attempts), "{attempts}");
    assert_eq!(db.count("revocations").await, 0, "the token is not kept any longer");
}

async fn a_refusal_for_good_is_not_tried_again(db: Db) {
    let refusal = http("400 Bad Request", "", r#"{"error":"unsupported_token_type"}"#);
    let server = FaultyServer::start([Step::close_after(refusal)]).await;
    let shop = shop(&db, &server.url());
    let revoker = revoker(&shop).await;
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    assert_eq!((revoker.revoke_due().await.unwrap(), db.count("revocations").await), (1, 0));
}

async fn without_the_setting_nothing_is_revoked(db: Db) {
    let server = FaultyServer::start([ok()]).await;
    let shop = Shop::new(&db, &server.url());
    let revoker = revoker(&shop).await;
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    assert_eq!((db.count("revocations").await, revoker.revoke_due().await.unwrap()), (0, 0));
    // Unless somebody asks for it.
    shop.register("u", "rt-2").await;
    assert!(shop.registry().forget_as(&UserKey::new("shop", "u"), true).await.unwrap());
    assert_eq!((revoker.revoke_due().await.unwrap(), server.requests()), (1, 1));
}

async fn the_successor_of_an_exchange_in_flight_is_revoked_too(db: Db) {
    let mut server = Server::new_async().await;
    let mut mocks = Vec::new();
    for token in ["rt-1", "rt-2"] {
        let revoked =
            server.mock("POST", "/oauth2/revoke").match_body(Matcher::Regex(format!("^token={token}&")));
        mocks.push(revoked.create_async().await);
    }
    let klarna = Gated::start(rotated).await;
    let mut shop = shop(&db, &klarna.endpoint.url);
    let revoking = merchant(&server.url()).revoke_url;
    Arc::make_mut(&mut shop.merchant).revoke_url = revoking;
    let (vault, _) = shop.process().await;
    let revoker = revoker(&shop).await;
    shop.register("u", "rt-1").await;
    let order = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    forget(&shop, "u").await;
    assert_eq!(revoker.revoke_due().await.unwrap(), 0, "the successor may still come");
    klarna.answer_one();
    assert_eq!(describe(&order.await.unwrap()), "200ms");
    vault.wait_until_idle().await;
    assert_eq!(revoker.revoke_due().await.unwrap(), 2);
    assert_eq!(db.count("revocations").await, 0);
    for mock in mocks {
        mock.assert_async().await;
    }
}

async fn a_successor_of_a_later_sign_in_is_not_revoked(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = shop(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    shop.register("u", "rt-10").await;
    let order = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    shop.register("u", "rt-20").await;
    klarna.answer_one();
    assert_eq!(describe(&order.await.unwrap()), "200ms");
    vault.wait_until_idle().await;
    assert_eq!(shop.ledger().await, ["superseded"]);
    assert_eq!(db.count("revocations").await, 1, "that of the token that was forgotten");
}

async fn no_other_provider_sees_a_token(db: Db) {
    let server = FaultyServer::start([ok()]).await;
    let shop = shop(&db, &server.url());
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    let mut other = shop.clone();
    Arc::make_mut(&mut other.merchant).client_id = "client-2".into();
    assert_eq!(revoker(&other).await.revoke_due().await.unwrap(), 1);
    assert_eq!((server.requests(), db.count("revocations").await), (0, 1));
    db.advance(6);
    assert_eq!(revoker(&shop).await.revoke_due().await.unwrap(), 1, "the settings are right again");
    assert_eq!((server.requests(), db.count("revocations").await), (1, 0));
}

async fn a_merchant_that_nobody_knows_keeps_no_token_for_longer_than_a_day(db: Db) {
    let server = FaultyServer::start([]).await;
    let shop = shop(&db, &server.url());
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    let mut other = shop.clone();
    Arc::make_mut(&mut other.merchant).name = "other".into();
    let other = revoker(&other).await;
    db.advance(23 * 3600);
    assert_eq!((other.revoke_due().await.unwrap(), db.count("revocations").await), (0, 1));
    db.advance(2 * 3600);
    assert_eq!((other.revoke_due().await.unwrap(), db.count("revocations").await), (0, 0));
    assert_eq!(server.requests(), 0);
}

/// The same shop under another name, at `base`.
fn other(shop: &Shop, base: &str) -> Shop {
    let mut other = shop.clone();
    let revoke_url = merchant(base).revoke_url;
    let merchant = Arc::make_mut(&mut other.merchant);
    (merchant.name, merchant.revoke_url) = ("other".into(), revoke_url);
    other
}

async fn a_lapsed_revocation_of_a_known_merchant_is_tried(db: Db) {
    let server = FaultyServer::start([ok()]).await;
    let shop = shop(&db, &server.url());
    let other = other(&shop, &server.url());
    shop.register("u", "rt-1").await;
    other.register("u", "rt-2").await;
    for (shop, merchant) in [(&shop, "shop"), (&other, "other")] {
        assert!(shop.registry().forget(&UserKey::new(merchant, "u")).await.unwrap());
    }
    db.advance(25 * 3600);
    assert_eq!(revoker(&other).await.revoke_due().await.unwrap(), 1);
    assert_eq!((server.requests(), db.count("revocations").await), (1, 0));
    assert!(server.seen().contains("token=rt-2&"));
}

async fn a_hung_endpoint_holds_up_no_other_merchant(db: Db) {
    let hung = FaultyServer::start([Step::hang_after("")]).await;
    let quick = FaultyServer::start((0..9).map(|_| ok())).await;
    let shop = shop(&db, &hung.url());
    let other = other(&shop, &quick.url());
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    for number in 0..9 {
        let user = format!("u-{number}");
        other.register(&user, &format!("rt-1{number}")).await;
        assert!(other.registry().forget(&UserKey::new("other", user)).await.unwrap());
    }
    let merchants: Merchants = shop.merchants().iter().chain(other.merchants().iter()).map(owned).collect();
    let (store, secrets) = (db.open().await, Arc::clone(&shop.secrets));
    let revoker = Revoker::new(store, secrets, merchants.into(), Duration::from_mins(10)).unwrap();
    let running = tokio::spawn(revoker.run());
    let all = async {
        while hung.requests() == 0 || db.count("revocations WHERE merchant = 'other'").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(1), all).await.expect("the other merchant waits for the hung one");
    running.abort();
    assert_eq!((quick.requests(), db.count("revocations").await), (9, 1));
}

fn owned((name, merchant): (&MerchantName, &Arc<Merchant>)) -> (MerchantName, Arc<Merchant>) {
    (name.clone(), Arc::clone(merchant))
}

async fn a_process_that_died_leaves_the_revocation_to_others(db: Db) {
    let server = FaultyServer::start([Step::hang_after(""), ok()]).await;
    let shop = shop(&db, &server.url());
    shop.register("u", "rt-1").await;
    forget(&shop, "u").await;
    let dying = revoker(&shop).await;
    let dying = tokio::spawn(async move { dying.revoke_due().await });
    while server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    dying.abort();
    let other = revoker(&shop).await;
    assert_eq!(other.revoke_due().await.unwrap(), 0, "it may still be at work");
    db.advance(61);
    assert_eq!((other.revoke_due().await.unwrap(), db.count("revocations").await), (1, 0));
}
