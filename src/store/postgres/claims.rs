//! Claims on PostgreSQL: advisory locks of transactions that many exchanges share.
//!
//! A few sessions (`vault.claim_sessions`) hold the claims of all exchanges of this process. Each
//! runs one transaction after the other. A new claim joins the transaction that is open. The first
//! answer of Klarna begins a store, which takes all answers that are there; one commit makes them
//! durable, and then each caller is answered.
//!
//! A commit frees all locks of its session, so the session locks the tokens again whose exchanges
//! go on. In between, and where another session took the lock meanwhile, the committed intents keep
//! others away, as on SQLite.

mod dispatcher;
mod session;
mod shared_store;
mod taker;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use self::dispatcher::Dispatcher;
pub(super) use self::shared_store::{NewSuccessor, store_successors};
use super::pools::Pools;
use super::writers::{Announcement, Announcements};
use super::{Connection, Postgres};
use crate::clock::Clock;
use crate::ids::{Provider, TokenId, UserKey};
use crate::store::batch::{Batcher, unanswered};
use crate::store::engine::{Now, transaction_by};
use crate::store::{ClaimAttempt, StoreError, TokenClaim, exchange_end};
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Settled};

/// Claims tokens. A task of its own gives the work to the sessions, so a caller that stops waiting
/// does not affect the others.
pub(super) struct Claims {
    requests: mpsc::UnboundedSender<Request>,
}

/// What every session uses.
struct Context {
    pools: Arc<Pools>,
    announcements: Arc<Batcher<Announcements>>,
    clock: Clock,
    /// How a claim asks to be settled or released. Weak, because the dispatcher must end with the
    /// store.
    requests: mpsc::WeakUnboundedSender<Request>,
}

enum Request {
    Claim(ClaimRequest),
    Settle(SettleRequest),
    Release(ReleaseRequest),
}

struct ClaimRequest {
    key: UserKey,
    provider: Provider,
    answer: oneshot::Sender<Result<ClaimAttempt, StoreError>>,
}

struct SettleRequest {
    /// The session that holds the claim.
    session: usize,
    end: Box<ExchangeEnd>,
    answer: oneshot::Sender<Result<Settled, StoreError>>,
}

struct ReleaseRequest {
    /// The session that holds the claim.
    session: usize,
    token: TokenId,
    /// Notified when the token is free. Nobody waits for a claim that was dropped.
    freed: Option<oneshot::Sender<()>>,
}

impl Claims {
    pub(super) fn new(
        pools: &Arc<Pools>,
        announcements: &Arc<Batcher<Announcements>>,
        clock: &Clock,
        sessions: u32,
    ) -> Self {
        let (requests, received) = mpsc::unbounded_channel();
        let context = Context {
            pools: Arc::clone(pools),
            announcements: Arc::clone(announcements),
            clock: clock.clone(),
            requests: requests.downgrade(),
        };
        tokio::spawn(Dispatcher::new(Arc::new(context), sessions, received).run());
        Self { requests }
    }

    pub(super) async fn claim(&self, key: &UserKey, provider: Provider) -> Result<ClaimAttempt, StoreError> {
        let (answer, answered) = oneshot::channel();
        let request = ClaimRequest { key: key.clone(), provider, answer };
        self.requests.send(Request::Claim(request)).map_err(|_| unanswered())?;
        answered.await.map_err(|_| unanswered())?
    }
}

impl Context {
    fn now(&self) -> Now {
        super::now(&self.clock)
    }

    /// As [`settle_alone`].
    async fn settle_alone(&self, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        settle_alone(&self.pools, self.now(), end).await
    }
}

/// Stores the end of an exchange in a transaction of its own, without its claim.
pub(super) async fn settle_alone(pools: &Pools, now: Now, end: &ExchangeEnd) -> Result<Settled, StoreError> {
    transaction_by::<Postgres, _>(pools.late_store().await?, async |c| {
        exchange_end::settle(c, now, end).await
    })
    .await
}

/// Runs the statements of a claim once without any row, so that the server has planned them.
pub(super) async fn warm_up(c: &mut Connection<'_>, now: Now) -> Result<(), StoreError> {
    session::read(c, now, &[]).await?;
    store_successors(c, now, &[]).await?;
    Ok(())
}

/// A claim in one of the sessions. Dropping it releases it.
struct PostgresClaim {
    token: ClaimedToken,
    session: usize,
    requests: mpsc::UnboundedSender<Request>,
    announcements: Arc<Batcher<Announcements>>,
    /// Whether its session was told that it is over.
    over: bool,
}

impl PostgresClaim {
    fn let_go(&mut self, freed: Option<oneshot::Sender<()>>) {
        if !std::mem::replace(&mut self.over, true) {
            let release = ReleaseRequest { session: self.session, token: self.token.version.token, freed };
            // Sending fails only if the store is gone, and its connections with it.
            let _ = self.requests.send(Request::Release(release));
        }
    }
}

impl Drop for PostgresClaim {
    fn drop(&mut self) {
        self.let_go(None);
    }
}

#[async_trait]
impl TokenClaim for PostgresClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        let recorded = self.announcements.put(Announcement::Exchange(intent.clone())).await?;
        Ok(if recorded { Intended::Recorded } else { Intended::Refused })
    }

    async fn settle(mut self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.over = true;
        let request = SettleRequest { session: self.session, end: Box::new(end.clone()), answer };
        self.requests.send(Request::Settle(request)).map_err(|_| unanswered())?;
        answered.await.map_err(|_| unanswered())?
    }

    async fn release(mut self: Box<Self>) {
        let (freed, is_free) = oneshot::channel();
        self.let_go(Some(freed));
        // An error only means that the session is gone, and its locks with it.
        let _ = is_free.await;
    }
}
