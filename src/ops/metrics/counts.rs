//! Metrics that need a count of many rows, updated rarely: tokens, secrets by key, failed webhooks,
//! and orders that failed because of a restore.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use metrics::gauge;

use super::{Sources, by_merchant, number, since};
use crate::config::Merchants;
use crate::ops::foreign_tokens;
use crate::store::{InstallationStats, Keeper, Keys, Providers, StoreError, TokenCount};
use crate::token::{DeadReason, TokenState};
use crate::vault::sealing::{Cipher, Secrets};

pub(super) const TOKENS: &str = "klarna_worker_tokens";
pub(super) const DAYS_LEFT: &str = "klarna_worker_tokens_by_life_left";
pub(super) const SECRETS: &str = "klarna_worker_secrets";
pub(super) const HELD: &str = "klarna_worker_orders_held";
pub(super) const WEBHOOKS_FAILED: &str = "klarna_worker_webhooks_failed";
pub(super) const WEBHOOKS_OLDEST: &str = "klarna_worker_webhooks_oldest_pending_seconds";
pub(super) const FOREIGN: &str = "klarna_worker_tokens_of_other_provider";
pub(super) const COUNTED_AT: &str = "klarna_worker_counted_timestamp_seconds";

/// How many days one value of the label `days` covers.
const DAYS: i64 = 10;
/// From this number of days on, one label value covers all.
const MOST_DAYS: i64 = 60;

/// Counts what indexes answer, and updates its gauges.
pub(super) async fn count_few(
    stats: &dyn InstallationStats,
    merchants: &Merchants,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let counts = stats.counts().await?;
    for (merchant, events) in by_merchant(merchants, &counts.webhooks, |events| &events.merchant) {
        let labels = [("merchant", merchant.to_owned())];
        gauge!(WEBHOOKS_FAILED, &labels).set(number(events.map_or(0, |events| events.failed)));
        gauge!(WEBHOOKS_OLDEST, &labels).set(since(now, events.and_then(|events| events.oldest_pending)));
    }
    gauge!(HELD).set(number(counts.held_orders));
    Ok(())
}

/// What counts tokens.
pub(super) struct TokenCounters {
    keeper: Arc<dyn Keeper>,
    keys: Arc<dyn Keys>,
    providers: Arc<dyn Providers>,
    secrets: Arc<Secrets>,
}

impl TokenCounters {
    pub(super) fn of(sources: &Sources) -> Self {
        Self {
            keeper: Arc::clone(&sources.keeper),
            keys: Arc::clone(&sources.keys),
            providers: Arc::clone(&sources.providers),
            secrets: Arc::clone(&sources.secrets),
        }
    }
}

/// Counts all tokens, and updates their gauges.
pub(super) async fn count_tokens(
    with: &TokenCounters,
    merchants: &Merchants,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    set_token_gauges(&with.keeper.token_counts(None).await?);
    count_secrets(&*with.keys, &with.secrets).await?;
    let foreign = foreign_tokens(&*with.providers, merchants).await?;
    for merchant in merchants.keys() {
        let tokens =
            foreign.iter().filter(|found| found.merchant == *merchant).map(|found| found.tokens).sum::<u64>();
        gauge!(FOREIGN, "merchant" => merchant.to_string()).set(number(tokens));
    }
    gauge!(COUNTED_AT).set(number(now.timestamp()));
    Ok(())
}

/// Counts what each key encrypts, for all keys in the settings or known to the database.
async fn count_secrets(keys: &dyn Keys, secrets: &Secrets) -> Result<(), StoreError> {
    let cipher = secrets.cipher();
    let known = keys.known_keys().await?.into_iter().map(|(name, _)| name);
    let names: BTreeSet<String> = known.chain(cipher.fingerprints().keys().cloned()).collect();
    for name in names {
        let sealed = keys.sealed(&Cipher::beginning(&name)).await?;
        let state = match (name == cipher.active(), cipher.fingerprints().contains_key(&name)) {
            (true, _) => "active",
            (false, true) => "old",
            (false, false) => "missing",
        };
        let secrets = sealed.tokens + sealed.cached + sealed.hash_key;
        gauge!(SECRETS, "key" => name, "state" => state).set(number(secrets));
    }
    Ok(())
}

fn set_token_gauges(counts: &[TokenCount]) {
    // A state without tokens must be reported as 0.
    let mut states = BTreeMap::from([
        ((TokenState::Active.as_str(), ""), 0),
        ((TokenState::Uncertain.as_str(), ""), 0),
        ((TokenState::Forgotten.as_str(), ""), 0),
    ]);
    let reasons = [DeadReason::Rejected, DeadReason::AnswerLost, DeadReason::Expired];
    states.extend(reasons.map(|reason| ((TokenState::ReauthRequired.as_str(), reason.as_str()), 0)));
    let mut days: BTreeMap<String, u64> = (-1..=MOST_DAYS).map(|day| (days_left(day), 0)).collect();
    for count in counts {
        *states.entry((count.state.as_str(), count.reason.map_or("", DeadReason::as_str))).or_default() +=
            count.tokens;
        if let Some(left) = count.days {
            *days.entry(days_left(left)).or_default() += count.tokens;
        }
    }
    for ((state, reason), tokens) in states {
        gauge!(TOKENS, "state" => state, "reason" => reason).set(number(tokens));
    }
    for (days, tokens) in days {
        gauge!(DAYS_LEFT, "days" => days).set(number(tokens));
    }
}

/// The value of the label `days`: `expired`, `0-9`, …, `60+`.
fn days_left(days: i64) -> String {
    match days {
        ..0 => "expired".to_owned(),
        MOST_DAYS.. => format!("{MOST_DAYS}+"),
        _ => format!("{}-{}", days / DAYS * DAYS, days / DAYS * DAYS + DAYS - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_by_tens() {
        let labels = [-1, 0, 9, 10, 59, 60, 400].map(days_left);
        assert_eq!(labels, ["expired", "0-9", "0-9", "10-19", "50-59", "60+", "60+"]);
    }
}
