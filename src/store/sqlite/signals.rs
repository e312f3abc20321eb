//! News within the one serving process, and that another process wrote: commands run beside the
//! service.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::pools::Writer;
use crate::store::pool::bounded;
use crate::store::{Signal, Signals, StoreError};

/// News kept for a listener that lags; one that lags further looks at the rows instead.
const BACKLOG: usize = 1024;

/// How often the log's time is looked at, which costs a few microseconds. At least as long as a
/// file's time is coarse (a tick of the kernel, 10 ms at most).
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Bus(broadcast::Sender<Signal>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Bus {
    pub(super) fn tell(&self, signal: Signal) {
        // An error only says that nobody listens.
        let _ = self.0.send(signal);
    }

    pub(super) async fn listen(&self, writer: Writer, log: &Path) -> Result<Listener, StoreError> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let log = Log::new(log.to_owned());
        let mut listener = Listener { news: self.0.subscribe(), writer, looks, log, version: None };
        // What is written from here on is news.
        listener.others_wrote().await?;
        Ok(listener)
    }
}

pub(super) struct Listener {
    news: broadcast::Receiver<Signal>,
    writer: Writer,
    looks: Interval,
    log: Log,
    /// Of the file, when last looked at.
    version: Option<i64>,
}

impl Listener {
    /// Whether another process has committed since the last look. The version changes on no commit
    /// of the connection that asks (SQLite's `PRAGMA data_version`), and this process writes
    /// through that connection alone.
    async fn others_wrote(&mut self) -> Result<bool, StoreError> {
        let mut connection = self.writer.urgent().await?;
        let version = bounded(sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection)).await?;
        connection.give_back();
        Ok(self.version.replace(version).is_some_and(|before| before != version))
    }
}

#[async_trait]
impl Signals for Listener {
    async fn next(&mut self) -> Result<Signal, StoreError> {
        loop {
            tokio::select! {
                news = self.news.recv() => return news.map_err(|error| StoreError::Unavailable(error.to_string())),
                _ = self.looks.tick() => {}
            }
            if self.log.may_have_changed() && self.others_wrote().await? {
                return Ok(Signal::Changed);
            }
        }
    }
}

/// The write-ahead log as its folder shows it. Whoever commits writes to it, so while it stays as
/// it is nobody need be asked: to ask takes the one connection that writes, and an idle service
/// would do little else.
struct Log {
    path: PathBuf,
    /// Its time and length when last looked at.
    seen: Option<(SystemTime, u64)>,
    /// Whether it had changed then.
    changed: bool,
}

impl Log {
    fn new(path: PathBuf) -> Self {
        Self { path, seen: None, changed: true }
    }

    /// Whether anybody, this process among them, may have committed since the look before this one.
    fn may_have_changed(&mut self) -> bool {
        let log = std::fs::metadata(&self.path);
        let now = log.ok().and_then(|log| Some((log.modified().ok()?, log.len())));
        let changed = now.is_none() || now != self.seen;
        // A second commit within one tick of the file's clock leaves its time as it is, so one
        // change means two looks.
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
        let time = std::fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_millis(1);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        assert!(log.may_have_changed() && log.may_have_changed() && !log.may_have_changed());
    }
}
