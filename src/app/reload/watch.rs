//! Notices that the settings file, or a file with a secret, changed.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::ReadSettings;
use crate::config::{ConfigError, Settings};

/// How often the files are read. A change must be seen twice, because it may be under way.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a change waits after a reload that failed for another reason than the settings.
const AGAIN: Duration = Duration::from_secs(30);

/// Watches what the settings say, by reading them.
pub(super) struct Watch {
    read: ReadSettings,
    /// What the last reload, or the start, has read.
    known: Seen,
    not_before: Instant,
}

/// What reading the settings gave.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Fingerprint([u8; 32]),
    Wrong(String),
}

impl Seen {
    pub(super) fn of(read: &Result<Settings, ConfigError>) -> Self {
        match read {
            Ok(settings) => Self::Fingerprint(settings.fingerprint()),
            Err(error) => Self::Wrong(error.to_string()),
        }
    }
}

impl Watch {
    /// `known` is what the start has read.
    pub(super) fn new(read: ReadSettings, known: Seen) -> Self {
        Self { read, known, not_before: Instant::now() }
    }

    /// Waits until the settings have differed twice in the same way from what is known, and returns
    /// what was read then: a third reading could find the next change half written.
    pub(super) async fn changed(&self) -> Result<Settings, ConfigError> {
        sleep_until(self.not_before).await;
        let mut before = None;
        loop {
            sleep(POLL_INTERVAL).await;
            let read = self.read.clone();
            let Ok(found) = tokio::task::spawn_blocking(move || read()).await else { continue };
            let seen = Seen::of(&found);
            if seen != self.known && before.as_ref() == Some(&seen) {
                return found;
            }
            before = Some(seen);
        }
    }

    /// A reload has read this. `None`: it failed for another reason, so the change is tried again.
    pub(super) fn tried(&mut self, seen: Option<Seen>) {
        match seen {
            Some(seen) => self.known = seen,
            None => self.not_before = Instant::now() + AGAIN,
        }
    }
}
