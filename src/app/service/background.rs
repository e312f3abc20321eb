//! Tasks that run beside the roles, until the service ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::app::App;
use crate::app::process::{Process, TIDY};
use crate::app::spools::replay_for_refresh;
use crate::backoff::Backoff;
use crate::delivery::Waiters;
use crate::pauses::Pauses;
use crate::queue::{HeartbeatMonitor, Wake};
use crate::store::{Connections, Notifications, Signal};

/// The wait before the connection for notifications is opened again.
const LISTEN_AGAIN: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };
/// How often connections are opened in advance. Idle ones are closed after ten minutes, and each
/// one half an hour after it was opened.
const READY_AGAIN: Duration = Duration::from_mins(1);

/// The wake-ups of the queues of orders and webhooks.
#[derive(Clone, Default)]
pub(super) struct Wakeups {
    pub(super) orders: Wake,
    pub(super) webhooks: Wake,
}

/// Whom notifications are passed on to.
struct Listeners {
    wakes: Wakeups,
    waiters: Waiters,
    pauses: Pauses,
    /// `None` in a process that has only the role `api`.
    heartbeats: Option<HeartbeatMonitor>,
}

/// Starts to follow what other processes change: orders, pauses and processes.
pub(super) fn follow_others(
    app: &App,
    process: Option<&Process>,
    wakes: &Wakeups,
    waiters: &Waiters,
    background: &mut JoinSet<()>,
) {
    background.spawn(wake_after_pauses(app.pauses.clone(), wakes.clone()));
    let listeners = Listeners {
        wakes: wakes.clone(),
        waiters: waiters.clone(),
        pauses: app.pauses.clone(),
        heartbeats: process.map(|process| process.heartbeat.watch()),
    };
    background.spawn(listen(app.store.clone(), listeners));
    let polling = waiters.clone();
    background.spawn(async move { polling.poll().await });
}

/// Wakes the queues when an operator has begun or ended a pause.
async fn wake_after_pauses(pauses: Pauses, wakes: Wakeups) {
    let mut changes = pauses.subscribe();
    while changes.changed().await.is_ok() {
        wakes.orders.notify();
        wakes.webhooks.notify();
    }
}

/// Passes notifications on: due orders to the queue, ended orders to waiting requests and to the
/// outbox, that the copy of the pauses is outdated, and that a process has begun.
async fn listen(notifications: Arc<dyn Notifications>, to: Listeners) {
    let Listeners { wakes, waiters, pauses, heartbeats } = to;
    let poll_workers = || heartbeats.iter().for_each(HeartbeatMonitor::poll_now);
    let mut failures = 0;
    loop {
        let failed = match notifications.listen().await {
            Ok(mut signals) => {
                failures = 0;
                // Finds what came before the subscription.
                wakes.orders.notify();
                pauses.set_outdated();
                poll_workers();
                loop {
                    match signals.next().await {
                        Ok(Signal::Due) => wakes.orders.notify(),
                        Ok(Signal::Settled(id)) => {
                            waiters.notify_ended(id);
                            wakes.webhooks.notify();
                        }
                        Ok(Signal::Pauses) => pauses.set_outdated(),
                        Ok(Signal::Workers) => poll_workers(),
                        Ok(Signal::Changed) => {
                            pauses.set_outdated();
                            wakes.orders.notify();
                            wakes.webhooks.notify();
                            waiters.poll_once().await;
                        }
                        Err(error) => break error,
                    }
                }
            }
            Err(error) => error,
        };
        failures += 1;
        if failures == 1 {
            tracing::warn!(error = %failed, "The connection for notifications broke; the service reconnects, and \
                polls meanwhile");
        } else {
            tracing::debug!(error = %failed, "The connection for notifications is not back");
        }
        tokio::time::sleep(LISTEN_AGAIN.delay(failures, rand::random(), None)).await;
    }
}

/// Stores what an earlier `refresh` left in its spool.
pub(super) async fn look_after_refresh(app: App) {
    loop {
        if let Err(error) = replay_for_refresh(&app).await {
            tracing::warn!(%error, "The spool of an earlier `refresh` could not be replayed; the next try \
                follows in a minute");
        }
        tokio::time::sleep(TIDY).await;
    }
}

/// Keeps connections open for a burst of orders.
pub(super) async fn keep_ready(connections: Arc<dyn Connections>) {
    loop {
        if let Err(error) = connections.keep_ready().await {
            tracing::debug!(%error, "Connections could not be opened in advance; they are opened when needed");
        }
        tokio::time::sleep(READY_AGAIN).await;
    }
}
