//! The storage trait for rates that all processes share.

use async_trait::async_trait;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use crate::breaker::RateAsk;
use crate::clock::delta;

/// Storage for shared rates.
#[async_trait]
pub trait SharedRates: Send + Sync {
    /// Records the calls that a process has made of its own share, and hands out more, by the
    /// database's clock. Returns how many.
    async fn lease_rate(&self, ask: &RateAsk) -> Result<u32, StoreError>;
}

#[async_trait]
impl<E: Engine> SharedRates for SqlStore<E> {
    async fn lease_rate(&self, ask: &RateAsk) -> Result<u32, StoreError> {
        self.transaction(async |c| {
            let begin = c.query(E::STATEMENTS.rates.begin).bind(&ask.merchant).bind(ask.endpoint.as_str());
            begin.bind(self.now()).execute().await?;
            let read = c.query(E::STATEMENTS.rates.lock).bind(&ask.merchant).bind(ask.endpoint.as_str());
            let row = read.bind(self.now()).fetch_one().await?;
            let (now, due_at) = (row.time("now")?, row.time("due_at")?);
            let granted = ask.grant((due_at - now).to_std().unwrap_or_default());
            let write = c.query(E::STATEMENTS.rates.lease).bind(&ask.merchant).bind(ask.endpoint.as_str());
            write.bind(now + delta(granted.ahead)).execute().await?;
            Ok(granted.calls)
        })
        .await
    }
}
