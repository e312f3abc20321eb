//! One question at a time, whose answer is given to everybody who waited for it.

use tokio::sync::Mutex;
use tokio::time::Instant;

/// The last question, and its answer.
#[derive(Debug)]
pub(super) struct Shared<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Shared<T> {
    /// Asks, unless somebody asked after this call and has an answer already. So any number of
    /// callers at a time ask twice at most: those that wait share the answer to the next question.
    pub(super) async fn ask(&self, question: impl AsyncFnOnce() -> T) -> T {
        let arrived = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((began, answer)) = &*last
            && *began >= arrived
        {
            return answer.clone();
        }
        let began = Instant::now();
        let answer = question().await;
        *last = Some((began, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_share_the_answer_to_the_next_question() {
        let (shared, asked) = (Shared::default(), AtomicU32::new(0));
        let ask = || {
            shared.ask(async || {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                number
            })
        };
        let later = async {
            sleep(Duration::from_millis(500)).await;
            join_all((0..100).map(|_| ask())).await
        };
        // Those who came while the first question was asked do not get its answer, which may be
        // older than they are.
        assert_eq!(futures::join!(ask(), later), (0, vec![1; 100]));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(ask().await, 2, "an old answer");
        // One who has gone leaves no answer, and holds nobody up.
        assert!(timeout(Duration::from_millis(500), ask()).await.is_err());
        assert_eq!(ask().await, 4);
    }
}
