//! The points of a build for tests.

use std::pin::pin;
use std::process::{Command, abort, id};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// By then a request has left, and the endpoints of the tests have not answered yet.
const LEFT: Duration = Duration::from_millis(100);

/// By then a process that was told to stop has stopped.
const STOPPING: Duration = Duration::from_millis(200);

static CRASH: LazyLock<Option<CrashPoint>> = LazyLock::new(|| CrashPoint::read("KLARNA_WORKER_CRASH_AT"));
static STALL: LazyLock<Option<CrashPoint>> = LazyLock::new(|| CrashPoint::read("KLARNA_WORKER_STALL_AT"));

/// A point, and how many passings of it are left.
struct CrashPoint {
    point: String,
    left: AtomicUsize,
}

impl CrashPoint {
    fn read(variable: &str) -> Option<Self> {
        let text = std::env::var(variable).ok()?;
        let (point, passing) = text.split_once(':').unwrap_or((&text, "1"));
        let passing = passing.parse().unwrap_or_else(|_| panic!("{variable}: {passing:?} is no number"));
        Some(Self { point: point.to_owned(), left: AtomicUsize::new(passing) })
    }

    fn springs(&self, point: &str) -> bool {
        self.point == point && self.left.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

/// Passes the point, unless this is where the process ends or stalls.
pub(crate) fn point(name: &str) {
    if CRASH.as_ref().is_some_and(|trap| trap.springs(name)) {
        abort();
    }
    if STALL.as_ref().is_some_and(|trap| trap.springs(name)) {
        let stopped = Command::new("kill").args(["-STOP", &id().to_string()]).status();
        assert!(stopped.is_ok_and(|status| status.success()), "this process could not be stopped");
        // The signal takes its time to reach this thread, which must not get any further before.
        std::thread::sleep(STOPPING);
    }
}

/// Waits for the answer to a request; the point is passed once the request has left.
pub(crate) async fn in_flight<T>(name: &str, request: impl Future<Output = T>) -> T {
    let mut request = pin!(request);
    tokio::select! {
        answer = &mut request => answer,
        () = tokio::time::sleep(LEFT) => {
            point(name);
            request.await
        }
    }
}
