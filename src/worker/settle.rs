//! Stores the end of an attempt, with retries for as long as it takes. A result of Klarna that the
//! database does not store promptly is also written to the spool, with tries of its own.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::timeout;

use super::results::{ResultSpool, Written, write_once};
use crate::backoff::Backoff;
use crate::crash;
use crate::delivery::RunHere;
use crate::order::Disposition;
use crate::store::{ClaimedOrder, LateResult, OrderEnd, Orders, StoreError};
use crate::telemetry::traces::{traced, tried};

/// If a store takes longer than this, the spool is written.
const PROMPT: Duration = Duration::from_millis(250);
const PAUSE: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(5) };
/// The same while another session has locked the order's row: usually it ends soon.
const PAUSE_WHILE_LOCKED: Backoff =
    Backoff { base: Duration::from_millis(25), cap: Duration::from_millis(500) };
/// The same while a later claim is about to send the order: Klarna usually answers soon.
const PAUSE_WHILE_SENT: Backoff = Backoff { base: Duration::from_millis(25), cap: Duration::from_secs(2) };
/// After so many tries, the log says that a lock is in the way.
const LOCKED_FOR_LONG: u32 = 4;

/// What became of the end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The order's row has it.
    Written,
    /// Another worker has claimed the order in the meantime, or it has ended; nothing was written.
    ClaimLost,
    /// The process stops, and the result is in the spool: the next start stores it.
    InSpool,
    /// The process stops, and nothing was sent: the next start takes the order over as it is.
    Left,
}

/// Stores how an attempt ended, for as long as it takes: Klarna may have the order already, and a
/// result that is given up would create it again. Once it is durable, requests in this process that
/// wait for the order are answered by `run`.
///
/// A result of Klarna counts although the claim was lost: the order ends with it, unless it has
/// ended otherwise, or its body was changed since. While a later claim is about to send it, the
/// result waits for the end of that claim. If the database refuses a value for good, the result is
/// stored without the texts of Klarna that the order can do without.
pub async fn settle(
    store: &dyn Orders,
    spool: &ResultSpool,
    order: &ClaimedOrder,
    disposition: &Disposition,
    run: &RunHere,
) -> Stored {
    let late = LateResult { claim: order.claim, possible_duplicate: order.possible_duplicate };
    let database = write(store, &late, disposition, run);
    let mut database = std::pin::pin!(database);
    if let Ok(stored) = timeout(PROMPT, database.as_mut()).await {
        return stored;
    }
    let file = spool.file(&late, disposition);
    let spooling = async {
        if let Some(file) = &file {
            file.persist().await;
            crash::point("result_spooled");
            spool.closed().await;
            Stored::InSpool
        } else if matches!(disposition, Disposition::Snooze { .. }) {
            spool.closed().await;
            Stored::Left
        } else {
            std::future::pending().await
        }
    };
    tokio::select! {
        stored = database => {
            if let Some(file) = file {
                file.discard().await;
            }
            stored
        }
        stored = spooling => stored,
    }
}

async fn write(store: &dyn Orders, late: &LateResult, disposition: &Disposition, run: &RunHere) -> Stored {
    let order = late.claim.order;
    let (mut disposition, mut tries, mut logged) = (Cow::Borrowed(disposition), 0, false);
    let mut looks = 0;
    loop {
        let writing = write_once(store, late, &mut disposition);
        let error = match tried(traced!("settle order"), "store", writing).await {
            Ok(Written::End(row)) => {
                run.ended(|| OrderEnd::new(&disposition, &row));
                return Stored::Written;
            }
            Ok(Written::Undecided) => {
                if looks == 0 {
                    tracing::info!(%order, "The result of an order waits for a later claim, which sends it again");
                }
                looks += 1;
                tokio::time::sleep(PAUSE_WHILE_SENT.delay(looks, rand::random(), None)).await;
                continue;
            }
            Ok(other) => {
                run.ended(|| None);
                return if matches!(other, Written::LateResult) {
                    Stored::Written
                } else {
                    Stored::ClaimLost
                };
            }
            Err(error) => error,
        };
        tries += 1;
        let locked = matches!(error, StoreError::Busy(_));
        if !logged && (!locked || tries >= LOCKED_FOR_LONG) {
            logged = true;
            tracing::error!(%order, %error,
                "The result of an order could not be stored; the service keeps trying");
        }
        let pause = if locked { PAUSE_WHILE_LOCKED } else { PAUSE };
        tokio::time::sleep(pause.delay(tries, rand::random(), None)).await;
    }
}

#[cfg(test)]
mod tests;
