//! One session: a connection with a transaction that holds the locks of many tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ClaimRequest, Context, PostgresClaim, ReleaseRequest, SettleRequest, shared_store};
use crate::ids::TokenId;
use crate::received::storable;
use crate::store::columns::Columns;
use crate::store::engine::{Engine, Now, begin};
use crate::store::exchanges::{self, Read};
use crate::store::pool::{PooledConnection, bounded};
use crate::store::postgres::{Connection, Postgres};
use crate::store::sql::postgres as sql;
use crate::store::{ClaimAttempt, StoreError};
use crate::token::{ExchangeEnd, Settled};

/// The most claims or ends in one statement. That many take much less time than the interval of a
/// heartbeat.
pub(super) const MOST: usize = 256;

/// What a session has to do.
#[derive(Default)]
pub(super) struct Work {
    pub(super) ends: Vec<SettleRequest>,
    pub(super) releases: Vec<ReleaseRequest>,
    pub(super) claims: Vec<ClaimRequest>,
}

impl Work {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.releases.is_empty() && self.claims.is_empty()
    }

    /// Returns this work, with at most as many ends as fit into one statement. The others stay.
    pub(super) fn take(&mut self) -> Self {
        let later = self.ends.split_off(self.ends.len().min(MOST));
        std::mem::replace(self, Self { ends: later, ..Self::default() })
    }
}

pub(super) struct Session {
    context: Arc<Context>,
    number: usize,
    /// If it is not given back, it is closed, which frees all locks.
    connection: Option<PooledConnection<sqlx::Postgres>>,
    /// Whether a transaction is open on the connection.
    begun: bool,
    /// The tokens whose claims it holds. It must know them: the server would give it the lock of
    /// its own token a second time.
    held: BTreeSet<TokenId>,
}

impl Session {
    pub(super) fn new(context: Arc<Context>, number: usize) -> Self {
        Self { context, number, connection: None, begun: false, held: BTreeSet::new() }
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Takes a connection.
    pub(super) async fn open(&mut self) -> Result<(), StoreError> {
        self.connection = Some(self.context.pools.claims.take().await?);
        Ok(())
    }

    /// Gives back a connection that is not needed after all.
    pub(super) fn rest(&mut self) {
        if !self.begun
            && let Some(connection) = self.connection.take()
        {
            connection.give_back();
        }
    }

    /// Stores what has ended, frees what was released, and claims. What is over is freed first, so
    /// that it can be claimed again.
    pub(super) async fn work(&mut self, work: Work) {
        let Work { ends, releases, claims } = work;
        let ended = ends.iter().map(|request| request.end.version.token);
        for token in ended.chain(releases.iter().map(|release| release.token)) {
            self.held.remove(&token);
        }
        if !ends.is_empty() {
            self.store(ends).await;
        }
        if !releases.is_empty() && self.begun {
            self.end_transaction("ROLLBACK").await;
        }
        for freed in releases.into_iter().filter_map(|release| release.freed) {
            // Sending fails only if nobody waits any more.
            let _ = freed.send(());
        }
        if !claims.is_empty() {
            self.claim(claims).await;
        }
        self.go_on().await;
    }

    /// Stores the ends in one commit. Those that cannot be stored together are each stored in a
    /// transaction of its own.
    async fn store(&mut self, requests: Vec<SettleRequest>) {
        if !self.begun {
            // The claims were lost with their connection.
            for request in requests {
                self.store_alone(request);
            }
            return;
        }
        let ends: Vec<&ExchangeEnd> = requests.iter().map(|request| &*request.end).collect();
        match self.store_together(&ends).await {
            Ok(settled) => {
                for (request, settled) in requests.into_iter().zip(settled) {
                    match settled {
                        Some(settled) => request.answer(Ok(settled)),
                        None => self.store_alone(request),
                    }
                }
            }
            Err(error) => {
                self.after(&error).await;
                let of_one = requests.len() > 1 && error.may_be_of_one_write();
                for request in requests {
                    if of_one {
                        self.store_alone(request);
                    } else {
                        request.answer(Err(error.clone()));
                    }
                }
            }
        }
    }

    async fn store_together(&mut self, ends: &[&ExchangeEnd]) -> Result<Vec<Option<Settled>>, StoreError> {
        let now = self.context.now();
        let settled = shared_store::store(&mut self.statements()?, now, ends).await?;
        self.control("COMMIT").await?;
        self.begun = false;
        Ok(settled)
    }

    /// Stores an end without the claim, and keeps nobody waiting for it.
    fn store_alone(&self, request: SettleRequest) {
        let context = Arc::clone(&self.context);
        tokio::spawn(async move {
            let settled = context.settle_alone(&request.end).await;
            request.answer(settled);
        });
    }

    async fn claim(&mut self, claims: Vec<ClaimRequest>) {
        let joins = self.begun;
        // A store or a release just before may have closed a connection that had died.
        let mut found = if self.is_open() { self.read(&claims).await } else { self.read_anew(&claims).await };
        if joins && matches!(&found, Err(error) if !matches!(error, StoreError::Busy(_))) {
            // The connection may have died while the transaction waited. Nothing was written, so
            // the claims can be repeated on another one.
            found = self.read_anew(&claims).await;
        }
        match found {
            Ok(found) => {
                for (claim, found) in claims.into_iter().zip(found) {
                    let attempt = found.and_then(|found| self.grant(found));
                    claim.answer(attempt);
                }
            }
            Err(error) => {
                self.after(&error).await;
                for claim in claims {
                    claim.answer(Err(error.clone()));
                }
            }
        }
    }

    async fn read(&mut self, claims: &[ClaimRequest]) -> Result<Vec<Found>, StoreError> {
        self.begin().await?;
        let now = self.context.now();
        read(&mut self.statements()?, now, claims).await
    }

    /// As `read`, on another connection.
    async fn read_anew(&mut self, claims: &[ClaimRequest]) -> Result<Vec<Found>, StoreError> {
        self.close();
        self.open().await?;
        self.read(claims).await
    }

    fn grant(&mut self, found: Option<Read>) -> Result<ClaimAttempt, StoreError> {
        let token = match found {
            None => return Ok(ClaimAttempt::Missing),
            Some(Read { ours: false, .. }) => return Ok(ClaimAttempt::Busy),
            Some(Read { ours: true, token }) => token,
        };
        if !self.held.insert(token.version.token) {
            return Ok(ClaimAttempt::Busy);
        }
        let Some(requests) = self.context.requests.upgrade() else {
            return Err(StoreError::Unavailable("the store was closed".into()));
        };
        Ok(ClaimAttempt::Claimed(Box::new(PostgresClaim {
            token,
            session: self.number,
            requests,
            announcements: Arc::clone(&self.context.announcements),
            over: false,
        })))
    }

    /// Begins a transaction, unless one is open. Before anything else, it locks the tokens again
    /// whose exchanges go on.
    async fn begin(&mut self) -> Result<(), StoreError> {
        if self.begun {
            return Ok(());
        }
        begin::<Postgres>(self.connection()?).await?;
        if !self.held.is_empty() {
            let held: Vec<i64> = self.held.iter().map(|token| token.0).collect();
            self.statements()?.query(sql::LOCK_AGAIN).bind_array(held).execute().await?;
        }
        self.begun = true;
        Ok(())
    }

    /// Keeps a transaction open for the tokens that it holds, and gives the connection back if it
    /// holds none.
    async fn go_on(&mut self) {
        if self.held.is_empty() {
            if self.begun {
                self.end_transaction("ROLLBACK").await;
            }
            self.rest();
        } else if !self.begun && self.is_open() {
            // The next claim opens another connection.
            let given_up = self.connection().is_ok_and(|connection| connection.is_given_up());
            if given_up || self.begin().await.is_err() {
                self.close();
            }
        }
    }

    async fn end_transaction(&mut self, word: &'static str) {
        self.begun = false;
        if self.control(word).await.is_err() {
            self.close();
        }
    }

    /// Leaves the transaction after an error. Only a lock leaves the connection as it was.
    async fn after(&mut self, error: &StoreError) {
        if matches!(error, StoreError::Busy(_)) {
            self.end_transaction("ROLLBACK").await;
        } else {
            self.close();
        }
    }

    fn close(&mut self) {
        self.begun = false;
        self.connection = None;
    }

    async fn control(&mut self, word: &'static str) -> Result<(), StoreError> {
        bounded(Postgres::control(self.connection()?, word)).await
    }

    fn statements(&mut self) -> Result<Connection<'_>, StoreError> {
        Ok(Connection::on(self.connection()?))
    }

    fn connection(&mut self) -> Result<&mut PooledConnection<sqlx::Postgres>, StoreError> {
        let lost = || StoreError::Unavailable("the connection of the claims is closed".into());
        self.connection.as_mut().ok_or_else(lost)
    }
}

impl SettleRequest {
    fn answer(self, settled: Result<Settled, StoreError>) {
        // Sending fails only if the caller has stopped waiting.
        let _ = self.answer.send(settled);
    }
}

impl ClaimRequest {
    pub(super) fn answer(self, attempt: Result<ClaimAttempt, StoreError>) {
        // If the caller has stopped waiting, the claim is dropped, which releases it.
        let _ = self.answer.send(attempt);
    }
}

/// A token, as far as it can be read; `None` if there is no row.
type Found = Result<Option<Read>, StoreError>;

/// Locks tokens and reads them with their ledgers, all by one statement. What it reads may be
/// slightly older than the lock. That does no harm: the insert of the intent checks again, under
/// the lock, everything that allows the presentation: generation, state, and by the presentation's
/// number the whole ledger. A row that cannot be read fails alone.
pub(super) async fn read(
    c: &mut Connection<'_>,
    now: Now,
    claims: &[ClaimRequest],
) -> Result<Vec<Found>, StoreError> {
    let claim = c
        .query(sql::CLAIM_TOKENS)
        .bind_array(claims.iter().map(|claim| storable(claim.key.merchant.as_str()).into_owned()).collect())
        .bind_array(claims.iter().map(|claim| storable(claim.key.user.as_str()).into_owned()).collect())
        .bind_array(claims.iter().map(|claim| claim.provider.as_bytes()).collect())
        .bind(now);
    let mut rows: Vec<Vec<_>> = claims.iter().map(|_| Vec::new()).collect();
    for row in claim.fetch_all().await? {
        let place = usize::try_from(row.int("place")?).unwrap_or_default();
        if let Some(rows) = rows.get_mut(place.wrapping_sub(1)) {
            rows.push(row);
        }
    }
    Ok(rows.iter().map(|rows| exchanges::claimed(rows)).collect())
}
