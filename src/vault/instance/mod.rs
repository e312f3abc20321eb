//! A process's instance folder on this machine's disk: its lock, the spool of successors that the
//! database does not have yet, and the last heartbeat that the database confirmed.

mod heartbeat_mark;
mod lock;
pub(crate) mod spool;

pub use self::heartbeat_mark::HeartbeatMark;
pub use self::lock::{Instance, InstanceError};
pub use self::spool::{Replayed, Spool};
