//! The storage trait for webhooks: the outbox, which the database fills as orders and tokens
//! change, and the endpoints it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::{Columns, readable};
use super::engine::{Connection, Engine, Query, SqlStore};
use super::webhook_end::{self, Delivery, WebhookSettled, by_claim};
use super::{StoreError, from_micros};
use crate::ids::{MerchantName, UserId, WebhookId};
use crate::order::OrderId;
use crate::words::words;

/// What a shop is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum EventKind {
    /// Klarna created an order.
    #[serde(rename = "order.submitted")]
    OrderSubmitted,
    /// An order was given up.
    #[serde(rename = "order.failed")]
    OrderFailed,
    /// A user's token is dead: only a new sign-in helps.
    #[serde(rename = "token.reauth_required")]
    TokenReauthRequired,
    /// A token that was dead is alive: the user signed in, or a late successor came.
    #[serde(rename = "token.recovered")]
    TokenRecovered,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// To be sent, or sent again.
    Pending,
    /// The shop took it.
    Delivered,
    /// Given up.
    Failed,
}

/// Why nothing is sent to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledWhy {
    /// It answered 410 (Gone).
    Gone,
    /// It failed for days, without a success.
    Failing,
}

words!(EventKind {
    OrderSubmitted = "order.submitted", OrderFailed = "order.failed", TokenReauthRequired = "token.reauth_required",
    TokenRecovered = "token.recovered",
});
words!(WebhookStatus { Pending = "pending", Delivered = "delivered", Failed = "failed" });
words!(DisabledWhy { Gone = "gone", Failing = "failing" });

/// A sender's hold on an event, until it is due again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookClaim {
    /// The event.
    pub id: WebhookId,
    /// One higher at each claim.
    pub number: i64,
}

/// An event, claimed for one attempt.
#[derive(Clone, Debug)]
pub struct ClaimedWebhook {
    /// Names the claim in every write.
    pub claim: WebhookClaim,
    /// Whose endpoint.
    pub merchant: MerchantName,
    /// What happened.
    pub kind: EventKind,
    /// The order that it tells of, where it does.
    pub order: Option<OrderId>,
    /// Where in a trace that order was taken in.
    pub trace: Option<String>,
    /// What the shop is told of it, a JSON object.
    pub data: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Attempts that ended before this one.
    pub attempts: i64,
}

/// An event as operators see it.
#[derive(Clone, Debug)]
pub struct WebhookView {
    /// The event's name towards the shop.
    pub id: WebhookId,
    /// Whose endpoint.
    pub merchant: MerchantName,
    /// Whom it is about.
    pub user: UserId,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// What happened.
    pub kind: EventKind,
    /// Where it stands.
    pub status: WebhookStatus,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it is next sent.
    pub due_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// Attempts so far.
    pub attempts: i64,
    /// Why the last one failed.
    pub error: Option<String>,
    /// Since when nothing is sent to the endpoint.
    pub endpoint_disabled_at: Option<DateTime<Utc>>,
}

/// Which events, newest first.
#[derive(Clone, Debug, Default)]
pub struct WebhookFilter {
    /// Only this one.
    pub id: Option<WebhookId>,
    /// Only this merchant's.
    pub merchant: Option<MerchantName>,
    /// Only about this user.
    pub user: Option<UserId>,
    /// Only events with this status.
    pub status: Option<WebhookStatus>,
    /// Only events of this kind.
    pub kind: Option<EventKind>,
    /// Only those that happened within so long.
    pub within: Option<Duration>,
    /// Only events before this one: the last of the page before.
    pub before: Option<WebhookId>,
    /// At most so many.
    pub limit: u32,
}

/// How a merchant's endpoint fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whose.
    pub merchant: MerchantName,
    /// The first failure since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when nothing is sent to it, and why.
    pub disabled: Option<(DateTime<Utc>, DisabledWhy)>,
}

/// What the database must know of the settings.
#[derive(Clone, Debug)]
pub struct Published {
    /// The setting `queue.order_deadline`, for the SQL door.
    pub order_deadline: Duration,
    /// For each merchant of the settings a hash of its webhook's settings, where it has a webhook.
    pub webhooks: BTreeMap<MerchantName, Option<[u8; 32]>>,
}

/// What a store does for webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Writes down what the database must know of the settings. An endpoint whose settings changed
    /// is enabled again; merchants that these settings do not have are left alone.
    async fn publish(&self, settings: &Published) -> Result<(), StoreError>;

    /// The merchants with events due whose endpoints are enabled.
    async fn due_webhook_merchants(&self) -> Result<Vec<MerchantName>, StoreError>;

    /// How long until the next event falls due; `None` where none waits.
    async fn next_webhook_due(&self) -> Result<Option<Duration>, StoreError>;

    /// Claims due events, at most so many of each merchant; they are due again after `lease`.
    async fn claim_webhooks(
        &self,
        shares: &BTreeMap<MerchantName, usize>,
        lease: Duration,
    ) -> Result<Vec<ClaimedWebhook>, StoreError>;

    /// Makes claimed events that were not begun due at once.
    async fn give_back_webhooks(&self, claims: &[WebhookClaim]) -> Result<(), StoreError>;

    /// Writes how an attempt ended. `None` where the claim is no longer the caller's: nothing was
    /// written.
    async fn settle_webhook(
        &self,
        claim: WebhookClaim,
        delivery: &Delivery,
    ) -> Result<Option<WebhookSettled>, StoreError>;

    /// Events, newest first.
    async fn webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookView>, StoreError>;

    /// Makes events due anew, for three days, and enables their endpoints; `before` and `limit` do
    /// not count. How many.
    async fn resend_webhooks(&self, filter: &WebhookFilter) -> Result<u64, StoreError>;

    /// How the endpoints fare, by merchant.
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError>;
}

#[async_trait]
impl<E: Engine> Webhooks for SqlStore<E> {
    async fn publish(&self, settings: &Published) -> Result<(), StoreError> {
        self.transaction(async |c| publish(c, settings).await).await
    }

    async fn due_webhook_merchants(&self) -> Result<Vec<MerchantName>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.webhooks.due_webhook_merchants).bind(self.now()).fetch_all().await?;
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
                let claim = c.query(E::STATEMENTS.webhooks.claim_webhooks).bind(merchant).bind(*share).bind(lease);
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
    ) -> Result<Option<WebhookSettled>, StoreError> {
        self.transaction(async |c| webhook_end::settle(c, self.now(), claim, delivery).await).await
    }

    async fn webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookView>, StoreError> {
        self.read(async |c| {
            let list = chosen(c, E::STATEMENTS.webhooks.webhooks, filter).bind(self.now());
            let rows = list.bind(filter.before).bind(filter.limit).fetch_all().await?;
            Ok(readable("webhook", &rows, webhook_view))
        })
        .await
    }

    async fn resend_webhooks(&self, filter: &WebhookFilter) -> Result<u64, StoreError> {
        self.transaction(async |c| {
            let rows = chosen(c, E::STATEMENTS.webhooks.resend_webhooks, filter).bind(self.now()).fetch_all().await?;
            let merchants = rows.iter().map(Columns::merchant).collect::<sqlx::Result<BTreeSet<_>>>()?;
            for merchant in merchants {
                c.query(E::STATEMENTS.webhooks.enable_endpoint).bind(&merchant).execute().await?;
            }
            Ok(rows.len() as u64)
        })
        .await
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.webhooks.endpoints).fetch_all().await?;
            rows.iter().map(endpoint).collect()
        })
        .await
    }
}

/// The statement with the filter's choice as its first six parameters.
fn chosen<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    filter: &WebhookFilter,
) -> Query<'c, E> {
    c.query(statement)
        .bind(filter.id)
        .bind(&filter.merchant)
        .bind(&filter.user)
        .bind(filter.status.map(WebhookStatus::as_str))
        .bind(filter.kind.map(EventKind::as_str))
        .bind(filter.within)
}

async fn publish<E: Engine>(c: &mut Connection<'_, E>, settings: &Published) -> Result<(), StoreError> {
    c.query(E::STATEMENTS.webhooks.publish_deadline).bind(settings.order_deadline).execute().await?;
    for (merchant, webhook) in &settings.webhooks {
        let endpoint = match webhook {
            Some(fingerprint) => c.query(E::STATEMENTS.webhooks.publish_endpoint).bind(merchant).bind(fingerprint),
            None => c.query(E::STATEMENTS.webhooks.withdraw_endpoint).bind(merchant),
        };
        endpoint.execute().await?;
    }
    Ok(())
}

fn claimed_webhook(row: &impl Columns) -> Result<ClaimedWebhook, StoreError> {
    Ok(ClaimedWebhook {
        claim: WebhookClaim { id: row.id("id")?, number: row.int("claim_number")? },
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

fn endpoint(row: &impl Columns) -> Result<Endpoint, StoreError> {
    let why = row.opt_text("disabled_why")?.map(|why| DisabledWhy::from_word(&why)).transpose()?;
    Ok(Endpoint {
        merchant: row.merchant()?,
        failing_since: row.opt_time("failing_since")?,
        disabled: row.opt_time("disabled_at")?.zip(why),
    })
}
