//! The storage trait for pauses, which operators begin and end.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Engine, SqlStore};
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

/// Storage for pauses.
#[async_trait]
pub trait Pausing: Send + Sync {
    /// Returns the pauses that are not over, by merchant and kind. Those of all merchants come first.
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError>;

    /// Begins a pause, and notifies all processes. One that there is already gets the new reason and end,
    /// and keeps its beginning.
    async fn pause(&self, pause: &NewPause) -> Result<Pause, StoreError>;

    /// Ends a pause, and notifies all processes. Returns `false` if there was none. A pause of all
    /// merchants and one of a merchant are two pauses.
    async fn resume(&self, merchant: Option<&MerchantName>, kind: PauseKind) -> Result<bool, StoreError>;
}

/// The column `merchant` of a pause of all merchants. No merchant has an empty name.
const ALL_MERCHANTS: &str = "";

#[async_trait]
impl<E: Engine> Pausing for SqlStore<E> {
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.pausing.pauses).bind(self.now()).fetch_all().await?;
            // Every process reads these twice a second, so a row that cannot be read is not reported.
            Ok(rows.iter().filter_map(|row| pause(row).ok()).collect())
        })
        .await
    }

    async fn pause(&self, new: &NewPause) -> Result<Pause, StoreError> {
        let paused = self
            .transaction(async |c| {
                let begin = c.query(E::STATEMENTS.pausing.pause).bind(column(new.merchant.as_ref()));
                let begin = begin.bind(new.kind.as_str()).bind(&new.reason).bind(&new.paused_by);
                pause(&begin.bind(new.lasts).bind(self.now()).fetch_one().await?)
            })
            .await?;
        self.engine.tell_pauses();
        Ok(paused)
    }

    async fn resume(&self, merchant: Option<&MerchantName>, kind: PauseKind) -> Result<bool, StoreError> {
        let resumed = self
            .transaction(async |c| {
                let end = c.query(E::STATEMENTS.pausing.resume).bind(column(merchant)).bind(kind.as_str());
                let ended = end.bind(self.now()).fetch_optional().await?;
                Ok(ended.map(|row| row.flag("was_active")).transpose()?.unwrap_or(false))
            })
            .await?;
        self.engine.tell_pauses();
        Ok(resumed)
    }
}

fn column(merchant: Option<&MerchantName>) -> &str {
    merchant.map_or(ALL_MERCHANTS, MerchantName::as_str)
}

fn pause(row: &impl Columns) -> Result<Pause, StoreError> {
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
