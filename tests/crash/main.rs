//! What a restart makes of a process that died, or stalled, at each point of an order's way. The program is built with the
//! feature `crash-points`; the sandbox's own record is the witness.

#[path = "../support/postgres.rs"]
mod postgres;
#[expect(dead_code, reason = "shared with the tests of the whole service, which use the rest")]
#[path = "../e2e/support/mod.rs"]
mod support;

mod crashes;
mod lock;
mod restored;
mod scene;
mod stalls;
mod sweeps;
