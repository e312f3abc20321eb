//! The storage trait for webhooks: the outbox, which triggers fill when orders and tokens change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::{Columns, readable};
use super::engine::{Connection, Engine, Query, SqlStore};
use super::sql;
use super::webhook_end::{self, by_claim};
use super::{
    Answer, Delivery, EventKind, StoreError, WebhookClaim, WebhookSettled, WebhookStatus, from_micros,
};
use crate::ids::{MerchantName, UserId, WebhookId};
use crate::order::OrderId;

/// An event that was claimed for one attempt.
#[derive(Clone, Debug)]
pub struct ClaimedWebhook {
    /// The claim, which every write names.
    pub claim: WebhookClaim,
    /// Its place among all events: a later event about the same order has a larger number.
    pub sequence: i64,
    /// The merchant whose endpoint it is sent to.
    pub merchant: MerchantName,
    /// What happened.
    pub kind: EventKind,
    /// The order that it is about, if any.
    pub order: Option<OrderId>,
    /// The trace context of that order's acceptance.
    pub trace: Option<String>,
    /// The event's data for the shop, a JSON object.
    pub data: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The number of attempts that ended before this one.
    pub attempts: i64,
}

/// An event for operators.
#[derive(Clone, Debug)]
pub struct WebhookView {
    /// The event's id, which the shop sees too.
    pub id: WebhookId,
    /// The merchant whose endpoint it is sent to.
    pub merchant: MerchantName,
    /// The user whom it is about.
    pub user: UserId,
    /// The order that it is about, if any.
    pub order: Option<OrderId>,
    /// What happened.
    pub kind: EventKind,
    /// Its status.
    pub status: WebhookStatus,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it is sent next.
    pub due_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// The number of attempts that have ended.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Since when nothing is sent to the endpoint.
    pub endpoint_disabled_at: Option<DateTime<Utc>>,
}

/// Selects events, newest first.
#[derive(Clone, Debug, Default)]
pub struct WebhookFilter {
    /// Only the event with this id.
    pub id: Option<WebhookId>,
    /// Only events of this merchant.
    pub merchant: Option<MerchantName>,
    /// Only events about this user.
    pub user: Option<UserId>,
    /// Only events with this status.
    pub status: Option<WebhookStatus>,
    /// Only events of this kind.
    pub kind: Option<EventKind>,
    /// Only events that happened at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only events older than this one, which is the last one of the previous page.
    pub before: Option<WebhookId>,
    /// The largest number of events.
    pub limit: u32,
}

/// Events that are sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResentWebhooks {
    /// The events, newest first.
    pub webhooks: Vec<WebhookId>,
    /// Where to continue, as [`WebhookFilter::before`], if there may be more.
    pub next: Option<WebhookId>,
}

/// The settings that the database needs to know.
#[derive(Clone, Debug)]
pub struct Published {
    /// The setting `queue.order_deadline`, for orders that are submitted by SQL.
    pub order_deadline: Duration,
    /// For each merchant of the settings that has a webhook, a hash of the webhook's settings.
    pub webhooks: BTreeMap<MerchantName, [u8; 32]>,
}

/// Storage for webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Stores the settings that the database needs to know. An endpoint whose settings changed is
    /// enabled again. Endpoints that are not in these settings are not changed: another process may
    /// have other settings.
    async fn publish(&self, settings: &Published) -> Result<(), StoreError>;

    /// Returns the merchants that have due events and an enabled endpoint.
    async fn due_webhook_merchants(&self) -> Result<Vec<MerchantName>, StoreError>;

    /// Returns how long it is until the next event becomes due of those that are not due yet;
    /// `None` if there is none.
    async fn next_webhook_due(&self) -> Result<Option<Duration>, StoreError>;

    /// Claims due events, at most the given number of each merchant. They become due again after
    /// `lease`.
    async fn claim_webhooks(
        &self,
        shares: &BTreeMap<MerchantName, usize>,
        lease: Duration,
    ) -> Result<Vec<ClaimedWebhook>, StoreError>;

    /// Releases claimed events that were not begun, so that they are due at once.
    async fn give_back_webhooks(&self, claims: &[WebhookClaim]) -> Result<(), StoreError>;

    /// Stores the result of an attempt, and what the endpoint answered. Returns `None`, and writes
    /// nothing, if the claim no longer holds.
    async fn settle_webhook(
        &self,
        claim: WebhookClaim,
        delivery: &Delivery,
        answer: Answer,
    ) -> Result<Option<WebhookSettled>, StoreError>;

    /// Returns events, newest first.
    async fn webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookView>, StoreError>;

    /// Counts events. The filter's `before` and `limit` are ignored.
    async fn count_webhooks(&self, filter: &WebhookFilter) -> Result<u64, StoreError>;

    /// As [`Webhooks::count_webhooks`], but does not count beyond `most`.
    async fn count_webhooks_up_to(&self, filter: &WebhookFilter, most: u32) -> Result<u64, StoreError>;

    /// Makes events due again, for three days, and enables their endpoints.
    async fn resend_webhooks(&self, filter: &WebhookFilter) -> Result<ResentWebhooks, StoreError>;
}

#[async_trait]
impl<E: Engine> Webhooks for SqlStore<E> {
    async fn publish(&self, settings: &Published) -> Result<(), StoreError> {
        self.transaction(async |c| publish(c, settings).await).await
    }

    async fn due_webhook_merchants(&self) -> Result<Vec<MerchantName>, StoreError> {
        self.read(async |c| {
            let rows =
                c.query(E::STATEMENTS.webhooks.due_webhook_merchants).bind(self.now()).fetch_all().await?;
            rows.iter().map(|row| Ok(row.merchant()?)).collect()
        })
        .await
    }

    async fn next_webhook_due(&self) -> Result<Option<Duration>, StoreError> {
        self.read(async |c| {
            let row = c.query(E::STATEMENTS.webhooks.next_webhook_due).bind(self.now()).fetch_one().await?;
            Ok(row.opt_int("micros")?.map(from_micros))
        })
        .await
    }

    async fn claim_webhooks(
        &self,
        shares: &BTreeMap<MerchantName, usize>,
        lease: Duration,
    ) -> Result<Vec<ClaimedWebhook>, StoreError> {
        self.transaction(async |c| {
            let mut claimed = Vec::new();
            for (merchant, share) in shares {
                let claim =
                    c.query(E::STATEMENTS.webhooks.claim_webhooks).bind(merchant).bind(*share).bind(lease);
                let rows = claim.bind(self.now()).fetch_all().await?;
                claimed.extend(readable("webhook", &rows, claimed_webhook));
            }
            Ok(claimed)
        })
        .await
    }

    async fn give_back_webhooks(&self, claims: &[WebhookClaim]) -> Result<(), StoreError> {
        self.transaction(async |c| {
            for claim in claims {
                by_claim(c, E::STATEMENTS.webhooks.give_back_webhook, self.now(), *claim).execute().await?;
            }
            Ok(())
        })
        .await
    }

    async fn settle_webhook(
        &self,
        claim: WebhookClaim,
        delivery: &Delivery,
        answer: Answer,
    ) -> Result<Option<WebhookSettled>, StoreError> {
        self.transaction(async |c| webhook_end::settle(c, self.now(), claim, delivery, answer).await).await
    }

    async fn webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookView>, StoreError> {
        self.read(async |c| {
            let list = chosen(c, narrowed(E::STATEMENTS.webhooks.webhooks, filter), filter);
            let rows = list.bind(filter.before).bind(filter.limit).fetch_all().await?;
            Ok(readable("webhook", &rows, webhook_view))
        })
        .await
    }

    async fn count_webhooks(&self, filter: &WebhookFilter) -> Result<u64, StoreError> {
        self.read(async |c| {
            let count = narrowed(E::STATEMENTS.webhooks.count_webhooks, filter);
            Ok(chosen(c, count, filter).fetch_one().await?.count("webhooks")?)
        })
        .await
    }

    async fn count_webhooks_up_to(&self, filter: &WebhookFilter, most: u32) -> Result<u64, StoreError> {
        self.read(async |c| {
            let count = narrowed(E::STATEMENTS.webhooks.count_webhooks, filter);
            let rows = count.replacen("count(*) AS webhooks", "w.seq", 1);
            let count = sql::filled(sql::WEBHOOKS_UP_TO, [&rows, &most.to_string()]);
            Ok(chosen(c, count, filter).fetch_one().await?.count("webhooks")?)
        })
        .await
    }

    async fn resend_webhooks(&self, filter: &WebhookFilter) -> Result<ResentWebhooks, StoreError> {
        self.transaction(async |c| {
            let resend = chosen(c, narrowed(E::STATEMENTS.webhooks.resend_webhooks, filter), filter);
            let rows = resend.bind(filter.before).bind(filter.limit).bind(self.now()).fetch_all().await?;
            let merchants = rows.iter().map(Columns::merchant).collect::<sqlx::Result<BTreeSet<_>>>()?;
            for merchant in merchants {
                c.query(E::STATEMENTS.webhooks.enable_endpoint).bind(&merchant).execute().await?;
            }
            let places = rows.iter().map(|row| Ok((row.int("seq")?, row.id("id")?)));
            let mut places = places.collect::<sqlx::Result<Vec<(i64, WebhookId)>>>()?;
            places.sort_unstable_by_key(|(seq, _)| std::cmp::Reverse(*seq));
            let webhooks: Vec<WebhookId> = places.into_iter().map(|(_, id)| id).collect();
            let next = webhooks.last().copied().filter(|_| webhooks.len() == filter.limit as usize);
            Ok(ResentWebhooks { webhooks, next })
        })
        .await
    }
}

/// Binds a filter as the first six parameters of a statement.
fn chosen<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: String,
    filter: &WebhookFilter,
) -> Query<'c, E> {
    c.composed(statement)
        .bind(filter.id)
        .bind(&filter.merchant)
        .bind(&filter.user)
        .bind(filter.status.map(WebhookStatus::as_str))
        .bind(filter.kind.map(EventKind::as_str))
        .bind(filter.since)
}

/// Says each condition of a filter without "or it is absent", and the status in plain words, so
/// that indexes can be used.
pub(super) fn narrowed(statement: &str, filter: &WebhookFilter) -> String {
    let WebhookFilter { id, merchant, user, status, kind, since, .. } = filter;
    let given =
        [id.is_some(), merchant.is_some(), user.is_some(), status.is_some(), kind.is_some(), since.is_some()];
    let given = (1..).zip(given).filter(|(_, is_given)| *is_given);
    let mut text = sql::narrowed(statement, given.map(|(number, _)| number));
    if let Some(status) = status {
        let plain = format!("w.status = $4 AND w.status = '{}'", status.as_str());
        text = text.replace("w.status = $4", &plain);
    }
    text
}

async fn publish<E: Engine>(c: &mut Connection<'_, E>, settings: &Published) -> Result<(), StoreError> {
    c.query(E::STATEMENTS.webhooks.publish_deadline).bind(settings.order_deadline).execute().await?;
    for (merchant, fingerprint) in &settings.webhooks {
        c.query(E::STATEMENTS.webhooks.publish_endpoint).bind(merchant).bind(fingerprint).execute().await?;
    }
    Ok(())
}

fn claimed_webhook(row: &impl Columns) -> Result<ClaimedWebhook, StoreError> {
    Ok(ClaimedWebhook {
        claim: WebhookClaim { id: row.id("id")?, number: row.int("claim_number")? },
        sequence: row.int("seq")?,
        merchant: row.merchant()?,
        kind: EventKind::from_word(&row.text("kind")?)?,
        order: row.opt_id("order_id")?,
        trace: row.opt_text("trace")?,
        data: row.text("data")?,
        occurred_at: row.time("occurred_at")?,
        attempts: row.int("attempts")?,
    })
}

fn webhook_view(row: &impl Columns) -> Result<WebhookView, StoreError> {
    Ok(WebhookView {
        id: row.id("id")?,
        merchant: row.merchant()?,
        user: row.user()?,
        order: row.opt_id("order_id")?,
        kind: EventKind::from_word(&row.text("kind")?)?,
        status: WebhookStatus::from_word(&row.text("status")?)?,
        occurred_at: row.time("occurred_at")?,
        due_at: row.time("due_at")?,
        ended_at: row.opt_time("ended_at")?,
        attempts: row.int("attempts")?,
        error: row.opt_text("error")?,
        endpoint_disabled_at: row.opt_time("disabled_at")?,
    })
}
