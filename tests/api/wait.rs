//! `GET /v1/orders/{id}?wait=`

mod many;

use std::time::{Duration, Instant};

use klarna_order_worker::order::{Disposition, OrderResult, Prefill, Target, TokenOutcome};

use super::Api;

fn submitted() -> Disposition {
    Disposition::Submitted {
        klarna_id: "k-1".into(),
        target: Target::Checkout,
        result: Some(OrderResult::Checkout { html_snippet: "<div></div>".into() }),
        correlation_id: None,
        token: TokenOutcome::Fresh,
        prefilled: Prefill::default(),
    }
}

#[tokio::test]
async fn it_answers_as_soon_as_the_order_is_settled() {
    let api = Api::open().await;
    let path = format!("/v1/orders/{}?wait=60s", api.accepted("shop", "u-1").await);
    let (one, other, ()) = tokio::join!(api.get(&path), api.get(&path), async {
        // Both requests are on their way. One that arrives late finds the order already settled.
        tokio::task::yield_now().await;
        api.settle(&submitted()).await;
    });
    for answer in [one, other, api.get(&path).await] {
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &"submitted".into()));
        assert_eq!(answer.json()["html_snippet"], "<div></div>");
    }
}

#[tokio::test]
async fn patience_ends_with_the_order_as_it_stands() {
    let api = Api::open().await;
    let path = format!("/v1/orders/{}", api.accepted("shop", "u-1").await);
    let began = Instant::now();
    assert_eq!(api.get(&format!("{path}?wait=200ms")).await.json()["status"], "queued");
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn the_stop_answers_everybody_who_waits() {
    let api = Api::open().await;
    let path = format!("/v1/orders/{}?wait=60s", api.accepted("shop", "u-1").await);
    let (answer, ()) = tokio::join!(api.get(&path), async { api.waiters.close() });
    assert_eq!(answer.json()["status"], "queued");
}

#[tokio::test]
async fn a_wait_that_is_no_duration_is_refused() {
    let api = Api::open().await;
    let path = format!("/v1/orders/{}", api.accepted("shop", "u-1").await);
    for bad in ["soon", "-1", "", "25%20bananas"] {
        let problem = api.get(&format!("{path}?wait={bad}")).await.problem(400, "invalid-request");
        assert!(problem["detail"].as_str().unwrap().contains("write 25s"), "{problem}");
    }
    api.get(&format!("{path}?wiat=25s")).await.problem(400, "invalid-request");
    let began = Instant::now();
    assert_eq!(api.get(&format!("{path}?wait=0")).await.status, 200);
    assert!(began.elapsed() < Duration::from_secs(20));
}
