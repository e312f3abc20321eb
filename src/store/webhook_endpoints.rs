//! The storage trait for the shops' webhook endpoints: their state, their last answers, and test
//! events.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::columns::{Columns, readable};
use super::engine::{Connection, Engine, Now, SqlStore};
use super::{DisabledWhy, EventKind, StoreError, WebhookClaim, from_micros, json};
use crate::ids::{MerchantName, WebhookId};

/// How many answers of an endpoint are kept.
pub const KEPT_ANSWERS: u32 = 20;

/// What an endpoint answered to an attempt, as far as its sender knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// How long the attempt took.
    pub took: Duration,
}

/// An answer of an endpoint, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The event.
    pub webhook: WebhookId,
    /// What happened.
    pub kind: EventKind,
    /// When the attempt ended.
    pub at: DateTime<Utc>,
    /// The HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// How long the attempt took.
    pub took: Duration,
    /// Why the event was not accepted; `None` if it was.
    pub error: Option<String>,
}

/// The state of a merchant's endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The merchant.
    pub merchant: MerchantName,
    /// The time of the first failure since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when it is disabled, and why; `None` if it is enabled.
    pub disabled: Option<(DateTime<Utc>, DisabledWhy)>,
}

/// Storage for endpoints.
#[async_trait]
pub trait WebhookEndpoints: Send + Sync {
    /// Returns the state of each endpoint, ordered by merchant.
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError>;

    /// Removes a merchant's endpoint: no more events are written for the merchant, and none are
    /// sent. Returns `false` if there was none.
    async fn remove_endpoint(&self, merchant: &MerchantName) -> Result<bool, StoreError>;

    /// Writes a test event for a merchant's endpoint, and enables the endpoint. The event is sent
    /// once. `None` if the merchant has no endpoint.
    async fn test_webhook(&self, merchant: &MerchantName) -> Result<Option<WebhookId>, StoreError>;

    /// Returns the last answers of a merchant's endpoint, newest first.
    async fn webhook_answers(&self, merchant: &MerchantName) -> Result<Vec<WebhookAnswer>, StoreError>;
}

#[async_trait]
impl<E: Engine> WebhookEndpoints for SqlStore<E> {
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.webhooks.endpoints).fetch_all().await?;
            rows.iter().map(endpoint).collect()
        })
        .await
    }

    async fn remove_endpoint(&self, merchant: &MerchantName) -> Result<bool, StoreError> {
        self.transaction(async |c| {
            keep(c, merchant, 0).await?;
            Ok(c.query(E::STATEMENTS.webhooks.remove_endpoint).bind(merchant).execute().await? > 0)
        })
        .await
    }

    async fn test_webhook(&self, merchant: &MerchantName) -> Result<Option<WebhookId>, StoreError> {
        let (id, data) =
            (WebhookId::from(Uuid::new_v4()), json(&serde_json::json!({ "merchant": merchant }))?);
        self.transaction(async |c| {
            let test = c.query(E::STATEMENTS.webhooks.test).bind(id).bind(merchant).bind(&data);
            if test.bind(self.now()).execute().await? == 0 {
                return Ok(None);
            }
            c.query(E::STATEMENTS.webhooks.enable_endpoint).bind(merchant).execute().await?;
            Ok(Some(id))
        })
        .await
    }

    async fn webhook_answers(&self, merchant: &MerchantName) -> Result<Vec<WebhookAnswer>, StoreError> {
        self.read(async |c| {
            let answers = c.query(E::STATEMENTS.webhooks.answers).bind(merchant).bind(KEPT_ANSWERS);
            Ok(readable("webhook answer", &answers.fetch_all().await?, answer))
        })
        .await
    }
}

/// Notes an endpoint's answer within the caller's transaction.
pub(super) async fn note<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: WebhookClaim,
    answer: Answer,
    error: Option<&str>,
) -> Result<(), StoreError> {
    let note = c.query(E::STATEMENTS.webhooks.note_answer).bind(claim.id).bind(now);
    note.bind(answer.status.map(i64::from)).bind(answer.took).bind(error).execute().await?;
    Ok(())
}

/// Deletes all answers of an endpoint but so many, within the caller's transaction.
pub(super) async fn keep<E: Engine>(
    c: &mut Connection<'_, E>,
    merchant: &MerchantName,
    most: u32,
) -> Result<(), StoreError> {
    c.query(E::STATEMENTS.webhooks.forget_answers).bind(merchant).bind(most).execute().await?;
    Ok(())
}

fn answer(row: &impl Columns) -> Result<WebhookAnswer, StoreError> {
    Ok(WebhookAnswer {
        webhook: row.id("webhook")?,
        kind: EventKind::from_word(&row.text("kind")?)?,
        at: row.time("answered_at")?,
        status: row.opt_int("status")?.and_then(|status| u16::try_from(status).ok()),
        took: from_micros(row.int("took_micros")?),
        error: row.opt_text("error")?,
    })
}

fn endpoint(row: &impl Columns) -> Result<Endpoint, StoreError> {
    let why = row.opt_text("disabled_why")?.map(|why| DisabledWhy::from_word(&why)).transpose()?;
    Ok(Endpoint {
        merchant: row.merchant()?,
        failing_since: row.opt_time("failing_since")?,
        disabled: row.opt_time("disabled_at")?.zip(why),
    })
}
