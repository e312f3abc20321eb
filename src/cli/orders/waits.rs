//! Why an order waits, and what to do about it.

use chrono::{DateTime, Utc};

use crate::api::{Order, Pause};
use crate::app::App;
use crate::cli::views::{Fields, time};
use crate::ids::MerchantName;
use crate::order::{ErrorCode, Status};
use crate::pauses::PauseKind;
use crate::store::StoreError;

/// Returns the operators' pauses for which the order waits.
pub(super) async fn of(app: &App, order: &Order) -> Result<Vec<Pause>, StoreError> {
    if order.status != Status::Queued {
        return Ok(Vec::new());
    }
    let merchant: MerchantName = order.merchant.as_str().into();
    let mut pauses = app.store.pauses().await?;
    pauses.retain(|pause| pause.stops(PauseKind::Orders, &merchant));
    Ok(pauses.into_iter().map(Pause::from).collect())
}

/// Adds the lines `waits` and `what_to_do`.
pub(super) fn add(fields: &mut Fields, order: &Order, pauses: &[Pause], now: DateTime<Utc>) {
    for pause in pauses {
        fields.add("waits", why(pause));
        fields.add("what_to_do", what_to_do(order, pause, now));
    }
    let code = order.error.as_ref().filter(|_| pauses.is_empty());
    let code = code.and_then(|error| ErrorCode::from_word(&error.code).ok());
    if let (Some(step), Status::Failed | Status::Queued) = (code.and_then(ErrorCode::next_step), order.status)
    {
        let twice = if order.possible_duplicate && order.status == Status::Failed {
            " Klarna may already have this order: search for its id in Klarna's portal first."
        } else {
            ""
        };
        fields.add("what_to_do", format!("{step}{twice}"));
    }
}

fn why(pause: &Pause) -> String {
    let whose = pause.merchant.as_deref().unwrap_or("all merchants");
    let until = pause.until.map_or_else(|| "they are resumed".to_owned(), time);
    let Pause { paused_by, since, reason, .. } = pause;
    format!("the orders of {whose} are paused since {} by {paused_by} until {until}: {reason}", time(*since))
}

fn what_to_do(order: &Order, pause: &Pause, now: DateTime<Utc>) -> String {
    let whose = match &pause.merchant {
        Some(merchant) => format!("--merchant {merchant}"),
        None => "--all-merchants".to_owned(),
    };
    let resume = format!("when the reason is gone, run: resume orders {whose}");
    if order.deadline_at <= now {
        format!("{resume}. The order is past its deadline: it fails with deadline_exceeded then")
    } else if pause.until.is_none_or(|until| until >= order.deadline_at) {
        format!("{resume}, before the order's deadline: after it, the order fails with deadline_exceeded")
    } else {
        resume
    }
}
