//! News within the one serving process, and that another process wrote: commands run beside the service.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::pools::Writer;
use crate::store::lease::bounded;
use crate::store::{Signal, Signals, StoreError};

/// News kept for a listener that lags; one that lags further looks at the rows instead.
const BACKLOG: usize = 1024;

/// How often the file is asked whether another process wrote. It costs a few microseconds.
const LOOK: Duration = Duration::from_millis(10);

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

    pub(super) async fn listen(&self, writer: Writer) -> Result<Listener, StoreError> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listener = Listener { news: self.0.subscribe(), writer, looks, version: None };
        // What is written from here on is news.
        listener.others_wrote().await?;
        Ok(listener)
    }
}

pub(super) struct Listener {
    news: broadcast::Receiver<Signal>,
    writer: Writer,
    looks: Interval,
    /// Of the file, when last looked at.
    version: Option<i64>,
}

impl Listener {
    /// Whether another process has committed since the last look. The version changes on no commit of the connection that
    /// asks (SQLite's `PRAGMA data_version`), and this process writes through that connection alone.
    async fn others_wrote(&mut self) -> Result<bool, StoreError> {
        let mut lease = self.writer.urgent().await?;
        let version = bounded(sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *lease)).await?;
        lease.done();
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
            if self.others_wrote().await? {
                return Ok(Signal::Changed);
            }
        }
    }
}
