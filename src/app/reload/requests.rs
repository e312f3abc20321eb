//! How the command `reload` asks the service of an instance folder: by two files in that folder. A
//! process id would be that of another process in another container.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::ReloadError;
use crate::bounded;
use crate::config::{Changes, private};
use crate::vault::instance;

/// The endings of the files.
const REQUEST: &str = "reload-request";
const ANSWER: &str = "reload-answer";

/// The most bytes of each. An answer has all faults of the settings.
const LARGEST_REQUEST: usize = 4 * 1024;
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// How often the service looks for a request.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How often the command looks for the answer.
const ANSWER_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long the command waits for the answer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// A command that asks for a reload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ReloadRequest {
    id: Uuid,
    /// Who runs the command.
    pub(super) user: String,
}

/// The service's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// What changed; absent if the reload failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// Why everything stays as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The requests in an instance folder. Each has a name of its own.
pub(super) struct ReloadRequests(PathBuf);

impl ReloadRequests {
    pub(super) fn new(folder: &Path) -> Self {
        forget_old(folder);
        Self(folder.to_owned())
    }

    /// Waits for a request. It stays where it is until it is taken.
    pub(super) async fn next(&self) -> PathBuf {
        loop {
            let folder = self.0.clone();
            if let Ok(Some(path)) = tokio::task::spawn_blocking(move || find(&folder)).await {
                return path;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Takes a request; `None` if it has been withdrawn, or cannot be read or removed.
    pub(super) async fn take(&self, path: PathBuf) -> Option<ReloadRequest> {
        let take = move || {
            let request = read(&path, LARGEST_REQUEST);
            // One that stays would be found again and again.
            fs::remove_file(&path).ok().and(request)
        };
        let taken = tokio::task::spawn_blocking(take).await.ok().flatten();
        if taken.is_none() {
            tracing::warn!(
                "A request of the command `reload` was withdrawn, or cannot be read; run the command as the \
                 service's user"
            );
            sleep(POLL_INTERVAL).await;
        }
        taken
    }

    pub(super) async fn answer(&self, request: &ReloadRequest, done: Result<Changes, ReloadError>) {
        let (changes, error) = match done {
            Ok(changes) => (Some(changes), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let path = file(&self.0, request.id, ANSWER);
        let answer = ReloadAnswer { changes, error };
        let written = tokio::task::spawn_blocking(move || write(&path, &answer)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "The command `reload` could not be answered");
        }
    }
}

fn file(folder: &Path, id: Uuid, ending: &str) -> PathBuf {
    folder.join(format!("{}.{ending}", id.simple()))
}

/// Deletes the answers and unfinished files that commands left which did not wait to the end.
fn forget_old(folder: &Path) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let id = path.file_name().and_then(|name| name.to_str()?.split('.').next());
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_ours = id.is_some_and(|id| Uuid::try_parse(id).is_ok());
        if is_ours && matches!(ending, Some(ANSWER | "tmp")) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Returns a request in the folder, if there is one. Whatever is no file was not written by a
/// command, and reading it might never end.
fn find(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let is_request = |path: &PathBuf| path.extension().is_some_and(|ending| ending == REQUEST);
    files.find_map(|entry| Some(entry.path()).filter(is_request))
}

/// Reads a file of at most `most` bytes.
fn read<T: DeserializeOwned>(path: &Path, most: usize) -> Option<T> {
    serde_json::from_slice(&bounded::read(path, most).ok()?).ok()
}

/// Writes a file so that it is complete or absent. It belongs to the folder's owner: root may ask a
/// service of another user, which must be able to read it.
fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.tmp", Uuid::new_v4().simple()));
    let mut file = private::options().write(true).create_new(true).open(&unfinished)?;
    file.write_all(&serde_json::to_vec(content)?)?;
    let folder = path.parent().map(fs::metadata).transpose()?;
    if let Some(owner) = folder.map(|folder| folder.uid())
        && owner != file.metadata()?.uid()
    {
        fchown(&file, Some(owner), None)?;
    }
    fs::rename(&unfinished, path)
}

/// Asks the service that uses an instance folder to reload its settings, and waits for its answer.
/// `None`: no service uses it.
///
/// # Errors
/// The folder cannot be used, or the service does not answer.
pub async fn ask_for_reload(folder: &Path, user: String) -> io::Result<Option<ReloadAnswer>> {
    if !instance::is_taken(folder) {
        return Ok(None);
    }
    let request = ReloadRequest { id: Uuid::new_v4(), user };
    let (asked, answered) = (file(folder, request.id, REQUEST), file(folder, request.id, ANSWER));
    write(&asked, &request)?;
    let until = Instant::now() + ANSWER_TIMEOUT;
    loop {
        if let Some(answer) = read::<ReloadAnswer>(&answered, LARGEST_ANSWER) {
            let _ = fs::remove_file(&answered);
            return Ok(Some(answer));
        }
        if Instant::now() >= until {
            let _ = fs::remove_file(&asked);
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the service does not answer; see its log"));
        }
        sleep(ANSWER_POLL_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, content: &[u8]) -> PathBuf {
        let path = file(folder, Uuid::new_v4(), REQUEST);
        fs::write(&path, content).unwrap();
        path
    }

    #[tokio::test]
    async fn only_a_small_file_is_a_request() {
        let folder = tempfile::tempdir().unwrap();
        let requests = ReloadRequests::new(folder.path());
        // Reading these would never end.
        std::os::unix::fs::symlink("/dev/zero", file(folder.path(), Uuid::new_v4(), REQUEST)).unwrap();
        fs::create_dir(file(folder.path(), Uuid::new_v4(), REQUEST)).unwrap();
        assert_eq!(find(folder.path()), None);
        let request = ReloadRequest { id: Uuid::new_v4(), user: "u".to_owned() };
        let request = serde_json::to_vec(&request).unwrap();
        let large = [&request[..], &[b' '; LARGEST_REQUEST]].concat();
        for (content, is_taken) in [(&large, false), (&request, true)] {
            let path = put(folder.path(), content);
            assert_eq!(requests.next().await, path);
            assert_eq!(requests.take(path.clone()).await.is_some(), is_taken);
            assert!(!path.exists(), "it would be found again and again");
        }
    }
}
