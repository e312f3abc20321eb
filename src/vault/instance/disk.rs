//! Work with the files of an instance folder, on threads of its own. A disk that hangs holds up
//! nobody who does not need it: not the heartbeats, not the answers, not the stop of the process.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// How long work with a file may take before it counts as failed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The most threads at a time. Work that hangs keeps its thread.
const THREADS: usize = 64;

/// Runs work with files. Clones share the threads.
#[derive(Clone)]
pub struct Disk(Arc<Semaphore>);

impl Default for Disk {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(THREADS)))
    }
}

impl Disk {
    /// Runs `work` and returns its result.
    ///
    /// # Errors
    /// The error of `work`; or [`io::ErrorKind::TimedOut`] after five seconds. The work then goes
    /// on, and may still succeed.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let done = async {
            let permit = Arc::clone(&self.0).acquire_owned().await.map_err(io::Error::other)?;
            let (answer, answered) = oneshot::channel();
            thread::Builder::new().name("instance files".into()).spawn(move || {
                let done = work();
                drop(permit);
                // An error means that nobody waits any more.
                let _ = answer.send(done);
            })?;
            answered.await.unwrap_or_else(|_| Err(io::Error::other("the work with the file panicked")))
        };
        let late = |_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("the disk did not answer for {ANSWER_TIMEOUT:?}"))
        };
        timeout(ANSWER_TIMEOUT, done).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_hangs_is_an_error_and_holds_up_nothing_else() {
        let disk = Disk::default();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let hanging = disk.run(move || held.recv().map_err(io::Error::other));
        assert_eq!(hanging.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(release);
        assert!(disk.run(|| Err::<(), _>(io::Error::other("full"))).await.is_err());
    }

    #[tokio::test]
    async fn as_much_work_as_there_are_threads_can_hang() {
        let disk = Disk(Arc::new(Semaphore::new(2)));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let hanging = tokio::spawn({
            let disk = disk.clone();
            async move { disk.run(move || held.recv().map_err(io::Error::other)).await }
        });
        assert_eq!(disk.run(|| Ok(1)).await.unwrap(), 1);
        release.send(()).unwrap();
        hanging.await.unwrap().unwrap();
        assert_eq!(disk.0.available_permits(), 2);
    }
}
