//! The read-only replica of `database.read_url`, for reads that may be a little old: pages and
//! lists.
//!
//! It is a help and no need. When it cannot be used, the same reads go to the primary, and it is
//! tried again a little later, by one caller at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _, PgConnection, raw_sql};
use tokio::time::{Instant, timeout};

use crate::clock::Clock;
use crate::store::columns::Columns;
use crate::store::pool::{Pool, PooledConnection, bounded};
use crate::store::sql::postgres as sql;
use crate::store::{ReplicaFacts, ReplicaState, StoreError};

/// For how long a replica that failed is not asked again.
const LEAVE_ALONE: Duration = Duration::from_secs(10);
/// How long a connection, and the answer about its state, may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the log says that it cannot be used.
const TELL_AGAIN: Duration = Duration::from_mins(1);
/// How long an answer about its state is good for.
const STATE_FOR: Duration = Duration::from_secs(1);

pub(super) struct Replica {
    pool: Pool<sqlx::Postgres>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether it is known to be of this installation since it last failed.
    checked: bool,
    failure: Option<Failure>,
    told_at: Option<Instant>,
    known: Option<(Instant, ReplicaState)>,
}

/// Since when it cannot be used, and why.
struct Failure {
    since: DateTime<Utc>,
    error: String,
    /// When it may be tried again.
    again_at: Instant,
}

impl Replica {
    pub(super) fn new(pool: Pool<sqlx::Postgres>, clock: Clock) -> Self {
        Self { pool, clock, state: Mutex::default() }
    }

    /// Takes a connection; `None` if the primary is to be read. `primary` has the installation's
    /// name.
    pub(super) async fn take(
        &self,
        primary: &Pool<sqlx::Postgres>,
    ) -> Option<PooledConnection<sqlx::Postgres>> {
        if !self.may_be_tried() {
            return None;
        }
        match within(self.connect(primary)).await {
            Ok(connection) => {
                self.works();
                Some(connection)
            }
            Err(error) => {
                // While all its connections are at work, only this read goes to the primary.
                let lent = self.pool.used("replica");
                let busy = lent.used >= lent.most && !matches!(error, StoreError::Location(_));
                if !busy {
                    self.failed(&error);
                }
                None
            }
        }
    }

    async fn connect(
        &self,
        primary: &Pool<sqlx::Postgres>,
    ) -> Result<PooledConnection<sqlx::Postgres>, StoreError> {
        let mut connection = self.pool.take().await?;
        // A page is not to fail because the server has just stopped.
        bounded(connection.ping()).await?;
        if !self.state().checked {
            let mut ours = primary.take().await?;
            let (stored, configured) = (installation(&mut connection).await?, installation(&mut ours).await?);
            ours.give_back();
            if stored != configured {
                return Err(StoreError::Location(
                    "database.read_url leads to a database of another installation".to_owned(),
                ));
            }
        }
        Ok(connection)
    }

    /// Notes that it cannot be used. The log says so once a minute.
    pub(super) fn failed(&self, error: &StoreError) {
        let now = Instant::now();
        let mut state = self.state();
        let since = state.failure.as_ref().map_or_else(|| self.clock.now(), |failure| failure.since);
        state.failure = Some(Failure { since, error: error.to_string(), again_at: now + LEAVE_ALONE });
        (state.checked, state.known) = (false, None);
        if state.told_at.is_none_or(|told_at| now.duration_since(told_at) >= TELL_AGAIN) {
            state.told_at = Some(now);
            tracing::warn!(%error, "The read replica cannot be used; pages and lists read from the primary meanwhile");
        }
    }

    fn works(&self) {
        let mut state = self.state();
        state.checked = true;
        if state.failure.take().is_some() {
            state.known = None;
            tracing::info!("Pages and lists read from the read replica again");
        }
    }

    /// Returns whether a caller may try it. After a failure, the first one tries, and the others
    /// read from the primary meanwhile.
    fn may_be_tried(&self) -> bool {
        let now = Instant::now();
        match &mut self.state().failure {
            None => true,
            Some(failure) if failure.again_at <= now => {
                failure.again_at = now + LEAVE_ALONE;
                true
            }
            Some(_) => false,
        }
    }

    /// Returns how it stands, as of a second ago at most.
    pub(super) async fn current_state(&self, primary: &Pool<sqlx::Postgres>) -> ReplicaState {
        if let Some((at, known)) = &self.state().known
            && at.elapsed() < STATE_FOR
        {
            return known.clone();
        }
        let state = match self.take(primary).await {
            Some(mut connection) => match within(facts(&mut connection)).await {
                Ok(facts) => {
                    connection.give_back();
                    ReplicaState::Used { replayed_at: facts.replayed_at, now: facts.now }
                }
                Err(error) => {
                    self.failed(&error);
                    self.away()
                }
            },
            None => self.away(),
        };
        self.state().known = Some((Instant::now(), state.clone()));
        state
    }

    fn away(&self) -> ReplicaState {
        let state = self.state();
        let failure = state.failure.as_ref();
        ReplicaState::Away {
            since: failure.map_or_else(|| self.clock.now(), |failure| failure.since),
            error: failure.map_or_else(String::new, |failure| failure.error.clone()),
        }
    }

    /// Asks the server by a connection of its own, for `doctor`.
    pub(super) async fn examine(&self) -> Result<ReplicaFacts, StoreError> {
        let options: &PgConnectOptions = self.pool.options();
        let mut connection = bounded(options.clone().disable_statement_logging().connect()).await?;
        let facts = facts(&mut connection).await?;
        bounded(connection.close()).await?;
        Ok(facts)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent even if a holder of the lock panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the replica, which must keep nobody waiting while it hangs.
async fn within<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, asked).await.unwrap_or(Err(StoreError::TimedOut(PATIENCE)))
}

async fn installation(connection: &mut PgConnection) -> Result<Option<String>, StoreError> {
    let row = bounded(raw_sql(sql::INSTALLATION_NAME).fetch_optional(connection)).await?;
    Ok(row.map(|row| row.text("name")).transpose()?)
}

async fn facts(connection: &mut PgConnection) -> Result<ReplicaFacts, StoreError> {
    let row = bounded(raw_sql(sql::REPLICA).fetch_one(&mut *connection)).await?;
    let (standby, now) = (row.flag("standby")?, row.time("now")?);
    let replayed_at = row.opt_time("replayed_at")?;
    Ok(ReplicaFacts { installation: installation(connection).await?, standby, replayed_at, now })
}
