//! A running service and a client of its HTTP API.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{Program, until};
use crate::shop::{order, text};

/// A running service.
pub struct Served {
    /// The process.
    pub program: Program,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
}

impl Served {
    /// Returns a client of the service.
    pub fn client(&self) -> Client {
        Client { url: self.url.clone(), http: self.http.clone() }
    }
}

/// A client of the service's HTTP API.
#[derive(Clone)]
pub struct Client {
    url: String,
    http: reqwest::Client,
}

impl Client {
    /// Returns a client with connections of its own.
    pub fn new(served: &Served) -> Self {
        Self { url: served.url.clone(), http: reqwest::Client::new() }
    }

    /// Registers a user's refresh token.
    pub async fn register(&self, user: &str, refresh_token: &str) {
        self.register_at("shop", user, refresh_token).await;
    }

    /// As [`Client::register`], at any merchant.
    pub async fn register_at(&self, merchant: &str, user: &str, refresh_token: &str) {
        let url = format!("{}/v1/merchants/{merchant}/users/{user}/token", self.url);
        let body = json!({ "refresh_token": refresh_token }).to_string();
        let answer =
            self.http.put(url).header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap_or_default());
    }

    /// Registers many refresh tokens: user and token.
    pub async fn register_all(&self, users: &[(String, String)]) {
        for (user, token) in users {
            self.register(user, token).await;
        }
    }

    /// Renames a user. Returns the status and the answer.
    pub async fn rename(&self, user: &str, to: &str) -> (u16, Value) {
        let url = format!("{}/v1/merchants/shop/users/{user}/rename", self.url);
        let body = json!({ "to": to }).to_string();
        let answer =
            self.http.post(url).header("content-type", "application/json").body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// Returns a user's token, as the API shows it.
    pub async fn token(&self, user: &str) -> Value {
        let url = format!("{}/v1/merchants/shop/users/{user}/token", self.url);
        serde_json::from_str(&self.http.get(url).send().await.unwrap().text().await.unwrap()).unwrap()
    }

    /// Like [`Client::token`]; `None` if the service does not answer.
    pub async fn try_token(&self, user: &str) -> Option<Value> {
        let url = format!("{}/v1/merchants/shop/users/{user}/token", self.url);
        let answer = self.http.get(url).send().await.ok()?.error_for_status().ok()?;
        Some(serde_json::from_str(&answer.text().await.ok()?).unwrap())
    }

    /// Submits an order; `None` if the service does not answer.
    pub async fn try_post(&self, user: &str, key: &str, order: &Value) -> Option<(u16, Value)> {
        self.try_submit(key, &json!({ "merchant": "shop", "user": user, "order": order })).await
    }

    /// Hands in an order with its envelope; `None` where the service is not there.
    pub async fn try_submit(&self, key: &str, envelope: &Value) -> Option<(u16, Value)> {
        let request =
            self.http.post(format!("{}/v1/orders", self.url)).header("content-type", "application/json");
        let answer = request.header("idempotency-key", key).body(envelope.to_string()).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_str(&answer.text().await.ok()?).unwrap()))
    }

    /// Submits the order of [`order`], which must be accepted. Returns its id.
    pub async fn post(&self, user: &str, key: &str) -> String {
        self.post_at("shop", user, key).await
    }

    /// As [`Client::post`], at any merchant.
    pub async fn post_at(&self, merchant: &str, user: &str, key: &str) -> String {
        let envelope = json!({ "merchant": merchant, "user": user, "order": order() });
        let (status, answer) = self.try_submit(key, &envelope).await.unwrap();
        assert_eq!(status, 202, "{answer}");
        text(&answer, "id")
    }

    /// Returns the order, waiting up to `wait` for its end.
    pub async fn order(&self, id: &str, wait: &str) -> Value {
        let answer = self.http.get(format!("{}/v1/orders/{id}?wait={wait}", self.url)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Like [`Client::order`]; `None` if the service does not answer.
    pub async fn try_order(&self, id: &str, wait: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}/v1/orders/{id}?wait={wait}", self.url)).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        Some(serde_json::from_str(&answer.text().await.ok()?).unwrap())
    }

    /// Like [`Client::register`]. Returns whether the service has the token.
    pub async fn try_register(&self, user: &str, refresh_token: &str) -> bool {
        let url = format!("{}/v1/merchants/shop/users/{user}/token", self.url);
        let body = json!({ "refresh_token": refresh_token }).to_string();
        let answer = self.http.put(url).header("content-type", "application/json").body(body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Returns the answer of a path, as text.
    pub async fn get_text(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// Changes the body of an order that has this version (`*`: any). Returns the status and the
    /// answer.
    pub async fn change(&self, id: &str, version: &str, order: &Value) -> (u16, Value) {
        let request = self.http.put(format!("{}/v1/orders/{id}", self.url)).header("if-match", version);
        let request = request.header("content-type", "application/json");
        let answer = request.body(json!({ "order": order }).to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// Posts a text as it is. Returns the status and the answer.
    pub async fn send_text(&self, path: &str, media_type: &str, text: String) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", media_type);
        let answer = request.body(text).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// Posts to a path, without a body.
    pub async fn send_post(&self, path: &str) -> reqwest::Response {
        self.http.post(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// Deletes a path.
    pub async fn send_delete(&self, path: &str) -> reqwest::Response {
        self.http.delete(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// What `/readyz` says, ready or not.
    pub async fn readiness(&self) -> String {
        match self.http.get(format!("{}/readyz", self.url)).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Requests a path and returns how long the answer took; `None` if there is none or it is not a
    /// success.
    pub async fn timed(&self, path: &str) -> Option<Duration> {
        let begun = tokio::time::Instant::now();
        let answer =
            self.http.get(format!("{}{path}", self.url)).send().await.ok()?.error_for_status().ok()?;
        answer.bytes().await.ok()?;
        Some(begun.elapsed())
    }

    /// Waits for the order's end and returns the order.
    pub async fn ended(&self, id: &str, patience: Duration) -> Value {
        let mut order = Value::Null;
        until("an order's end", patience, async || {
            order = self.order(id, "5s").await;
            !["queued", "running"].contains(&order["status"].as_str().unwrap())
        })
        .await;
        order
    }

    /// Submits `orders` new orders from 16 clients, for each user in turn. Returns their ids.
    pub async fn post_all(&self, users: &[(String, String)], orders: usize) -> Vec<String> {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let call = CALLS.fetch_add(1, Ordering::SeqCst);
        let next = Arc::new(AtomicUsize::new(0));
        let clients = (0..16).map(|_| {
            let (client, next, users) = (self.clone(), Arc::clone(&next), users.to_vec());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= orders {
                        return ids;
                    }
                    let (user, _) = &users[number % users.len()];
                    ids.push(client.post(user, &format!("cart-{call}-{number}")).await);
                }
            })
        });
        let mut ids = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            ids.extend(client.await.unwrap());
        }
        ids
    }

    /// Checks that each of these orders is submitted with a token of its own, within `patience` in
    /// all. On a busy machine, the attempt that got it may have been too slow to send the order;
    /// the next one has kept it.
    pub async fn all_submitted_fresh(&self, ids: &[String], patience: Duration) {
        self.all_submitted(ids, &["fresh", "cached"], patience).await;
    }

    /// Checks that each of these orders is submitted with one of the token outcomes `tokens`,
    /// within `patience` in all.
    pub async fn all_submitted(&self, ids: &[String], tokens: &[&str], patience: Duration) {
        let end = tokio::time::Instant::now() + patience;
        for id in ids {
            let order = self.ended(id, end - tokio::time::Instant::now()).await;
            assert_eq!(order["status"], "submitted", "{order}");
            assert!(order["token"].as_str().is_some_and(|token| tokens.contains(&token)), "{order}");
            assert!(order["html_snippet"].as_str().is_some_and(|html| !html.is_empty()), "{order}");
        }
    }
}
