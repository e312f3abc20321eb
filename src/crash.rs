//! Crash points: places where a test build stops, to show what a restart does. They do nothing
//! without the feature `crash-points`, which release builds cannot have.
//!
//! `KLARNA_WORKER_CRASH_AT` names the point at which the process aborts, and
//! `KLARNA_WORKER_STALL_AT` the one at which it suspends itself (SIGSTOP) until SIGCONT.
//! `token_stored:3` means the third time that the point is passed.
//!
//! | point | where |
//! |---|---|
//! | `order_inserted` | a new order is claimed by its insert, and not started |
//! | `claimed` | the token is claimed, the intent is not written |
//! | `intended` | the intent is committed, nothing is sent |
//! | `token_sent` | the token request has been sent |
//! | `token_answered` | the answer is read, nothing is stored |
//! | `spooled` | the spool has the successor, the database does not |
//! | `token_stored` | the database has the successor, nobody has the access token |
//! | `submitting` | the order's attempt has its token, the order is not sent |
//! | `announced` | it is written down that the order is about to be sent, and it is not sent |
//! | `order_sent` | the create-order call has been sent |
//! | `order_answered` | Klarna's answer is read, nothing is stored |
//! | `result_spooled` | the spool has Klarna's result, the database does not |
//! | `order_recorded` | the end of the attempt is stored |

#[cfg(all(feature = "crash-points", not(debug_assertions)))]
compile_error!("crash points are for tests: build without the feature crash-points, or without --release");

#[cfg(feature = "crash-points")]
mod armed;
#[cfg(feature = "crash-points")]
pub(crate) use armed::{in_flight, point};

/// Passes the point.
#[cfg(not(feature = "crash-points"))]
pub(crate) fn point(_name: &str) {}

/// Waits for the answer to a request. The point is passed after the request has been sent.
#[cfg(not(feature = "crash-points"))]
pub(crate) async fn in_flight<T>(_name: &str, request: impl Future<Output = T>) -> T {
    request.await
}
