//! The queue with rows in memory. While time is paused, tokio advances it when every task waits.

mod direct;
mod faults;
mod flow;
mod memory;
mod outside;
mod stop;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use memory::{Memory, State};

use super::{Handler, Options, Queue, Running, Slot, Wake};

/// Settles each job when there is a permit for it.
struct Gated {
    memory: Arc<Memory>,
    gate: Semaphore,
    running: AtomicUsize,
    peak: AtomicUsize,
    /// Jobs in the order in which they started.
    started: Mutex<Vec<usize>>,
    /// The next job panics.
    panic: AtomicBool,
}

impl Gated {
    fn closed(memory: &Arc<Memory>) -> Arc<Self> {
        Arc::new(Self {
            memory: Arc::clone(memory),
            gate: Semaphore::new(0),
            running: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            started: Mutex::default(),
            panic: AtomicBool::new(false),
        })
    }

    fn open(memory: &Arc<Memory>) -> Arc<Self> {
        let gated = Self::closed(memory);
        gated.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        gated
    }

    fn started(&self) -> usize {
        self.started.lock().unwrap().len()
    }

    fn running(&self) -> usize {
        self.running.load(SeqCst)
    }
}

#[async_trait]
impl Handler<usize> for Gated {
    async fn run(&self, job: usize, _: &mut Slot) {
        self.started.lock().unwrap().push(job);
        assert!(!self.panic.swap(false, SeqCst), "as a test commands");
        let running = self.running.fetch_add(1, SeqCst) + 1;
        self.peak.fetch_max(running, SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.memory.settle(job);
        self.running.fetch_sub(1, SeqCst);
    }
}

const HOUR: Duration = Duration::from_hours(1);

/// Starts a queue that polls so rarely that anything found soon was not found by polling.
fn start(memory: &Arc<Memory>, handler: &Arc<Gated>, concurrency: usize, wake: &Wake) -> Running {
    let options = Options { poll: HOUR, lone: true.into(), ..Options::new("test", concurrency) };
    Queue::start(Arc::clone(memory), Arc::clone(handler), options, wake)
}

/// Waits until `reached`. The test fails if that takes longer than `within`.
async fn until(within: Duration, what: &str, reached: impl Fn() -> bool) {
    let wait = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(within, wait).await.is_ok(), "{what}: not within {within:?}");
}

async fn until_done(memory: &Memory, count: usize) {
    until(Duration::from_secs(20), "all done", || memory.count(State::Done) == count).await;
}
