//! The outbox and its endpoints; compiled for each engine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Own, Query, Row, commit, sql};
use crate::order::OrderId;
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{
    ClaimedWebhook, Delivery, DisabledWhy, Endpoint, EventKind, Published, StoreError, WebhookClaim, WebhookFilter,
    WebhookSettled, WebhookStatus, WebhookView, Webhooks, from_micros, micros,
};

#[async_trait]
impl Webhooks for Own {
    async fn publish(&self, settings: &Published) -> Result<(), StoreError> {
        let mut lease = self.begin().await?;
        publish(&mut lease, settings).await?;
        commit(lease).await
    }

    async fn due_webhook_merchants(&self) -> Result<Vec<String>, StoreError> {
        let mut lease = self.read().await?;
        let due = query(sql::DUE_WEBHOOK_MERCHANTS).bind(self.now()).fetch_all(&mut *lease);
        let rows = bounded(due).await?;
        lease.done();
        rows.iter().map(|row| Ok(row.text("merchant")?)).collect()
    }

    async fn next_webhook_due(&self) -> Result<Option<Duration>, StoreError> {
        let mut lease = self.read().await?;
        let row = bounded(query(sql::NEXT_WEBHOOK_DUE).bind(self.now()).fetch_one(&mut *lease)).await?;
        lease.done();
        Ok(row.opt_int("micros")?.map(from_micros))
    }

    async fn claim_webhooks(
        &self,
        shares: &BTreeMap<String, usize>,
        lease_for: Duration,
    ) -> Result<Vec<ClaimedWebhook>, StoreError> {
        let mut lease = self.begin().await?;
        let mut claimed = Vec::new();
        for (merchant, share) in shares {
            claimed.extend(claim(&mut lease, self.now(), (merchant, *share), lease_for).await?);
        }
        commit(lease).await?;
        Ok(claimed)
    }

    async fn give_back_webhooks(&self, claims: &[WebhookClaim]) -> Result<(), StoreError> {
        let mut lease = self.begin().await?;
        for claim in claims {
            let give = query(sql::GIVE_BACK_WEBHOOK).bind(claim.id).bind(claim.number).bind(self.now());
            bounded(give.execute(&mut *lease)).await?;
        }
        commit(lease).await
    }

    async fn settle_webhook(
        &self,
        claim: WebhookClaim,
        delivery: &Delivery,
    ) -> Result<Option<WebhookSettled>, StoreError> {
        let mut lease = self.begin().await?;
        let noted = settle(&mut lease, self.now(), claim, delivery).await?;
        commit(lease).await?;
        Ok(noted)
    }

    async fn webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookView>, StoreError> {
        let mut lease = self.read().await?;
        let list = chosen(sql::WEBHOOKS, filter).bind(self.now()).bind(filter.before).bind(i64::from(filter.limit));
        let rows = bounded(list.fetch_all(&mut *lease)).await?;
        lease.done();
        rows.iter().map(webhook_view).collect()
    }

    async fn resend_webhooks(&self, filter: &WebhookFilter) -> Result<u64, StoreError> {
        let mut lease = self.begin().await?;
        let resend = chosen(sql::RESEND_WEBHOOKS, filter).bind(self.now());
        let rows = bounded(resend.fetch_all(&mut *lease)).await?;
        let merchants = rows.iter().map(|row| row.text("merchant")).collect::<sqlx::Result<BTreeSet<String>>>()?;
        for merchant in merchants {
            bounded(query(sql::ENABLE_ENDPOINT).bind(merchant).execute(&mut *lease)).await?;
        }
        commit(lease).await?;
        Ok(rows.len() as u64)
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        let mut lease = self.read().await?;
        let rows = bounded(query(sql::ENDPOINTS).fetch_all(&mut *lease)).await?;
        lease.done();
        rows.iter().map(endpoint).collect()
    }
}

/// The statement with the filter's choice as its first six parameters.
fn chosen<'q>(statement: &'static str, filter: &'q WebhookFilter) -> Query<'q> {
    query(statement)
        .bind(filter.id)
        .bind(&filter.merchant)
        .bind(&filter.user)
        .bind(filter.status.map(WebhookStatus::as_str))
        .bind(filter.kind.map(EventKind::as_str))
        .bind(filter.within.map(micros))
}

async fn publish(c: &mut Connection, settings: &Published) -> Result<(), StoreError> {
    let deadline = query(sql::PUBLISH_DEADLINE).bind(micros(settings.order_deadline));
    bounded(deadline.execute(&mut *c)).await?;
    for (merchant, webhook) in &settings.webhooks {
        let endpoint = match webhook {
            Some(fingerprint) => query(sql::PUBLISH_ENDPOINT).bind(merchant).bind(&fingerprint[..]),
            None => query(sql::WITHDRAW_ENDPOINT).bind(merchant),
        };
        bounded(endpoint.execute(&mut *c)).await?;
    }
    Ok(())
}

async fn claim(
    c: &mut Connection,
    now: Now,
    (merchant, share): (&str, usize),
    lease: Duration,
) -> Result<Vec<ClaimedWebhook>, StoreError> {
    let limit = i64::try_from(share).unwrap_or(i64::MAX);
    let claim = query(sql::CLAIM_WEBHOOKS).bind(merchant).bind(limit).bind(micros(lease)).bind(now);
    let rows = bounded(claim.fetch_all(c)).await?;
    rows.iter()
        .map(|row| {
            Ok(ClaimedWebhook {
                claim: WebhookClaim { id: row.id("id")?, number: row.int("claim_number")? },
                merchant: row.text("merchant")?,
                kind: EventKind::from_word(&row.text("kind")?)?,
                order: row.opt_id("order_id")?.map(|id: Uuid| OrderId::from(id)),
                trace: row.opt_text("trace")?,
                data: row.text("data")?,
                occurred_at: row.time("occurred_at")?,
                attempts: row.int("attempts")?,
            })
        })
        .collect()
}

/// Within the caller's transaction.
async fn settle(
    c: &mut Connection,
    now: Now,
    claim: WebhookClaim,
    delivery: &Delivery,
) -> Result<Option<WebhookSettled>, StoreError> {
    let by_claim = |statement| query(statement).bind(claim.id).bind(claim.number).bind(now);
    match delivery {
        Delivery::Delivered => {
            let Some(row) = bounded(by_claim(sql::WEBHOOK_DELIVERED).fetch_optional(&mut *c)).await? else {
                return Ok(None);
            };
            bounded(query(sql::ENDPOINT_WELL).bind(row.text("merchant")?).execute(c)).await?;
            Ok(Some(WebhookSettled::default()))
        }
        Delivery::Retry { after, error, gone } => {
            let retry = by_claim(sql::WEBHOOK_RETRY).bind(micros(*after)).bind(error);
            let Some(row) = bounded(retry.fetch_optional(&mut *c)).await? else { return Ok(None) };
            let given_up = WebhookStatus::from_word(&row.text("status")?)? == WebhookStatus::Failed;
            let failing = query(sql::ENDPOINT_FAILING).bind(row.text("merchant")?).bind(*gone).bind(given_up).bind(now);
            let row = bounded(failing.fetch_optional(c)).await?;
            let why = row.map(|row| row.opt_text("disabled_why")).transpose()?.flatten();
            let disabled = why.map(|why| DisabledWhy::from_word(&why)).transpose()?;
            Ok(Some(WebhookSettled { given_up, disabled }))
        }
    }
}

fn webhook_view(row: &Row) -> Result<WebhookView, StoreError> {
    Ok(WebhookView {
        id: row.id("id")?,
        merchant: row.text("merchant")?,
        user: row.text("user_id")?,
        order: row.opt_id("order_id")?.map(|id: Uuid| OrderId::from(id)),
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

fn endpoint(row: &Row) -> Result<Endpoint, StoreError> {
    let why = row.opt_text("disabled_why")?.map(|why| DisabledWhy::from_word(&why)).transpose()?;
    Ok(Endpoint {
        merchant: row.text("merchant")?,
        failing_since: row.opt_time("failing_since")?,
        disabled: row.opt_time("disabled_at")?.zip(why),
    })
}
