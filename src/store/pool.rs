//! Connection pools. A connection goes back to its pool only after success.
//!
//! A pool passes on connections without contacting the server while they are in constant use.
//! Whoever waits for a new connection also takes one that is given back meanwhile. If the server
//! refuses more connections, pools share those that there are: see [`Scarcity`].

mod live;
mod pooled;
mod scarcity;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::{ConnectOptions as _, Connection, Database};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use self::live::{Live, OpenCount, Slot};
pub(super) use self::pooled::PooledConnection;
pub(super) use self::scarcity::Scarcity;
use self::scarcity::{GivesUp, SCARCE, is_starting};
use super::StoreError;

/// The time limit for a statement, and for opening a connection. sqlx itself waits forever on a
/// half-open connection.
const STATEMENT: Duration = Duration::from_secs(10);
/// How long an idle connection is used without a check. A ping before each use would cost a round
/// trip; without any check, the first caller after a restart of the server would get a dead
/// connection.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long the answer to that check may take.
const PING: Duration = Duration::from_secs(2);
/// When an idle connection is closed, and when any is replaced, because a server's session grows.
const IDLE: Duration = Duration::from_mins(10);
const LIFETIME: Duration = Duration::from_mins(30);
/// How long a caller waits for one of a few connections before another is opened, and when that one
/// is closed if nobody needs it.
const PATIENCE: Duration = Duration::from_millis(20);
const SPARE: Duration = Duration::from_secs(10);
/// The pauses between tries to connect to a server that is starting, or has no connection left.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How often another pool is asked for a connection. The server needs a moment to notice that one
/// was closed.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Checks whether connections may be given out.
type Guard = Arc<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

/// A statement for each new connection.
pub(super) struct Prepare<DB: Database> {
    pub(super) sql: &'static str,
    /// Runs it.
    pub(super) run: for<'c> fn(&'c mut DB::Connection, &'static str) -> BoxFuture<'c, sqlx::Result<()>>,
}

/// What distinguishes a pool.
pub(super) struct PoolSettings<DB: Database> {
    /// How to connect.
    pub(super) options: <DB::Connection as Connection>::Options,
    /// The most connections.
    pub(super) most: u32,
    /// How many of them are opened for whoever wants one. More are opened only for callers that
    /// have waited, and are closed again. `usize::MAX`: all.
    pub(super) few: usize,
    /// The longest wait for a connection.
    pub(super) wait: Duration,
    /// Whether connections are closed when they are old or were long idle, except for the last one.
    pub(super) ages: bool,
    /// Whether it keeps its last connection although another pool has none.
    pub(super) keeps_last: bool,
    /// What each new connection needs.
    pub(super) prepare: Option<Prepare<DB>>,
    /// The check before a connection is given out.
    pub(super) guard: Option<Guard>,
    /// Only of connections to a transaction pooler. Each transaction may run in another session of
    /// the server, so nothing may be left to a session: statements have no name, one alone is put
    /// into a transaction too, and each transaction begins with this, which says all that it needs.
    pub(super) begin: Option<&'static str>,
    /// The shortage of connections, which the pools of one server share.
    pub(super) scarcity: Scarcity,
}

/// How a connection pool is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The pool's name.
    pub pool: &'static str,
    /// Open connections in use.
    pub used: u32,
    /// Open idle connections.
    pub idle: u32,
    /// The largest number of open connections.
    pub most: u32,
}

/// A pool. Clones share it.
pub(super) struct Pool<DB: Database>(Arc<Shared<DB>>);

struct Shared<DB: Database> {
    settings: PoolSettings<DB>,
    /// One permit for each connection.
    places: Arc<Semaphore>,
    /// The most recently used connection is last.
    idle: Mutex<Vec<Live<DB>>>,
    open: Arc<OpenCount>,
    closed: AtomicBool,
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<DB: Database> Pool<DB> {
    /// Opens nothing yet.
    pub(super) fn new(settings: PoolSettings<DB>) -> Self {
        let shared = Arc::new(Shared {
            places: Arc::new(Semaphore::new(places(settings.most))),
            idle: Mutex::default(),
            open: Arc::default(),
            closed: AtomicBool::new(false),
            settings,
        });
        let member: Arc<dyn GivesUp> = shared.clone();
        shared.settings.scarcity.join(Arc::downgrade(&member));
        Self(shared)
    }

    /// Returns how it connects.
    pub(super) fn options(&self) -> &<DB::Connection as Connection>::Options {
        &self.0.settings.options
    }

    /// Returns how its connections are used.
    pub(super) fn used(&self, name: &'static str) -> PoolUse {
        let most = self.0.settings.most;
        let free = u32::try_from(self.0.places.available_permits()).unwrap_or(u32::MAX);
        let idle = u32::try_from(self.0.idle().len()).unwrap_or(u32::MAX);
        PoolUse { pool: name, used: most.saturating_sub(free), idle, most }
    }

    /// Takes a connection. Callers are served in order of arrival.
    pub(super) async fn take(&self) -> Result<PooledConnection<DB>, StoreError> {
        self.lend(None).await
    }

    /// Like [`Pool::take`], but first waits for one of `queue_permits`. A caller that needs none is
    /// served before all that wait for one.
    pub(super) async fn behind(
        &self,
        queue_permits: &Arc<Semaphore>,
    ) -> Result<PooledConnection<DB>, StoreError> {
        let place = timeout(STATEMENT, Arc::clone(queue_permits).acquire_owned()).await;
        let place =
            place.map_err(|_| StoreError::TimedOut(STATEMENT))?.map_err(|_| sqlx::Error::PoolClosed)?;
        self.lend(Some(place)).await
    }

    /// Opens connections until there are `count`, or half of all, so that nobody has to wait for
    /// them. Returns the new ones. Also closes those that were long idle.
    pub(super) async fn open_up_to(&self, count: usize) -> Result<Vec<PooledConnection<DB>>, StoreError> {
        self.0.close_long_idle();
        let most = count.min(places(self.0.settings.most).div_ceil(2));
        let mut opened = Vec::new();
        while self.0.open.count() < most {
            let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else { break };
            let Some(slot) = self.slot(self.0.settings.few) else { break };
            match self.connect(slot, Instant::now()).await {
                Ok(live) => opened.push(PooledConnection::new(live, self.clone(), place, None)),
                Err(error) if opened.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(opened)
    }

    /// Closes all connections, after waiting for those that are lent.
    pub(super) async fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        let _all =
            self.0.places.acquire_many(u32::try_from(places(self.0.settings.most)).unwrap_or(u32::MAX)).await;
        self.0.places.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for live in idle {
            live.close().await;
        }
    }

    async fn lend(
        &self,
        queue_permit: Option<OwnedSemaphorePermit>,
    ) -> Result<PooledConnection<DB>, StoreError> {
        let until = Instant::now() + self.0.settings.wait;
        let place = timeout_at(until, Arc::clone(&self.0.places).acquire_owned()).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        if let Some(guard) = &self.0.settings.guard {
            guard()?;
        }
        let live = self.live(until).await?;
        Ok(PooledConnection::new(live, self.clone(), place, queue_permit))
    }

    /// Returns an idle connection, or the first that is opened or given back.
    async fn live(&self, until: Instant) -> Result<Live<DB>, StoreError> {
        let (mut opening, mut refused) = (None, None);
        let patient_at = Instant::now() + PATIENCE;
        loop {
            if let Some(live) = self.fresh().await {
                return Ok(live);
            }
            let most = if Instant::now() < patient_at { self.0.settings.few } else { usize::MAX };
            if opening.is_none() {
                opening = self.slot(most).map(|slot| self.open(slot, until));
            }
            let failure = async {
                let Some(opening) = &mut opening else {
                    let pause = if most == usize::MAX { SCARCE } else { PATIENCE };
                    sleep(pause).await;
                    return None;
                };
                // Without an error, the new connection is among the idle ones.
                opening.await.ok()
            };
            tokio::select! {
                () = self.0.open.changed() => {}
                failed = failure => {
                    opening = None;
                    match failed {
                        // Others of this pool will be given back.
                        Some(error @ StoreError::TooManyConnections(_)) => refused = Some(error),
                        Some(error) => return Err(error),
                        None => {}
                    }
                }
                () = sleep_until(until) => return Err(refused.unwrap_or_else(|| sqlx::Error::PoolTimedOut.into())),
            }
        }
    }

    /// Returns the most recently used connection that works.
    async fn fresh(&self) -> Option<Live<DB>> {
        loop {
            let mut live = self.0.pop()?;
            if live.used.elapsed() < TRUSTED {
                return Some(live);
            }
            match timeout(PING, live.connection.ping()).await {
                Ok(Ok(())) => return Some(live),
                Ok(Err(_)) => {}
                // The others would not answer either.
                Err(_) => self.0.idle().clear(),
            }
        }
    }

    /// Counts a connection that is about to be opened; `None` if there are `most`, or as many as
    /// there may be.
    fn slot(&self, most: usize) -> Option<Slot> {
        let scarce = self.0.settings.scarcity.is_recent();
        let most = places(self.0.settings.most).min(most);
        self.0.open.slot(|open| open < most && (open == 0 || !scarce))
    }

    /// Opens a connection in a task of its own, so that it is of use although the caller has got
    /// another one meanwhile.
    fn open(&self, slot: Slot, until: Instant) -> oneshot::Receiver<StoreError> {
        let (failed, failure) = oneshot::channel();
        let pool = self.clone();
        tokio::spawn(async move {
            match pool.connect(slot, until).await {
                Ok(live) => pool.0.keep(live),
                // Sending fails only if the caller has got another one.
                Err(error) => drop(failed.send(error)),
            }
        });
        failure
    }

    /// Connects. Waits up to `until` for a server that is starting, and for a connection of another
    /// pool if this one has none.
    async fn connect(&self, slot: Slot, until: Instant) -> Result<Live<DB>, StoreError> {
        let (mut pause, mut asked_at) = (FIRST_PAUSE, None::<Instant>);
        let is_over = |pause| Instant::now() + pause >= until;
        loop {
            let error = match timeout(STATEMENT, self.connect_once()).await {
                Ok(Ok(connection)) => return Ok(Live::new(connection, slot)),
                Ok(Err(error)) => error,
                Err(_) => return Err(StoreError::TimedOut(STATEMENT)),
            };
            let starting = is_starting(&error);
            let error = StoreError::from(error);
            if matches!(error, StoreError::TooManyConnections(_)) {
                self.0.settings.scarcity.refused(&error);
                if self.0.open.count() > 1 || is_over(pause) {
                    return Err(error);
                }
                if asked_at.is_none_or(|asked_at| asked_at.elapsed() >= ASK_AGAIN) {
                    self.0.settings.scarcity.make_room();
                    asked_at = Some(Instant::now());
                }
            } else if !starting {
                return Err(error);
            }
            if is_over(pause) {
                return Err(error);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect_once(&self) -> sqlx::Result<DB::Connection> {
        let mut connection = self.0.settings.options.connect().await?;
        if let Some(prepare) = &self.0.settings.prepare {
            (prepare.run)(&mut connection, prepare.sql).await?;
        }
        Ok(connection)
    }
}

impl<DB: Database> Shared<DB> {
    fn idle(&self) -> MutexGuard<'_, Vec<Live<DB>>> {
        // The list is consistent even if a holder of the lock panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<Live<DB>> {
        let mut idle = self.idle();
        let live = idle.pop();
        if !idle.is_empty() {
            // Several that were given back at once may have woken only one of those that wait.
            self.open.notify();
        }
        live
    }

    /// Keeps a connection that works, outside any transaction, unless it is too old, or another
    /// pool needs it.
    fn keep(&self, mut live: Live<DB>) {
        self.close_long_idle();
        if self.gives_up(&live) || self.closed.load(Ordering::SeqCst) {
            live.close_later();
            return;
        }
        live.used = Instant::now();
        self.idle().push(live);
        self.open.notify();
    }

    /// Whether a connection is to be closed, because it is too old, or another pool needs one.
    fn gives_up(&self, live: &Live<DB>) -> bool {
        let spare = self.settings.ages && self.open.count() > 1;
        spare && (live.opened.elapsed() > LIFETIME || self.settings.scarcity.is_wanted())
    }

    /// Closes the connection that has been idle for the longest time, if that is long, or there are
    /// more than few.
    fn close_long_idle(&self) {
        let mut idle = self.idle();
        let idle_for = |time| idle.first().is_some_and(|live| live.used.elapsed() > time);
        let open = self.open.count();
        if idle_for(IDLE) && self.settings.ages && open > 1 || open > self.settings.few && idle_for(SPARE) {
            idle.remove(0).close_later();
        }
    }
}

impl<DB: Database> GivesUp for Shared<DB> {
    fn give_up(&self, last: bool) -> bool {
        if self.open.count() <= 1 && (!last || self.settings.keeps_last) {
            return false;
        }
        let mut idle = self.idle();
        if idle.is_empty() {
            return false;
        }
        idle.remove(0).close_later();
        true
    }
}

fn places(most: u32) -> usize {
    usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}

/// Waits for a statement, up to the time limit.
pub(super) async fn bounded<T>(statement: impl Future<Output = sqlx::Result<T>>) -> Result<T, StoreError> {
    match timeout(STATEMENT, statement).await {
        Ok(result) => result.map_err(StoreError::from),
        Err(_) => Err(StoreError::TimedOut(STATEMENT)),
    }
}

#[cfg(test)]
mod tests;
