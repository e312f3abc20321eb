//! What a restart does after a process died, or stalled, at each point of an order's way. The
//! program is built with the feature `crash-points`; results are compared with the sandbox's
//! record.

mod copied;
mod crashes;
mod new_folder;
mod restored;
mod setup;
mod spooled;
mod stalls;
mod sweeps;
