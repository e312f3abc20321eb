//! The calls towards Klarna, over real sockets: what leaves, what the answers mean, and what every
//! kind of broken connection is taken for.

mod checkout;
mod id_token;
mod payments;
mod stall;
mod token_faults;
mod token_requests;

use std::time::Duration;

use test_support::merchant::merchant;

/// Long enough for a busy machine: no test waits for it.
const AMPLE: Duration = Duration::from_secs(20);

/// For tests that wait until it strikes.
const SHORT: Duration = Duration::from_millis(600);
