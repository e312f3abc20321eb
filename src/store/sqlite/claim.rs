//! The claim on SQLite: the committed intent is the claim. Row and ledger are read without a lock. The
//! intent is inserted in a write transaction, of which there is one at a time, and the insert checks
//! everything again: generation, state, and by the presentation's number the whole ledger. No
//! transaction is open during the request to Klarna.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures::FutureExt;

use super::shared::Shared;
use super::together::together;
use super::{Connection, Sqlite, now, sql};
use crate::clock::Clock;
use crate::ids::{Provider, TokenVersion, UserKey};
use crate::store::engine::{Now, by};
use crate::store::pool::Pool;
use crate::store::{ClaimAttempt, StoreError, TokenClaim, exchange_end, exchanges, one_row};
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Outcome, Settled, Successor};

struct SqliteClaim {
    shared: Shared,
    clock: Clock,
    token: ClaimedToken,
}

pub(super) async fn claim(
    readers: &Pool<sqlx::Sqlite>,
    shared: &Shared,
    clock: &Clock,
    key: &UserKey,
    provider: Provider,
) -> Result<ClaimAttempt, StoreError> {
    let read = by::<Sqlite, _>(readers.take().await?, async |c| {
        let claim = c.query(sql::CLAIM_TOKEN).bind_user(key).bind(now(clock)).bind(&provider);
        exchanges::claimed(&claim.fetch_all().await?)
    });
    let Some(read) = read.await? else { return Ok(ClaimAttempt::Missing) };
    let claim = SqliteClaim { shared: shared.clone(), clock: clock.clone(), token: read.token };
    Ok(ClaimAttempt::Claimed(Box::new(claim)))
}

pub(super) async fn settle(shared: &Shared, clock: &Clock, end: &ExchangeEnd) -> Result<Settled, StoreError> {
    let (clock, end) = (clock.clone(), Arc::new(end.clone()));
    shared
        .run(move |c| {
            let (now, end) = (now(&clock), Arc::clone(&end));
            async move { exchange_end::settle(c, now, &end).await }.boxed()
        })
        .await
}

/// What follows a successor in its transaction: cached tokens, the successor's hash, the end of the
/// intent, and the announcement of the create call.
static AFTER_SUCCESSOR: LazyLock<String> = LazyLock::new(|| {
    let (tokens, orders) = (&sql::STATEMENTS.tokens, &sql::STATEMENTS.orders);
    together(&[tokens.cache, tokens.know, tokens.close, orders.announce])
});

/// As [`Engine::store_successor`], in two round trips.
pub(super) async fn store_successor(
    c: &mut Connection<'_>,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Option<Settled>, StoreError> {
    let TokenVersion { token, generation } = end.version;
    let store =
        exchange_end::bind_successor(c, sql::STORE_SUCCESSOR, now, end.version, end.exchange, successor);
    // Only exchanges for orders and vends cache tokens.
    let stored = store.bind(end.cached.is_some()).bind(&end.provider).execute().await?;
    if stored == 0 {
        return Ok(None);
    }
    one_row("storing a successor", stored)?;
    let Some(cached) = &end.cached else {
        exchange_end::know_successor(c, token, successor).await?;
        exchange_end::close(c, now, end.exchange, Outcome::Rotated, false, None).await?;
        return Ok(Some(Settled::Written));
    };
    // The cached tokens belong to the new generation.
    let after = c.query(&AFTER_SUCCESSOR).bind(cached.purpose).bind(token).bind(generation + 1);
    let after =
        after.bind(&cached.sealed).bind(cached.received_at).bind(cached.good_until).bind(&end.provider);
    let after = after.bind(token).bind(&successor.hash).bind(successor.issued_at);
    let after =
        after.bind(end.exchange).bind(Outcome::Rotated.as_str()).bind(false).bind(now).bind(None::<&str>);
    // Without a claim, no order waits for the access token.
    let (worker, number) =
        (cached.claim.map(|claim| claim.worker.as_uuid()), cached.claim.map(|claim| claim.number));
    let announced = !after.bind(cached.purpose).bind(worker).bind(number).fetch_all().await?.is_empty();
    Ok(Some(if announced { Settled::Announced } else { Settled::Written }))
}

#[async_trait]
impl TokenClaim for SqliteClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        let (clock, intent) = (self.clock.clone(), Arc::new(intent.clone()));
        // A new intent must not look orphaned.
        self.shared
            .run_alive(intent.holder, move |c| {
                let (now, intent) = (now(&clock), Arc::clone(&intent));
                async move {
                    let written = exchanges::bind_intent(c, sql::INTEND, &intent).bind(now).execute().await?;
                    Ok(if written == 1 { Intended::Recorded } else { Intended::Refused })
                }
                .boxed()
            })
            .await
    }

    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        settle(&self.shared, &self.clock, end).await
    }

    async fn release(self: Box<Self>) {}
}
