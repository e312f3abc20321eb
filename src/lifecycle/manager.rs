//! Notifies systemd (`sd_notify(3)`) that the service is ready, alive or stopping. Without a
//! service manager nothing happens.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// The service is ready. `systemctl status` shows `status`.
pub fn ready(status: &str) {
    notify_service_manager(&[State::Ready, State::Status(status)]);
}

/// The service is stopping.
pub fn stopping() {
    notify_service_manager(&[State::Stopping, State::Status("stopping: ending what runs")]);
}

/// Notifies the watchdog for as long as `is_alive` returns `true`. Call it within a tokio runtime,
/// once the service is ready.
pub fn watch(is_alive: impl Fn() -> bool + Send + 'static) {
    if let Some(patience) = patience() {
        tokio::spawn(ping(patience, is_alive, || notify_service_manager(&[State::Watchdog])));
    }
}

/// Notifies three times within the watchdog's time-out, so that a single late or omitted
/// notification does not cause a restart.
async fn ping(patience: Duration, is_alive: impl Fn() -> bool, send: impl Fn()) {
    let mut ticks = interval(patience / 3);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut withheld = false;
    loop {
        ticks.tick().await;
        let alive = is_alive();
        if alive {
            send();
        } else if !withheld {
            tracing::error!("The service does not respond; the service manager will restart it");
        }
        withheld = !alive;
    }
}

#[cfg(unix)]
use sd_notify::NotifyState as State;

#[cfg(unix)]
fn notify_service_manager(state: &[State]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "The service manager could not be notified");
    }
}

/// The watchdog's time-out; `None` if the manager has no watchdog.
#[cfg(unix)]
fn patience() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())
}

#[cfg(windows)]
enum State<'a> {
    Ready,
    Stopping,
    Watchdog,
    Status(&'a str),
}

#[cfg(windows)]
fn notify_service_manager(_: &[State]) {}

#[cfg(windows)]
fn patience() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pings_go_out_while_the_service_lives_and_only_then() {
        let (is_alive, pings) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (asked, sent) = (Arc::clone(&is_alive), Arc::clone(&pings));
        tokio::spawn(ping(
            Duration::from_secs(30),
            move || asked.load(SeqCst),
            move || {
                sent.fetch_add(1, SeqCst);
            },
        ));
        let after = async |seconds: u64| {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            pings.swap(0, SeqCst)
        };
        assert_eq!(after(35).await, 4, "at once, and every ten seconds");
        is_alive.store(false, SeqCst);
        assert_eq!(after(100).await, 0);
        is_alive.store(true, SeqCst);
        assert_eq!(after(10).await, 1, "a service that has come round is not restarted");
    }
}
