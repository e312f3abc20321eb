//! Encryption with another key.

use std::collections::BTreeMap;
use std::sync::Arc;

use klarna_order_worker::ids::TokenId;
use klarna_order_worker::vault::sealing::{Cipher, Resealed, Secrets, reseal};
use zeroize::Zeroizing;

use super::in_flight::{Gated, waiting};
use super::{ACTIVE, Shop, an_order, cipher, describe, ready};
use crate::support::klarna::{Endpoint, rotated};
use crate::support::stores::{Db, both_engines};

both_engines![
    what_another_key_seals_is_sealed_anew_and_what_none_opens_is_left,
    a_row_that_moves_on_meanwhile_keeps_what_it_was_given,
    a_key_is_noted_once,
];

/// Returns the shop's secrets with a new active key.
fn with_new_key(shop: &Shop) -> Arc<Secrets> {
    let keys = ["k1", "n3"].map(|name| (name.to_owned(), Zeroizing::new([name.as_bytes()[0]; 32])));
    let cipher = Cipher::new("n3", &BTreeMap::from(keys)).unwrap();
    Arc::new(Secrets::open(cipher, &Secrets::found(shop.secrets.cipher()).unwrap()).unwrap())
}

async fn what_another_key_seals_is_sealed_anew_and_what_none_opens_is_left(db: Db) {
    let endpoint = Endpoint::start(|token| async move { rotated(&token) }).await;
    let mut shop = Shop::new(&db, &endpoint.url);
    let strange = Secrets::open(cipher("x2"), &Secrets::found(&cipher("x2")).unwrap()).unwrap();
    let ours = std::mem::replace(&mut shop.secrets, Arc::new(strange));
    shop.register("strange", "rt-strange").await;
    shop.secrets = ours;
    shop.register("u", "rt-1").await;
    let (vault, _) = shop.process().await;
    let order = an_order();
    ready(shop.access_for(&vault, "u", order).await);

    shop.secrets = with_new_key(&shop);
    let mut told_of = Vec::new();
    let resealed = reseal(&*db.store, &shop.secrets, |secrets| told_of.push(secrets)).await.unwrap();
    let left = BTreeMap::from([("x2".to_owned(), 1)]);
    assert_eq!(resealed, Resealed { tokens: 1, cached: 1, hash_key: false, left: left.clone() });
    assert_eq!(told_of.last(), Some(&2));
    let counts = async |key: &str| db.store.sealed(&Cipher::beginning(key)).await.unwrap();
    assert_eq!((counts("k1").await.tokens, counts("n3").await.tokens, counts("x2").await.tokens), (0, 1, 1));
    assert!(counts("k1").await.is_none());
    assert_eq!(db.store.sealed(&[]).await.unwrap().tokens, 2);
    let again = reseal(&*db.store, &shop.secrets, |_| ()).await.unwrap();
    assert_eq!(again, Resealed { left, ..Resealed::default() });

    // Everything works as before.
    let (vault, _) = shop.process().await;
    assert_eq!(describe(&shop.access_for(&vault, "u", order).await), "at-rt-1");
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-2");
    assert_eq!(describe(&shop.access(&vault, "strange").await), "Unavailable");
    assert_eq!(shop.row("strange").await, ACTIVE(1));
}

async fn a_row_that_moves_on_meanwhile_keeps_what_it_was_given(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (vault, _) = shop.process().await;
    shop.register("u", "rt-1").await;
    let before =
        db.store.sealed_otherwise(&Cipher::beginning("n3"), TokenId::START, 10).await.unwrap().remove(0);
    // A program without the new key has the token in flight, and encrypts the successor with the
    // old key.
    let waiting = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    let secrets = with_new_key(&shop);
    assert_eq!(reseal(&*db.store, &secrets, |_| ()).await.unwrap().tokens, 1);
    klarna.answer_one();
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    vault.wait_until_idle().await;
    assert_eq!(shop.row("u").await, ACTIVE(2));
    assert!(
        !db.store
            .reseal_token(before.sealed_for.version.token, &before.sealed, b"what is over")
            .await
            .unwrap()
    );
    // The next run finds it.
    assert_eq!(reseal(&*db.store, &secrets, |_| ()).await.unwrap().tokens, 1);
    klarna.answer_one();
    assert_eq!(
        describe(&shop.access(&vault, "u").await),
        "Unavailable",
        "the old program cannot open it any more"
    );
    assert_eq!(shop.row("u").await, ACTIVE(2));
}

async fn a_key_is_noted_once(db: Db) {
    for fingerprint in [b"first", b"other"] {
        db.store.note_key("k1", fingerprint).await.unwrap();
    }
    assert_eq!(db.store.known_keys().await.unwrap(), [("k1".to_owned(), b"first".to_vec())]);
}
