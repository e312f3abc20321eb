//! Stores the end of an attempt, with retries for as long as it takes.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::order::Disposition;
use crate::store::{Claim, Orders, StoreError};
use crate::telemetry::traces::{traced, tried};

const PAUSE: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(5) };

/// Stores how an attempt ended. While the database is not available, the result stays in memory and
/// is written again, because Klarna already has the order. Returns `false` if another worker has
/// claimed the order in the meantime; nothing is written then.
///
/// # Errors
/// If the database refuses the statement itself. A retry would not help; the queue recovers the
/// claim.
pub async fn settle(store: &dyn Orders, claim: &Claim, disposition: &Disposition) -> Result<bool, StoreError> {
    let mut tries = 0;
    loop {
        match tried(traced!("settle order"), "store", store.settle_order(claim, disposition)).await {
            Err(error) if error.is_transient() => {
                tries += 1;
                if tries == 1 {
                    tracing::error!(order = %claim.order, %error,
                        "The result of an order could not be stored; the service keeps trying");
                }
                tokio::time::sleep(PAUSE.delay(tries, rand::random(), None)).await;
            }
            settled => return settled,
        }
    }
}
