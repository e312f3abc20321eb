//! Failures that concern time, empty answers, and the forms of a refusal.

use std::time::{Duration, Instant};

use klarna_sandbox::{Behaviour, Endpoint, Failure, Outcome, SandboxOptions};
use serde_json::json;

use crate::shop::{Shop, order, read};

const LATE: Duration = Duration::from_secs(5);

async fn late_shop() -> Shop {
    let mut behaviour = Behaviour::default();
    behaviour.token.late = LATE;
    behaviour.checkout.late = LATE;
    Shop::with(behaviour).await
}

#[tokio::test]
async fn a_late_answer_and_a_delayed_request_differ_in_when_the_token_is_spent() {
    let shop = late_shop().await;
    for (failure, first) in [(Failure::Late, Outcome::Reused), (Failure::Delayed, Outcome::Rotated)] {
        let user = failure.to_string();
        let token = shop.sign_in(&user);
        shop.fail_next(Endpoint::Token, failure);
        let begun = Instant::now();
        let late = async {
            let (status, _) = shop.exchange(&token).await;
            (status, begun.elapsed())
        };
        let overtaking = async {
            while !shop.stats().faults.contains_key(&format!("token.{failure}")) {
                tokio::task::yield_now().await;
            }
            if failure == Failure::Late {
                while shop.outcomes(&user).is_empty() {
                    tokio::task::yield_now().await;
                }
            }
            shop.exchange(&token).await
        };
        let ((status, took), _) = tokio::join!(late, overtaking);
        assert!(took >= LATE, "{failure}: {took:?}");
        // The late answer is good; of the request that was overtaken, the token was spent already.
        assert_eq!(status.is_success(), failure == Failure::Late, "{failure}");
        let second = shop.outcomes(&user)[usize::from(failure == Failure::Late)];
        assert_eq!(second, Some(first), "{failure}");
    }
    assert_eq!(shop.stats().exchanges.concurrent, 1, "only the delayed request was still under way");
}

#[tokio::test]
async fn a_stalled_request_is_not_processed_and_an_empty_answer_is() {
    let shop = late_shop().await;
    let token = shop.sign_in("stall");
    shop.fail_next(Endpoint::Token, Failure::Stall);
    let stalled = async {
        while shop.outcomes("stall").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = shop.send_exchange(&token) => panic!("a stalled request was answered"),
        () = stalled => {}
    }
    shop.granted(&token).await;
    assert_eq!(shop.outcomes("stall"), [None, Some(Outcome::Rotated)]);

    let token = shop.sign_in("empty");
    shop.fail_next(Endpoint::Token, Failure::Empty);
    let answer = shop.send_exchange(&token).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), (200, String::new()));
    shop.refused(&token).await;
    shop.fail_next(Endpoint::Checkout, Failure::Empty);
    let answer = shop.send_order(&order("ref-1", None)).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), (201, String::new()));
}

#[tokio::test]
async fn refusals_come_in_each_form() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let good = shop.sign_in("good");
    for (form, status, answer) in [
        ("400", 400, json!("invalid_grant")),
        ("401", 401, json!("invalid_grant")),
        ("403", 403, json!("invalid_grant")),
        ("token-inactive", 401, json!("token_inactive")),
    ] {
        assert_eq!(shop.post("/sandbox/options", json!({"invalid_grant": form})).await.0, 200);
        let (found, body) = shop.exchange("unknown").await;
        assert_eq!((found.as_u16(), &body["error"]), (status, &answer));
        // The endpoint of another provider refuses good tokens, too.
        shop.fail_next(Endpoint::Token, Failure::InvalidGrant);
        let (found, body) = shop.exchange(&good).await;
        assert_eq!((found.as_u16(), &body["error"]), (status, &answer));
    }
    assert_eq!(shop.post("/sandbox/options", json!({"invalid_grant": "nested"})).await.0, 200);
    let (found, body) = shop.exchange("unknown").await;
    assert_eq!((found.as_u16(), &body["error"]["code"]), (400, &json!("invalid_grant")));
    shop.granted(&good).await;

    shop.fail_next(Endpoint::Checkout, Failure::Unprocessable);
    let (status, body) = read(shop.send_order(&order("ref-1", None)).await.unwrap()).await;
    assert_eq!((status.as_u16(), &body["error_code"]), (422, &json!("BAD_VALUE")));
}

#[tokio::test]
async fn requested_failures_can_be_forgotten() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let token = shop.sign_in("u-1");
    shop.fail_next(Endpoint::Token, Failure::InternalError);
    let answer = shop.http.delete(shop.url("/sandbox/fail")).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    shop.granted(&token).await;
}
