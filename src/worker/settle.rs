//! Stores the end of an attempt, with retries for as long as it takes.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::order::{Disposition, OrderError, Prefill};
use crate::store::{Claim, Orders};
use crate::telemetry::traces::{traced, tried};

const PAUSE: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(5) };

/// Stores how an attempt ended, for as long as it takes: Klarna may have the order already, and a
/// result that is given up would create it again. Returns `false` if another worker has claimed the
/// order in the meantime; nothing is written then.
///
/// If the database refuses a value for good, the result is stored without the texts of Klarna that
/// the order can do without.
pub async fn settle(store: &dyn Orders, claim: &Claim, disposition: &Disposition) -> bool {
    let mut reduced = None;
    let mut tries = 0;
    loop {
        let stored = reduced.as_ref().unwrap_or(disposition);
        let error = match tried(traced!("settle order"), "store", store.settle_order(claim, stored)).await {
            Ok(ours) => return ours,
            Err(error) => error,
        };
        tries += 1;
        if !error.is_transient() && reduced.is_none() {
            tracing::error!(order = %claim.order, %error,
                "The database refuses an order's result; it is stored without Klarna's texts");
            reduced = Some(without_texts(disposition));
            continue;
        }
        if tries == 1 {
            tracing::error!(order = %claim.order, %error,
                "The result of an order could not be stored; the service keeps trying");
        }
        tokio::time::sleep(PAUSE.delay(tries, rand::random(), None)).await;
    }
}

/// Returns the same end without Klarna's texts: only with ids, words and numbers.
fn without_texts(disposition: &Disposition) -> Disposition {
    let bare = |error: &OrderError| OrderError {
        code: error.code.clone(),
        message: "the database refused the text of this error; look at the log".into(),
        faults: Vec::new(),
        correlation_id: None,
    };
    match disposition {
        Disposition::Submitted { klarna_id, target, token, .. } => Disposition::Submitted {
            klarna_id: klarna_id.clone(),
            target: *target,
            result: None,
            correlation_id: None,
            token: *token,
            prefilled: Prefill::default(),
        },
        Disposition::Failed { error, token, .. } => {
            Disposition::Failed { error: bare(error), token: *token, prefilled: Prefill::default() }
        }
        Disposition::Retry { after, error, possible_duplicate } => {
            Disposition::Retry { after: *after, error: bare(error), possible_duplicate: *possible_duplicate }
        }
        Disposition::Snooze { after, error } => Disposition::Snooze { after: *after, error: error.as_ref().map(bare) },
    }
}
