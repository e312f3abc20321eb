//! A client of the sandbox's own paths.

use klarna_sandbox::Event;
use serde_json::{Value, json};

/// Signs users in at the sandbox, and reads what it recorded. Clones share their connections.
#[derive(Clone)]
pub struct SandboxClient {
    /// The base of its URLs.
    pub url: String,
    /// Its connections.
    pub http: reqwest::Client,
}

impl SandboxClient {
    /// Signs a user in. Returns a new refresh token.
    pub async fn sign_in(&self, user: &str) -> String {
        let request = self.http.post(format!("{}/sandbox/users", self.url)).header("content-type", "application/json");
        let line = request.body(json!({ "user": user }).to_string()).send().await.unwrap().text().await.unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        line["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Returns every event, in order.
    pub async fn record(&self) -> Vec<Event> {
        let answer = self.http.get(format!("{}/sandbox/record", self.url)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}
