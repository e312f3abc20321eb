//! Stores the end of an exchange, and does not give up: in the claim's transaction, or else in new
//! transactions until one succeeds. A successor that the database does not store promptly is also
//! written to the spool, with tries of its own: neither waits for the other.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::ExchangeContext;
use super::instance::SpoolFile;
use crate::backoff::Backoff;
use crate::crash;
use crate::store::{StoreError, TokenClaim};
use crate::token::{ExchangeEnd, Intent, Settled};

/// If a store takes longer than this, the spool is written.
const PROMPT: Duration = Duration::from_millis(250);
const PAUSE: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(5) };

/// Stores the end. `spooled` is called if the successor is in the spool before the database has it:
/// from then on it is safe, and its access token may be used.
///
/// `None` if the successor stays in the spool, because the database was restored and does not know
/// its user ([`StoreError::Behind`]).
pub(super) async fn settle(
    context: &ExchangeContext,
    claim: Box<dyn TokenClaim>,
    end: &ExchangeEnd,
    spooled: impl FnOnce(),
) -> Option<Settled> {
    let mut first = pin!(claim.settle(end));
    let failed = match timeout(PROMPT, first.as_mut()).await {
        Ok(Ok(settled)) => return Some(settled),
        Ok(Err(error)) => Some(error),
        Err(_) => None,
    };
    let (file, in_spool) = (file(context, end), AtomicBool::new(false));
    let database = async {
        let mut written = match failed {
            Some(error) => Err(error),
            None => first.await,
        };
        let mut tries = 0;
        loop {
            let error = match written {
                Ok(settled) => return Some(settled),
                Err(error) => error,
            };
            let in_spool = in_spool.load(Ordering::SeqCst);
            if tries == 0 || !matches!(error, StoreError::Busy(_)) {
                tracing::error!(exchange = %end.exchange, %error, in_spool,
                    "The result of an exchange could not be stored; the service keeps trying");
            }
            if in_spool && matches!(error, StoreError::Behind) {
                return None;
            }
            tries += 1;
            tokio::time::sleep(PAUSE.delay(tries, rand::random(), None)).await;
            written = context.store.settle_exchange(end).await;
        }
    };
    let spooling = async {
        if let Some(file) = &file {
            file.persist().await;
            crash::point("spooled");
            in_spool.store(true, Ordering::SeqCst);
            spooled();
        }
        std::future::pending().await
    };
    let settled = tokio::select! {
        settled = database => settled,
        never = spooling => never,
    };
    if settled.is_some()
        && let Some(file) = file
    {
        file.discard().await;
    }
    settled
}

/// The spool file of a successor; `None` of an end without one.
fn file(context: &ExchangeContext, end: &ExchangeEnd) -> Option<SpoolFile> {
    context.spool.file(end).unwrap_or_else(|error| {
        tracing::error!(exchange = %end.exchange, %error, "A new refresh token could not be encrypted for the \
            spool; it is only in memory");
        None
    })
}

/// Makes sure that an intent whose commit is in doubt can never be used, with retries for as long
/// as it takes.
pub(super) async fn void(context: &ExchangeContext, intent: &Intent) {
    let mut tries = 0;
    while let Err(error) = context.store.void_intent(intent).await {
        tries += 1;
        tracing::error!(exchange = %intent.exchange, %error, "An intent whose commit is in doubt could not be \
            voided yet; the service keeps trying");
        tokio::time::sleep(PAUSE.delay(tries, rand::random(), None)).await;
    }
}
