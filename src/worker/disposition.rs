//! Decides what Klarna's answer to a create-order call means for the order. Pure.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::breaker::CallOutcome;
use crate::klarna::checkout::CreateAnswer;
use crate::order::{Disposition, Fault, OrderError, TokenOutcome};
use crate::store::ClaimedOrder;

/// How long an order waits if Klarna refuses the merchant's settings. Somebody has to correct them
/// first.
const SHUT_OUT: Duration = Duration::from_secs(15);

/// Returns an error without a correlation id.
pub(super) fn error(code: &str, message: impl Into<String>) -> OrderError {
    OrderError { code: code.to_owned(), message: message.into(), faults: Vec::new(), correlation_id: None }
}

/// Returns the result for an order past its deadline. The message includes why it was not submitted
/// before.
pub(super) fn past_deadline(order: &ClaimedOrder) -> Disposition {
    let error = match &order.error {
        Some(last) => OrderError {
            code: "deadline_exceeded".to_owned(),
            message: format!(
                "the order's deadline passed before it could be submitted. The last attempt: {}",
                last.message
            ),
            ..last.clone()
        },
        None => error("deadline_exceeded", "the order's deadline passed before a worker could submit it"),
    };
    Disposition::Failed { error, token: None }
}

/// Returns what an answer says about the endpoint.
pub(super) fn report(answer: &CreateAnswer, order: &ClaimedOrder) -> CallOutcome {
    match answer {
        CreateAnswer::Created { .. } | CreateAnswer::BadOrder { .. } => CallOutcome::Answered,
        CreateAnswer::Unauthorised { .. } => CallOutcome::Misconfigured { user: order.user.clone() },
        CreateAnswer::Throttled { retry_after } => {
            CallOutcome::Throttled(retry_after.unwrap_or(Duration::from_secs(1)))
        }
        CreateAnswer::Unavailable { what, retry_after, .. } => {
            CallOutcome::Failed { what: what.clone(), retry_after: *retry_after }
        }
    }
}

/// Returns the end of an attempt that Klarna answered, or its next step. `unit` is a random number
/// from 0 to 1.
pub(super) fn disposition(
    answer: CreateAnswer,
    order: &ClaimedOrder,
    token: TokenOutcome,
    prefilled: Vec<String>,
    unit: f64,
) -> Disposition {
    let attempt = u32::try_from(order.attempts).unwrap_or(u32::MAX).saturating_add(1);
    let back_off = |retry_after| Backoff::default().delay(attempt, unit, retry_after);
    match answer {
        CreateAnswer::Created { klarna_order_id, html_snippet, correlation_id } => Disposition::Submitted {
            klarna_order_id,
            html_snippet: Some(html_snippet),
            correlation_id,
            token,
            prefilled,
        },
        CreateAnswer::BadOrder { messages, error_code, correlation_id } => {
            let code = error_code.map_or_else(String::new, |code| format!(" ({code})"));
            Disposition::Failed {
                error: OrderError {
                    code: "klarna_refused_order".to_owned(),
                    message: format!("Klarna refused the order{code}: {}", messages.join("; ")),
                    faults: messages.into_iter().map(|message| Fault::new("/order", message)).collect(),
                    correlation_id,
                },
                token: Some(token),
            }
        }
        CreateAnswer::Unauthorised { status, messages, correlation_id } => Disposition::Snooze {
            after: SHUT_OUT + SHUT_OUT.mul_f64(unit.clamp(0.0, 1.0)),
            error: Some(OrderError {
                code: "klarna_refused_merchant".to_owned(),
                message: format!(
                    "Klarna refused the merchant {} with {status}: {}. Check the API credentials, region and \
                     checkout_provider of merchants.{}; the order waits until its deadline",
                    order.merchant,
                    messages.join("; "),
                    order.merchant,
                ),
                faults: Vec::new(),
                correlation_id,
            }),
        },
        CreateAnswer::Throttled { retry_after } => Disposition::Retry {
            after: back_off(retry_after),
            error: error("klarna_throttled", "Klarna answered 429 (too many calls); the order is sent again"),
            possible_duplicate: false,
        },
        CreateAnswer::Unavailable { what, maybe_created, retry_after, correlation_id } => Disposition::Retry {
            after: back_off(retry_after),
            error: OrderError {
                code: "klarna_unavailable".to_owned(),
                message: format!("Klarna gave no usable answer ({what}); the order is sent again"),
                faults: Vec::new(),
                correlation_id,
            },
            possible_duplicate: maybe_created,
        },
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use uuid::Uuid;

    use super::*;
    use crate::order::OrderId;
    use crate::store::Claim;

    fn order() -> ClaimedOrder {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        ClaimedOrder {
            claim: Claim { order: OrderId::new(now), worker: Uuid::nil().into(), number: 1 },
            merchant: "shop".into(),
            user: "u-1".into(),
            body: String::new(),
            prefill: None,
            attempts: 2,
            accepted_at: now,
            due_at: now,
            claimed_at: now,
            first_claimed_at: now,
            deadline_at: now + TimeDelta::minutes(10),
            possible_duplicate: false,
            error: None,
            unchecked: false,
            trace: None,
            unreadable: None,
        }
    }

    fn judged(answer: CreateAnswer) -> Disposition {
        disposition(answer, &order(), TokenOutcome::Fresh, Vec::new(), 1.0)
    }

    #[test]
    fn a_bad_order_fails_at_once_with_klarnas_words() {
        let answer = CreateAnswer::BadOrder {
            messages: vec!["Bad value: order_tax_amount".into()],
            error_code: Some("BAD_VALUE".into()),
            correlation_id: Some("c-1".into()),
        };
        let Disposition::Failed { error, token } = judged(answer) else { panic!("not failed") };
        assert_eq!(error.message, "Klarna refused the order (BAD_VALUE): Bad value: order_tax_amount");
        assert_eq!((error.correlation_id.as_deref(), token), (Some("c-1"), Some(TokenOutcome::Fresh)));
    }

    #[test]
    fn a_refused_merchant_waits_and_counts_no_attempt() {
        let answer = CreateAnswer::Unauthorised { status: 401, messages: vec!["no".into()], correlation_id: None };
        let Disposition::Snooze { after, error } = judged(answer) else { panic!("not snoozed") };
        assert_eq!(after, Duration::from_secs(30));
        assert!(error.unwrap().message.contains("merchants.shop"));
    }

    #[test]
    fn an_answer_that_may_have_created_marks_a_possible_duplicate_and_backs_off() {
        let unavailable = |maybe_created| CreateAnswer::Unavailable {
            what: "HTTP 500".into(),
            maybe_created,
            retry_after: None,
            correlation_id: None,
        };
        for maybe in [true, false] {
            let Disposition::Retry { after, possible_duplicate, .. } = judged(unavailable(maybe)) else { panic!() };
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
    fn a_deadline_tells_the_last_trouble() {
        let mut late = order();
        late.error = Some(error("klarna_unavailable", "Klarna was away"));
        let Disposition::Failed { error, .. } = past_deadline(&late) else { panic!("not failed") };
        assert_eq!(error.code, "deadline_exceeded");
        assert!(error.message.ends_with("The last attempt: Klarna was away"), "{}", error.message);
    }
}
