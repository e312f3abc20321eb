//! A token endpoint that answers each request when the test says so.

use std::collections::HashMap;
use std::io;

use axum::body::{Body, Bytes};
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::stream;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::provider::text;
use super::world::Reply;

/// A request that waits for its answer.
pub struct PendingRequest {
    pub token: String,
    pub answer: oneshot::Sender<Response>,
}

/// The running endpoint. Dropping it stops it.
pub struct FakeEndpoint {
    pub url: String,
    pub arrivals: mpsc::UnboundedReceiver<PendingRequest>,
    serving: JoinHandle<()>,
}

impl FakeEndpoint {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let handler = move |Form(mut form): Form<HashMap<String, String>>| async move {
            let (answer, response) = oneshot::channel();
            let token = form.remove("refresh_token").unwrap();
            arrived.send(PendingRequest { token, answer }).unwrap();
            response.await.unwrap_or_else(|_| cut())
        };
        let router = Router::new().route("/oauth2/token", post(handler));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, arrivals, serving }
    }
}

impl Drop for FakeEndpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns the HTTP response for a reply.
pub fn response(reply: Reply) -> Response {
    match reply {
        Reply::Granted { access, successor } => {
            let mut grant = json!({"access_token": access, "expires_in": 299.5});
            if let Some(successor) = successor {
                grant["refresh_token"] = text(successor).into();
            }
            Json(grant).into_response()
        }
        Reply::Status(status, error) => {
            (StatusCode::from_u16(status).unwrap(), Json(json!({"error": error}))).into_response()
        }
        Reply::Cut => cut(),
    }
}

/// Returns an answer that breaks off.
fn cut() -> Response {
    let pieces = [Ok(Bytes::from_static(b"{")), Err(io::Error::other("cut"))];
    Body::from_stream(stream::iter(pieces)).into_response()
}
