//! Signals: the first asks for a soft stop, the second for a hard stop. [`manager`] notifies
//! systemd.
//!
//! SIGTERM, SIGINT, SIGHUP and SIGQUIT ask for a stop. In the service, SIGHUP asks for a reload of
//! the settings instead, unless it says that its terminal was closed. SIGUSR1, SIGUSR2 and SIGALRM
//! do nothing: by default they would end the process in the middle of an exchange. Rust's runtime
//! ignores SIGPIPE.

pub mod dumps;
pub mod manager;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// The phase of the stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ShutdownPhase {
    Running,
    Soft,
    Hard,
}

/// Tells when the service was asked to read its settings again. Several signals at once count as
/// one.
#[derive(Clone, Debug, Default)]
pub struct ReloadSignals(Arc<Notify>);

impl ReloadSignals {
    /// Resolves when a reload is asked for.
    pub async fn next(&self) {
        self.0.notified().await;
    }

    /// Acts like a signal.
    pub fn trigger(&self) {
        self.0.notify_one();
    }
}

/// The stop of the process, requested by signals or by [`Shutdown::trigger`]. Clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Sender<ShutdownPhase>);

impl Shutdown {
    /// Listens for signals. Call it before anything connects or waits, because process 1
    /// of a container ignores SIGTERM without a handler. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The operating system refuses a handler.
    pub fn install() -> io::Result<Self> {
        Self::listen(None)
    }

    /// As [`Shutdown::install`], for the service: SIGHUP asks for a reload.
    ///
    /// # Errors
    /// As [`Shutdown::install`].
    pub fn install_for_service() -> io::Result<(Self, ReloadSignals)> {
        let reloads = ReloadSignals::default();
        Ok((Self::listen(Some(reloads.clone()))?, reloads))
    }

    fn listen(reloads: Option<ReloadSignals>) -> io::Result<Self> {
        let shutdown = Self::manual();
        let mut signals = Signals::install()?;
        let requested = shutdown.clone();
        let had_terminal = has_terminal();
        tokio::spawn(async move {
            loop {
                let name = signals.next().await;
                if name == HANG_UP
                    && let Some(reloads) = &reloads
                    && is_reload(had_terminal, has_terminal())
                {
                    reloads.trigger();
                    continue;
                }
                if requested.advance() == ShutdownPhase::Soft {
                    tracing::info!(signal = name, "Stopping; a second signal stops at once");
                } else {
                    tracing::warn!(signal = name, "Stopping at once");
                }
            }
        });
        Ok(shutdown)
    }

    /// A stop that only [`Shutdown::trigger`] requests: for tests, and for services inside another
    /// process.
    #[must_use]
    pub fn manual() -> Self {
        Self(watch::Sender::new(ShutdownPhase::Running))
    }

    /// Acts like a signal: the first call requests the soft stop, the second the hard stop.
    pub fn trigger(&self) {
        self.advance();
    }

    /// Resolves when a soft stop is requested: accept nothing new, and complete running work.
    pub async fn soft(&self) {
        self.reached(ShutdownPhase::Soft).await;
    }

    /// Resolves when a hard stop is requested: stop waiting.
    pub async fn hard(&self) {
        self.reached(ShutdownPhase::Hard).await;
    }

    /// Whether a stop has been requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() >= ShutdownPhase::Soft
    }

    fn advance(&self) -> ShutdownPhase {
        self.0.send_modify(|phase| {
            *phase = if *phase == ShutdownPhase::Running { ShutdownPhase::Soft } else { ShutdownPhase::Hard };
        });
        *self.0.borrow()
    }

    async fn reached(&self, phase: ShutdownPhase) {
        // It cannot fail: `self` is a sender, so the channel is open.
        let _ = self.0.subscribe().wait_for(|now| *now >= phase).await;
    }
}

const HANG_UP: &str = "SIGHUP";

/// Whether this process reads from, or writes to, a terminal that is open.
fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

/// Whether SIGHUP asks for a reload. The system also sends it when a terminal is closed: then
/// nobody expects the service to go on.
fn is_reload(began_in_terminal: bool, has_terminal: bool) -> bool {
    has_terminal || !began_in_terminal
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // A handler that was installed once replaces the default action for good.
        for ignored in [SignalKind::user_defined1(), SignalKind::user_defined2(), SignalKind::alarm()] {
            drop(signal(ignored)?);
        }
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => HANG_UP,
            _ = self.quit.recv() => "SIGQUIT",
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn install() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> &'static str {
        self.0.recv().await;
        "Ctrl-C"
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_first_trigger_is_soft_and_the_second_hard() {
        let shutdown = Shutdown::manual();
        let elsewhere = shutdown.clone();
        assert!(shutdown.soft().now_or_never().is_none());
        assert!(!shutdown.is_requested());

        elsewhere.trigger();
        assert!(shutdown.soft().now_or_never().is_some());
        assert!(shutdown.hard().now_or_never().is_none());
        assert!(shutdown.is_requested());

        elsewhere.trigger();
        assert!(shutdown.soft().now_or_never().is_some());
        assert!(shutdown.hard().now_or_never().is_some());

        elsewhere.trigger();
        assert!(shutdown.hard().now_or_never().is_some(), "a third changes nothing");
    }

    #[test]
    fn a_closed_terminal_is_no_reload() {
        assert!(is_reload(false, false), "a service of systemd");
        assert!(is_reload(true, true), "in a terminal");
        assert!(!is_reload(true, false), "whose terminal was closed");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn signals_stop_softly_then_hard() {
        let shutdown = Shutdown::install().unwrap();
        let raise = |signal: &str| {
            let pid = std::process::id().to_string();
            assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
        };
        for ignored in ["-USR1", "-USR2", "-ALRM", "-PIPE"] {
            raise(ignored);
        }
        assert!(!shutdown.is_requested());
        raise("-HUP");
        shutdown.soft().await;
        assert!(shutdown.hard().now_or_never().is_none());
        raise("-QUIT");
        shutdown.hard().await;
    }
}
