//! Why an order waits, and what to do about it.

use chrono::{DateTime, Utc};

use crate::api::Order;
use crate::app::App;
use crate::audit::who;
use crate::cli::views::{Fields, time};
use crate::ids::MerchantName;
use crate::order::{ErrorCode, Status};
use crate::pauses::{Pause, PauseKind};
use crate::store::StoreError;

/// Returns the operators' pauses for which the order waits.
pub(super) async fn of(app: &App, order: &Order) -> Result<Vec<Pause>, StoreError> {
    let kinds: &[PauseKind] = match order.status {
        Status::Queued => &[PauseKind::Orders, PauseKind::Exchanges],
        Status::Running => &[PauseKind::Exchanges],
        Status::Submitted | Status::Failed | Status::Cancelled => return Ok(Vec::new()),
    };
    let merchant: MerchantName = order.merchant.as_str().into();
    let mut pauses = app.store.pauses().await?;
    pauses.retain(|pause| kinds.iter().any(|kind| pause.stops(*kind, &merchant)));
    Ok(pauses)
}

/// Adds the lines `waits` and `what_to_do`.
pub(super) fn add(fields: &mut Fields, order: &Order, pauses: &[Pause], now: DateTime<Utc>) {
    for pause in pauses {
        fields.add("waits", why(pause));
        fields.add("what_to_do", what_to_do(order, pause, now));
    }
    if pauses.iter().any(|pause| pause.kind == PauseKind::Orders) {
        return;
    }
    let code = order.error.as_ref().and_then(|error| ErrorCode::known(&error.code));
    if let Some(advice) = code.and_then(|code| code.advice(order.status, order.possible_duplicate)) {
        fields.add("what_to_do", advice);
    }
}

fn why(pause: &Pause) -> String {
    let whose = pause.merchant.as_ref().map_or("all merchants", MerchantName::as_str);
    let until = pause.until.map_or_else(|| "they are resumed".to_owned(), time);
    let Pause { kind, paused_by, since, reason, .. } = pause;
    let (what, by, since) = (kind.named(), who(paused_by), time(*since));
    format!("the {what} of {whose} have been paused since {since} by {by}, until {until}: {reason}")
}

fn what_to_do(order: &Order, pause: &Pause, now: DateTime<Utc>) -> String {
    let whose = match &pause.merchant {
        Some(merchant) => format!("--merchant {merchant}"),
        None => "--all-merchants".to_owned(),
    };
    let resume = format!("when the reason is gone, run: resume {} {whose}", pause.kind.as_str());
    if pause.kind == PauseKind::Exchanges {
        format!("{resume}. The order waits for its token for vault.token_patience, then goes without one")
    } else if order.deadline_at <= now {
        format!("{resume}. The order is past its deadline: it fails with deadline_exceeded then")
    } else if pause.until.is_none_or(|until| until >= order.deadline_at) {
        format!("{resume}, before the order's deadline: after it, the order fails with deadline_exceeded")
    } else {
        resume
    }
}
