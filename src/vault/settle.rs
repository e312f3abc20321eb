//! Stores the end of an exchange, and does not give up: in the claim's transaction, or else in new
//! transactions until one succeeds. Meanwhile a successor that the database does not store promptly
//! is written to the spool.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::ExchangeContext;
use crate::backoff::Backoff;
use crate::crash;
use crate::store::TokenClaim;
use crate::token::{ExchangeEnd, Intent, Settled};

/// If a store takes longer than this, the spool is written.
const PROMPT: Duration = Duration::from_millis(250);
const PAUSE: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(5) };

/// Stores the end. `spooled` is called if the successor is in the spool before the database has it:
/// from then on it is safe, and its access token may be used.
pub(super) async fn settle(
    context: &ExchangeContext,
    claim: Box<dyn TokenClaim>,
    end: &ExchangeEnd,
    spooled: impl FnOnce(),
) -> Settled {
    let mut first = pin!(claim.settle(end));
    let mut result = match timeout(PROMPT, first.as_mut()).await {
        Ok(Ok(settled)) => return settled,
        Ok(failed) => Some(failed),
        Err(_) => None,
    };
    let in_spool = spool(context, end).await;
    if in_spool {
        crash::point("spooled");
        spooled();
    }
    let mut tries = 0;
    loop {
        let written = match result.take() {
            Some(written) => written,
            None if tries == 0 => first.as_mut().await,
            None => context.store.settle_exchange(end).await,
        };
        match written {
            Ok(settled) => {
                if in_spool {
                    context.spool.stored(end.exchange).await;
                }
                return settled;
            }
            Err(error) => tracing::error!(exchange = %end.exchange, %error, in_spool,
                "The result of an exchange could not be stored; the service keeps trying"),
        }
        tries += 1;
        tokio::time::sleep(PAUSE.delay(tries, rand::random(), None)).await;
    }
}

async fn spool(context: &ExchangeContext, end: &ExchangeEnd) -> bool {
    context.spool.write(end).await.unwrap_or_else(|error| {
        tracing::error!(exchange = %end.exchange, %error, "A new refresh token could not be written to the \
            spool; it is only in memory");
        false
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
