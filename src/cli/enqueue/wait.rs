//! `enqueue --wait`: waits for the orders' results.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

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

/// The result of an order, with its line number.
#[derive(Serialize)]
struct Ended {
    line: u64,
    #[serde(flatten)]
    order: Order,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, order } = self;
        let token = order.token.map_or("-", TokenOutcome::as_str);
        write!(f, "line {line:<5}  {:<9}  {token:<15}  {}", order.status, printable(&outcome(order)))
    }
}

/// Waits until all orders have ended, for at most `patience`, and prints the result of each. Orders
/// that have not ended by then are printed last. Returns whether all were submitted.
pub(super) async fn for_all(
    context: &Context,
    store: &dyn Orders,
    mut pending: Vec<(u64, OrderId)>,
    patience: Duration,
) -> Result<bool, CliError> {
    let failed = |error: StoreError| CliError::failed("look at the orders' results", error);
    let until = Instant::now() + patience;
    let total = pending.len();
    let progress = Progress::new(&context.output, Some(total as u64));
    let mut all_submitted = true;
    while !pending.is_empty() {
        let is_over = Instant::now() >= until;
        let mut unsettled = Vec::new();
        for chunk in pending.chunks(CHUNK) {
            let ids: Vec<OrderId> = chunk.iter().map(|(_, id)| *id).collect();
            let settled = store.settled(&ids).await.map_err(failed)?;
            for &(line, id) in chunk {
                if !is_over && !settled.contains(&id) {
                    unsettled.push((line, id));
                    continue;
                }
                let Some(order) = store.order(id).await.map_err(failed)? else { continue };
                all_submitted &= order.status == Status::Submitted;
                let ended = Ended { line, order: order.into() };
                progress.aside(|| context.output.print(&ended, &ended))?;
            }
        }
        pending = unsettled;
        progress.at((total - pending.len()) as u64, format!("{} orders have not ended yet", pending.len()));
        if !pending.is_empty() {
            sleep(POLL_INTERVAL).await;
        }
    }
    Ok(all_submitted)
}
