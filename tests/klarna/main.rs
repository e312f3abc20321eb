//! The calls to Klarna, over real sockets: the requests, the meaning of the answers, and of every
//! kind of broken connection.

mod checkout;
mod id_token;
mod located;
mod messages;
mod payments;
mod rules;
mod stall;
mod token_faults;
mod token_requests;

use std::time::Duration;

use test_support::merchant::merchant;

/// A time limit that is long enough for a busy machine.
const AMPLE: Duration = Duration::from_mins(1);

/// A time-out for tests that wait for it.
const SHORT: Duration = Duration::from_secs(2);
