//! A client of both endpoints.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use klarna_sandbox::{
    Behaviour, Clock, Endpoint, Failure, NextFailure, Outcome, Sandbox, SandboxOptions, SignIn, Stats, What,
};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// A sandbox, its clock, and a client that never retries by itself.
pub struct Shop {
    pub sandbox: Sandbox,
    pub clock: ManualClock,
    pub http: reqwest::Client,
}

/// A clock that stands still until a test advances it. It counts microseconds from a fixed day in
/// 2033.
#[derive(Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    pub fn now(&self) -> DateTime<Utc> {
        let start = DateTime::<Utc>::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        start + Duration::from_micros(self.0.load(Ordering::SeqCst))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Shop {
    pub async fn open(options: SandboxOptions) -> Self {
        let clock = ManualClock::default();
        let now = clock.clone();
        let sandbox = Sandbox::start(options, Clock::from_fn(move || now.now())).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never());
        let http = client.tls_certs_only([]).build().unwrap();
        Self { sandbox, clock, http }
    }

    pub async fn with(behaviour: Behaviour) -> Self {
        Self::open(SandboxOptions { behaviour, ..SandboxOptions::default() }).await
    }

    pub fn stats(&self) -> Stats {
        self.sandbox.admin().stats()
    }

    pub fn sign_in(&self, user: &str) -> String {
        let sign_in = SignIn { user: user.to_owned(), ..SignIn::default() };
        self.sandbox.admin().sign_in(sign_in).refresh_token
    }

    pub fn fail_next(&self, endpoint: Endpoint, failure: Failure) {
        self.sandbox.admin().fail_next(NextFailure { endpoint, user: None, failure });
    }

    /// Returns the outcomes of a user's presentations, in order.
    pub fn outcomes(&self, user: &str) -> Vec<Option<Outcome>> {
        let record = self.sandbox.admin().record().into_iter();
        let of_user = record.filter(|event| event.user.as_deref() == Some(user));
        let outcome = |what| match what {
            What::Presented { outcome, .. } => Some(outcome),
            _ => None,
        };
        of_user.filter_map(|event| outcome(event.what)).collect()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    pub async fn send_form(&self, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        self.http.post(self.url("/eu/lp/idp/oauth2/token")).form(form).send().await
    }

    pub async fn send_exchange(&self, token: &str) -> reqwest::Result<Response> {
        self.send_form(&[("grant_type", "refresh_token"), ("client_id", "shop"), ("refresh_token", token)])
            .await
    }

    pub async fn exchange(&self, token: &str) -> (StatusCode, Value) {
        read(self.send_exchange(token).await.unwrap()).await
    }

    /// Returns the answer of an exchange that must be granted.
    pub async fn granted(&self, token: &str) -> Value {
        let (status, answer) = self.exchange(token).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Makes an exchange that must be answered with `invalid_grant`.
    pub async fn refused(&self, token: &str) {
        let (status, answer) = self.exchange(token).await;
        assert_eq!((status.as_u16(), &answer["error"]), (400, &json!("invalid_grant")));
    }

    pub async fn send_order(&self, order: &Value) -> reqwest::Result<Response> {
        self.send_order_with(order, "klarna-idempotency-key", "key-1").await
    }

    pub async fn send_order_with(&self, order: &Value, name: &str, value: &str) -> reqwest::Result<Response> {
        let request =
            self.http.post(self.url("/checkout/v3/orders")).basic_auth("api-user", Some("password"));
        let request = request.header(name, value).header("content-type", "application/json");
        request.body(order.to_string()).send().await
    }

    pub async fn order(&self, order: &Value) -> (StatusCode, Value) {
        read(self.send_order(order).await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, String) {
        let answer = self.http.post(self.url(path)).body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> Value {
        read(self.http.get(self.url(path)).send().await.unwrap()).await.1
    }
}

pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Returns a valid order.
pub fn order(reference: &str, access_token: Option<&str>) -> Value {
    let mut order = json!({"purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE",
        "order_amount": 50_000, "order_tax_amount": 4_545, "merchant_reference2": reference,
        "order_lines": [{"name": "Yellow T-Shirt", "quantity": 5, "unit_price": 10_000, "tax_rate": 1_000,
            "total_amount": 50_000, "total_tax_amount": 4_545}]});
    if let Some(token) = access_token {
        order["customer"] = json!({"klarna_access_token": token, "date_of_birth": "1984-09-21"});
    }
    order
}
