//! Results of Klarna on this machine's own disk, until the database has them.
//!
//! Klarna has created the order, so a result that is lost would create it again. A file is written
//! if the database does not store the result promptly. It is removed once the database has it, by
//! this process or by the next start in the same instance folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::ids::WorkerId;
use crate::order::{Disposition, OrderId, OrderResult, Prefill, Target, TokenOutcome};
use crate::store::{Claim, LateResult, Orders, StoreError};
use crate::vault::instance::{MOST_LOCKED, Replayed, SpoolFile, SpoolFolder};
use crate::vault::sealing::Secrets;

/// How long a replay waits in all for orders that another session has locked, and how often it looks.
const LOCKED: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(25);

/// The results in the spool of one instance folder.
#[derive(Clone)]
pub struct ResultSpool {
    folder: SpoolFolder,
    closed: Arc<watch::Sender<bool>>,
}

/// A result, and the claim under which the order was sent.
#[derive(Serialize, Deserialize)]
struct Record {
    order: OrderId,
    worker: WorkerId,
    claim_number: i64,
    possible_duplicate: bool,
    klarna_id: String,
    target: Target,
    result: Option<String>,
    correlation_id: Option<String>,
    token: TokenOutcome,
    prefilled: Prefill,
}

impl ResultSpool {
    /// Opens the spool in `instance_dir`, and creates it if it does not exist.
    ///
    /// # Errors
    /// If the folder cannot be created or written.
    pub fn open(instance_dir: &Path, installation: &str, secrets: Arc<Secrets>) -> io::Result<Self> {
        let folder = SpoolFolder::open(instance_dir, "result", installation, secrets)?;
        Ok(Self { folder, closed: Arc::new(watch::Sender::new(false)) })
    }

    /// After this time, lets attempts end whose result is in the spool: the process stops, and its
    /// next start stores them. Never resolves.
    pub async fn close_after<T>(&self, wait: Duration) -> T {
        tokio::time::sleep(wait).await;
        self.closed.send_replace(true);
        std::future::pending().await
    }

    /// Resolves when attempts need not wait for the database any more.
    pub(super) async fn closed(&self) {
        // It cannot fail: `self` has the sender.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Returns the file for a result, not written yet; `None` for an end that is no result of Klarna,
    /// which needs no file.
    pub(super) fn file(&self, late: &LateResult, disposition: &Disposition) -> Option<SpoolFile> {
        let record = Record::new(late, disposition)?;
        let record = serde_json::to_vec(&record).map_err(io::Error::from);
        let file = record.and_then(|record| self.folder.file(&late.claim.order.to_string(), &record));
        file.inspect_err(|error| {
            tracing::error!(order = %late.claim.order, %error,
                "The result of an order could not be encrypted for the spool; it is only in memory");
        })
        .ok()
    }

    /// Stores the results in the database.
    ///
    /// # Errors
    /// If the folder cannot be read, or the database cannot be used. The rest is tried again.
    pub async fn replay(&self, store: &dyn Orders) -> Result<Replayed, StoreError> {
        let (mut replayed, mut locked) = (Replayed::default(), 0);
        let until = Instant::now() + LOCKED;
        for path in self.folder.paths().await.map_err(|error| StoreError::Location(error.to_string()))? {
            let stored = match self.replay_file(path.clone(), store, until).await {
                Err(StoreError::Busy(why)) if locked < MOST_LOCKED => {
                    tracing::warn!(file = %path.display(), why,
                        "A spool file waits for a row that another session of the database has locked");
                    locked += 1;
                    replayed.left += 1;
                    continue;
                }
                stored => stored?,
            };
            match stored {
                Ok(Some(true)) => replayed.stored += 1,
                Ok(Some(false)) => replayed.superseded += 1,
                // An attempt of this process has stored its result meanwhile.
                Ok(None) => {}
                Err(why) => {
                    tracing::error!(file = %path.display(), why, "A spool file was not replayed; it needs an \
                        operator");
                    replayed.left += 1;
                }
            }
        }
        Ok(replayed)
    }

    /// Stores the result in one file, with tries up to `until` if its order is locked. The inner error
    /// says why it cannot be stored now, whatever the state of the database.
    async fn replay_file(
        &self,
        path: PathBuf,
        store: &dyn Orders,
        until: Instant,
    ) -> Result<Result<Option<bool>, String>, StoreError> {
        let record = match self.folder.read(&path).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(Ok(None)),
            Err(why) => return Ok(Err(why)),
        };
        let Some((late, disposition)) = Record::read(&record) else {
            return Ok(Err("it contains a record of another program".to_owned()));
        };
        let written = loop {
            match write_once(store, &late, &disposition).await {
                Err(StoreError::Busy(_)) if Instant::now() < until => sleep(LOOK).await,
                written => break written,
            }
        };
        match written {
            Ok(ours) => {
                tracing::warn!(order = %late.claim.order, stored = ours, "An order's result from the spool was replayed");
                self.folder.remove(path).await;
                Ok(Ok(Some(ours)))
            }
            Err(error) if error.is_transient() && !error.may_be_of_one_write() => Err(error),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// Returns how many files wait. A folder that cannot be read counts as one: it may have some.
    pub async fn waiting(&self) -> usize {
        self.folder.paths().await.map_or(1, |paths| paths.len())
    }
}

impl Record {
    fn new(late: &LateResult, disposition: &Disposition) -> Option<Self> {
        let Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } = disposition else {
            return None;
        };
        Some(Self {
            order: late.claim.order,
            worker: late.claim.worker,
            claim_number: late.claim.number,
            possible_duplicate: late.possible_duplicate,
            klarna_id: klarna_id.clone(),
            target: *target,
            result: result.as_ref().map(|result| result.to_text().into_owned()),
            correlation_id: correlation_id.clone(),
            token: *token,
            prefilled: prefilled.clone(),
        })
    }

    /// `None` if it was written by another program.
    fn read(record: &[u8]) -> Option<(LateResult, Disposition)> {
        let record: Self = serde_json::from_slice(record).ok()?;
        let late = LateResult {
            claim: Claim { order: record.order, worker: record.worker, number: record.claim_number },
            possible_duplicate: record.possible_duplicate,
        };
        let disposition = Disposition::Submitted {
            klarna_id: record.klarna_id,
            target: record.target,
            result: record.result.and_then(|text| OrderResult::from_text(record.target, text)),
            correlation_id: record.correlation_id,
            token: record.token,
            prefilled: record.prefilled,
        };
        Some((late, disposition))
    }
}

/// Writes the end of an attempt under its claim, and a result of Klarna also where the claim was
/// lost. `false` if nothing was written.
pub(super) async fn write_once(
    store: &dyn Orders,
    late: &LateResult,
    disposition: &Disposition,
) -> Result<bool, StoreError> {
    if store.settle_order(&late.claim, disposition).await? {
        return Ok(true);
    }
    match disposition {
        Disposition::Submitted { klarna_id, .. } => {
            let ours = store.settle_late(late, disposition).await?;
            if !ours {
                tracing::error!(order = %late.claim.order, klarna_id,
                    "Klarna created an order that has ended otherwise, or is sent again, meanwhile; the result was not \
                    stored");
            }
            Ok(ours)
        }
        _ => Ok(false),
    }
}
