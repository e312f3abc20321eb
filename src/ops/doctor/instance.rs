//! The instance folder: writable, on something that lasts, its spool empty.

use super::Findings;
use super::disk::{self, Kind};
use crate::config::Settings;
use crate::vault::instance::Spool;

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let folder = &settings.vault.instance_dir;
    let check = "instance_dir";
    if !disk::writable(check, folder, "vault.instance_dir", findings) {
        return;
    }
    let shown = folder.display();
    match disk::kind_of(folder) {
        Kind::Memory => findings.warn(
            check,
            format!("{shown} lies in memory"),
            "move it to a disk: successors that wait in its spool would be gone with the machine's power",
        ),
        Kind::Layer => findings.warn(
            check,
            format!("{shown} lies in a container's own layer"),
            "mount a volume there: successors that wait in its spool would go with the container",
        ),
        Kind::Network(name) => findings.warn(
            check,
            format!("{shown} lies on a network file system ({name})"),
            "move it to a local disk: its lock says who is alive, and network locks cannot be trusted",
        ),
        Kind::Disk => findings.ok(check, format!("{shown} can be written, and is on a disk")),
    }
    let waiting = Spool::waiting_in(folder);
    if waiting > 0 {
        findings.warn(
            "spool",
            format!("{waiting} successor(s) wait in {shown} for the database"),
            "start the service in this folder: it stores them; never delete them",
        );
    }
}
