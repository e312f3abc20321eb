//! Where an instance folder was used last. The folder's lock proves that earlier processes are dead
//! only for this folder on this machine; a copy has a lock of its own.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::LARGEST;
use crate::bounded;
use crate::config::private;

const FILE: &str = "host";

/// The machine, its present start, and the lock file on its disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HostMark {
    /// The machine's id, if it has one.
    machine: Option<String>,
    /// The id of the machine's present start, if it tells.
    boot: Option<String>,
    device: u64,
    inode: u64,
}

/// What the mark in an instance folder says about this machine and folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The folder is new, or the same folder since the machine started: whoever holds its lock
    /// knows that earlier processes are dead.
    Here,
    /// The machine has started anew, the folder was copied or restored, or it has no mark. The lock
    /// alone proves nothing.
    Unproven,
    /// The folder was used on another machine last.
    OtherMachine,
}

impl HostMark {
    /// Returns the mark of this machine and of the folder with this lock file.
    pub(super) fn of(lock: &File) -> io::Result<Self> {
        let first = |paths: &[&str]| {
            let read = |path: &&str| bounded::read_text(Path::new(path), LARGEST).ok();
            paths.iter().find_map(read).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let metadata = lock.metadata()?;
        Ok(Self {
            machine: first(&["/etc/machine-id", "/var/lib/dbus/machine-id"]),
            boot: first(&["/proc/sys/kernel/random/boot_id"]),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// Returns the folder's mark; `None` if it has none, or if a power cut left it half written.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&bounded::read(&folder.join(FILE), LARGEST).ok()?).ok()
    }

    /// Replaces the folder's mark.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let temporary = folder.join("host.writing");
        private::write(&temporary, &serde_json::to_vec(self)?)?;
        std::fs::rename(temporary, folder.join(FILE))
    }

    /// Compares this machine with the mark that the folder has.
    pub(super) fn origin(&self, recorded: Option<&Self>) -> Origin {
        match recorded {
            Some(recorded) if recorded == self && self.boot.is_some() => Origin::Here,
            Some(Self { machine: Some(recorded), .. })
                if self.machine.as_ref().is_some_and(|own| own != recorded) =>
            {
                Origin::OtherMachine
            }
            _ => Origin::Unproven,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(machine: Option<&str>, boot: Option<&str>, inode: u64) -> HostMark {
        HostMark { machine: machine.map(str::to_owned), boot: boot.map(str::to_owned), device: 1, inode }
    }

    #[test]
    fn only_the_same_folder_since_the_same_start_is_proved() {
        let own = mark(Some("m"), Some("b"), 7);
        assert_eq!(own.origin(Some(&own)), Origin::Here);
        assert_eq!(own.origin(None), Origin::Unproven);
        for other in [mark(Some("m"), Some("c"), 7), mark(Some("m"), Some("b"), 8), mark(None, Some("b"), 7)]
        {
            assert_eq!(own.origin(Some(&other)), Origin::Unproven);
        }
        assert_eq!(own.origin(Some(&mark(Some("n"), Some("b"), 7))), Origin::OtherMachine);
        let nameless = mark(None, None, 7);
        assert_eq!(nameless.origin(Some(&own)), Origin::Unproven);
        assert_eq!(nameless.origin(Some(&nameless)), Origin::Unproven, "without ids nothing is proved");
    }

    #[test]
    fn a_mark_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let own = HostMark::of(&File::open(folder.path()).unwrap()).unwrap();
        assert_eq!(HostMark::read(folder.path()), None);
        own.write(folder.path()).unwrap();
        assert_eq!(HostMark::read(folder.path()), Some(own));
    }
}
