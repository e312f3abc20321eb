//! Decides what Klarna's answer to a create call means for the order, whatever its target. Pure.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::breaker::CallOutcome;
use crate::cause::{Cause, CauseKind};
use crate::klarna::create::CreateAnswer;
use crate::klarna::order_error::{with_kind, with_status};
use crate::order::{Disposition, ErrorCode, Fault, OrderError, Prefill, Target, TokenOutcome};
use crate::store::ClaimedOrder;

/// How long an order waits if Klarna refuses the merchant's settings. Somebody has to correct them
/// first.
const REFUSED_MERCHANT_WAIT: Duration = Duration::from_secs(15);

/// Returns the result for an order past its deadline. The message includes why it was not submitted
/// before.
pub(super) fn past_deadline(order: &ClaimedOrder) -> Disposition {
    let error = match &order.error {
        Some(last) => {
            let last_attempt = &last.message;
            let message = format!(
                "the order's deadline passed before it could be submitted. The last attempt: {last_attempt}"
            );
            OrderError { code: ErrorCode::DeadlineExceeded.as_str().to_owned(), message, ..last.clone() }
        }
        None => OrderError::new(
            ErrorCode::DeadlineExceeded,
            "the order's deadline passed before a worker could submit it",
        ),
    };
    Disposition::Failed { error, token: None, prefilled: Prefill::default() }
}

/// Returns what an answer of a target says about the endpoint. `attempt.rs` reports it to the
/// circuit breaker.
pub(super) fn call_outcome(answer: &CreateAnswer, order: &ClaimedOrder, target: Target) -> CallOutcome {
    match answer {
        CreateAnswer::Created { .. } | CreateAnswer::BadOrder { .. } => CallOutcome::Answered,
        CreateAnswer::Unauthorised { status, .. } => CallOutcome::Misconfigured {
            user: order.user.clone(),
            what: Cause::new(format!("HTTP {status}. {}", target.what_to_check(*status)))
                .of_kind(CauseKind::Status(*status)),
        },
        CreateAnswer::Throttled { retry_after } => {
            CallOutcome::Throttled(retry_after.unwrap_or(Duration::from_secs(1)))
        }
        CreateAnswer::Unavailable { cause, retry_after, .. } => {
            CallOutcome::Failed { cause: cause.clone(), retry_after: *retry_after }
        }
    }
}

/// Returns the end of an attempt that Klarna answered, or its next step. `unit` is a random number
/// from 0 to 1.
pub(super) fn disposition(
    answer: CreateAnswer,
    order: &ClaimedOrder,
    target: Target,
    token: TokenOutcome,
    prefilled: Prefill,
    unit: f64,
) -> Disposition {
    let attempt = u32::try_from(order.attempts).unwrap_or(u32::MAX).saturating_add(1);
    let back_off = |retry_after| Backoff::default().delay(attempt, unit, retry_after);
    match answer {
        CreateAnswer::Created { klarna_id, result, correlation_id } => {
            Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled }
        }
        CreateAnswer::BadOrder { status, messages, error_code, correlation_id } => {
            let error = refused_order(status, messages, error_code);
            let error = OrderError { correlation_id, ..error };
            Disposition::Failed { error, token: Some(token), prefilled }
        }
        CreateAnswer::Unauthorised { status, messages, correlation_id } => {
            let after = REFUSED_MERCHANT_WAIT + REFUSED_MERCHANT_WAIT.mul_f64(unit.clamp(0.0, 1.0));
            let error = refused_merchant(status, &messages, order, target);
            let what = format!("the merchant's settings, which Klarna refused with HTTP {status}");
            Disposition::Snooze {
                after,
                error: Some(OrderError { correlation_id, ..error }),
                token_waited: Duration::ZERO,
                waits: order.waits.and(what, order.claimed_at, after),
            }
        }
        CreateAnswer::Throttled { retry_after } => {
            let after = back_off(retry_after);
            let error = OrderError::new(ErrorCode::KlarnaThrottled, "HTTP 429 from Klarna (too many calls)");
            let error = with_status(error, 429);
            Disposition::Retry { after, error, possible_duplicate: false, token_waited: Duration::ZERO }
        }
        CreateAnswer::Unavailable { cause, words, maybe_created, retry_after, correlation_id } => {
            let after = back_off(retry_after);
            let kind = cause.kind;
            let error = OrderError::new(ErrorCode::KlarnaUnavailable, cause.with(words).to_string());
            let error = with_kind(error, kind);
            Disposition::Retry {
                after,
                error: OrderError { correlation_id, ..error },
                possible_duplicate: maybe_created,
                token_waited: Duration::ZERO,
            }
        }
    }
}

/// Returns the error of an order that Klarna refused for what is in it.
fn refused_order(status: u16, messages: Vec<String>, error_code: Option<String>) -> OrderError {
    let code = error_code.map_or_else(String::new, |code| format!(" ({code})"));
    let message = format!("Klarna refused the order with HTTP {status}{code}: {}", messages.join("; "));
    let faults = messages.into_iter().map(|message| Fault::new("/order", message)).collect();
    let error = OrderError { faults, ..OrderError::new(ErrorCode::KlarnaRefusedOrder, message) };
    with_status(error, status)
}

/// Returns the error of an order that Klarna refused for the settings of its merchant.
fn refused_merchant(status: u16, messages: &[String], order: &ClaimedOrder, target: Target) -> OrderError {
    let message = format!(
        "Klarna refused the merchant {} with HTTP {status}: {}. {} of merchants.{}; the order waits until its \
         deadline",
        order.merchant,
        messages.join("; "),
        target.what_to_check(status),
        order.merchant,
    );
    with_status(OrderError::new(ErrorCode::KlarnaRefusedMerchant, message), status)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use uuid::Uuid;

    use super::*;
    use crate::ids::ClaimNumber;
    use crate::order::{OrderId, Waits};
    use crate::store::Claim;

    fn order() -> ClaimedOrder {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        ClaimedOrder {
            claim: Claim { order: OrderId::new(now), worker: Uuid::nil().into(), number: ClaimNumber::FIRST },
            merchant: "shop".into(),
            user: "u-1".into(),
            version: 1,
            body: String::new(),
            target: None,
            prefill: None,
            attempts: 2,
            accepted_at: now,
            due_at: now,
            first_due_at: now,
            claimed_at: now,
            token_waited: Duration::ZERO,
            waits: Waits::default(),
            deadline_at: now + TimeDelta::minutes(10),
            possible_duplicate: false,
            error: None,
            unchecked: false,
            has_token: false,
            trace: None,
            inserted: None,
            unreadable: None,
        }
    }

    fn judged(answer: CreateAnswer) -> Disposition {
        disposition(answer, &order(), Target::Checkout, TokenOutcome::Fresh, Prefill::default(), 1.0)
    }

    #[test]
    fn a_bad_order_fails_at_once_with_klarnas_words() {
        let answer = CreateAnswer::BadOrder {
            status: 400,
            messages: vec!["Bad value: order_tax_amount".into()],
            error_code: Some("BAD_VALUE".into()),
            correlation_id: Some("c-1".into()),
        };
        let Disposition::Failed { error, token, .. } = judged(answer) else { panic!("not failed") };
        assert_eq!(
            error.message,
            "Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value: order_tax_amount"
        );
        assert_eq!((error.correlation_id.as_deref(), token), (Some("c-1"), Some(TokenOutcome::Fresh)));
    }

    #[test]
    fn a_refused_merchant_waits_and_counts_no_attempt() {
        let answer =
            CreateAnswer::Unauthorised { status: 401, messages: vec!["no".into()], correlation_id: None };
        let Disposition::Snooze { after, error, .. } = judged(answer) else { panic!("not snoozed") };
        assert_eq!(after, Duration::from_secs(30));
        assert!(error.unwrap().message.contains("merchants.shop"));
    }

    #[test]
    fn an_answer_that_may_have_created_marks_a_possible_duplicate_and_backs_off() {
        let unavailable = |maybe_created| CreateAnswer::Unavailable {
            cause: Cause::new("HTTP 503 from Klarna").of_kind(CauseKind::Status(503)),
            words: None,
            maybe_created,
            retry_after: None,
            correlation_id: None,
        };
        for maybe in [true, false] {
            let Disposition::Retry { after, possible_duplicate, error, .. } = judged(unavailable(maybe))
            else {
                panic!()
            };
            assert_eq!((error.message.as_str(), error.http_status), ("HTTP 503 from Klarna", Some(503)));
            // The third attempt's pause is four seconds.
            assert_eq!((after, possible_duplicate), (Duration::from_secs(4), maybe));
        }
    }

    #[test]
    fn throttling_waits_at_least_as_long_as_klarna_asks() {
        let asked = Some(Duration::from_secs(90));
        let Disposition::Retry { after, possible_duplicate, .. } =
            judged(CreateAnswer::Throttled { retry_after: asked })
        else {
            panic!("not retried")
        };
        assert!(after >= Duration::from_secs(90) && !possible_duplicate);
    }

    #[test]
    fn klarnas_words_are_told_with_the_order_and_not_with_the_circuit_breaker() {
        let answer = CreateAnswer::Unavailable {
            cause: Cause::new("HTTP 503 from Klarna"),
            words: Some("no place for Alma Berg".into()),
            maybe_created: true,
            retry_after: None,
            correlation_id: None,
        };
        let outcome = call_outcome(&answer, &order(), Target::Checkout);
        let CallOutcome::Failed { cause, .. } = outcome else { panic!() };
        assert_eq!(cause.to_string(), "HTTP 503 from Klarna");
        let Disposition::Retry { error, .. } = judged(answer) else { panic!("not retried") };
        assert_eq!(error.message, "HTTP 503 from Klarna: no place for Alma Berg");
    }

    #[test]
    fn a_deadline_tells_the_last_trouble() {
        let mut late = order();
        let last = OrderError::new(ErrorCode::KlarnaUnavailable, "HTTP 503 from Klarna");
        late.error = Some(with_status(last, 503));
        let Disposition::Failed { error, .. } = past_deadline(&late) else { panic!("not failed") };
        assert_eq!((error.code.as_str(), error.http_status), ("deadline_exceeded", Some(503)));
        assert!(error.message.ends_with("The last attempt: HTTP 503 from Klarna"), "{}", error.message);
    }
}
