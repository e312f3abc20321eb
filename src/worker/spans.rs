//! The log and trace spans of an attempt.

use tracing::Span;
use tracing::field::Empty;

use crate::order::{Disposition, TokenOutcome};
use crate::store::ClaimedOrder;
use crate::telemetry::traces::{failed, link, traced};

/// Returns the attempt's span for traces, and the span whose fields are on every log line.
///
/// Each attempt is a trace of its own, linked to the request that submitted the order. Attempts may
/// follow each other for minutes, on other machines, long after that request has ended.
pub(super) fn spans(order: &ClaimedOrder) -> (Span, Span) {
    let attempt = order.attempts + 1;
    let run = traced!(
        parent: None,
        "process orders",
        otel.kind = "consumer",
        messaging.system = "klarna_order_worker",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = "orders",
        messaging.message.id = display(order.claim.order),
        klarna_worker.merchant = order.merchant.as_str(),
        klarna_worker.attempt = attempt,
        klarna_worker.result = Empty,
        klarna_worker.token = Empty,
    );
    link(&run, order.trace.as_deref());
    let span = tracing::error_span!(
        parent: &run,
        "order",
        order = %order.claim.order,
        merchant = order.merchant.as_str(),
        attempt,
        correlation = Empty,
    );
    (run, span)
}

/// Records in the trace how the attempt ended.
pub(super) fn trace(run: &Span, disposition: &Disposition) {
    let (result, token, error) = match disposition {
        Disposition::Submitted { token, .. } => ("submitted", Some(*token), None),
        Disposition::Failed { token, error, .. } => ("failed", *token, Some(&error.code)),
        Disposition::Retry { error, .. } => ("retry", None, Some(&error.code)),
        Disposition::Snooze { .. } => ("snooze", None, None),
    };
    run.record("klarna_worker.result", result);
    if let Some(token) = token {
        run.record("klarna_worker.token", TokenOutcome::as_str(token));
    }
    if let Some(code) = error {
        failed(run, code.clone());
    }
}
