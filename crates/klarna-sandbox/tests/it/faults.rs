//! Failures: requested ones, random ones, and clients that close the connection.

use klarna_sandbox::{Behaviour, Endpoint, Failure, Outcome, SandboxOptions};

use crate::shop::{Shop, order, read, text};

#[tokio::test]
async fn each_failure_spends_the_token_or_not_as_it_says() {
    let shop = Shop::open(SandboxOptions::default()).await;
    for (failure, spent) in [
        (Failure::Lost, true),
        (Failure::Truncated, true),
        (Failure::Garbage, true),
        (Failure::InternalErrorProcessed, true),
        (Failure::GatewayTimeout, true),
        (Failure::Cut, false),
        (Failure::InternalError, false),
        (Failure::BadGateway, false),
        (Failure::Unavailable, false),
        (Failure::TooManyRequests, false),
        (Failure::BadRequest, false),
        (Failure::Unauthorized, false),
        (Failure::Forbidden, false),
        (Failure::NotFound, false),
    ] {
        let user = failure.to_string();
        let token = shop.sign_in(&user);
        shop.fail_next(Endpoint::Token, failure);
        let answer = match shop.send_exchange(&token).await {
            Ok(answer) => answer.text().await,
            Err(error) => Err(error),
        };
        let cut_off = matches!(failure, Failure::Lost | Failure::Truncated | Failure::Cut);
        assert_eq!(answer.is_err(), cut_off, "{failure}");
        assert!(!answer.unwrap_or_default().contains("ory_"), "{failure}: the answer tells a token");

        assert_eq!(shop.exchange(&token).await.0.is_success(), !spent, "{failure}");
        let again = if spent { Outcome::Reused } else { Outcome::Rotated };
        assert_eq!(shop.outcomes(&user), [spent.then_some(Outcome::Rotated), Some(again)], "{failure}");
        assert_eq!(shop.stats().faults[&format!("token.{failure}")], 1);
    }
}

#[tokio::test]
async fn checkout_fails_in_klarnas_shapes() {
    let shop = Shop::open(SandboxOptions::default()).await;
    for (failure, status) in [
        (Failure::Unauthorized, 401),
        (Failure::Forbidden, 403),
        (Failure::NotFound, 404),
        (Failure::TooLarge, 413),
        (Failure::TooManyRequests, 429),
        (Failure::Unavailable, 503),
    ] {
        shop.fail_next(Endpoint::Checkout, failure);
        let answer = shop.send_order(&order("ref-1", None)).await.unwrap();
        assert_eq!(answer.status(), status);
        let headers = answer.headers();
        assert!(headers.contains_key("klarna-correlation-id"));
        assert_eq!(headers.contains_key("x-ratelimit-reset"), status == 429);
        assert_eq!(headers.contains_key("retry-after"), status == 503);
    }
    shop.fail_next(Endpoint::Checkout, Failure::Lost);
    shop.send_order(&order("ref-1", None)).await.unwrap_err();
    shop.order(&order("ref-1", None)).await;
    let orders = shop.stats().orders;
    assert_eq!((orders.total, orders.duplicates), (2, 1));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_undo_what_it_sent() {
    let mut behaviour = Behaviour::default();
    behaviour.token.held = true;
    let shop = Shop::with(behaviour).await;
    let token = shop.sign_in("u-1");
    let received = async {
        while shop.stats().exchanges.total == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = shop.send_exchange(&token) => panic!("answered before its time"),
        () = received => {}
    }
    // Still held: the request that was hung up on is under way.
    let (again, ()) = tokio::join!(shop.exchange(&token), async {
        while shop.stats().held < 2 {
            tokio::task::yield_now().await;
        }
        shop.sandbox.admin().behave(Behaviour::default()).unwrap();
    });
    assert_eq!(shop.stats().held, 0);
    assert_eq!((again.0.as_u16(), text(&again.1, "error")), (400, "invalid_grant"), "{again:?}");
    assert_eq!(shop.outcomes("u-1"), [Some(Outcome::Rotated), Some(Outcome::Reused)]);
    assert_eq!(shop.stats().exchanges.concurrent, 1);
}

#[tokio::test]
async fn a_hanging_answer_ends_with_the_sandbox() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let token = shop.sign_in("u-1");
    shop.fail_next(Endpoint::Token, Failure::Hang);
    let admin = shop.sandbox.admin().clone();
    let form = [("grant_type", "refresh_token"), ("client_id", "shop"), ("refresh_token", token.as_str())];
    let hanging = shop.http.post(shop.url("/eu/lp/idp/oauth2/token")).form(&form).send();
    let ending = async {
        while admin.stats().exchanges.rotated == 0 {
            tokio::task::yield_now().await;
        }
        shop.sandbox.shutdown().await;
    };
    let (answer, ()) = tokio::join!(hanging, ending);
    answer.unwrap_err();
}

#[tokio::test]
async fn drawn_failures_come_at_their_rate_and_repeat_with_their_seed() {
    let first = drawn(11).await;
    let failed = first.1.iter().filter(|status| **status != 200).count();
    assert!((30..=90).contains(&failed), "{failed} of 200 failed at a rate of 0.3");
    assert!(first.1.contains(&500) && first.1.contains(&503));
    assert_eq!(first, drawn(11).await);
    assert_ne!(first, drawn(12).await);
}

/// Returns the last token and the statuses of 200 exchanges.
async fn drawn(seed: u64) -> (String, Vec<u16>) {
    let mut behaviour = Behaviour::default();
    behaviour.token.failure_rate = 0.3;
    behaviour.token.failures = vec![Failure::InternalError, Failure::Unavailable];
    let shop = Shop::open(SandboxOptions { seed: Some(seed), behaviour, ..SandboxOptions::default() }).await;
    let mut token = shop.sign_in("u-1");
    let mut statuses = Vec::new();
    for _ in 0..200 {
        let answer = shop.send_exchange(&token).await.unwrap();
        statuses.push(answer.status().as_u16());
        if answer.status().is_success() {
            text(&read(answer).await.1, "refresh_token").clone_into(&mut token);
        }
    }
    (token, statuses)
}
