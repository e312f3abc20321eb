//! Rows run: no more than there are slots, without delay, and fairly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::time::Instant;

use super::memory::BEHIND;
use super::{Gated, HOUR, Memory, State, start, until, until_done};
use crate::queue::{Handler, Options, Queue, Slot, Stopped, Wake, drain, run_one};

const SOON: Duration = Duration::from_millis(200);

#[tokio::test(start_paused = true)]
async fn no_more_run_than_there_are_slots_and_no_more_are_claimed() {
    let memory = Memory::with_rows(20);
    let handler = Gated::closed(&memory);
    let running = start(&memory, &handler, 3, &Wake::new());
    for done in 0..20 {
        let busy = 3.min(20 - done);
        until(SOON, "all slots taken", || handler.running() == busy).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(memory.count(State::Claimed), busy, "a claimed row waits in a buffer");
        assert_eq!(running.in_flight(), busy);
        handler.gate.add_permits(1);
        until_done(&memory, done + 1).await;
    }
    assert_eq!(handler.peak.load(SeqCst), 3);
    let claims = memory.claims.lock().unwrap().clone();
    assert!(claims.iter().all(|(free, got)| *free >= 1 && got <= free), "{claims:?}");
    assert_eq!(claims[0], (3, 3));
}

#[tokio::test(start_paused = true)]
async fn many_slots_that_fall_free_at_once_are_filled_by_one_claim() {
    let memory = Memory::with_rows(200);
    let handler = Gated::closed(&memory);
    let _running = start(&memory, &handler, 50, &Wake::new());
    until(SOON, "all slots taken", || handler.running() == 50).await;
    let before = memory.claim_calls();
    for _ in 0..50 {
        handler.gate.add_permits(1);
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
    until(SOON, "the next fifty", || handler.started() == 100).await;
    assert_eq!(memory.claim_calls() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_answers_every_notice_before_it() {
    let memory = Memory::with_rows(1);
    let handler = Gated::closed(&memory);
    let wake = Wake::new();
    let _running = start(&memory, &handler, 1, &wake);
    until(SOON, "the slot is taken", || handler.running() == 1).await;
    (0..5).for_each(|_| wake.notify());
    let before = memory.claim_calls();
    handler.gate.add_permits(1);
    tokio::time::sleep(SOON).await;
    assert_eq!(memory.claim_calls() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_brought_less_than_there_is_is_followed_by_another_at_once() {
    let memory = Memory::with_rows(5);
    memory.narrow.store(true, SeqCst);
    let handler = Gated::closed(&memory);
    let _running = start(&memory, &handler, 8, &Wake::new());
    until(SOON, "all of them", || handler.started() == 5).await;
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_beats_the_slow_poll() {
    let memory = Memory::with_rows(0);
    let wake = Wake::new();
    let _running = start(&memory, &Gated::open(&memory), 4, &wake);
    until(SOON, "a first scan", || memory.claim_calls() == 1).await;
    memory.insert("shop");
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(memory.count(State::Done), 0, "found without a notice");
    wake.notify();
    until(SOON, "picked up", || memory.count(State::Done) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_slow_poll_finds_what_nobody_told_of() {
    let memory = Memory::with_rows(0);
    memory.insert_later("shop", HOUR);
    let options = Options::new("test", 4);
    let _running = Queue::start(Arc::clone(&memory), Gated::open(&memory), options, &Wake::new());
    until(SOON, "a first scan", || memory.claim_calls() == 1).await;
    memory.insert("shop");
    until(Duration::from_millis(1100), "picked up", || memory.count(State::Done) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_row_is_picked_up_when_it_falls_due() {
    let memory = Memory::with_rows(0);
    memory.insert_later("shop", Duration::from_secs(90));
    memory.insert_later("shop", Duration::from_mins(1));
    let begin = Instant::now();
    let _running = start(&memory, &Gated::open(&memory), 4, &Wake::new());
    for (count, due) in [(1, 60), (2, 90)] {
        until(HOUR, "due", || memory.count(State::Done) == count).await;
        let late = begin.elapsed().checked_sub(Duration::from_secs(due)).expect("not before");
        assert!(late < Duration::from_millis(20), "{late:?} late");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notice_during_the_look_is_not_lost() {
    let memory = Memory::with_rows(0);
    let wake = Wake::new();
    *memory.overtake.lock().unwrap() = Some(wake.clone());
    let _running = start(&memory, &Gated::open(&memory), 4, &wake);
    until(SOON, "picked up", || memory.count(State::Done) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_many_notices_at_any_moment_none_is_lost() {
    let memory = Memory::with_rows(0);
    let wake = Wake::new();
    let _running = start(&memory, &Gated::open(&memory), 2, &wake);
    for row in 0..1000_usize {
        // From during the scan to long after it.
        for _ in 0..row % 23 {
            tokio::task::yield_now().await;
        }
        memory.insert("shop");
        wake.notify();
        if row % 3 == 0 {
            let picked_up = async {
                while memory.count(State::Done) <= row {
                    tokio::task::yield_now().await;
                }
            };
            let in_time = tokio::time::timeout(Duration::from_mins(1), picked_up).await;
            assert!(in_time.is_ok(), "the notice of row {row} was lost");
        }
    }
    until_done(&memory, 1000).await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_one_group_does_not_starve_another() {
    let memory = Memory::with_rows(500);
    let handler = Gated::closed(&memory);
    let wake = Wake::new();
    let _running = start(&memory, &handler, 10, &wake);
    until(SOON, "the lone group has all slots", || handler.running() == 10).await;
    for _ in 0..50 {
        memory.insert("boutique");
    }
    wake.notify();
    handler.gate.add_permits(40);
    until(SOON, "forty are done", || handler.started() == 50).await;
    let started = handler.started.lock().unwrap().clone();
    let newcomers = started[10..50].iter().filter(|job| memory.group_of(**job) == "boutique").count();
    assert!((18..=25).contains(&newcomers), "{newcomers} of 40");
}

#[tokio::test(start_paused = true)]
async fn rows_that_others_have_first_keep_nobody_spinning() {
    let memory = Memory::with_rows(1);
    memory.contended.store(true, SeqCst);
    let _running = start(&memory, &Gated::open(&memory), 4, &Wake::new());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let scans = memory.claim_calls();
    assert!((300..=400).contains(&scans), "{scans} full scans in 10 s");
    memory.contended.store(false, SeqCst);
    until(SOON, "picked up", || memory.count(State::Done) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_notice_passes_a_backlog_that_cannot_be_claimed() {
    let memory = Memory::with_rows(1);
    memory.contended.store(true, SeqCst);
    let wake = Wake::new();
    let _running = start(&memory, &Gated::open(&memory), 4, &wake);
    for _ in 0..1000 {
        wake.notify();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (all, recent) = memory.scans();
    assert!((60..=100).contains(&all), "{all} full scans in 2 s");
    assert!(recent > 800, "{recent} scans of recent rows");
    // The row can be claimed again, but it is old, so a scan of recent rows does not find it.
    memory.contended.store(false, SeqCst);
    until(SOON, "picked up", || memory.count(State::Done) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_that_waits_behind_its_own_comes_in_the_gaps_between_others() {
    let memory = Memory::with_rows(1);
    memory.insert(BEHIND);
    let (handler, wake) = (Gated::closed(&memory), Wake::new());
    let _running = start(&memory, &handler, 4, &wake);
    // With notifications and without.
    for notices in [false, true] {
        let (before, _) = memory.scans();
        for _ in 0..400 {
            if notices {
                wake.notify();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let busy = memory.scans().0 - before;
        assert!((18..=22).contains(&busy), "{busy} full scans in 2 s, while another's job runs");
    }
    let (busy, _) = memory.scans();
    // The end of a job is a gap, and so is each moment until the next begins.
    tokio::time::sleep(Duration::from_millis(50)).await;
    handler.gate.add_permits(1);
    until(Duration::from_millis(3), "the gap is used", || memory.scans().0 > busy).await;
    let (before, _) = memory.scans();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (alone, _) = memory.scans();
    assert!((75..=82).contains(&(alone - before)), "{} full scans in 2 s without others", alone - before);
    memory.insert("shop");
    wake.notify();
    until(Duration::from_millis(3), "another goes past it", || handler.running() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_look_at_a_backlog_that_cannot_be_claimed_is_followed_by_a_long_rest() {
    let memory = Memory::with_rows(0);
    memory.insert(BEHIND);
    *memory.slow.lock().unwrap() = Duration::from_millis(20);
    let wake = Wake::new();
    let options = Options { poll: Duration::from_secs(1), ..Options::new("test", 4) };
    let _running = Queue::start(Arc::clone(&memory), Gated::open(&memory), options, &wake);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (all, _) = memory.scans();
    assert!((9..=11).contains(&all), "{all} full scans of 20 ms in 2 s");
    // A new row does not wait that long.
    memory.insert("shop");
    wake.notify();
    until(SOON, "picked up", || memory.count(State::Done) == 1).await;
    // However long a scan takes, the next one is not later than the poll.
    *memory.slow.lock().unwrap() = Duration::from_secs(3);
    let (before, _) = memory.scans();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (after, _) = memory.scans();
    assert!((5..=6).contains(&(after - before)), "{} full scans of 3 s in 20 s", after - before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_falls_due_whenever_it_is_told_is_done(
        arrivals in proptest::collection::vec((0_u64..40, 0_u64..40, any::<bool>()), 1..40),
        concurrency in 1_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let memory = Memory::with_rows(0);
            let wake = Wake::new();
            let handler = Gated::open(&memory);
            let running = start(&memory, &handler, concurrency, &wake);
            for (gap, delay, twice) in &arrivals {
                tokio::time::sleep(Duration::from_millis(*gap)).await;
                memory.insert_later("shop", Duration::from_millis(*delay));
                wake.notify();
                if *twice {
                    wake.notify();
                }
            }
            until(SOON, "all done", || memory.count(State::Done) == arrivals.len()).await;
            assert!(handler.peak.load(SeqCst) <= concurrency);
            assert_eq!(handler.started(), arrivals.len(), "each runs once");
            assert_eq!(running.stop(SOON).await, Stopped::Clean);
        });
    }
}

struct Settling(Arc<Memory>, AtomicUsize);

#[async_trait]
impl Handler<usize> for Settling {
    async fn run(&self, job: usize, _: &mut Slot) {
        self.1.fetch_add(1, SeqCst);
        self.0.settle(job);
    }
}

#[test]
fn a_test_steps_without_a_worker() {
    let memory = Memory::with_rows(0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    (0..4).for_each(|_| memory.insert("shop"));
    memory.insert_later("shop", HOUR);
    let handler = Settling(Arc::clone(&memory), AtomicUsize::new(0));
    runtime.block_on(async {
        assert!(run_one(&*memory, &handler).await.unwrap());
        assert_eq!(handler.1.load(SeqCst), 1);
        assert_eq!(drain(&*memory, &handler).await.unwrap(), 3);
        assert!(!run_one(&*memory, &handler).await.unwrap(), "what is not due stays");
        memory.unreachable.store(true, SeqCst);
        assert!(run_one(&*memory, &handler).await.is_err());
    });
}
