//! The sandbox's doors, by HTTP.

use klarna_sandbox::Event;
use serde_json::{Value, json};

/// Whoever signs in at the sandbox, and asks it what it saw. Cheap to clone.
#[derive(Clone)]
pub struct SandboxDoors {
    /// The base of its URLs.
    pub url: String,
    /// Its connections.
    pub http: reqwest::Client,
}

impl SandboxDoors {
    /// Signs one user in: a fresh refresh token.
    pub async fn sign_in(&self, user: &str) -> String {
        let request = self.http.post(format!("{}/sandbox/users", self.url)).header("content-type", "application/json");
        let line = request.body(json!({ "user": user }).to_string()).send().await.unwrap().text().await.unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        line["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Everything that happened, in its order.
    pub async fn record(&self) -> Vec<Event> {
        let answer = self.http.get(format!("{}/sandbox/record", self.url)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}
