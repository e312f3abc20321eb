//! Circuit breakers on the pages.

use klarna_order_worker::breaker::{BreakerState, Endpoint, WaitingBreaker};
use klarna_order_worker::clock::Clock;
use klarna_order_worker::store::Worker;
use uuid::Uuid;

use super::{Browser, OPS, keys};
use crate::Api;

#[tokio::test]
async fn an_operator_lets_a_breaker_try_a_call() {
    let api = Api::with_keys(&keys()).await;
    let worker =
        Worker { id: Uuid::new_v4().into(), instance: Uuid::new_v4().into(), name: "host/1".to_owned() };
    api.app.store.begin_worker(&worker).await.unwrap();
    let now = Clock::system().now();
    let open = |endpoint, state, cause: &str| WaitingBreaker {
        endpoint,
        merchant: "shop".into(),
        state,
        cause: cause.to_owned(),
        since: now,
        next_try: now,
    };
    let told = [
        open(Endpoint::Checkout, BreakerState::Open, "<b>HTTP 503</b>"),
        open(Endpoint::Token, BreakerState::Closed, "Klarna asked for a pause"),
        open(Endpoint::Payments, BreakerState::HalfOpen, "HTTP 502"),
    ];
    api.app.store.note_breakers(worker.id, &told).await.unwrap();
    let browser = Browser::signed_in(&api, OPS).await;
    let page = browser.page("/").await;
    let ask = "/breakers/probe?merchant=shop&endpoint=checkout";
    assert!(page.contains(&ask.replace('&', "&amp;")) && page.contains("Try now…"), "{page}");
    assert!(
        page.contains("half-open: the next call decides") && !page.contains("endpoint=payments"),
        "{page}"
    );
    assert!(page.contains("asked to wait") && !page.contains("<b>HTTP 503</b>"), "{page}");
    let asked = browser.page(ask).await;
    assert!(asked.contains("Try a call now?") && asked.contains("&lt;b&gt;HTTP 503"), "{asked}");
    let fields = [("merchant", "shop"), ("endpoint", "checkout")];
    let done = browser.act(ask, "/breakers/probe", &fields).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/?done=probed#breakers"), "{done:?}");
    assert!(browser.page("/?done=probed").await.contains("The circuit breaker tries the next call"));
    let asked: Vec<_> = api.app.store.probes().await.unwrap();
    assert_eq!(
        (asked.len(), asked[0].merchant.as_str(), asked[0].endpoint.as_str()),
        (1, "shop", "checkout")
    );
    for (path, status) in [
        ("/breakers/probe", 400),
        ("/breakers/probe?merchant=shop", 400),
        ("/breakers/probe?merchant=shop&endpoint=every", 400),
        ("/breakers/probe?merchant=no-such&endpoint=token", 404),
    ] {
        assert_eq!(browser.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn outages_are_shown_to_those_who_may_see_the_merchant() {
    let api = Api::with_keys(&keys()).await;
    let now = Clock::system().now();
    for merchant in ["shop", "other"] {
        let breaker = WaitingBreaker {
            endpoint: Endpoint::Checkout,
            merchant: merchant.into(),
            state: BreakerState::Open,
            cause: "<b>no answer</b>".to_owned(),
            since: now,
            next_try: now,
        };
        api.app.store.begin_outage(&breaker).await.unwrap();
    }
    let all = Browser::signed_in(&api, OPS).await.page("/outages").await;
    for told in [">shop</td>", ">other</td>", "&lt;b&gt;no answer", "goes on", "Failed meanwhile"] {
        assert!(all.contains(told), "{told}: {all}");
    }
    assert!(!all.contains("<b>no answer"), "{all}");
    let own = Browser::signed_in(&api, "key-of-limited").await.page("/outages").await;
    assert!(own.contains(">other</td>") && !own.contains("shop"), "{own}");
}
