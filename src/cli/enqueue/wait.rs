//! `enqueue --wait`: waits for the orders' results.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{Outcome, Unprinted};
use crate::api::Order;
use crate::cli::progress::Progress;
use crate::cli::table::printable;
use crate::cli::views::outcome;
use crate::cli::{CliError, Context};
use crate::order::{OrderId, Status, TokenOutcome};
use crate::store::{Orders, StoreError};

/// How often the rows are read. Any process may end the orders, so there is no notification.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How many orders one query reads.
const CHUNK: usize = 500;

/// What became of a line: whether it was new, and its order.
#[derive(Serialize)]
struct Ended {
    line: u64,
    result: Outcome,
    #[serde(flatten)]
    order: Order,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, result: _, order } = self;
        let token = order.token.map_or("-", TokenOutcome::as_str);
        let outcome = outcome(order);
        let told = format!(
            "line {line:<5}  {:<9}  {}  {token:<15}  {}",
            order.status,
            order.id,
            printable(&outcome)
        );
        f.write_str(told.trim_end())
    }
}

/// Waits until all orders have ended, for at most `patience`, and prints each with its line. Orders
/// that have not ended by then are printed last. A line that is printed is taken out of
/// `unprinted`. Returns whether all were submitted.
pub(super) async fn for_all(
    context: &Context,
    store: &dyn Orders,
    unprinted: &mut Unprinted,
    patience: Duration,
) -> Result<bool, CliError> {
    let failed = |error: StoreError| CliError::failed("look at the orders' results", error);
    let until = Instant::now() + patience;
    let total = unprinted.len();
    let progress = Progress::new(&context.output, Some(total as u64));
    let mut all_submitted = true;
    while !unprinted.is_empty() {
        let is_over = Instant::now() >= until;
        let ids: Vec<OrderId> = unprinted.values().filter_map(|taken| taken.id).collect();
        let mut settled = HashSet::new();
        for chunk in ids.chunks(CHUNK) {
            settled.extend(store.settled(chunk).await.map_err(failed)?);
        }
        let ended = |id: OrderId| is_over || settled.contains(&id);
        let due: Vec<(u64, OrderId)> = unprinted
            .iter()
            .filter_map(|(line, taken)| Some((*line, taken.id.filter(|id| ended(*id))?)))
            .collect();
        for (line, id) in due {
            let order = store.order(id).await.map_err(failed)?;
            let Some(taken) = unprinted.remove(&line) else { continue };
            let Some(order) = order else {
                // It was deleted meanwhile.
                all_submitted = false;
                progress.aside(|| context.output.print(&taken, &taken))?;
                continue;
            };
            all_submitted &= order.status == Status::Submitted;
            let ended = Ended { line, result: taken.result, order: order.into() };
            progress.aside(|| context.output.print(&ended, &ended))?;
        }
        progress
            .at((total - unprinted.len()) as u64, format!("{} orders have not ended yet", unprinted.len()));
        if !unprinted.is_empty() {
            sleep(POLL_INTERVAL).await;
        }
    }
    Ok(all_submitted)
}
