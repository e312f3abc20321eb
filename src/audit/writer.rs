//! Stores recorded rows in batches, in the order in which they were recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::chain::Chain;
use super::entry::{Action, Actor, Entry, Recorded};
use super::lines::Lines;
use super::{Dependencies, Message};
use crate::backoff::Backoff;
use crate::meter;
use crate::store::{AuditRow, StoreError};

/// How long rows are gathered before they are stored. Each batch costs one commit, and so a disk
/// flush.
const GATHER: Duration = Duration::from_millis(200);

/// The most rows of a batch.
const BATCH: usize = 500;

const AGAIN: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };

/// After how many failures in a row the log says so again.
const LOGGED_EVERY: u32 = 60;

pub(super) struct Writer {
    deps: Dependencies,
    lines: Lines,
    /// The chain of this process, once its first row is about to be stored.
    chain: Option<Chain>,
    lost: Arc<AtomicU64>,
    /// Notified when somebody waits for a flush.
    hurry: Arc<Notify>,
    /// Whether the process ends, so that a failed store is not tried again.
    ending: watch::Receiver<bool>,
}

impl Writer {
    pub(super) fn new(
        deps: Dependencies,
        lost: Arc<AtomicU64>,
        hurry: Arc<Notify>,
        ending: watch::Receiver<bool>,
    ) -> Self {
        let lines = Lines::new(deps.settings.lines.clone());
        Self { deps, lines, chain: None, lost, hurry, ending }
    }

    /// Runs until every sender is gone.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.recv().await {
            let (rows, flushed) = gather(first, &mut messages, &self.hurry).await;
            self.store(rows).await;
            if let Some(flushed) = flushed {
                // Whoever waited may have gone.
                let _ = flushed.send(());
            }
        }
    }

    async fn store(&mut self, mut recorded: Vec<Recorded>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let entry = Entry::new(Actor::Service, Action::AuditLost).object(lost);
            recorded.push(Recorded { at: self.deps.clock.now(), user_hash: None, entry });
        }
        if recorded.is_empty() {
            return;
        }
        let mut failures = 0;
        let mut rows: Vec<AuditRow> = Vec::new();
        let mut ending = self.ending.clone();
        loop {
            // A database that does not answer must not hold up the end of the process.
            let stored = tokio::select! {
                stored = self.try_store(&mut recorded, &mut rows) => stored,
                () = ended(&mut ending) => return log_lost_rows(&rows, &recorded),
            };
            let Err(error) = stored else { break };
            failures += 1;
            meter::audit_failure();
            if failures % LOGGED_EVERY == 1 {
                let waiting = rows.len().max(recorded.len());
                tracing::error!(%error, waiting, "The audit log cannot be written; its rows wait in memory");
            }
            tokio::select! {
                () = sleep(AGAIN.delay(failures, rand::random(), None)) => {}
                () = ended(&mut ending) => return log_lost_rows(&rows, &recorded),
            }
        }
        self.lines.write(&rows).await;
    }

    /// Gives the rows their place in the chain, if they have none yet, and stores them.
    async fn try_store(
        &mut self,
        recorded: &mut Vec<Recorded>,
        rows: &mut Vec<AuditRow>,
    ) -> Result<(), StoreError> {
        let chain = match &mut self.chain {
            Some(chain) => chain,
            none => none.insert(Chain::begin(self.deps.log.newest_audit().await?)),
        };
        rows.extend(recorded.drain(..).map(|recorded| chain.add(recorded, self.deps.secrets.hasher())));
        self.deps.log.append_audit(rows).await
    }
}

/// Resolves when the process ends.
async fn ended(ending: &mut watch::Receiver<bool>) {
    // An error: nobody records any more.
    let _ = ending.wait_for(|ends| *ends).await;
}

/// Takes what comes within a moment, up to the first flush. The channel is not awaited meanwhile:
/// each row would wake a thread for nothing else.
async fn gather(
    first: Message,
    messages: &mut mpsc::Receiver<Message>,
    hurry: &Notify,
) -> (Vec<Recorded>, Option<oneshot::Sender<()>>) {
    if matches!(first, Message::Row(_)) && messages.len() < BATCH {
        // Time is up, or somebody waits.
        let _ = timeout(GATHER, hurry.notified()).await;
    }
    let (mut rows, mut next) = (Vec::new(), Some(first));
    while let Some(message) = next {
        match message {
            Message::Row(row) => rows.push(row),
            Message::Flush(flushed) => return (rows, Some(flushed)),
        }
        if rows.len() == BATCH {
            break;
        }
        next = messages.try_recv().ok();
    }
    (rows, None)
}

/// Writes rows that were not stored in time to the log, which may then be their only record.
fn log_lost_rows(rows: &[AuditRow], recorded: &[Recorded]) {
    let lost = (rows.len() + recorded.len()) as u64;
    meter::audit_row_lost(lost);
    for row in rows {
        let row = super::lines::line(row);
        tracing::error!(
            row,
            "A row of the audit log was not stored in time; this line may be its only record"
        );
    }
    for Recorded { at, entry, .. } in recorded {
        let (action, actor) = (entry.action.as_str(), entry.actor.to_string());
        let row = format!("{at} {actor} {action} {}", entry.outcome.as_str());
        tracing::error!(
            row,
            "A row of the audit log was not stored in time; this line may be its only record"
        );
    }
}
