//! Results of Klarna on this machine's own disk, until the database has them.
//!
//! Klarna has created the order, so a result that is lost would create it again. A file is written
//! if the database does not store the result promptly. It is removed once the database has it, by
//! this process or by the next start in the same instance folder.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use crate::ids::{ClaimNumber, WorkerId};
use crate::order::{Disposition, OrderError, OrderId, OrderResult, Prefill, Target, TokenOutcome, Waits};
use crate::store::{Claim, LateResult, Orders, SettledLate, StoreError, StoredEnd};
use crate::vault::instance::{ReplayError, Replayed, SpoolFile, SpoolFolder};
use crate::vault::sealing::Secrets;

/// How long a replay waits in all for orders that another session has locked, or that a later claim
/// is about to send, and how often it looks.
const LOCKED: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(25);

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
    claim_number: ClaimNumber,
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

    /// Lets attempts end, after this time, whose result is in the spool: the process stops, and its
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

    /// Returns the file for a result, not written yet; `None` for an end that is no result of
    /// Klarna, which needs no file. Each claim of an order has a file of its own: two claims may
    /// have results at the same time, and one must not remove the file of the other.
    pub(super) fn file(&self, late: &LateResult, disposition: &Disposition) -> Option<SpoolFile> {
        let record = Record::new(late, disposition)?;
        let record = serde_json::to_vec(&record).map_err(io::Error::from);
        let name = format!("{}-{}", late.claim.order, late.claim.number.0);
        let file = record.and_then(|record| self.folder.file(&name, &record));
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
        let until = Instant::now() + LOCKED;
        let store_one = |record: Zeroizing<Vec<u8>>| async move {
            let Some((late, disposition)) = Record::read(&record) else {
                return Err(ReplayError::Unreadable("it contains a record of another program".to_owned()));
            };
            let mut disposition = Cow::Borrowed(&disposition);
            let written = loop {
                match write_once(store, &late, &mut disposition).await {
                    Err(StoreError::Busy(_)) | Ok(Written::Undecided) if Instant::now() < until => {
                        sleep(POLL_INTERVAL).await;
                    }
                    written => break written?,
                }
            };
            if written == Written::Undecided {
                return Err(ReplayError::NotYet("another worker is sending its order again"));
            }
            let ours = written != Written::No;
            tracing::warn!(order = %late.claim.order, stored = ours, "An order's result from the spool was replayed");
            Ok(ours)
        };
        self.folder.replay(store_one).await
    }

    /// Returns how many files wait. A folder that cannot be read counts as one: it may have some.
    pub async fn waiting(&self) -> usize {
        self.folder.waiting().await
    }
}

impl Record {
    fn new(late: &LateResult, disposition: &Disposition) -> Option<Self> {
        let Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } =
            disposition
        else {
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

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The end of the attempt.
    End(StoredEnd),
    /// The result of Klarna, although the claim was lost.
    LateResult,
    /// Nothing yet: a later claim is about to send the order. If it ends without a result, this
    /// result ends the order.
    Undecided,
    /// Nothing.
    No,
}

/// Writes the end of an attempt under its claim, and a result of Klarna also where the claim was
/// lost. If the database refuses a value for good, the end is reduced to what the order cannot do
/// without: it is then [`Cow::Owned`].
pub(super) async fn write_once(
    store: &dyn Orders,
    late: &LateResult,
    disposition: &mut Cow<'_, Disposition>,
) -> Result<Written, StoreError> {
    match write(store, late, disposition).await {
        Err(error) if !error.is_transient() && matches!(disposition, Cow::Borrowed(_)) => {
            tracing::error!(order = %late.claim.order, %error,
                "The database refuses an order's result; it is stored without Klarna's texts");
            *disposition = Cow::Owned(without_texts(disposition));
            write(store, late, disposition).await
        }
        written => written,
    }
}

async fn write(
    store: &dyn Orders,
    late: &LateResult,
    disposition: &Disposition,
) -> Result<Written, StoreError> {
    if let Some(stored) = store.settle_order(&late.claim, disposition).await? {
        return Ok(Written::End(stored));
    }
    match disposition {
        Disposition::Submitted { klarna_id, .. } => {
            let settled = store.settle_late(late, disposition).await?;
            match settled {
                SettledLate::Stored => return Ok(Written::LateResult),
                SettledLate::Undecided => return Ok(Written::Undecided),
                SettledLate::Aborts => tracing::warn!(order = %late.claim.order, klarna_id,
                    "Klarna created an order that has ended otherwise or was changed meanwhile; it is aborted there"),
                SettledLate::Dropped => tracing::error!(order = %late.claim.order, klarna_id,
                    "Klarna created an order that has ended otherwise or was changed meanwhile; the result was not \
                    stored"),
            }
            Ok(Written::No)
        }
        _ => Ok(Written::No),
    }
}

/// Returns the same end without Klarna's texts: only with ids, words and numbers.
fn without_texts(disposition: &Disposition) -> Disposition {
    let bare = |error: &OrderError| OrderError {
        code: error.code.clone(),
        message: "the database refused the text of this error; look at the log".into(),
        faults: Vec::new(),
        correlation_id: None,
        http_status: error.http_status,
        cause: error.cause,
    };
    match disposition {
        Disposition::Submitted { klarna_id, target, token, .. } => Disposition::Submitted {
            klarna_id: klarna_id.clone(),
            target: *target,
            result: None,
            correlation_id: None,
            token: *token,
            prefilled: Prefill::default(),
        },
        Disposition::Failed { error, token, .. } => {
            Disposition::Failed { error: bare(error), token: *token, prefilled: Prefill::default() }
        }
        Disposition::Retry { after, error, possible_duplicate, token_waited } => Disposition::Retry {
            after: *after,
            error: bare(error),
            possible_duplicate: *possible_duplicate,
            token_waited: *token_waited,
        },
        Disposition::Snooze { after, error, token_waited, waits: _ } => {
            let (error, waits) = (error.as_ref().map(bare), Waits::default());
            Disposition::Snooze { after: *after, error, token_waited: *token_waited, waits }
        }
    }
}
