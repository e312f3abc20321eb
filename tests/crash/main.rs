//! What a restart makes of a process that died, or stalled, at each point of an order's way. The
//! program is built with the feature `crash-points`; the sandbox's own record is the witness.

mod crashes;
mod lock;
mod restored;
mod scene;
mod stalls;
mod sweeps;
