//! Notifications within the serving process, and detection of writes by other processes, such as
//! commands beside the service.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::pools::Writer;
use crate::store::pool::bounded;
use crate::store::{Signal, Signals, StoreError};

/// How many notifications are kept for a slow listener. A slower one reads the rows instead.
const BACKLOG: usize = 1024;

/// How often the log's time is checked, which takes a few microseconds. Not less than the
/// resolution of file times (a tick of the kernel, 10 ms at most).
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How often the file is asked for commits of other processes while this one commits as well, so
/// that the log says nothing about them.
const AMONG_OWN: Duration = Duration::from_millis(250);

pub(super) struct Bus(broadcast::Sender<Signal>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Bus {
    pub(super) fn send(&self, signal: Signal) {
        // An error only means that nobody listens.
        let _ = self.0.send(signal);
    }

    pub(super) async fn listen(&self, writer: Writer, log: &Path) -> Result<Listener, StoreError> {
        let mut polls = interval(POLL_INTERVAL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let log = Log::new(log.to_owned());
        let news = self.0.subscribe();
        let (uses, asked_at) = (writer.uses(), Instant::now());
        let mut listener =
            Listener { news, writer, polls, log, may_have_changed: true, uses, asked_at, version: None };
        // Everything written from here on is reported.
        listener.others_wrote().await?;
        Ok(listener)
    }
}

pub(super) struct Listener {
    news: broadcast::Receiver<Signal>,
    writer: Writer,
    polls: Interval,
    log: Log,
    /// Whether the log has changed since the file was asked.
    may_have_changed: bool,
    /// How often this process had used the writing connection when the file was asked, and when
    /// that was.
    uses: u64,
    asked_at: Instant,
    /// The file's data version at that time, and when the connection that told it was opened:
    /// versions of different connections cannot be compared.
    version: Option<(Option<Instant>, i64)>,
}

impl Listener {
    /// Whether the file is to be asked: the log has changed, and this process did not write to it.
    /// If it may have written, the file is asked now and then.
    fn is_due(&mut self) -> bool {
        self.may_have_changed |= self.log.may_have_changed();
        let is_ours = self.writer.uses() != self.uses;
        self.may_have_changed && (!is_ours || self.asked_at.elapsed() >= AMONG_OWN)
    }

    /// Returns whether another process may have committed since the last check. SQLite's `PRAGMA
    /// data_version` does not change with commits of the connection that asks, and this process
    /// writes only on that connection.
    async fn others_wrote(&mut self) -> Result<bool, StoreError> {
        let uses = self.writer.uses();
        let mut connection = self.writer.to_read().await?;
        let version = bounded(sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection)).await?;
        let version = (connection.opened(), version);
        connection.give_back();
        (self.may_have_changed, self.uses, self.asked_at) = (false, uses, Instant::now());
        Ok(self.version.replace(version).is_some_and(|before| before != version))
    }
}

#[async_trait]
impl Signals for Listener {
    async fn next(&mut self) -> Result<Signal, StoreError> {
        loop {
            tokio::select! {
                news = self.news.recv() => return news.map_err(|error| StoreError::Unavailable(error.to_string())),
                _ = self.polls.tick() => {}
            }
            if self.is_due() && self.others_wrote().await? {
                return Ok(Signal::Changed);
            }
        }
    }
}

/// The write-ahead log's time and length. Every commit writes to it. While it does not change, the
/// data version need not be read: reading it takes the one writing connection, which would keep
/// even an idle service busy.
struct Log {
    path: PathBuf,
    /// Time and length at the last check.
    seen: Option<(SystemTime, u64)>,
    /// Whether they had changed at the last check.
    changed: bool,
}

impl Log {
    fn new(path: PathBuf) -> Self {
        Self { path, seen: None, changed: true }
    }

    /// Returns whether anybody, including this process, may have committed since the check before
    /// the last. It does not wait for the disk: the system keeps in memory what it knows of an open
    /// file.
    fn may_have_changed(&mut self) -> bool {
        let log = std::fs::metadata(&self.path);
        let now = log.ok().and_then(|log| Some((log.modified().ok()?, log.len())));
        let changed = now.is_none() || now != self.seen;
        // A second commit within one tick of the file clock does not change the time. So each
        // change counts at two checks.
        let may_have = changed || self.changed;
        (self.seen, self.changed) = (now, changed);
        may_have
    }
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn a_change_of_the_log_is_worth_two_looks_and_quiet_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker.db-wal");
        let mut log = Log::new(path.clone());
        assert!(log.may_have_changed() && log.may_have_changed(), "what cannot be seen may have changed");
        for length in [1, 2] {
            std::fs::write(&path, vec![0; length]).unwrap();
            assert!(log.may_have_changed() && log.may_have_changed());
            assert!(!log.may_have_changed() && !log.may_have_changed());
        }
        let time =
            std::fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_millis(1);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        assert!(log.may_have_changed() && log.may_have_changed() && !log.may_have_changed());
    }
}
