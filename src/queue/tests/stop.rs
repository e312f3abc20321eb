//! How a queue stops.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Semaphore;

use super::{Gated, HOUR, Memory, State, start, until};
use crate::lifecycle::Shutdown;
use crate::queue::{Stopped, Wake};

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_jobs_in_flight_and_claims_no_more() {
    let memory = Memory::with_rows(10);
    let handler = Gated::closed(&memory);
    let running = start(&memory, &handler, 2, &Wake::new());
    until(HOUR, "two run", || handler.running() == 2).await;

    let mut stop = running.stop(HOUR).boxed();
    assert!(futures::poll!(&mut stop).is_pending());
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(futures::poll!(&mut stop).is_pending(), "it waits");
    handler.gate.add_permits(10);
    assert_eq!(stop.await, Stopped::Clean);
    assert_eq!(memory.count(State::Done), 2);
    assert_eq!(memory.count(State::Waiting), 8);
}

#[tokio::test(start_paused = true)]
async fn rows_whose_claim_is_answered_after_the_stop_are_given_back() {
    let memory = Memory::with_rows(3);
    let handler = Gated::open(&memory);
    let running = start(&memory, &handler, 3, &Wake::new());
    // The claim has started and has no answer yet.
    tokio::task::yield_now().await;
    assert_eq!((memory.claim_calls(), handler.started()), (0, 0));
    assert_eq!(running.stop(HOUR).await, Stopped::Clean);
    assert_eq!((handler.started(), memory.count(State::Claimed)), (0, 0));
    assert_eq!(memory.give_backs.lock().unwrap().as_slice(), [3], "all at once");
}

/// Stops at every step from the claim to the end: no row stays claimed, and no job starts
/// afterwards.
#[tokio::test(start_paused = true)]
async fn a_stop_at_any_step_leaves_no_row_claimed() {
    let all = async {
        for steps in 0..60 {
            let memory = Memory::with_rows(7);
            let handler = Gated::open(&memory);
            let running = start(&memory, &handler, 3, &Wake::new());
            for _ in 0..steps {
                let_one_task_run().await;
            }
            let started = handler.started();
            assert_eq!(running.stop(HOUR).await, Stopped::Clean, "after {steps} steps");
            assert_eq!(handler.started(), started, "started after {steps} steps, though stopping");
            assert_eq!(memory.count(State::Claimed), 0, "after {steps} steps");
            assert_eq!(memory.count(State::Done), handler.started(), "after {steps} steps");
        }
    };
    tokio::spawn(all).await.unwrap();
}

/// Lets one other task run. `yield_now` would wait until all other tasks wait for something.
async fn let_one_task_run() {
    let mut first = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_the_grace_is_abandoned_but_not_cancelled() {
    let memory = Memory::with_rows(5);
    let handler = Gated::closed(&memory);
    let running = start(&memory, &handler, 3, &Wake::new());
    until(HOUR, "three run", || handler.running() == 3).await;
    handler.gate.add_permits(1);
    until(HOUR, "one is done", || memory.count(State::Done) == 1).await;
    until(HOUR, "three run again", || handler.running() == 3).await;
    assert_eq!(running.stop(Duration::from_secs(30)).await, Stopped::Abandoned(3));
    handler.gate.add_permits(3);
    until(HOUR, "they end by themselves", || memory.count(State::Done) == 4).await;
}

#[tokio::test(start_paused = true)]
async fn the_second_stop_waits_for_nobody() {
    let memory = Memory::with_rows(1);
    let handler = Gated::closed(&memory);
    let running = start(&memory, &handler, 1, &Wake::new());
    until(HOUR, "it runs", || handler.running() == 1).await;

    let shutdown = Shutdown::manual();
    let process = tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            shutdown.soft().await;
            tokio::select! {
                stopped = running.stop(HOUR) => Some(stopped),
                () = shutdown.hard() => None,
            }
        }
    });
    shutdown.trigger();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!process.is_finished());
    shutdown.trigger();
    assert_eq!(process.await.unwrap(), None);
    handler.gate.add_permits(1);
    until(HOUR, "the handler was not cancelled", || memory.count(State::Done) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_never_answers_outlasts_no_grace() {
    let memory = Memory::with_rows(1);
    memory.hang.store(true, SeqCst);
    let running = start(&memory, &Gated::open(&memory), 1, &Wake::new());
    until(HOUR, "it hangs", || !memory.hang.load(SeqCst)).await;
    assert_eq!(running.stop(Duration::from_secs(30)).await, Stopped::Abandoned(0));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_queue_stops_the_feeding() {
    let memory = Memory::with_rows(0);
    let handler = Gated::open(&memory);
    let wake = Wake::new();
    drop(start(&memory, &handler, 1, &wake));
    memory.insert("shop");
    wake.notify();
    tokio::time::sleep(HOUR * 2).await;
    assert_eq!(handler.started(), 0);
    assert_eq!(
        Arc::strong_count(&memory),
        2,
        "the queue's tasks are gone, only test and handler hold the rows"
    );
    assert_eq!(handler.gate.available_permits(), Semaphore::MAX_PERMITS / 2);
}
