//! The storage trait for what operators order all processes to do: pauses, and tries of circuit
//! breakers.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore, by};
use crate::breaker::Endpoint;
use crate::ids::MerchantName;
use crate::pauses::{Pause, PauseKind};

/// A pause to begin.
#[derive(Clone, Debug)]
pub struct NewPause {
    /// The merchant; `None`: all merchants.
    pub merchant: Option<MerchantName>,
    /// What it stops.
    pub kind: PauseKind,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who ordered it, as the audit log names them.
    pub paused_by: String,
    /// How long it lasts; `None`: until it is resumed.
    pub lasts: Option<Duration>,
}

/// How long processes follow an order to try a call.
const PROBES_LAST: Duration = Duration::from_secs(10);
/// The most orders that are made due at once.
const MOST_FORWARD: u32 = 1000;

/// An operator has ordered a circuit breaker to try a call now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedProbe {
    /// The merchant.
    pub merchant: MerchantName,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// When, by the database's clock. Each order has another time.
    pub asked_at: DateTime<Utc>,
}

/// Storage for what operators order.
#[async_trait]
pub trait Pausing: Send + Sync {
    /// Returns the pauses that are not over, by merchant and kind. Those of all merchants come
    /// first.
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError>;

    /// Begins a pause, and notifies all processes. A pause of the same kind that is
    /// not over keeps its beginning, and gets the new reason and end.
    async fn pause(&self, pause: &NewPause) -> Result<Pause, StoreError>;

    /// Ends a pause, and notifies all processes. Returns `false` if there was none. A pause of all
    /// merchants and one of a merchant are two pauses.
    async fn resume(&self, merchant: Option<&MerchantName>, kind: PauseKind) -> Result<bool, StoreError>;

    /// Orders the circuit breakers of some endpoints of a merchant to try a call now. Returns the
    /// time.
    async fn probe(
        &self,
        merchant: &MerchantName,
        endpoints: &[Endpoint],
    ) -> Result<DateTime<Utc>, StoreError>;

    /// Returns the tries that were ordered in the last seconds.
    async fn probes(&self) -> Result<Vec<AskedProbe>, StoreError>;

    /// Makes those orders of a merchant due that wait for their next try, at most a thousand, and
    /// notifies all processes. Returns how many.
    async fn bring_orders_forward(&self, merchant: &MerchantName) -> Result<u64, StoreError>;
}

/// The column `merchant` of a pause of all merchants. No merchant has an empty name.
const ALL_MERCHANTS: &str = "";

#[async_trait]
impl<E: Engine> Pausing for SqlStore<E> {
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.pausing.pauses).bind(self.now()).fetch_all().await?;
            // Every process reads these twice a second, so a row that cannot be read is not
            // reported.
            Ok(rows.iter().filter_map(|row| pause(row).ok()).collect())
        })
        .await
    }

    async fn pause(&self, new: &NewPause) -> Result<Pause, StoreError> {
        let paused = self
            .transaction(async |c| {
                keep_past(c, self.now(), new.merchant.as_ref(), new.kind, false).await?;
                let begin = c.query(E::STATEMENTS.pausing.pause).bind(column(new.merchant.as_ref()));
                let begin = begin.bind(new.kind.as_str()).bind(&new.reason).bind(&new.paused_by);
                pause(&begin.bind(new.lasts).bind(self.now()).fetch_one().await?)
            })
            .await?;
        self.engine.notify_pauses();
        Ok(paused)
    }

    async fn resume(&self, merchant: Option<&MerchantName>, kind: PauseKind) -> Result<bool, StoreError> {
        let resumed = self
            .transaction(async |c| {
                keep_past(c, self.now(), merchant, kind, true).await?;
                let end = c.query(E::STATEMENTS.pausing.resume).bind(column(merchant)).bind(kind.as_str());
                let ended = end.bind(self.now()).fetch_optional().await?;
                Ok(ended.map(|row| row.flag("was_active")).transpose()?.unwrap_or(false))
            })
            .await?;
        self.engine.notify_pauses();
        Ok(resumed)
    }

    async fn probe(
        &self,
        merchant: &MerchantName,
        endpoints: &[Endpoint],
    ) -> Result<DateTime<Utc>, StoreError> {
        self.transaction(async |c| {
            let mut asked_at = DateTime::UNIX_EPOCH;
            for endpoint in endpoints {
                let ask = c.query(E::STATEMENTS.pausing.probe).bind(merchant).bind(endpoint.as_str());
                asked_at = ask.bind(self.now()).fetch_one().await?.time("asked_at")?;
            }
            Ok(asked_at)
        })
        .await
    }

    async fn probes(&self) -> Result<Vec<AskedProbe>, StoreError> {
        self.read(async |c| {
            let asked = c.query(E::STATEMENTS.pausing.probes).bind(PROBES_LAST).bind(self.now());
            let rows = asked.fetch_all().await?;
            // A newer program may know more endpoints.
            Ok(rows.iter().filter_map(|row| probe(row).ok()).collect())
        })
        .await
    }

    async fn bring_orders_forward(&self, merchant: &MerchantName) -> Result<u64, StoreError> {
        let forward = by::<E, _>(self.engine.order_writer().await?, async |c| {
            let bring = c.query(E::STATEMENTS.pausing.bring_orders_forward).bind(merchant);
            Ok(bring.bind(self.now()).bind(MOST_FORWARD).fetch_all().await?.len())
        })
        .await?;
        if forward > 0 {
            self.engine.notify_due();
        }
        Ok(u64::try_from(forward).unwrap_or(u64::MAX))
    }
}

fn probe(row: &impl Columns) -> Result<AskedProbe, StoreError> {
    Ok(AskedProbe {
        merchant: row.text("merchant")?.into(),
        endpoint: Endpoint::from_word(&row.text("endpoint")?)?,
        asked_at: row.time("asked_at")?,
    })
}

fn column(merchant: Option<&MerchantName>) -> &str {
    merchant.map_or(ALL_MERCHANTS, MerchantName::as_str)
}

/// Keeps a pause for the history of orders before its row goes: if it is over by time, or else if
/// it is `resumed`.
async fn keep_past<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    merchant: Option<&MerchantName>,
    kind: PauseKind,
    resumed: bool,
) -> Result<(), StoreError> {
    let keep = c.query(E::STATEMENTS.pausing.keep_past).bind(column(merchant)).bind(kind.as_str());
    keep.bind(now).bind(resumed).execute().await.map(drop)
}

pub(super) fn pause(row: &impl Columns) -> Result<Pause, StoreError> {
    let (merchant, read_at) = (row.text("merchant")?, row.time("read_at")?);
    Ok(Pause {
        merchant: (merchant != ALL_MERCHANTS).then(|| merchant.into()),
        kind: PauseKind::from_word(&row.text("kind")?)?,
        reason: row.text("reason")?,
        paused_by: row.text("paused_by")?,
        // SQL can write times that cannot be read, such as infinity.
        since: row.time("paused_at").unwrap_or(read_at),
        until: row.opt_time("ends_at").unwrap_or_default(),
        read_at,
    })
}
