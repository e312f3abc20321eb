//! Jobs that wait outside their slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::{HOUR, Memory, State, until, until_done};
use crate::queue::{Handler, Options, Queue, Slot, Stopped, Wake};

const SOON: Duration = Duration::from_millis(200);

/// Jobs of the group `slow` wait outside until there is a permit; then each works for a second.
struct Waiting {
    memory: Arc<Memory>,
    permits: Semaphore,
    outside: AtomicUsize,
    inside: AtomicUsize,
    peak: AtomicUsize,
}

#[async_trait]
impl Handler<usize> for Waiting {
    async fn run(&self, job: usize, slot: &mut Slot) {
        if self.memory.group_of(job).as_str() == "slow" {
            self.outside.fetch_add(1, SeqCst);
            slot.outside(self.permits.acquire()).await.unwrap().forget();
            self.outside.fetch_sub(1, SeqCst);
        }
        let inside = self.inside.fetch_add(1, SeqCst) + 1;
        self.peak.fetch_max(inside, SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.memory.settle(job);
        self.inside.fetch_sub(1, SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_that_wait_take_no_slot_and_not_too_many_of_a_group_wait() {
    let memory = Memory::with_rows(0);
    (0..30).for_each(|_| memory.insert("slow"));
    let handler = Arc::new(Waiting {
        memory: Arc::clone(&memory),
        permits: Semaphore::new(0),
        outside: AtomicUsize::new(0),
        inside: AtomicUsize::new(0),
        peak: AtomicUsize::new(0),
    });
    let (wake, options) = (Wake::new(), Options { poll: HOUR, ..Options::new("test", 4) });
    let running = Queue::start(Arc::clone(&memory), Arc::clone(&handler), options, &wake);
    // Three quarters of four for each slot.
    until(SOON, "as many wait as may", || handler.outside.load(SeqCst) >= 12).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    // No more than one claim goes beyond that.
    let waiting = handler.outside.load(SeqCst);
    assert!((12..=15).contains(&waiting), "{waiting}");
    assert_eq!(memory.count(State::Claimed), waiting);
    // While that is so, nobody asks for more.
    let claims = memory.claim_calls();
    wake.notify();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(memory.claim_calls(), claims);

    (0..5).for_each(|_| memory.insert("quick"));
    wake.notify();
    until_done(&memory, 5).await;
    assert_eq!((handler.outside.load(SeqCst), memory.count(State::Claimed)), (waiting, waiting));

    // Each that goes on makes room for another.
    handler.permits.add_permits(30);
    until(Duration::from_mins(1), "all done", || memory.count(State::Done) == 35).await;
    assert!(handler.peak.load(SeqCst) <= 3, "of four slots, one is left for others");
    assert_eq!(running.stop(SOON).await, Stopped::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_group_among_others_leaves_a_slot_free() {
    let memory = Memory::with_rows(0);
    (0..20).for_each(|_| memory.insert("busy"));
    let handler = super::Gated::closed(&memory);
    let (wake, options) = (Wake::new(), Options { poll: HOUR, ..Options::new("test", 8) });
    let running = Queue::start(Arc::clone(&memory), Arc::clone(&handler), options, &wake);
    until(SOON, "the group has its share", || handler.running() == 6).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(memory.count(State::Claimed), 6);
    // Without a notice, the next of the group follows the one that ended.
    handler.gate.add_permits(1);
    until(SOON, "the next one runs", || handler.started() == 7 && handler.running() == 6).await;
    memory.insert("other");
    wake.notify();
    until(SOON, "another group finds a slot", || handler.running() == 7).await;
    handler.gate.add_permits(100);
    until_done(&memory, 21).await;
    assert_eq!(running.stop(SOON).await, Stopped::Clean);
}
