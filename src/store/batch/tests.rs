use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::Semaphore;

use super::*;

/// Answers each number with its double, and records which numbers were written together. Each write
/// waits for a permit.
#[derive(Clone)]
struct Doubler {
    permits: Arc<Semaphore>,
    writes: Arc<Mutex<Vec<Vec<u32>>>>,
}

/// The numbers that the doubler refuses, cannot reach, and panics at.
const REFUSED: u32 = 1000;
const AWAY: u32 = 2000;
const DEADLY: u32 = 3000;

#[async_trait]
impl Write for Doubler {
    type Item = u32;
    type Done = u32;

    async fn write(&self, items: &[u32]) -> Result<Vec<u32>, StoreError> {
        self.writes.lock().unwrap().push(items.to_vec());
        self.permits.acquire().await.unwrap().forget();
        assert!(!items.contains(&DEADLY));
        if items.contains(&AWAY) {
            return Err(StoreError::Unavailable("away".into()));
        }
        if items.contains(&REFUSED) {
            return Err(StoreError::Refused("refused".into()));
        }
        Ok(items.iter().map(|item| item * 2).collect())
    }
}

fn doubler(permits: usize) -> (Doubler, Batcher<Doubler>) {
    let doubler = Doubler { permits: Arc::new(Semaphore::new(permits)), writes: Arc::default() };
    (doubler.clone(), Batcher::new(doubler))
}

fn writes(doubler: &Doubler) -> Vec<Vec<u32>> {
    doubler.writes.lock().unwrap().clone()
}

#[tokio::test]
async fn what_comes_during_a_write_goes_into_the_next_one() {
    let (doubler, batcher) = doubler(0);
    let mut all = Box::pin(join_all([7, 1, 2, 3].map(|item| batcher.put(item))));
    assert!(all.as_mut().now_or_never().is_none());
    // The first item was alone when the write began. The others arrived before the writer ran.
    while writes(&doubler).is_empty() {
        tokio::task::yield_now().await;
    }
    let mut late = Box::pin(join_all([4, 5].map(|item| batcher.put(item))));
    assert!(late.as_mut().now_or_never().is_none());
    doubler.permits.add_permits(2);
    assert_eq!(all.await.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [14, 2, 4, 6]);
    assert_eq!(late.await.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [8, 10]);
    assert_eq!(writes(&doubler), [vec![7, 1, 2, 3], vec![4, 5]]);
}

#[tokio::test(start_paused = true)]
async fn after_a_commit_of_several_writes_the_next_one_waits_for_more_and_else_none_does() {
    let (doubler, batcher) = doubler(10);
    let begun = tokio::time::Instant::now();
    join_all([1, 2, 3].map(|item| batcher.put(item))).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let late = async {
        tokio::time::sleep(PAUSE / 2).await;
        batcher.put(5).await
    };
    let (four, five) = tokio::join!(batcher.put(4), late);
    assert_eq!((four.unwrap(), five.unwrap()), (8, 10));
    assert_eq!(writes(&doubler), [vec![1, 2, 3], vec![4, 5]]);
    let idle = tokio::time::Instant::now();
    batcher.put(6).await.unwrap();
    assert_eq!(idle.elapsed(), Duration::ZERO);
    // Nor does one that comes a while after a commit of several.
    join_all([7, 8, 9].map(|item| batcher.put(item))).await;
    tokio::time::sleep(RECENT).await;
    let idle = tokio::time::Instant::now();
    batcher.put(10).await.unwrap();
    assert_eq!(idle.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn what_is_refused_is_told_to_its_own_caller_alone() {
    let (doubler, batcher) = doubler(10);
    let answers = join_all([1, REFUSED, 2].map(|item| batcher.put(item))).await;
    assert!(matches!(answers[..], [Ok(2), Err(StoreError::Refused(_)), Ok(4)]), "{answers:?}");
    assert_eq!(writes(&doubler), [vec![1, REFUSED, 2], vec![1], vec![REFUSED], vec![2]]);
}

#[tokio::test]
async fn where_nobody_knows_everybody_is_told_and_nothing_is_written_again() {
    let (doubler, batcher) = doubler(10);
    let answers = join_all([1, AWAY, 2].map(|item| batcher.put(item))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "{answers:?}");
    assert_eq!(writes(&doubler).len(), 1);
}

#[tokio::test]
async fn a_panic_is_no_end_of_writing() {
    let (_, batcher) = doubler(10);
    assert!(batcher.put(DEADLY).await.is_err_and(|error| error.is_transient()));
    assert_eq!(batcher.put(3).await.unwrap(), 6);
}

#[tokio::test]
async fn who_stops_waiting_takes_nobodys_answer_with_him() {
    let (doubler, batcher) = doubler(0);
    let (leaver, stayer) = (batcher.put(1), batcher.put(2));
    let mut stayer = Box::pin(stayer);
    assert!(leaver.now_or_never().is_none() && stayer.as_mut().now_or_never().is_none());
    doubler.permits.add_permits(1);
    assert_eq!(stayer.await.unwrap(), 4);
    assert_eq!(writes(&doubler), [vec![1, 2]]);
}
