//! What the pools of one server do while it refuses more connections.
//!
//! Each pool has work of its own, and an order needs most of them. So a pool that has a connection
//! opens no more for a while, and one that has none gets an idle connection of another.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::StoreError;

/// For how long a pool that has a connection opens no more after the server refused one.
pub(super) const SCARCE: Duration = Duration::from_secs(1);
/// How often the log names the cause.
const TELL_AGAIN: Duration = Duration::from_mins(1);

/// A pool that can give up connections.
pub(super) trait GivesUp: Send + Sync {
    /// Closes an idle connection. If it is the only one of the pool, only with `last`. Returns
    /// whether it closed one.
    fn give_up(&self, last: bool) -> bool;
}

/// What the pools of one server know of each other. Clones share it.
#[derive(Clone, Default)]
pub(in crate::store) struct Scarcity(Arc<State>);

#[derive(Default)]
struct State {
    pools: Mutex<Vec<Weak<dyn GivesUp>>>,
    times: Mutex<Times>,
    /// A pool has no connection, and no other one had an idle one to give up.
    wanted: AtomicBool,
}

#[derive(Default)]
struct Times {
    refused_at: Option<Instant>,
    told_at: Option<Instant>,
}

impl Scarcity {
    /// Adds a pool.
    pub(super) fn join(&self, pool: Weak<dyn GivesUp>) {
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
    }

    /// Notes that the server refused a connection. The log names the cause, once a minute.
    pub(in crate::store) fn refused(&self, error: &StoreError) {
        let mut times = self.times();
        let now = Instant::now();
        times.refused_at = Some(now);
        if times.told_at.is_none_or(|told_at| now.duration_since(told_at) >= TELL_AGAIN) {
            times.told_at = Some(now);
            tracing::error!(%error, "The database refuses more connections; raise its limit, or lower \
                database.max_connections and vault.claim_sessions");
        }
    }

    /// Whether the server has just refused a connection.
    pub(super) fn is_recent(&self) -> bool {
        self.times().refused_at.is_some_and(|refused_at| refused_at.elapsed() < SCARCE)
    }

    /// Asks the pools to give up an idle connection, for one that has none: first those with
    /// several. If there is none, the next that is given back to a pool with several is given up.
    pub(in crate::store) fn make_room(&self) {
        let pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pools: Vec<_> = pools.iter().filter_map(Weak::upgrade).collect();
        let given_up = [false, true].iter().any(|last| pools.iter().any(|pool| pool.give_up(*last)));
        self.0.wanted.store(!given_up, Ordering::SeqCst);
    }

    /// Whether a connection that is given back is needed elsewhere. The next one is not.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.wanted.load(Ordering::Relaxed) && self.0.wanted.swap(false, Ordering::SeqCst)
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the server is about to start (SQLSTATE 57P03, or nobody listens yet).
pub(super) fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}
