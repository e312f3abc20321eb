//! Whether an instance folder is a copy, or shared with a process on another machine. Then its lock
//! proves nothing, and nobody must be taken for dead because of it.

use std::path::Path;
use std::time::Duration;

use super::spools::{on_disk, refresh_folder};
use super::{App, AppError};
use crate::config::Settings;
use crate::ids::InstanceId;
use crate::vault::instance::{Instance, InstanceError, Origin};

/// How often the heartbeats of a predecessor are read, and the pause between two reads. Together
/// that is longer than a living process takes for one: its interval and its time-out, 2 s each.
const POLLS: u32 = 12;
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Refuses a folder that was used on another machine last, or whose process still sends heartbeats
/// although this one holds the lock. Otherwise records that the folder is used here.
pub(super) async fn check(app: &App, folder: &Path, instance: &Instance) -> Result<(), AppError> {
    match instance.origin {
        Origin::Here => return Ok(()),
        Origin::OtherMachine => return Err(InstanceError::OtherMachine(folder.to_owned()).into()),
        Origin::Unproven => {}
    }
    let before = app.store.heartbeats_of(instance.folder).await?;
    // The values are compared, not the clocks.
    for _ in 0..POLLS {
        if before.is_empty() {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        if app.store.heartbeats_of(instance.folder).await? != before {
            return Err(InstanceError::InUse(folder.to_owned()).into());
        }
    }
    let mark = instance.host_mark();
    Ok(on_disk(folder, move |folder| mark.record(folder)).await?)
}

/// Makes the instance folders of the settings, that of the service and that of `refresh`, instances
/// of their own; returns the new ids. What lies in their spools stays.
///
/// # Errors
/// A process uses one of them, or it cannot be written.
pub fn renew_instances(settings: &Settings) -> Result<Vec<InstanceId>, InstanceError> {
    let folder = &settings.vault.instance_dir;
    let folders = [folder.clone(), refresh_folder(settings)];
    folders.iter().filter(|folder| folder.exists()).map(|folder| Instance::renew(folder)).collect()
}
