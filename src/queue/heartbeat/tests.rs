//! The heartbeats with a rows in memory, on paused time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use tokio::time::{Instant, sleep};

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("the rows are out of reach")]
struct Unreachable;

#[derive(Default)]
struct Rows {
    unreachable: AtomicBool,
    hang: AtomicBool,
    hang_reclaim: AtomicBool,
    lost: AtomicBool,
    panic: AtomicBool,
    heartbeats: AtomicUsize,
    registrations: AtomicUsize,
    reclaims: Mutex<Vec<Instant>>,
}

#[async_trait]
impl WorkerRows for Rows {
    type Error = Unreachable;

    async fn heartbeat(&self) -> Result<HeartbeatOutcome, Unreachable> {
        self.heartbeats.fetch_add(1, SeqCst);
        assert!(!self.panic.swap(false, SeqCst), "as a test commands");
        if self.hang.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.unreachable.load(SeqCst) {
            return Err(Unreachable);
        }
        Ok(if self.lost.load(SeqCst) { HeartbeatOutcome::Lost } else { HeartbeatOutcome::Alive })
    }

    async fn register(&self) -> Result<(), Unreachable> {
        self.lost.store(false, SeqCst);
        self.registrations.fetch_add(1, SeqCst);
        Ok(())
    }

    async fn heartbeats(&self) -> Result<Vec<HeartbeatCount>, Unreachable> {
        if self.unreachable.load(SeqCst) { Err(Unreachable) } else { Ok(vec![other()]) }
    }

    async fn reclaim(&self, silent: &[HeartbeatCount]) -> Result<usize, Unreachable> {
        if silent == [other()] {
            self.reclaims.lock().unwrap().push(Instant::now());
        } else {
            assert!(silent.is_empty());
        }
        if self.hang_reclaim.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.unreachable.load(SeqCst) { Err(Unreachable) } else { Ok(1) }
    }
}

impl Rows {
    fn last_reclaim(&self) -> Option<Instant> {
        self.reclaims.lock().unwrap().last().copied()
    }
}

/// Another worker, which sends no heartbeat.
fn other() -> HeartbeatCount {
    HeartbeatCount { worker: uuid::Uuid::from_u128(1).into(), heartbeats: 7 }
}

/// How long this worker has watched the other one be silent.
fn observed(heart: &Heartbeat) -> Duration {
    heart.watch().silence().silent_for(other())
}

/// A heartbeat on tokio's time, plus `stopped`: time in which the whole process was suspended.
fn start(rows: &Arc<Rows>) -> (Heartbeat, Arc<Mutex<Duration>>) {
    let stopped = Arc::new(Mutex::new(Duration::from_secs(1000)));
    let (boot, added) = (Instant::now(), Arc::clone(&stopped));
    let now = Arc::new(move || boot.elapsed() + *added.lock().unwrap());
    (Heartbeat::start_with(Arc::clone(rows), HeartbeatOptions::default(), now), stopped)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A process that has just begun is known to the others before their next regular poll.
#[tokio::test(start_paused = true)]
async fn the_others_are_polled_at_once_when_one_has_begun() {
    let rows = Arc::new(Rows::default());
    let (heart, _) = start(&rows);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(observed(&heart), Duration::ZERO, "polled once");
    sleep(seconds(1)).await;
    heart.watch().poll_now();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(observed(&heart), Duration::from_millis(1100));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_sent_every_two_seconds_and_has_an_age() {
    let rows = Arc::new(Rows::default());
    let (heart, _) = start(&rows);
    let watch = heart.watch();
    assert_eq!(watch.age(), Duration::MAX, "before the first");
    sleep(seconds(21)).await;
    assert_eq!(rows.heartbeats.load(SeqCst), 11);
    assert_eq!(watch.age(), seconds(1));
    assert_eq!(observed(&heart), seconds(20));

    rows.unreachable.store(true, SeqCst);
    sleep(seconds(60)).await;
    assert_eq!(watch.age(), seconds(61), "it grows while no heartbeat goes through");
    rows.unreachable.store(false, SeqCst);
    sleep(seconds(2)).await;
    assert!(watch.age() <= seconds(2));
}

#[tokio::test(start_paused = true)]
async fn others_are_lost_only_after_silence_that_was_observed() {
    let rows = Arc::new(Rows::default());
    let (heart, _) = start(&rows);
    let begin = Instant::now();
    sleep(seconds(9)).await;
    assert_eq!(rows.last_reclaim(), None, "too early to say");
    sleep(seconds(4)).await;
    assert!(rows.last_reclaim().unwrap() - begin >= seconds(10));

    rows.unreachable.store(true, SeqCst);
    sleep(seconds(300)).await;
    assert_eq!(observed(&heart), Duration::ZERO);
    rows.unreachable.store(false, SeqCst);
    let (before, back) = (rows.reclaims.lock().unwrap().len(), Instant::now());
    sleep(seconds(9)).await;
    assert_eq!(rows.reclaims.lock().unwrap().len(), before, "after an outage everybody looks dead");
    sleep(seconds(6)).await;
    assert!(rows.last_reclaim().unwrap() - back >= seconds(10));
}

#[tokio::test(start_paused = true)]
async fn one_failed_heartbeat_is_a_gap() {
    let rows = Arc::new(Rows::default());
    let (heart, _) = start(&rows);
    sleep(seconds(31)).await;
    rows.unreachable.store(true, SeqCst);
    sleep(seconds(2)).await;
    rows.unreachable.store(false, SeqCst);
    sleep(seconds(4)).await;
    assert_eq!(observed(&heart), seconds(2));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_process_observed_nothing_meanwhile() {
    let rows = Arc::new(Rows::default());
    let (heart, stopped) = start(&rows);
    sleep(seconds(31)).await;
    let before = rows.reclaims.lock().unwrap().len();
    *stopped.lock().unwrap() += seconds(600);
    assert_eq!(heart.watch().age(), seconds(601), "it may have been given up");
    sleep(seconds(9)).await;
    assert!(observed(&heart) < seconds(10));
    assert_eq!(rows.reclaims.lock().unwrap().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_process_reclaims_nothing_before_its_next_heartbeat_is_answered() {
    let rows = Arc::new(Rows::default());
    let (_heart, stopped) = start(&rows);
    sleep(seconds(31)).await;
    let before = rows.reclaims.lock().unwrap().len();
    *stopped.lock().unwrap() += seconds(600);
    rows.hang.store(true, SeqCst);
    sleep(seconds(2)).await;
    assert_eq!(rows.reclaims.lock().unwrap().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_answers_is_given_up() {
    let rows = Arc::new(Rows::default());
    let (heart, _) = start(&rows);
    sleep(seconds(1)).await;
    rows.hang.store(true, SeqCst);
    sleep(seconds(20)).await;
    assert_eq!(heart.watch().age(), seconds(21));
    assert_eq!(observed(&heart), Duration::ZERO);
    rows.hang.store(false, SeqCst);
    sleep(seconds(4)).await;
    assert!(heart.watch().age() <= seconds(2));
}

#[tokio::test(start_paused = true)]
async fn slow_reclaiming_delays_no_heartbeat() {
    let rows = Arc::new(Rows::default());
    rows.hang_reclaim.store(true, SeqCst);
    let (_heart, _) = start(&rows);
    sleep(seconds(61)).await;
    assert!(rows.last_reclaim().is_some());
    assert_eq!(rows.heartbeats.load(SeqCst), 31);
}

#[tokio::test(start_paused = true)]
async fn a_worker_considered_lost_registers_again_and_reclaims_nothing_at_first() {
    let rows = Arc::new(Rows::default());
    let (heart, _) = start(&rows);
    sleep(seconds(31)).await;
    rows.lost.store(true, SeqCst);
    sleep(seconds(2)).await;
    assert_eq!(rows.registrations.load(SeqCst), 1);
    assert_eq!(observed(&heart), Duration::ZERO);
    assert!(heart.watch().age() <= seconds(2), "registered is alive");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_call_ends_nothing() {
    let rows = Arc::new(Rows::default());
    rows.panic.store(true, SeqCst);
    let (heart, _) = start(&rows);
    sleep(seconds(21)).await;
    assert_eq!(rows.heartbeats.load(SeqCst), 11);
    // The second poll may come before the second heartbeat, and does not count then.
    assert!((seconds(16)..=seconds(18)).contains(&observed(&heart)));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_heartbeat_stops() {
    let rows = Arc::new(Rows::default());
    drop(start(&rows));
    sleep(seconds(60)).await;
    assert!(rows.heartbeats.load(SeqCst) <= 1);
    assert_eq!(Arc::strong_count(&rows), 1);
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_task_continues_after_failures() {
    let rows = Arc::new(Rows::default());
    let (heart, _) = start(&rows);
    let watch = heart.watch();
    assert_eq!(watch.round(), Duration::ZERO);
    for trouble in [&rows.unreachable, &rows.hang] {
        trouble.store(true, SeqCst);
        for _ in 0..60 {
            sleep(seconds(1)).await;
            assert!(watch.round() <= seconds(4), "{:?}", watch.round());
        }
        trouble.store(false, SeqCst);
    }
    drop(heart);
    sleep(seconds(60)).await;
    assert!(watch.round() >= seconds(60), "a heart that stands still is seen to");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_heartbeat_registers_nobody_again() {
    let rows = Arc::new(Rows::default());
    rows.hang.store(true, SeqCst);
    let (heart, _) = start(&rows);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(rows.heartbeats.load(SeqCst), 1, "one waits for the database");
    heart.stop().await;
    assert_eq!(Arc::strong_count(&rows), 1, "its task has ended");
    // The worker's end is written, and the database is free again.
    rows.hang.store(false, SeqCst);
    rows.lost.store(true, SeqCst);
    sleep(seconds(60)).await;
    assert_eq!((rows.heartbeats.load(SeqCst), rows.registrations.load(SeqCst)), (1, 0));
}
