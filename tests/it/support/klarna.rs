//! A token endpoint whose answers a test decides one by one.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use axum::extract::Form;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The running endpoint. Dropping it stops it.
pub struct Endpoint {
    pub url: String,
    presented: watch::Sender<Vec<String>>,
    serving: JoinHandle<()>,
}

impl Endpoint {
    /// Starts an endpoint that answers each presented refresh token with the result of `answer`.
    pub async fn start<F, R>(answer: F) -> Self
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = (u16, Value)> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let presented = watch::Sender::new(Vec::new());
        let (answer, seen) = (Arc::new(answer), presented.clone());
        let handler = move |Form(mut form): Form<HashMap<String, String>>| async move {
            let token = form.remove("refresh_token").unwrap();
            seen.send_modify(|seen| seen.push(token.clone()));
            let (status, body) = answer(token).await;
            (StatusCode::from_u16(status).unwrap(), Json(body))
        };
        let router = Router::new().route("/oauth2/token", post(handler));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, presented, serving }
    }

    /// Returns the tokens presented so far, in order.
    pub fn presented(&self) -> Vec<String> {
        self.presented.borrow().clone()
    }

    /// Waits until this many requests have arrived.
    pub async fn reached(&self, requests: usize) {
        self.presented.subscribe().wait_for(|presented| presented.len() >= requests).await.unwrap();
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns the successor of a token: `rt-2` for `rt-1`.
pub fn next(token: &str) -> String {
    let number: u32 = token.strip_prefix("rt-").unwrap().parse().unwrap();
    format!("rt-{}", number + 1)
}

/// Returns an answer that rotates the token.
pub fn rotated(token: &str) -> (u16, Value) {
    (200, json!({"access_token": format!("at-{token}"), "refresh_token": next(token), "expires_in": 299}))
}
