//! Checks the instance folder: writable, on a durable disk, with an empty spool.

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
            format!("{shown} is in memory"),
            "move it to a disk: tokens waiting in its spool would be lost at a power failure",
        ),
        Kind::Layer => findings.warn(
            check,
            format!("{shown} is in a container's writable layer"),
            "mount a volume there: tokens waiting in its spool would be deleted with the container",
        ),
        Kind::Network(name) => findings.warn(
            check,
            format!("{shown} is on a network file system ({name})"),
            "move it to a local disk: its lock shows whether a process is alive, and network locks are not \
             reliable",
        ),
        Kind::Disk => findings.ok(check, format!("{shown} is writable and on a disk")),
    }
    let waiting = Spool::waiting_in(folder);
    if waiting > 0 {
        findings.warn(
            "spool",
            format!("{waiting} rotated token(s) wait in {shown} for the database"),
            "start the service with this folder, so that it stores them; never delete them",
        );
    }
}
