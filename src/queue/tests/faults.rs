//! Panics, outages and lost answers must not end the queue.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;

use super::{Gated, HOUR, Memory, State, start, until, until_done};
use crate::queue::{Heartbeat, HeartbeatOptions, HeartbeatOutcome, Stopped, Wake, WorkerRows};
use crate::silence::HeartbeatCount;

#[tokio::test(start_paused = true)]
async fn a_panic_costs_neither_the_slot_nor_the_row() {
    let memory = Memory::with_rows(3);
    let handler = Gated::open(&memory);
    handler.panic.store(true, SeqCst);
    let running = start(&memory, &handler, 5, &Wake::new());
    until_done(&memory, 3).await;
    assert_eq!(handler.started(), 4, "the row that panicked ran again");
    assert_eq!(memory.recovered.load(SeqCst), 1);
    assert_eq!(running.in_flight(), 0);
    assert_eq!(running.stop(HOUR).await, Stopped::Clean);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_week_ends_nothing_and_running_handlers_go_on() {
    let memory = Memory::with_rows(5);
    let handler = Gated::closed(&memory);
    let running = start(&memory, &handler, 2, &Wake::new());
    until(HOUR, "two run", || handler.running() == 2).await;

    memory.unreachable.store(true, SeqCst);
    handler.gate.add_permits(1);
    tokio::time::sleep(HOUR * 24 * 7).await;
    assert_eq!(memory.count(State::Done), 1, "a handler settles from memory in its own time");
    assert_eq!(handler.running(), 1, "the other still runs");
    let tries = memory.calls.load(SeqCst);
    assert!((100_000..300_000).contains(&tries), "{tries} tries, but each waits 2.5 s to 5 s");

    memory.unreachable.store(false, SeqCst);
    handler.gate.add_permits(4);
    until(Duration::from_secs(6), "all done after the outage", || memory.count(State::Done) == 5).await;
    assert_eq!(handler.started(), 5, "nothing ran twice");
    assert_eq!(running.stop(HOUR).await, Stopped::Clean);
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_claim_whose_answer_was_lost_are_recovered() {
    let memory = Memory::with_rows(4);
    memory.lose_answer.store(true, SeqCst);
    let handler = Gated::open(&memory);
    let _running = start(&memory, &handler, 2, &Wake::new());
    until_done(&memory, 4).await;
    assert_eq!(memory.recovered.load(SeqCst), 2);
    assert_eq!(handler.started(), 4);
}

#[tokio::test(start_paused = true)]
async fn rows_that_a_claim_may_have_taken_as_well_are_recovered_at_once() {
    let memory = Memory::with_rows(4);
    memory.doubt.store(true, SeqCst);
    let handler = Gated::closed(&memory);
    let _running = start(&memory, &handler, 3, &Wake::new());
    until(Duration::from_secs(1), "three run", || handler.running() == 3).await;
    assert_eq!(memory.recovered.load(SeqCst), 2);
    handler.gate.add_permits(4);
    until_done(&memory, 4).await;
    assert_eq!(handler.started(), 4, "what was reported ran once");
}

#[tokio::test(start_paused = true)]
async fn recovery_does_not_touch_running_jobs() {
    let memory = Memory::with_rows(4);
    let handler = Gated::closed(&memory);
    let wake = Wake::new();
    let _running = start(&memory, &handler, 3, &wake);
    until(HOUR, "three run", || handler.running() == 3).await;
    handler.panic.store(true, SeqCst);
    handler.gate.add_permits(1);
    until(HOUR, "the fourth ran again after its panic", || handler.started() == 5).await;
    assert_eq!(memory.recovered.load(SeqCst), 1);
    assert_eq!(handler.running(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_asked_again() {
    let memory = Memory::with_rows(2);
    memory.panic.store(true, SeqCst);
    let _running = start(&memory, &Gated::open(&memory), 1, &Wake::new());
    until_done(&memory, 2).await;
}

#[tokio::test(start_paused = true)]
async fn notices_do_not_hurry_the_tries_during_an_outage() {
    let memory = Memory::with_rows(0);
    memory.unreachable.store(true, SeqCst);
    let wake = Wake::new();
    let _running = start(&memory, &Gated::open(&memory), 1, &wake);
    for _ in 0..10_000 {
        wake.notify();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let tries = memory.calls.load(SeqCst);
    assert!((4..=15).contains(&tries), "{tries} tries in 10 s");
}

struct Alive(AtomicUsize);

#[async_trait]
impl WorkerRows for Alive {
    type Error = Infallible;

    async fn heartbeat(&self) -> Result<HeartbeatOutcome, Infallible> {
        self.0.fetch_add(1, SeqCst);
        Ok(HeartbeatOutcome::Alive)
    }

    async fn register(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn heartbeats(&self) -> Result<Vec<HeartbeatCount>, Infallible> {
        Ok(Vec::new())
    }

    async fn reclaim(&self, _: &[HeartbeatCount]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_continue_while_handlers_and_claims_block_the_feeder() {
    let memory = Memory::with_rows(3);
    let handler = Gated::closed(&memory);
    let rows = Arc::new(Alive(AtomicUsize::new(0)));
    let _heart = Heartbeat::start(Arc::clone(&rows), HeartbeatOptions::default());
    let _running = start(&memory, &handler, 1, &Wake::new());
    until(HOUR, "the only slot is taken", || handler.running() == 1).await;
    let before = rows.0.load(SeqCst);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(rows.0.load(SeqCst) - before, 30, "the feeder waits for a slot");

    memory.hang.store(true, SeqCst);
    handler.gate.add_permits(1);
    until(HOUR, "the claim hangs", || !memory.hang.load(SeqCst)).await;
    let before = rows.0.load(SeqCst);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(rows.0.load(SeqCst) - before, 30, "the feeder waits for its claim");
}
