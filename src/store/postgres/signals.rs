//! `LISTEN` on PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{Connection as _, Executor as _};
use tokio::time::{sleep, timeout};

use super::pools::Pools;
use crate::order::OrderId;
use crate::store::pool::bounded;
use crate::store::{Signal, Signals, StoreError};

/// After so much silence the server is asked whether it is still there. Where packets are dropped
/// without a reset, nothing else would tell.
const QUIET: Duration = Duration::from_secs(5);
/// How long its answer may take, and the wait for a connection.
const ANSWER: Duration = Duration::from_secs(5);

/// How often to ask for a connection while the server refuses more, and the pause between.
const TRIES: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(200);

const CHANNELS: [&str; 4] =
    ["klarna_worker_due", "klarna_worker_settled", "klarna_worker_pauses", "klarna_worker_workers"];

struct Listener {
    connection: PgListener,
    /// The orders of the last message that are still to be told.
    settled: Vec<OrderId>,
}

/// Subscribes on a connection of its own, outside the pools.
pub(super) async fn listen(pools: &Pools) -> Result<Box<dyn Signals>, StoreError> {
    find_room(pools).await?;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ANSWER)
        .connect_lazy_with(pools.listen.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    // A silent reconnect would hide that notifications were missed.
    listener.eager_reconnect(false);
    listener.listen_all(CHANNELS).await?;
    Ok(Box::new(Listener { connection: listener, settled: Vec::new() }))
}

/// Waits until the server takes one more connection. If it refuses, a pool gives one up.
async fn find_room(pools: &Pools) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        let refused = match pools.session().await {
            Ok(session) => return bounded(session.close()).await,
            Err(error @ StoreError::TooManyConnections(_)) => error,
            Err(error) => return Err(error),
        };
        pools.scarcity.refused(&refused);
        tries += 1;
        if tries == TRIES {
            return Err(refused);
        }
        pools.scarcity.make_room();
        sleep(BETWEEN).await;
    }
}

impl Listener {
    /// Asks the server whether it is still there. Notifications that come meanwhile are kept.
    async fn ask(&mut self) -> Result<(), StoreError> {
        match timeout(ANSWER, self.connection.execute("SELECT 1")).await {
            Ok(answer) => Ok(answer.map(drop)?),
            Err(_) => Err(StoreError::Unavailable("the connection that listens does not answer".into())),
        }
    }
}

#[async_trait]
impl Signals for Listener {
    async fn next(&mut self) -> Result<Signal, StoreError> {
        loop {
            if let Some(id) = self.settled.pop() {
                return Ok(Signal::Settled(id));
            }
            let Ok(received) = timeout(QUIET, self.connection.try_recv()).await else {
                self.ask().await?;
                continue;
            };
            let Some(news) = received? else {
                return Err(StoreError::Unavailable("the connection that listens was lost".into()));
            };
            match news.channel() {
                "klarna_worker_due" => return Ok(Signal::Due),
                "klarna_worker_pauses" => return Ok(Signal::Pauses),
                "klarna_worker_workers" => return Ok(Signal::Workers),
                _ => {}
            }
            // One order, or several that ended in one commit.
            self.settled = news.payload().split(' ').filter_map(|id| id.parse().ok()).collect();
        }
    }
}
