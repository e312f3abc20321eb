//! `LISTEN` on PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use tokio::time::timeout;

use crate::order::OrderId;
use crate::store::{Signal, Signals, StoreError};

/// After so much silence the server is asked whether it is still there. Where packets are dropped
/// without a reset, nothing else would tell.
const QUIET: Duration = Duration::from_secs(5);
/// How long its answer may take, and the wait for a connection.
const ANSWER: Duration = Duration::from_secs(5);

struct Listener(PgListener);

/// Subscribes on a connection of its own, outside the pools.
pub(super) async fn listen(options: &PgConnectOptions) -> Result<Box<dyn Signals>, StoreError> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWER).connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    // A silent reconnect would hide that notifications were missed.
    listener.eager_reconnect(false);
    listener.listen_all(["klarna_worker_due", "klarna_worker_settled"]).await?;
    Ok(Box::new(Listener(listener)))
}

impl Listener {
    /// Asks the server whether it is still there. Notifications that come meanwhile are kept.
    async fn ask(&mut self) -> Result<(), StoreError> {
        match timeout(ANSWER, self.0.execute("SELECT 1")).await {
            Ok(answer) => Ok(answer.map(drop)?),
            Err(_) => Err(StoreError::Unavailable("the connection that listens does not answer".into())),
        }
    }
}

#[async_trait]
impl Signals for Listener {
    async fn next(&mut self) -> Result<Signal, StoreError> {
        loop {
            let Ok(received) = timeout(QUIET, self.0.try_recv()).await else {
                self.ask().await?;
                continue;
            };
            let Some(news) = received? else {
                return Err(StoreError::Unavailable("the connection that listens was lost".into()));
            };
            if news.channel() == "klarna_worker_due" {
                return Ok(Signal::Due);
            }
            if let Ok(id) = news.payload().parse::<OrderId>() {
                return Ok(Signal::Settled(id));
            }
        }
    }
}
