//! The HTTP client of the service and of the sandbox: submits orders, waits for results, reads the
//! sandbox's counts.

use klarna_sandbox::Stats;
use serde_json::Value;

use crate::BenchError;

pub const MERCHANT: &str = "shop";

/// How long the service may take for one result.
const PATIENCE: &str = "60s";

/// A client of one HTTP host, with connections that are reused.
#[derive(Clone)]
pub struct Shop {
    client: reqwest::Client,
    base: String,
}

impl Shop {
    pub fn new(base: String) -> Result<Self, BenchError> {
        let client =
            reqwest::Client::builder().no_proxy().http1_only().build().map_err(|error| failed(&error))?;
        Ok(Self { client, base })
    }

    /// Returns what the sandbox has counted so far.
    pub async fn stats(&self) -> Result<Stats, BenchError> {
        let answer =
            self.client.get(format!("{}/stats", self.base)).send().await.map_err(|error| failed(&error))?;
        let text = answer.text().await.map_err(|error| failed(&error))?;
        serde_json::from_str(&text)
            .map_err(|error| BenchError::Http(format!("the sandbox's /stats: {error}")))
    }

    /// Returns the body of the answer of a path.
    pub async fn text(&self, path: &str) -> Result<String, BenchError> {
        let answer =
            self.client.get(format!("{}{path}", self.base)).send().await.map_err(|error| failed(&error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(BenchError::Http(format!("{path} was answered {status}")));
        }
        answer.text().await.map_err(|error| failed(&error))
    }

    /// Submits an order of `user` and returns its id.
    pub async fn order(&self, user: &str) -> Result<String, BenchError> {
        let post = self.client.post(format!("{}/v1/orders", self.base));
        let post = post.header("content-type", "application/json").body(envelope(user));
        let order = read(post.send().await).await?;
        Ok(order["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits for the order's end. Fails unless it was submitted with a token.
    pub async fn result(&self, id: &str) -> Result<(), BenchError> {
        let get = self.client.get(format!("{}/v1/orders/{id}?wait={PATIENCE}", self.base));
        let order = read(get.send().await).await?;
        if order["status"] == "submitted" && order["token"] == "fresh" {
            return Ok(());
        }
        Err(BenchError::Unclean(format!(
            "an order ended as {} with the token {}",
            order["status"], order["token"]
        )))
    }
}

/// An order of `user` with three lines, as a shop sends it.
pub fn envelope(user: &str) -> String {
    format!(
        r#"{{"merchant":"{MERCHANT}","user":"{user}","order":{}}}"#,
        include_str!("order.json").trim_end()
    )
}

async fn read(answer: reqwest::Result<reqwest::Response>) -> Result<Value, BenchError> {
    let answer = answer.map_err(|error| failed(&error))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| failed(&error))?;
    if !status.is_success() {
        return Err(BenchError::Http(format!("the service answered {status}: {text}")));
    }
    serde_json::from_str(&text).map_err(|error| BenchError::Http(error.to_string()))
}

fn failed(error: &reqwest::Error) -> BenchError {
    BenchError::Http(format!("no answer: {error}"))
}
