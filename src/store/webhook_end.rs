//! Writes the result of an attempt to deliver a webhook.

use std::time::Duration;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query};
use super::webhook_endpoints::{self, Answer, KEPT_ANSWERS};
use super::{DisabledWhy, StoreError, WebhookClaim, WebhookStatus};
use crate::ids::MerchantName;

/// The result of an attempt to deliver a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The endpoint accepted it.
    Delivered,
    /// It is tried again, unless its time has ended by then.
    Retry {
        /// The time until the next attempt.
        after: Duration,
        /// Why it failed, without secrets.
        error: String,
        /// Whether the endpoint answered 410, so that nothing is sent to it from now on.
        gone: bool,
    },
}

/// The consequences of an attempt's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookSettled {
    /// Whether the webhook's time has ended, so that it is given up.
    pub given_up: bool,
    /// Why this result disabled the endpoint, if it did.
    pub disabled: Option<DisabledWhy>,
}

/// Writes the result of an attempt within the caller's transaction. `None` if the claim no longer
/// holds.
pub(super) async fn settle<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: WebhookClaim,
    delivery: &Delivery,
    answer: Answer,
) -> Result<Option<WebhookSettled>, StoreError> {
    let (settled, error) = match delivery {
        Delivery::Delivered => (delivered(c, now, claim).await?, None),
        Delivery::Retry { after, error, gone } => {
            (retry(c, now, claim, *after, error, *gone).await?, Some(error.as_str()))
        }
    };
    let Some((settled, merchant)) = settled else { return Ok(None) };
    webhook_endpoints::note(c, now, claim, answer, error).await?;
    webhook_endpoints::keep(c, &merchant, KEPT_ANSWERS).await?;
    Ok(Some(settled))
}

/// Binds a claim and the time as the first three parameters.
pub(super) fn by_claim<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    now: Now,
    claim: WebhookClaim,
) -> Query<'c, E> {
    c.query(statement).bind(claim.id).bind(claim.number).bind(now)
}

async fn delivered<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: WebhookClaim,
) -> Result<Option<(WebhookSettled, MerchantName)>, StoreError> {
    let delivered = by_claim(c, E::STATEMENTS.webhooks.webhook_delivered, now, claim);
    let Some(row) = delivered.fetch_optional().await? else { return Ok(None) };
    let merchant = row.merchant()?;
    c.query(E::STATEMENTS.webhooks.endpoint_well).bind(&merchant).execute().await?;
    Ok(Some((WebhookSettled::default(), merchant)))
}

async fn retry<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: WebhookClaim,
    after: Duration,
    error: &str,
    gone: bool,
) -> Result<Option<(WebhookSettled, MerchantName)>, StoreError> {
    let retry = by_claim(c, E::STATEMENTS.webhooks.webhook_retry, now, claim).bind(after).bind(error);
    let Some(row) = retry.fetch_optional().await? else { return Ok(None) };
    let given_up = WebhookStatus::from_word(&row.text("status")?)? == WebhookStatus::Failed;
    let merchant = row.merchant()?;
    let failing = c.query(E::STATEMENTS.webhooks.endpoint_failing).bind(&merchant);
    let endpoint = failing.bind(gone).bind(given_up).bind(now).fetch_optional().await?;
    let why = endpoint.map(|row| row.opt_text("disabled_why")).transpose()?.flatten();
    let disabled = why.map(|why| DisabledWhy::from_word(&why)).transpose()?;
    Ok(Some((WebhookSettled { given_up, disabled }, merchant)))
}
