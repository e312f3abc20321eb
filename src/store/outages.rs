//! The storage trait for outages: when circuit breakers were open.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Engine, SqlStore, by, transaction_by};
use super::workers::heartbeat_counts;
use super::{StoreError, json};
use crate::breaker::{Endpoint, WaitingBreaker};
use crate::ids::MerchantName;
use crate::silence::HeartbeatCount;

/// A breaker that opens again this soon after the end of an outage prolongs it.
const GOES_ON: Duration = Duration::from_mins(5);

/// A time for which calls of a merchant to an endpoint failed, as the circuit breakers of all
/// processes saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The merchant.
    pub merchant: MerchantName,
    /// The endpoint's name in metrics. As text, because a newer program may know more endpoints.
    pub endpoint: String,
    /// What opened the first breaker, without Klarna's own words.
    pub cause: String,
    /// When the first breaker opened.
    pub since: DateTime<Utc>,
    /// When a call first succeeded, or when the last process that saw it stopped; `None` if it goes
    /// on.
    pub until: Option<DateTime<Utc>>,
}

/// Storage for outages. Processes share them: there is at most one of a merchant and an endpoint at
/// a time.
#[async_trait]
pub trait Outages: Send + Sync {
    /// Notes that a circuit breaker of a process has opened. If there is an outage, or one has just
    /// ended, it is the same one.
    async fn begin_outage(&self, breaker: &WaitingBreaker) -> Result<(), StoreError>;

    /// Notes that a circuit breaker of a process has closed, because a call succeeded: the outage
    /// is over, if it is not over yet.
    async fn end_outage(&self, merchant: &MerchantName, endpoint: Endpoint) -> Result<(), StoreError>;

    /// Ends the outages that no living process reports any more. A process is dead if it has ended,
    /// or if it is among `silent` and has sent no heartbeat since.
    async fn end_lost_outages(&self, silent: &[HeartbeatCount]) -> Result<(), StoreError>;

    /// Returns the last outages of these merchants, or of all, latest first.
    async fn outages(
        &self,
        merchants: Option<&[MerchantName]>,
        limit: u32,
    ) -> Result<Vec<Outage>, StoreError>;
}

#[async_trait]
impl<E: Engine> Outages for SqlStore<E> {
    async fn begin_outage(&self, breaker: &WaitingBreaker) -> Result<(), StoreError> {
        let WaitingBreaker { merchant, endpoint, cause, since, .. } = breaker;
        transaction_by::<E, _>(self.engine.heartbeats().await?, async |c| {
            let reopen = c.query(E::STATEMENTS.outages.reopen).bind(merchant).bind(endpoint.as_str());
            reopen.bind(self.now()).bind(GOES_ON).bind(*since).execute().await?;
            let begin = c.query(E::STATEMENTS.outages.begin).bind(merchant).bind(endpoint.as_str());
            begin.bind(cause).bind(*since).execute().await.map(drop)
        })
        .await
    }

    async fn end_outage(&self, merchant: &MerchantName, endpoint: Endpoint) -> Result<(), StoreError> {
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            let end = c.query(E::STATEMENTS.outages.end).bind(merchant).bind(endpoint.as_str());
            end.bind(self.now()).execute().await.map(drop)
        })
        .await
    }

    async fn end_lost_outages(&self, silent: &[HeartbeatCount]) -> Result<(), StoreError> {
        let silent = heartbeat_counts(silent);
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            let end = c.query(E::STATEMENTS.outages.end_lost).bind(self.now()).bind(&silent);
            end.execute().await.map(drop)
        })
        .await
    }

    async fn outages(
        &self,
        merchants: Option<&[MerchantName]>,
        limit: u32,
    ) -> Result<Vec<Outage>, StoreError> {
        let merchants = merchants.map(|merchants| json(&merchants)).transpose()?;
        self.read(async |c| {
            let list = c.query(E::STATEMENTS.outages.outages).bind(merchants.as_deref()).bind(limit);
            let rows = list.fetch_all().await?;
            let read = rows.iter().map(|row| {
                Ok(Outage {
                    merchant: row.merchant()?,
                    endpoint: row.text("endpoint")?,
                    cause: row.text("cause")?,
                    since: row.time("since")?,
                    until: row.opt_time("until")?,
                })
            });
            read.collect()
        })
        .await
    }
}
