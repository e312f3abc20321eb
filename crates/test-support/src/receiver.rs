//! The endpoint of a shop, which receives webhooks.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::routing::post;
use proptest::test_runner::{RngAlgorithm, TestRng};
use rand::RngExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A request, and its answer.
#[derive(Clone)]
pub struct Request {
    /// The request's headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The status of its answer; 0 if it was not answered.
    pub status: u16,
}

impl Request {
    /// The message's `webhook-id`.
    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }
}

/// The endpoint's answer.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    headers: HeaderMap,
}

impl Answer {
    /// An answer without a body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: HeaderMap::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }
}

type Answering = Arc<dyn Fn(usize) -> Option<Answer> + Send + Sync>;

#[derive(Clone)]
struct Receiving {
    answer: Answering,
    requests: watch::Sender<Vec<Request>>,
}

/// The running endpoint. It stops when it is dropped.
pub struct Receiver {
    /// Where webhooks go.
    pub url: String,
    requests: watch::Sender<Vec<Request>>,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Starts an endpoint that answers request number `n`, from 0, with `answer(n)`.
    pub async fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(move |n| Some(answer(n)))).await
    }

    /// Starts an endpoint that fails about every other request. A seed always gives the same
    /// failures.
    pub async fn failing(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let fails: Vec<bool> = (0..1000).map(|_| random.random()).collect();
        Self::start(move |n| Answer::status(if fails[n % fails.len()] { 500 } else { 200 })).await
    }

    /// Starts an endpoint that receives requests and never answers.
    pub async fn silent() -> Self {
        Self::serve(Arc::new(|_| None)).await
    }

    async fn serve(answer: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let requests = watch::Sender::new(Vec::new());
        let router = Router::new()
            .route("/hooks", post(take))
            .with_state(Receiving { answer, requests: requests.clone() });
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, requests, serving }
    }

    /// Returns every request so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// Waits until this many requests have arrived.
    pub async fn reached(&self, requests: usize) {
        let mut seen = self.requests.subscribe();
        let reached = seen.wait_for(|seen| seen.len() >= requests);
        tokio::time::timeout(Duration::from_mins(1), reached).await.expect("they never came").unwrap();
    }
}

async fn take(
    State(Receiving { answer, requests }): State<Receiving>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let mut answered = None;
    requests.send_modify(|requests| {
        answered = answer(requests.len());
        let status = answered.as_ref().map_or(0, |answer| answer.status);
        requests.push(Request { headers, body, status });
    });
    match answered {
        Some(answer) => (StatusCode::from_u16(answer.status).unwrap(), answer.headers),
        None => std::future::pending().await,
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
