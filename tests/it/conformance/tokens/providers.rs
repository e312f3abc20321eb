//! Each token names the provider that issued it.

use klarna_order_worker::ids::{Provider, TokenId, UserKey};
use klarna_order_worker::store::{Adopted, AdoptedToken, ProviderTokens, SealedToken};
use klarna_order_worker::token::{DeadReason, ExchangeResult, NewToken, Registered, Settled};

use super::{end, intended, new_token, provider, register, successor};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_registration_names_the_provider_and_an_exchange_keeps_it,
    tokens_are_counted_by_provider,
    tokens_are_counted_and_paged_in_steps,
    a_token_is_adopted_unless_another_user_has_it,
];

async fn a_registration_names_the_provider_and_an_exchange_keeps_it(db: Db) {
    let ends = [
        successor(&db, 9),
        ExchangeResult::Unchanged,
        ExchangeResult::Rejected(DeadReason::Rejected),
        ExchangeResult::Refused,
        ExchangeResult::NotSent,
        ExchangeResult::NoAnswer { travelling: false, hold: false },
    ];
    for (byte, result) in (1..).zip(ends) {
        let user = format!("u-{byte}");
        register(&db, &user, byte).await;
        let what = format!("{:?}", result.outcome());
        let (claim, intent) = intended(&db, &user, db.begin_worker().await).await;
        assert_eq!(claim.token().provider, Some(provider()));
        assert_eq!(claim.settle(&end(&db, &intent, result)).await.unwrap(), Settled::Written, "{what}");
        let counted = db.store.tokens_by_provider().await.unwrap();
        assert_eq!(counted.first().map(|counted| counted.provider), Some(provider()), "{what}");
        db.store.forget_token(&UserKey::new("shop", user.as_str())).await.unwrap();
    }
}

async fn tokens_are_counted_by_provider(db: Db) {
    let (old, new) = (provider(), Provider::new("https://new.test/token", "client"));
    for byte in 1..=5 {
        register(&db, &format!("u-{byte}"), byte).await;
    }
    let other = NewToken { owner: UserKey::new("other", "u"), ..new_token(&db, "u", 6) };
    db.store.register_token(&other).await.unwrap();
    let gone = NewToken { provider: new, ..new_token(&db, "u-6", 7) };
    db.store.register_token(&gone).await.unwrap();
    db.store.forget_token(&UserKey::new("shop", "u-6")).await.unwrap();
    let of =
        |merchant: &str, provider, tokens| ProviderTokens { merchant: merchant.into(), provider, tokens };
    assert_eq!(db.store.tokens_by_provider().await.unwrap(), [of("other", old, 1), of("shop", old, 5)]);
}

/// A step reads a hundred thousand ids.
async fn tokens_are_counted_and_paged_in_steps(db: Db) {
    for (byte, id) in (1..).zip([100_000, 100_001, 730_000]) {
        let next = if db.is_sqlite() {
            format!(
                "DELETE FROM sqlite_sequence WHERE name = 'tokens';
                 INSERT INTO sqlite_sequence (name, seq) VALUES ('tokens', {})",
                id - 1
            )
        } else {
            format!("SELECT setval('tokens_id_seq', {id}, false)")
        };
        db.execute(&next).await;
        register(&db, &format!("u-{byte}"), byte).await;
    }
    assert_eq!(db.value("max(id) FROM tokens").await.as_deref(), Some("730000"));
    let counted = db.store.tokens_by_provider().await.unwrap();
    assert_eq!(counted, [ProviderTokens { merchant: "shop".into(), provider: provider(), tokens: 3 }]);
    let by_state: Vec<u64> =
        db.store.token_counts(None).await.unwrap().iter().map(|count| count.tokens).collect();
    assert_eq!(by_state, [3]);
    assert_eq!(db.store.sealed(&[]).await.unwrap().tokens, 3);
    let (mut after, mut pages) = (TokenId::START, Vec::new());
    loop {
        let page = db.store.sealed_otherwise(b"none", after, 10).await.unwrap();
        let of_provider = db.store.sealed_by(&"shop".into(), provider(), after, 10).await.unwrap();
        let ids = |page: &[SealedToken]| -> Vec<i64> {
            page.iter().map(|token| token.sealed_for.version.token.0).collect()
        };
        assert_eq!(ids(&page), ids(&of_provider));
        let Some(last) = page.last() else { break };
        after = last.sealed_for.version.token;
        pages.push(ids(&page));
    }
    assert_eq!(pages, [vec![100_000], vec![100_001], vec![730_000]]);
}

async fn a_token_is_adopted_unless_another_user_has_it(db: Db) {
    let (old, new) = (provider(), Provider::new("https://new.test/token", "client"));
    for byte in 1..=3 {
        register(&db, &format!("u-{byte}"), byte).await;
    }
    // The second one's token is registered at the new address, for another user, before it is known
    // to be the same provider.
    let again = NewToken { owner: UserKey::new("shop", "v"), provider: new, ..new_token(&db, "u-2", 2) };
    assert!(matches!(db.store.register_token(&again).await.unwrap(), Registered::Stored(_)));
    let rows = db.store.sealed_by(&"shop".into(), old, TokenId::START, 10).await.unwrap();
    let tokens: Vec<_> = (1..)
        .zip(rows)
        .map(|(byte, row)| {
            let hash = new_token(&db, &format!("u-{byte}"), byte).secret.hash(new);
            AdoptedToken { token: row.sealed_for.version.token, from: row.sealed, to: vec![byte + 10], hash }
        })
        .collect();
    register(&db, "u-3", 33).await;
    db.advance(60);
    let adopted = db.store.adopt_tokens(&tokens, new).await.unwrap();
    assert_eq!(adopted, [Adopted::Moved, Adopted::HeldElsewhere, Adopted::Changed]);
    let left = db.store.sealed_by(&"shop".into(), old, TokenId::START, 10).await.unwrap();
    assert_eq!(left.iter().map(|row| row.sealed[0]).collect::<Vec<_>>(), [2, 33]);
    let moved = db.store.sealed_by(&"shop".into(), new, TokenId::START, 10).await.unwrap();
    assert_eq!(moved.iter().map(|row| row.sealed[0]).collect::<Vec<_>>(), [11, 2]);
    // The adoption is not an arrival.
    let times = "(SELECT DISTINCT seen_at FROM known_tokens WHERE token_id = (SELECT id FROM tokens WHERE user_id = 'u-1')) AS t";
    assert_eq!(db.count(times).await, 1);
    // Its hash has followed: the token is the first user's at the new address, too.
    let again = NewToken { owner: UserKey::new("shop", "v"), provider: new, ..new_token(&db, "u-1", 1) };
    assert!(matches!(db.store.register_token(&again).await.unwrap(), Registered::HeldElsewhere(_)));
}
