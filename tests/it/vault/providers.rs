//! A token is presented only to the provider that issued it.

use std::future::pending;
use std::sync::Arc;

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::token::{DeadReason, IfDue, Registered, Unusable};
use klarna_order_worker::vault::{ImportedToken, Refreshed, Registration};
use test_support::mockito::{Matcher, Server};
use uuid::Uuid;

use super::{ACTIVE, Shop, dead, describe, ready};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, both_engines};

both_engines![another_provider_never_sees_the_token, one_token_of_two_users_is_presented_once];

/// Returns the shop with another address or client id in its settings.
pub fn with(shop: &Shop, token_url: &str, client_id: &str) -> Shop {
    let mut merchant = (*shop.merchant).clone();
    merchant.token_url = token_url.parse().unwrap();
    merchant.client_id = client_id.into();
    Shop { merchant: Arc::new(merchant), ..shop.clone() }
}

async fn another_provider_never_sees_the_token(db: Db) {
    let mut server = Server::new_async().await;
    let rejecting =
        server.mock("POST", "/elsewhere").with_status(400).with_body(r#"{"error":"invalid_grant"}"#);
    let rejecting = rejecting.expect(1).create_async().await;
    let granting = server
        .mock("POST", Matcher::Regex("^/oauth2/token".into()))
        .with_body(r#"{"access_token":"at","refresh_token":"rt-2"}"#);
    let granting = granting.expect(1).create_async().await;
    let shop = Shop::new(&db, &server.url());
    shop.register("u", "rt-1").await;
    let right = shop.merchant.token_url.to_string();

    for other in
        [with(&shop, &format!("{}/elsewhere", server.url()), "client-1"), with(&shop, &right, "client-2")]
    {
        let (vault, _) = other.process().await;
        assert_eq!(describe(&other.access(&vault, "u").await), "Unavailable");
        let now = db.clock.now() + chrono::TimeDelta::days(50);
        let if_due = IfDue { by: now, issued_before: now };
        let swept =
            vault.refresh(&other.merchant, &"u".into(), Uuid::now_v7().into(), if_due, pending()).await;
        assert_eq!(swept, Refreshed::Unusable(Unusable::Unavailable));
    }
    assert_eq!((shop.row("u").await, shop.ledger().await.len()), (ACTIVE(1), 0));

    // The query of the address makes no other provider.
    let same = with(&shop, &format!("{right}?version=2"), "client-1");
    let (vault, _) = same.process().await;
    ready(same.access(&vault, "u").await);
    granting.assert_async().await;
    let other = with(&shop, &format!("{}/elsewhere", server.url()), "client-1");
    let (vault, _) = other.process().await;
    assert_eq!(describe(&other.access(&vault, "u").await), "Unavailable");
    // A sign-in under the new settings belongs to the new provider.
    other.register("u", "rt-3").await;
    assert_eq!(describe(&other.access(&vault, "u").await), "ReauthRequired");
    assert_eq!(shop.row("u").await, dead(DeadReason::Rejected, 3));
    rejecting.assert_async().await;
}

/// The same token under two users, and under two merchants of one client. A strict provider would
/// revoke the grant at the second presentation.
async fn one_token_of_two_users_is_presented_once(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let shop = Shop::new(&db, &endpoint.url);
    let mut merchant = (*shop.merchant).clone();
    merchant.name = "twin".into();
    let twin = Shop { merchant: Arc::new(merchant), ..shop.clone() };
    let register = async |shop: &Shop, user: &str, token: &str| {
        let registration = Registration {
            user: user.into(),
            refresh_token: token.into(),
            issued_at: None,
            expires_at: None,
        };
        let imported = [ImportedToken { merchant: Arc::clone(&shop.merchant), registration }];
        let registered = shop.registry().register(&shop.merchant, &imported[0].registration).await.unwrap();
        let import = shop.registry().import(&imported).await.unwrap().remove(0).unwrap();
        assert_eq!(std::mem::discriminant(&registered), std::mem::discriminant(&import));
        registered
    };
    let refused = async |token: &str| {
        for (shop, user) in [(&shop, "v"), (&twin, "u"), (&twin, "w")] {
            let Registered::HeldElsewhere(holder) = register(shop, user, token).await else {
                panic!("{user}")
            };
            assert_eq!(holder, UserKey::new("shop", "u"));
        }
    };
    shop.register("u", "rt-1").await;
    refused("rt-1").await;
    let (vault, _) = shop.process().await;
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-1");
    // The spent one, and its successor.
    refused("rt-1").await;
    refused("rt-2").await;
    let (theirs, _) = twin.process().await;
    for user in ["u", "w"] {
        assert_eq!(describe(&twin.access(&theirs, user).await), "NotRegistered");
    }
    assert_eq!(describe(&shop.access(&vault, "v").await), "NotRegistered");
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-2");
    assert_eq!(endpoint.presented(), ["rt-1", "rt-2"]);
}
