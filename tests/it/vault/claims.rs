//! How the vault identifies the shopper, after the token is stored.

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::vault::{Access, AccessToken, NotIdentified, Vault};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use test_support::issuer::{SigningKey, jwks};
use test_support::mockito::{Mock, Server, ServerGuard};

use super::{ACTIVE, Shop, ready};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_good_id_token_says_who_the_shopper_is,
    a_bad_id_token_costs_no_access_token,
    another_shopper_behind_the_same_user_is_told_by_nobody,
];

/// A shop whose Klarna signs with `key`.
async fn shop(db: &Db, key: &SigningKey) -> (ServerGuard, Shop, Vault) {
    let mut server = Server::new_async().await;
    server.mock("GET", "/jwks.json").with_body(jwks(&[key])).create_async().await;
    let shop = Shop::new(db, &server.url());
    let (vault, _) = shop.process().await;
    (server, shop, vault)
}

fn payload(shop: &Shop, subject: &str) -> Value {
    json!({
        "iss": shop.merchant.issuers[0], "aud": shop.merchant.client_id, "sub": subject,
        "exp": shop.db.clock.now().timestamp() + 300, "given_name": "Karl",
    })
}

async fn granting(server: &mut ServerGuard, refresh_token: &str, id_token: &str) -> Mock {
    let grant = json!({"access_token": "at", "refresh_token": refresh_token, "id_token": id_token, "expires_in": 299});
    server.mock("POST", "/oauth2/token").with_body(grant.to_string()).create_async().await
}

async fn fetch(shop: &Shop, vault: &Vault) -> AccessToken {
    let access: Access = shop.access(vault, "u").await;
    ready(access)
}

async fn a_good_id_token_says_who_the_shopper_is(db: Db) {
    let key = SigningKey::es256("k");
    let (mut server, shop, vault) = shop(&db, &key).await;
    shop.register("u", "rt-1").await;
    granting(&mut server, "rt-2", key.sign(&payload(&shop, "krn:1")).expose_secret()).await;
    let access = fetch(&shop, &vault).await;
    let claims = vault.shopper(&shop.merchant, &"u".into(), &access).await.unwrap().unwrap().claims;
    assert_eq!((claims.subject.as_str(), claims.given_name.as_deref()), ("krn:1", Some("Karl")));
}

async fn a_bad_id_token_costs_no_access_token(db: Db) {
    let (key, another) = (SigningKey::es256("k"), SigningKey::es256("k"));
    let (mut server, shop, vault) = shop(&db, &key).await;
    shop.register("u", "rt-1").await;
    let mut generation = 1;
    for id_token in ["rubbish".into(), another.sign(&payload(&shop, "krn:1"))] {
        generation += 1;
        let mock = granting(&mut server, &format!("rt-{generation}"), id_token.expose_secret()).await;
        let access = fetch(&shop, &vault).await;
        assert_eq!(access.token.expose_secret(), "at");
        let refused = vault.shopper(&shop.merchant, &"u".into(), &access).await.unwrap_err();
        assert!(matches!(refused, NotIdentified::Refused(_)), "{refused}");
        assert_eq!(shop.row("u").await, ACTIVE(generation));
        mock.remove_async().await;
    }
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, 0);
}

async fn another_shopper_behind_the_same_user_is_told_by_nobody(db: Db) {
    let key = SigningKey::es256("k");
    let (mut server, shop, vault) = shop(&db, &key).await;
    shop.register("u", "rt-1").await;
    for (n, (subject, believed)) in
        [("krn:1", true), ("krn:2", false), ("krn:1", true)].into_iter().enumerate()
    {
        let id_token = key.sign(&payload(&shop, subject));
        let mock = granting(&mut server, &format!("rt-{}", n + 2), id_token.expose_secret()).await;
        let access = fetch(&shop, &vault).await;
        let shopper = vault.shopper(&shop.merchant, &"u".into(), &access).await;
        assert_eq!(shopper.is_ok(), believed, "{subject}");
        if let Ok(Some(shopper)) = shopper {
            vault.note(&shop.merchant.name, &"u".into(), &shopper).await;
        }
        mock.remove_async().await;
    }
    // After forgetting, the next shopper who signs in counts as the first.
    shop.registry().forget(&UserKey::new("shop", "u")).await.unwrap();
    shop.register("u", "rt-9").await;
    granting(&mut server, "rt-10", key.sign(&payload(&shop, "krn:2")).expose_secret()).await;
    let access = fetch(&shop, &vault).await;
    assert!(vault.shopper(&shop.merchant, &"u".into(), &access).await.unwrap().is_some());
}
