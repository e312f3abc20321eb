//! Connection pools. A connection goes back to its pool only after success.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use sqlx::pool::PoolConnection;
use sqlx::{ConnectOptions as _, Connection as _, Database};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::{PoolUse, StoreError};

/// The time limit for a statement, and for the wait for a connection. sqlx itself waits forever on
/// a half-open connection.
const STATEMENT: Duration = Duration::from_secs(10);

/// How long an idle connection is used without a check. A ping before each use would cost a round
/// trip; without any check, the first caller after a restart of the server would get a dead
/// connection.
pub(super) const TRUSTED: Duration = Duration::from_secs(1);

/// How long the server is asked why it refuses connections, and how often.
const ASKING: Duration = Duration::from_secs(2);
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// A pool that passes on connections without contacting the server while they are in constant use.
/// sqlx pings each connection that is given back; this pool keeps fresh ones from sqlx's pool.
pub(super) struct Pool<DB: Database> {
    inner: sqlx::Pool<DB>,
    /// One permit for each connection.
    places: Arc<Semaphore>,
    /// The most recently used connection is last.
    idle: Idle<DB>,
    /// Called before a connection is given out.
    guard: Option<Guard>,
    /// See [`Pool::through_pooler`].
    begin: Option<&'static str>,
}

/// Checks whether connections may be given out.
type Guard = Arc<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

type Idle<DB> = Arc<Mutex<Vec<(PoolConnection<DB>, Instant)>>>;

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            places: Arc::clone(&self.places),
            idle: Arc::clone(&self.idle),
            guard: self.guard.clone(),
            begin: self.begin,
        }
    }
}

impl<DB: Database> Pool<DB> {
    pub(super) fn new(pool: sqlx::Pool<DB>) -> Self {
        let places = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self { inner: pool, places, idle: Arc::default(), guard: None, begin: None }
    }

    /// Like [`Pool::new`], but no connection is given out while `guard` refuses.
    pub(super) fn guarded(pool: sqlx::Pool<DB>, guard: Guard) -> Self {
        Self { guard: Some(guard), ..Self::new(pool) }
    }

    /// As [`Pool::new`], of connections to a transaction pooler. Each transaction may run in another
    /// session of the server, so nothing may be left to a session: statements have no name, one
    /// alone is put into a transaction too, and each transaction begins with `begin`, which says all
    /// that it needs.
    pub(super) fn through_pooler(pool: sqlx::Pool<DB>, begin: &'static str) -> Self {
        Self { begin: Some(begin), ..Self::new(pool) }
    }

    /// Returns sqlx's pool.
    pub(super) fn pool(&self) -> &sqlx::Pool<DB> {
        &self.inner
    }

    /// Returns how its connections are used.
    pub(super) fn used(&self, name: &'static str) -> PoolUse {
        let most = self.inner.options().get_max_connections();
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        let idle = u32::try_from(kept + self.inner.num_idle()).unwrap_or(u32::MAX);
        PoolUse { pool: name, used: most.saturating_sub(free), idle, most }
    }

    /// Takes a connection. Callers are served in order of arrival.
    pub(super) async fn take(&self) -> Result<PooledConnection<DB>, StoreError> {
        self.lend(None).await
    }

    /// Takes up to `most` connections at once, but at most half of the free ones, so that nobody
    /// has to wait for them.
    pub(super) async fn spare(&self, most: usize) -> Result<Vec<PooledConnection<DB>>, StoreError> {
        let count = most.min(self.places.available_permits() / 2);
        try_join_all((0..count).map(|_| self.take())).await
    }

    /// Like [`Pool::take`], but first waits for a permit of `lane`. A caller without a lane is served
    /// before all that wait in it.
    pub(super) async fn behind(&self, lane: &Arc<Semaphore>) -> Result<PooledConnection<DB>, StoreError> {
        let place = timeout(STATEMENT, Arc::clone(lane).acquire_owned()).await;
        let place = place.map_err(|_| StoreError::TimedOut(STATEMENT))?.map_err(|_| sqlx::Error::PoolClosed)?;
        self.lend(Some(place)).await
    }

    async fn lend(&self, lane: Option<OwnedSemaphorePermit>) -> Result<PooledConnection<DB>, StoreError> {
        let place = timeout(self.inner.options().get_acquire_timeout(), Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        if let Some(guard) = &self.guard {
            guard()?;
        }
        let connection = match self.fresh() {
            Some(connection) => connection,
            None => match bounded(self.inner.acquire()).await {
                Err(error) => return Err(self.cause(error).await),
                acquired => acquired?,
            },
        };
        Ok(PooledConnection {
            connection: Some(connection),
            idle: Arc::clone(&self.idle),
            inner: self.inner.clone(),
            well: false,
            begin: self.begin,
            _place: place,
            _lane: lane,
        })
    }

    /// Returns why no connection is available. If the server refuses more connections, sqlx retries
    /// and reports only a time-out. So the server is asked for its reason, once a minute at most.
    async fn cause(&self, error: StoreError) -> StoreError {
        if !matches!(error, StoreError::Unavailable(_) | StoreError::TimedOut(_)) || !may_ask() {
            return error;
        }
        let options = self.inner.connect_options();
        match timeout(ASKING, options.connect()).await.map(|connected| connected.map_err(StoreError::from)) {
            Ok(Err(refused @ StoreError::TooManyConnections(_))) => {
                tracing::error!(error = %refused, "The database refuses more connections; raise its limit, or lower \
                    database.max_connections and vault.max_in_flight");
                refused
            }
            Ok(Err(refused)) => refused,
            Ok(Ok(connection)) => {
                // This connection was needed only for this question.
                let _ = timeout(ASKING, connection.close()).await;
                error
            }
            Err(_) => error,
        }
    }

    /// Returns the most recently used connection if it is fresh. If not, no other one is either; they
    /// go to sqlx's pool, which checks them.
    fn fresh(&self) -> Option<PoolConnection<DB>> {
        let mut idle = lock(&self.idle);
        let (connection, since) = idle.pop()?;
        if since.elapsed() < TRUSTED {
            return Some(connection);
        }
        idle.clear();
        None
    }

    pub(super) async fn close(&self) {
        let closing = self.inner.close();
        // From here on, connections that are given back go to sqlx's pool.
        lock(&self.idle).clear();
        closing.await;
    }
}

/// Whether a minute has passed since the server was last asked why it refuses connections.
fn may_ask() -> bool {
    static ASKED: Mutex<Option<Instant>> = Mutex::new(None);
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    if asked.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
        return false;
    }
    *asked = Some(Instant::now());
    true
}

/// The list is consistent even if a holder of the lock panicked.
fn lock<DB: Database>(idle: &Idle<DB>) -> MutexGuard<'_, Vec<(PoolConnection<DB>, Instant)>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pooled connection. It is closed unless [`PooledConnection::give_back`] is called: after an
/// error, a time-out or a dropped future its state is unknown, and an open transaction would keep
/// its locks.
pub(super) struct PooledConnection<DB: Database> {
    /// `None` after it is given back.
    connection: Option<PoolConnection<DB>>,
    idle: Idle<DB>,
    inner: sqlx::Pool<DB>,
    well: bool,
    /// Behind a transaction pooler: what begins a transaction.
    begin: Option<&'static str>,
    /// Dropped after the connection.
    _place: OwnedSemaphorePermit,
    /// Dropped after the connection; see [`Pool::behind`].
    _lane: Option<OwnedSemaphorePermit>,
}

impl<DB: Database> PooledConnection<DB> {
    /// What begins each transaction on this connection, if it leads to a transaction pooler.
    pub(super) fn begin(&self) -> Option<&'static str> {
        self.begin
    }

    /// Gives the connection back to its pool. It must be outside any transaction.
    pub(super) fn give_back(mut self) {
        self.well = true;
    }
}

impl<DB: Database> Drop for PooledConnection<DB> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if !self.well {
            connection.close_on_drop();
            return;
        }
        let mut idle = lock(&self.idle);
        if !self.inner.is_closed() {
            idle.push((connection, Instant::now()));
        }
    }
}

/// The connection is taken only when the value is given back or dropped.
const THERE: &str = "a lease has its connection until it is dropped";

impl<DB: Database> Deref for PooledConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref().expect(THERE)
    }
}

impl<DB: Database> DerefMut for PooledConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut().expect(THERE)
    }
}

/// Waits for a statement, up to the time limit.
pub(super) async fn bounded<T>(statement: impl Future<Output = sqlx::Result<T>>) -> Result<T, StoreError> {
    match timeout(STATEMENT, statement).await {
        Ok(result) => result.map_err(StoreError::from),
        Err(_) => Err(StoreError::TimedOut(STATEMENT)),
    }
}
