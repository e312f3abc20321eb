//! `LISTEN` on PostgreSQL.

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::order::OrderId;
use crate::store::{Signal, Signals, StoreError};

struct Listener(PgListener);

/// Subscribes on a connection of its own, outside the pools.
pub(super) async fn listen(options: &PgConnectOptions) -> Result<Box<dyn Signals>, StoreError> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    // A silent reconnect would hide that notifications were missed.
    listener.eager_reconnect(false);
    listener.listen_all(["klarna_worker_due", "klarna_worker_settled"]).await?;
    Ok(Box::new(Listener(listener)))
}

#[async_trait]
impl Signals for Listener {
    async fn next(&mut self) -> Result<Signal, StoreError> {
        loop {
            let Some(news) = self.0.try_recv().await? else {
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
