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
        let request =
            self.http.post(format!("{}/sandbox/users", self.url)).header("content-type", "application/json");
        let line =
            request.body(json!({ "user": user }).to_string()).send().await.unwrap().text().await.unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        line["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Signs users in whose sign-ins have this age. Returns the sandbox's answers.
    pub async fn sign_in_ago(&self, users: usize, prefix: &str, age: &str) -> Vec<Value> {
        let body = json!({ "count": users, "prefix": prefix, "age": age });
        let request =
            self.http.post(format!("{}/sandbox/users", self.url)).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap().error_for_status().unwrap();
        let lines = answer.text().await.unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns every event, in order.
    pub async fn record(&self) -> Vec<Event> {
        let answer = self.http.get(format!("{}/sandbox/record", self.url)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}
