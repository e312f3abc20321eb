//! Jobs that start without a claim of the queue.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures::FutureExt;

use super::memory::BEHIND;
use super::{Gated, HOUR, Memory, State, until, until_done};
use crate::queue::{DirectStart, DirectStarts, Options, Queue, Running, Stopped, Wake};

const SOON: Duration = Duration::from_millis(200);

/// A queue that has looked for rows once and found none.
struct Idle {
    memory: Arc<Memory>,
    handler: Arc<Gated>,
    running: Running,
    direct: DirectStarts<Memory>,
    wake: Wake,
}

impl Idle {
    async fn open(concurrency: usize, lone: bool) -> Self {
        let memory = Memory::with_rows(0);
        let (handler, wake) = (Gated::closed(&memory), Wake::new());
        let options = Options { poll: HOUR, lone: lone.into(), ..Options::new("test", concurrency) };
        let (running, direct) =
            Queue::start_with_direct(Arc::clone(&memory), Arc::clone(&handler), options, &wake);
        until(SOON, "a first scan", || memory.claim_calls() == 1).await;
        tokio::time::sleep(SOON).await;
        Self { memory, handler, running, direct, wake }
    }

    /// Begins the start of the next row.
    fn begin(&self, group: &str) -> Option<DirectStart<Memory>> {
        self.direct.begin(&group.into(), self.memory.len())
    }

    /// Starts a new row, as an insert does.
    async fn start(&self, group: &str) {
        let start = self.begin(group).expect("no slot");
        start.start(self.memory.insert_claimed(group)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_starts_without_a_look_at_the_rows() {
    let idle = Idle::open(2, true).await;
    let before = idle.memory.calls.load(SeqCst);
    for count in 1..=2 {
        idle.start("shop").await;
        until(SOON, "it runs", || idle.handler.running() == count).await;
    }
    assert!(idle.begin("shop").is_none(), "both slots are taken");
    idle.handler.gate.add_permits(2);
    until_done(&idle.memory, 2).await;
    tokio::time::sleep(SOON).await;
    assert!(idle.begin("shop").is_some(), "the slots are free again");
    assert_eq!(idle.memory.calls.load(SeqCst), before, "somebody looked");
}

#[tokio::test(start_paused = true)]
async fn a_group_gets_no_more_slots_than_by_claims() {
    let idle = Idle::open(4, false).await;
    for _ in 0..3 {
        idle.start("shop").await;
    }
    assert!(idle.begin("shop").is_none(), "a quarter is left to others");
    idle.start("other").await;
    assert!(idle.begin("third").is_none(), "all slots are taken");
    idle.handler.gate.add_permits(4);
    until_done(&idle.memory, 4).await;
    assert!(idle.begin(BEHIND).is_none(), "its jobs may not start");
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_is_not_used_after_all_is_free() {
    let idle = Idle::open(1, true).await;
    let start = idle.begin("shop").unwrap();
    assert!(idle.begin("shop").is_none());
    // The row is queued instead. Its notification comes while the slot is still taken.
    idle.memory.insert("shop");
    idle.wake.notify();
    start.cancel();
    until(SOON, "it runs", || idle.handler.running() == 1).await;
    assert_eq!(idle.memory.recovered.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_insert_has_no_known_outcome_is_due_again() {
    let idle = Idle::open(2, true).await;
    let start = idle.begin("shop").unwrap();
    idle.memory.insert_claimed("shop");
    drop(start);
    until(SOON, "it runs", || idle.handler.running() == 1).await;
    assert_eq!(idle.memory.recovered.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_leaves_the_rows_that_are_about_to_start() {
    let idle = Idle::open(3, true).await;
    let about_to = idle.begin("shop").unwrap();
    let job = idle.memory.insert_claimed("shop");
    // The outcome of another insert is unknown, so claims without a job are looked for.
    drop(idle.begin("shop").unwrap());
    tokio::time::sleep(SOON).await;
    assert_eq!(idle.memory.count(State::Claimed), 1);
    about_to.start(job).await;
    until(SOON, "it runs", || idle.handler.running() == 1).await;
    assert_eq!(idle.memory.recovered.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_start_that_has_begun_and_gives_the_row_back() {
    let idle = Idle::open(2, true).await;
    let start = idle.begin("shop").unwrap();
    let mut stop = idle.running.stop(HOUR).boxed();
    assert!(futures::poll!(&mut stop).is_pending());
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(futures::poll!(&mut stop).is_pending(), "it does not wait");
    assert!(idle.direct.begin(&"shop".into(), 1).is_none(), "nothing starts during a stop");
    start.start(idle.memory.insert_claimed("shop")).await;
    assert_eq!(stop.await, Stopped::Clean);
    assert_eq!((idle.handler.started(), idle.memory.count(State::Waiting)), (0, 1));
    assert_eq!(idle.memory.give_backs.lock().unwrap().as_slice(), [1]);
    assert!(idle.direct.begin(&"shop".into(), 1).is_none(), "nothing starts after a stop");
}

/// Stops at every step of a start: no row stays claimed, and no job starts afterwards.
#[tokio::test(start_paused = true)]
async fn a_stop_at_any_step_of_a_start_leaves_no_row_claimed() {
    for steps in 0..20 {
        let idle = Idle::open(2, true).await;
        idle.handler.gate.add_permits(9);
        let start = idle.begin("shop").unwrap();
        let job = idle.memory.insert_claimed("shop");
        let starting = tokio::spawn(start.start(job));
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        let started = idle.handler.started();
        assert_eq!(idle.running.stop(HOUR).await, Stopped::Clean, "after {steps} steps");
        starting.await.unwrap();
        assert_eq!(idle.memory.count(State::Claimed), 0, "after {steps} steps");
        assert_eq!(idle.memory.count(State::Done), started, "after {steps} steps");
    }
}
