//! Crash points: where a build for tests stops dead, to show what a restart makes of it. Without the feature
//! `crash-points`, which no release build can carry, they are nothing at all.
//!
//! `KLARNA_WORKER_CRASH_AT` names the point at which the process aborts, `KLARNA_WORKER_STALL_AT` the one at which it
//! stops itself (SIGSTOP) until somebody lets it go on. `stored:3` means the third time that the point is passed.
//!
//! | point | where |
//! |---|---|
//! | `claimed` | the token is claimed, the intent not written |
//! | `intended` | the intent is durable, nothing is sent |
//! | `token_sent` | the token request is on its way |
//! | `token_answered` | the answer is read, nothing is stored |
//! | `spooled` | the spool has the successor, the database does not |
//! | `token_stored` | the database has the successor, nobody has the access token |
//! | `submitting` | the order's attempt has its token, the order is not sent |
//! | `order_sent` | the create call is on its way |
//! | `order_answered` | Klarna's answer is read, nothing is recorded |
//! | `order_recorded` | the attempt's end is recorded |

#[cfg(all(feature = "crash-points", not(debug_assertions)))]
compile_error!("crash points are for tests: build without the feature crash-points, or without --release");

#[cfg(feature = "crash-points")]
mod armed;
#[cfg(feature = "crash-points")]
pub(crate) use armed::{in_flight, point};

/// Passes the point.
#[cfg(not(feature = "crash-points"))]
pub(crate) fn point(_name: &str) {}

/// Waits for the answer to a request; the point is passed once the request has left.
#[cfg(not(feature = "crash-points"))]
pub(crate) async fn in_flight<T>(_name: &str, request: impl Future<Output = T>) -> T {
    request.await
}
