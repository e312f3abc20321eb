//! A process's instance folder on this machine's disk: its lock, the spool of what the database
//! does not have yet, and the last heartbeat that the database confirmed.

mod disk;
mod folder;
mod heartbeat_mark;
mod host;
mod lock;
mod replay;
pub(crate) mod spool;

use std::path::{Path, PathBuf};

pub use self::disk::Disk;
pub use self::folder::{SpoolFile, SpoolFolder};
pub use self::heartbeat_mark::HeartbeatMark;
pub use self::host::Origin;
pub use self::lock::{HostRecord, Instance, InstanceError, is_taken};
pub use self::replay::{ReplayError, Replayed};
pub use self::spool::Spool;

/// The most bytes of the small files: lock, marks.
const LARGEST: usize = 4096;

/// The instance folder of `refresh` and `tokens vend`, beside that of a service with the same
/// settings.
#[must_use]
pub fn refresh_folder(instance_dir: &Path) -> PathBuf {
    let mut folder = instance_dir.as_os_str().to_owned();
    folder.push("-refresh");
    folder.into()
}
