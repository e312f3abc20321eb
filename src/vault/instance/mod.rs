//! A process's instance folder on this machine's disk: its lock, the spool of successors that the database does not have
//! yet, and the last heartbeat that the database confirmed.

mod lock;
mod mark;
pub(crate) mod spool;

pub use self::lock::{Instance, InstanceError};
pub use self::mark::Mark;
pub use self::spool::{Replayed, Spool};
