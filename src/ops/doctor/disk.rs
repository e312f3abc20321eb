//! Checks what kind of file system a folder is on.

use std::path::Path;

use rustix::fs::{Access, access, statfs, statvfs};
use rustix::io::Errno;

use super::Findings;

/// Free space in bytes below which `doctor` warns: a busy shop fills this within an hour.
const LITTLE: u64 = 256 * 1024 * 1024;

/// The kind of a file system, from its magic number (`statfs(2)`, linux/magic.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A network file system: its locks and syncs are not reliable.
    Network(&'static str),
    /// In memory: lost at a power failure.
    Memory,
    /// A container's writable layer: deleted with the container.
    Layer,
    /// A disk, or an unknown kind.
    Disk,
}

fn kind(magic: u64) -> Kind {
    match magic {
        0x6969 => Kind::Network("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Kind::Network("SMB"),
        0x00c3_6400 => Kind::Network("Ceph"),
        0x0102_1997 => Kind::Network("9p"),
        0x0bd0_0bd0 => Kind::Network("Lustre"),
        0x4750_4653 => Kind::Network("GPFS"),
        0x5346_414f => Kind::Network("AFS"),
        0x6573_5546 => Kind::Network("FUSE"),
        0x0102_1994 | 0x8584_58f6 => Kind::Memory,
        0x794c_7630 => Kind::Layer,
        _ => Kind::Disk,
    }
}

/// The kind of file system under `folder`, or under the nearest folder above that exists.
pub(super) fn kind_of(folder: &Path) -> Kind {
    // The field's width and sign differ between platforms; the magic numbers have 32 bits.
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, clippy::unnecessary_cast)]
    statfs(existing(folder)).map_or(Kind::Disk, |about| kind(about.f_type as u64 & 0xffff_ffff))
}

/// Whether the process can write to `folder`, or could create it. Warns if there is little free
/// space.
pub(super) fn writable(check: &str, folder: &Path, setting: &str, findings: &mut Findings) -> bool {
    let there = existing(folder);
    let granted =
        if there.is_dir() { access(there, Access::WRITE_OK | Access::EXEC_OK) } else { Err(Errno::NOTDIR) };
    if let Err(error) = granted {
        let found = format!("{} cannot be written: {}", there.display(), std::io::Error::from(error));
        findings.fail(check, found, format!("give this user access to the folder, or change {setting}"));
        return false;
    }
    if let Ok(about) = statvfs(there)
        && let free = about.f_bavail.saturating_mul(about.f_frsize)
        && free < LITTLE
    {
        let found = format!("{} has {} MiB left", there.display(), free / (1024 * 1024));
        findings.warn(check, found, "free some space: orders are refused when the disk is full");
    }
    true
}

fn existing(folder: &Path) -> &Path {
    let above = folder.ancestors().find(|folder| folder.exists());
    above.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_numbers() {
        assert_eq!(kind(0x6969), Kind::Network("NFS"));
        assert_eq!(kind(0x0102_1994), Kind::Memory);
        assert_eq!(kind(0xef53), Kind::Disk);
        assert_eq!(kind_of(Path::new("/dev/shm/absent/folder")), Kind::Memory);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut findings = Findings::default();
        assert!(!writable("x", &file.join("a/b"), "vault.instance_dir", &mut findings));
        assert!(findings.0[0].advice.as_ref().unwrap().contains("vault.instance_dir"), "{findings:?}");
        let mut findings = Findings::default();
        assert!(writable("x", &folder.path().join("a/b"), "vault.instance_dir", &mut findings));
    }
}
