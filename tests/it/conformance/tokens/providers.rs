//! Each token names the provider that issued it.

use klarna_order_worker::ids::{Provider, TokenId, UserKey};
use klarna_order_worker::store::ProviderTokens;
use klarna_order_worker::token::{DeadReason, ExchangeResult, NewToken, Settled};

use super::{end, intended, new_token, provider, register, successor};
use crate::support::stores::{Db, both_engines};

both_engines![a_registration_names_the_provider_and_so_does_a_success, tokens_are_counted_and_adopted_by_provider,];

async fn claimed_provider(db: &Db, user: &str) -> Option<Provider> {
    let holder = db.begin_worker().await;
    let (claim, _) = intended(db, user, holder).await;
    let provider = claim.token().provider;
    claim.release().await;
    provider
}

async fn a_registration_names_the_provider_and_so_does_a_success(db: Db) {
    let ends = [
        (successor(&db, 9), Some(provider())),
        (ExchangeResult::Unchanged, Some(provider())),
        (ExchangeResult::Rejected(DeadReason::Rejected), None),
        (ExchangeResult::Refused, None),
        (ExchangeResult::NotSent, None),
        (ExchangeResult::NoAnswer { travelling: false, hold: false }, None),
    ];
    for (byte, (result, named)) in (1..).zip(ends) {
        let user = format!("u-{byte}");
        register(&db, &user, byte).await;
        assert_eq!(claimed_provider(&db, &user).await, Some(provider()));
        // A row without a provider, as older programs wrote it.
        db.execute("UPDATE tokens SET provider = NULL").await;
        let (holder, what) = (db.begin_worker().await, format!("{:?}", result.outcome()));
        db.execute("UPDATE exchanges SET outcome = 'not_sent', closed_at = opened_at WHERE outcome IS NULL").await;
        let (claim, intent) = intended(&db, &user, holder).await;
        let end = end(&db, &intent, result);
        assert_eq!(claim.settle(&end).await.unwrap(), Settled::Written, "{what}");
        let counted = db.store.tokens_by_provider().await.unwrap();
        assert_eq!(counted.first().map(|counted| counted.provider), named, "{what}");
        db.store.forget_token(&UserKey::new("shop", user.as_str())).await.unwrap();
    }
}

async fn tokens_are_counted_and_adopted_by_provider(db: Db) {
    let (old, new) = (provider(), Provider::new("https://new.test/token", "client"));
    for byte in 1..=5 {
        register(&db, &format!("u-{byte}"), byte).await;
    }
    let other = NewToken { owner: UserKey::new("other", "u"), ..new_token(&db, "u", 6) };
    db.store.register_token(&other, false).await.unwrap();
    let gone = NewToken { provider: new, ..new_token(&db, "u-6", 7) };
    db.store.register_token(&gone, false).await.unwrap();
    db.store.forget_token(&UserKey::new("shop", "u-6")).await.unwrap();
    let of = |merchant: &str, provider, tokens| ProviderTokens { merchant: merchant.into(), provider, tokens };
    assert_eq!(db.store.tokens_by_provider().await.unwrap(), [of("other", old, 1), of("shop", old, 5)]);

    let (mut batches, mut last) = (Vec::new(), TokenId::START);
    while let Some((count, id)) = db.store.adopt_tokens(&"shop".into(), old, new, last, 2).await.unwrap() {
        batches.push(count);
        last = id;
    }
    assert_eq!(batches, [2, 2, 1]);
    assert_eq!(db.store.tokens_by_provider().await.unwrap(), [of("other", old, 1), of("shop", new, 5)]);
}
