//! What metrics and log say about the end of an attempt.

use std::time::Duration;

use crate::meter;
use crate::order::{Disposition, Target, TokenOutcome};
use crate::store::ClaimedOrder;

/// Counts the end of an attempt in the metrics.
pub(super) fn count(order: &ClaimedOrder, target: Option<Target>, disposition: &Disposition, took: Duration) {
    let target = target.map_or("none", Target::as_str);
    let (result, end) = match disposition {
        Disposition::Submitted { token, .. } => ("submitted", Some(("submitted", Some(*token)))),
        Disposition::Failed { token, .. } => ("failed", Some(("failed", *token))),
        Disposition::Retry { .. } => ("retry", None),
        Disposition::Snooze { .. } => ("snooze", None),
    };
    meter::attempt(&order.merchant, target, result);
    if let Some((status, token)) = end {
        let waited = (order.claimed_at - order.first_due_at).to_std().unwrap_or_default();
        meter::order(&order.merchant, target, status, token.map(TokenOutcome::as_str), waited + took);
    }
}

/// Logs the end of an attempt.
pub(super) fn log_end(disposition: &Disposition) {
    match disposition {
        Disposition::Submitted { klarna_id, target, correlation_id, token, .. } => tracing::info!(
            klarna_id,
            submitted_to = target.as_str(),
            correlation = correlation_id.as_deref(),
            token = token.as_str(),
            "The order was submitted"
        ),
        Disposition::Failed { error, .. } => tracing::warn!(
            code = error.code,
            correlation = error.correlation_id.as_deref(),
            error = error.message,
            "The order failed"
        ),
        Disposition::Retry { after, error, .. } => tracing::warn!(
            code = error.code,
            correlation = error.correlation_id.as_deref(),
            after_ms = after.as_millis(),
            error = error.message,
            "The attempt failed; another one follows"
        ),
        Disposition::Snooze { after, error: Some(error), .. } => {
            tracing::warn!(
                code = error.code,
                after_ms = after.as_millis(),
                error = error.message,
                "The order waits"
            );
        }
        Disposition::Snooze { after, error: None, waits, .. } => {
            let what = waits.iter().last().map(|wait| &*wait.what);
            tracing::debug!(after_ms = after.as_millis(), what, "The order waits");
        }
    }
}
