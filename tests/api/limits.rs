//! Limits: concurrent requests, and sizes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use futures::FutureExt as _;
use futures::future::{join, join_all};
use klarna_order_worker::api::{Limits, Probes, Readiness, Refusals, SharedAnswers, probes};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::serve::half_sent;
use super::{Api, ORDER, SOON, envelope, json, key, send};

/// Takes the only permit for requests, with a post whose body does not arrive.
async fn busy(api: &Api) -> tokio::net::TcpStream {
    half_sent(api, "POST", "/v1/orders", "").await.1
}

#[tokio::test]
async fn whoever_finds_no_place_is_told_to_come_back() {
    let api = Api::within("", Limits { requests: 1, waits: 1 }).await;
    let order = format!("/v1/orders/{}?wait=60s", api.accepted("shop", "u-1").await);
    let connection = busy(&api).await;
    let refused = api.post_order(envelope("shop", "u-1", ORDER)).await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    api.get("/v1/orders").await.problem(503, "overloaded");
    // Health checks and descriptions have other permits and are served.
    for path in ["/livez", "/readyz", "/openapi.json"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    let (waited, ()) = join(api.get(&order), async { api.waiters.close() }).await;
    assert_eq!(waited.status, 200);
    drop(connection);
    // The permit is free as soon as the server notices that the caller is gone.
    while api.get("/v1/orders").await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn waits_have_places_of_their_own() {
    let api = Api::within("", Limits { requests: 5, waits: 1 }).await;
    let path = format!("/v1/orders/{}", api.accepted("shop", "u-1").await);
    let long = format!("{path}?wait=60s");
    let waiting = async {
        let (one, other) = join(api.get(&long), api.get(&long)).await;
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        statuses
    };
    let stop = async {
        // Continue only when both requests wait: then a further one is refused.
        while api.get(&format!("{path}?wait=1ms")).await.status != 503 {
            tokio::task::yield_now().await;
        }
        api.waiters.close();
    };
    let (statuses, ()) = join(waiting, stop).await;
    assert!(statuses == [200, 503] || statuses == [200, 200], "{statuses:?}");
    assert_eq!(api.get(&path).await.status, 200, "a look without a wait takes none of them");
}

#[tokio::test]
async fn access_tokens_and_calls_about_orders_take_no_places_of_each_other() {
    let api = Api::within("", Limits { requests: 1, waits: 1 }).await;
    let order = format!("/v1/orders/{}", api.accepted("shop", "u-1").await);
    let change = json(api.request(Method::PUT, &order).header("if-match", "*"), "{}");
    let token = "/v1/merchants/shop/users/u-1/access-token";
    // The only place of a call about an order, with a body that does not arrive.
    let busy = half_sent(&api, "PUT", &order, "If-Match: *\r\n").await.1;
    send(change.try_clone().unwrap()).await.problem(503, "overloaded");
    api.get(&format!("{order}?refresh=true")).await.problem(503, "overloaded");
    assert_eq!(api.get(&order).await.status, 200);
    send(api.request(Method::POST, token)).await.problem(503, "no-access-token");
    drop(busy);
    while send(change.try_clone().unwrap()).await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused_in_words() {
    let api = Api::open().await;
    let long = "x".repeat(17_000);
    send(api.request(Method::GET, "/v1/orders").header("x-long", &long)).await.problem(431, "head-too-large");
    api.get(&format!("/v1/orders?user={long}")).await.problem(431, "head-too-large");
    let fits = "x".repeat(15_000);
    assert_eq!(send(api.request(Method::GET, "/v1/orders").header("x-long", fits)).await.status, 200);
}

#[tokio::test]
async fn lists_are_compressed_and_an_order_alone_is_not() {
    let api = Api::open().await;
    let id = api.accepted("shop", "u-1").await;
    let gzipped = async |path: &str| {
        let answer =
            api.request(Method::GET, path).header("accept-encoding", "gzip, br").send().await.unwrap();
        let encoding =
            answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        (encoding, answer.bytes().await.unwrap())
    };
    for path in ["/v1/orders", "/openapi.json"] {
        let (encoding, body) = gzipped(path).await;
        assert_eq!(encoding.as_deref(), Some("gzip"), "{path}");
        assert_eq!(body[..2], [0x1f, 0x8b], "{path}");
        assert_eq!(api.get(path).await.headers.get("content-encoding"), None, "{path}: nobody asked for it");
    }
    assert_eq!(
        gzipped(&format!("/v1/orders/{id}")).await.0,
        None,
        "its snippet stands beside what a shopper chose"
    );
    assert_eq!(api.get("/v1/orders").await.headers.get("access-control-allow-origin"), None);
}

/// A connection on which the head of a post was sent, and a byte of its body.
async fn stalled(api: &Api, path: &str, headers: &str) -> TcpStream {
    let mut connection = TcpStream::connect(api.address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n{headers}\r\n{{");
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

#[tokio::test]
async fn strangers_take_no_place_of_callers_with_a_key() {
    let keys = key("all", "key-of-all", r#"scopes = ["orders", "tokens", "ops"]"#);
    let api = Api::within(&keys, Limits { requests: 1, waits: 1 }).await;
    let form = "Origin: http://localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let mut stalls = Vec::new();
    for _ in 0..70 {
        stalls.push(stalled(&api, "/sign-in", form).await);
    }
    // An order without a key is refused before its body is read.
    let json = "Content-Type: application/json\r\n";
    let mut refused = stalled(&api, "/v1/orders", json).await;
    let mut head = [0; 12];
    timeout(SOON, refused.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(&head, b"HTTP/1.1 401");
    // Orders, pages and health checks are served meanwhile.
    for (path, status) in
        [("/v1/orders", 200), ("/sign-in", 200), ("/docs/", 200), ("/readyz", 200), ("/metrics", 200)]
    {
        let answer = send(api.request(Method::GET, path).bearer_auth("key-of-all")).await;
        assert_eq!(answer.status, status, "{path}");
    }
    // A caller with a key may not stop in the middle of a body either.
    let bearer = format!("{json}Authorization: Bearer key-of-all\r\n");
    for path in ["/v1/orders/batch", "/v1/orders"] {
        stalls.push(stalled(&api, path, &bearer).await);
    }
    for mut connection in stalls {
        timeout(SOON, connection.read_exact(&mut head)).await.expect("the body is still waited for").unwrap();
        assert_eq!(&head, b"HTTP/1.1 408");
    }
}

#[tokio::test]
async fn those_who_ask_without_a_key_at_the_same_time_share_the_work() {
    let api = Api::open().await;
    for path in ["/readyz", "/readyz?verbose", "/metrics"] {
        // Each question waits until all callers are there.
        let (asked, told) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let gate = Arc::new(Semaphore::new(0));
        let question = {
            let (asked, gate) = (Arc::clone(&asked), Arc::clone(&gate));
            move || {
                asked.fetch_add(1, Ordering::Relaxed);
                let gate = Arc::clone(&gate);
                async move { drop(gate.acquire_owned().await.unwrap()) }
            }
        };
        let (health, scrape) = (question.clone(), question);
        let ready = Readiness::default();
        ready.set_ready(true);
        let told_too = Arc::clone(&told);
        let router = probes(Probes {
            ready,
            health: Arc::new(move || health().map(Ok).boxed()),
            endpoints: api.app.store.clone(),
            providers: api.app.store.clone(),
            pausing: api.app.store.clone(),
            replica: api.app.store.clone(),
            breakers: Arc::new(move || {
                told_too.fetch_add(1, Ordering::Relaxed);
                std::collections::BTreeMap::new()
            }),
            settings: api.app.live.status.clone(),
            refusals: Refusals::default(),
            scrape: Arc::new(move || scrape().map(|()| "metrics\n".to_owned()).boxed()),
            answers: SharedAnswers::default(),
        });
        let callers =
            (0..50).map(|_| router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()));
        let (answers, ()) = join(join_all(callers), async { gate.add_permits(1) }).await;
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status() == 200), "{path}");
        // The second question is of those who came while the first was asked.
        assert_eq!(asked.load(Ordering::Relaxed), 2, "{path}");
        assert_eq!(told.load(Ordering::Relaxed), if path.contains("verbose") { 2 } else { 0 });
    }
}
