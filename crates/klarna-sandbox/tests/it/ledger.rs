//! The ledger: what has become of each refresh token.

use std::time::Duration;

use klarna_sandbox::{Behaviour, Endpoint, Failure, Fate, Latency, Ledger, Rotation, SandboxOptions};
use serde_json::json;

use crate::shop::{Shop, text};

/// Returns the fates of a user's tokens, over all sign-ins.
fn fates(shop: &Shop, user: &str) -> Vec<Fate> {
    let Ledger { grants, .. } = shop.sandbox.admin().ledger(Some(user));
    grants.iter().flat_map(|grant| &grant.tokens).map(|token| token.fate).collect()
}

#[tokio::test]
async fn each_token_has_its_fate() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let first = shop.sign_in("alma");
    let answer = shop.granted(&first).await;
    assert_eq!(fates(&shop, "alma"), [Fate::Spent, Fate::Good]);

    // Every answer that does not arrive loses the token in it.
    for failure in
        [Failure::Lost, Failure::Truncated, Failure::Garbage, Failure::Empty, Failure::GatewayTimeout]
    {
        let user = failure.to_string();
        let token = shop.sign_in(&user);
        shop.fail_next(Endpoint::Token, failure);
        if let Ok(answer) = shop.send_exchange(&token).await {
            drop(answer.bytes().await);
        }
        assert_eq!(fates(&shop, &user), [Fate::Spent, Fate::Lost], "{failure}");
        // The attempt to present it again ends the sign-in, and the token stays lost.
        shop.refused(&token).await;
        assert_eq!(fates(&shop, &user), [Fate::Spent, Fate::Lost], "{failure}");
    }

    // A spent token is presented: the sign-in ends.
    shop.refused(&first).await;
    assert_eq!(fates(&shop, "alma"), [Fate::Spent, Fate::Revoked]);
    shop.refused(text(&answer, "refresh_token")).await;
    // A second sign-in, and withdrawn consent.
    shop.sign_in("alma");
    assert_eq!(fates(&shop, "alma"), [Fate::Spent, Fate::Revoked, Fate::Good]);
    shop.post("/sandbox/revoke", json!({"user": "alma"})).await;
    assert_eq!(fates(&shop, "alma"), [Fate::Spent, Fate::Revoked, Fate::Revoked]);

    let ledger = shop.get("/sandbox/ledger?user=alma").await;
    assert_eq!(
        ledger["sums"],
        json!({"issued": 3, "presented": 3, "rotated": 1, "spent_presented": 1, "lost": 0})
    );
    let all = shop.get("/sandbox/ledger").await;
    assert_eq!((&all["sums"]["lost"], all["grants"].as_array().unwrap().len()), (&json!(5), 7));
    assert!(!all.to_string().contains("ory_rt_"), "the ledger tells a token");
}

#[tokio::test]
async fn a_token_that_a_repetition_brings_is_not_lost() {
    let shop = Shop::with(Behaviour { rotation: Rotation::Grace, ..Behaviour::default() }).await;
    let token = shop.sign_in("alma");
    shop.fail_next(Endpoint::Token, Failure::Lost);
    shop.send_exchange(&token).await.unwrap_err();
    assert_eq!(fates(&shop, "alma"), [Fate::Spent, Fate::Lost]);
    shop.granted(&token).await;
    assert_eq!(fates(&shop, "alma"), [Fate::Spent, Fate::Good]);
}

#[tokio::test]
async fn a_client_that_hangs_up_loses_the_token() {
    let mut behaviour = Behaviour::default();
    behaviour.token.latency = Latency::fixed(Duration::from_millis(400));
    let shop = Shop::with(behaviour).await;
    let token = shop.sign_in("alma");
    let received = async {
        while shop.stats().exchanges.total == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = shop.send_exchange(&token) => panic!("answered before its time"),
        () = received => {}
    }
    while fates(&shop, "alma") != [Fate::Spent, Fate::Lost] {
        tokio::task::yield_now().await;
    }
}
