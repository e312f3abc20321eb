//! What may go wrong when failed orders are retried, to read before it is done.

use crate::app::App;
use crate::cli::CliError;
use crate::order::{ErrorCode, OrderId, Status};
use crate::store::FailedOrders;

/// Returns a line for each code, and one about possible duplicates.
pub(super) fn of_many(codes: &[FailedOrders]) -> Vec<String> {
    let mut lines = Vec::new();
    for FailedOrders { code, orders, .. } in codes {
        let known = ErrorCode::known(code);
        // Which codes there are says something only of several, or of one that fails again.
        if codes.len() > 1 || known.is_some_and(ErrorCode::fails_again) {
            let step = known.and_then(ErrorCode::next_step).unwrap_or_default();
            lines.push(format!("{code}: {orders}. {step}").trim_end().to_owned());
        }
    }
    if codes.len() > 1 && !lines.is_empty() {
        lines.push("To retry those of one code alone, add --error CODE.".to_owned());
    }
    let twice: u64 = codes.iter().map(|code| code.duplicates).sum();
    if twice > 0 {
        lines.push(format!(
            "Possible duplicates: {twice}. Klarna may already have them, and a retry may create them a second time: \
             leave them out with --possible-duplicate false."
        ));
    }
    lines
}

/// Returns a sentence for each of these orders that failed and that a retry may create twice or let
/// fail again.
pub(super) async fn of_named(app: &App, orders: &[OrderId]) -> Result<Vec<String>, CliError> {
    let mut risks = Vec::new();
    for &id in orders {
        let found = app.store.order(id).await;
        let found = found.map_err(|error| CliError::failed(format!("read the order {id}"), error))?;
        let Some(order) = found.filter(|order| order.status == Status::Failed) else { continue };
        if order.possible_duplicate {
            risks.push(format!("{id} is a possible duplicate: Klarna may already have it."));
        }
        let code = order.error.as_ref().and_then(|error| ErrorCode::known(&error.code));
        if let Some((code, step)) =
            code.filter(|code| code.fails_again()).and_then(|code| Some((code, code.next_step()?)))
        {
            risks.push(format!("{id} failed with {code}. {step}"));
        }
    }
    Ok(risks)
}
