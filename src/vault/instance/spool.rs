//! Successors on this machine's own disk, until the database has them.
//!
//! A file is written if the first try to store a successor fails or takes too long. From then on, a
//! crash of the process loses nothing. Files are replayed with the same check as every store (by
//! generation, idempotent), at start before anything else and then every minute. A file is removed
//! once the database has its successor. This includes a successor that a restored database does not
//! know: it may be the user's only working token. A file that cannot be read, whose user the
//! database does not know, or that belongs to another installation, is logged and never deleted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::config::private;
use crate::ids::{ExchangeId, Provider, PurposeId, TokenId, TokenVersion, UserKey};
use crate::store::{StoreError, Tokens};
use crate::token::{ExchangeEnd, ExchangeResult, NewCachedTokens, SealedFor, Settled, Successor, TokenSecret as _};
use crate::vault::sealing::{Cipher, PlainToken, Secrets};

const FOLDER: &str = "spool";
const ENDING: &str = "successor";

/// The spool of one instance folder.
#[derive(Clone)]
pub struct Spool {
    folder: PathBuf,
    installation: String,
    secrets: Arc<Secrets>,
}

/// The result of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Successors that the database has now.
    pub stored: usize,
    /// Successors that are no longer needed: their users have signed in or were forgotten since.
    pub superseded: usize,
    /// Files that are left: unreadable, encrypted with an unknown key, of an unknown user, or of
    /// another installation.
    pub left: usize,
}

impl std::ops::AddAssign for Replayed {
    fn add_assign(&mut self, other: Self) {
        self.stored += other.stored;
        self.superseded += other.superseded;
        self.left += other.left;
    }
}

/// A file: its installation and key, and the encrypted [`Record`].
#[derive(Serialize, Deserialize)]
struct Envelope {
    installation: String,
    record: String,
}

/// The end of an exchange with a successor. The tokens in it are also encrypted for their rows.
#[derive(Serialize, Deserialize)]
struct Record {
    exchange: ExchangeId,
    /// Merchant and user.
    owner: (String, String),
    /// The fingerprint of the provider.
    provider: String,
    token: TokenId,
    generation: i64,
    sealed: Vec<u8>,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    refresh_due_at: Option<DateTime<Utc>>,
    cached: Option<CachedRecord>,
}

#[derive(Serialize, Deserialize)]
struct CachedRecord {
    purpose: PurposeId,
    sealed: Vec<u8>,
    received_at: DateTime<Utc>,
    good_until: DateTime<Utc>,
}

impl Spool {
    /// Opens the spool in `instance_dir`, and creates it if it does not exist. It writes once as a
    /// test: a folder that cannot be written must be noticed before there is a successor.
    ///
    /// # Errors
    /// If the folder cannot be created or written.
    pub fn open(instance_dir: &Path, installation: &str, secrets: Arc<Secrets>) -> io::Result<Self> {
        let folder = instance_dir.join(FOLDER);
        private::create_folder(&folder)?;
        private::restrict(&folder);
        let probe = folder.join("probe");
        write_durably(&probe, b"")?;
        fs::remove_file(probe)?;
        Ok(Self { folder, installation: installation.to_owned(), secrets })
    }

    /// Writes a successor. It is durable when this returns `true`. Returns `false` for an end
    /// without a successor, which needs no file.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(in crate::vault) async fn write(&self, end: &ExchangeEnd) -> io::Result<bool> {
        let ExchangeResult::Rotated(successor) = &end.result else { return Ok(false) };
        let record = serde_json::to_vec(&Record::new(end, successor))?;
        let (path, text) = (self.path(end.exchange), self.file_of(&record)?);
        tokio::task::spawn_blocking(move || write_durably(&path, &text)).await.map_err(io::Error::other)??;
        Ok(true)
    }

    /// Removes the file of an exchange that the database has.
    pub(in crate::vault) async fn stored(&self, exchange: ExchangeId) {
        self.remove(&self.path(exchange)).await;
    }

    async fn remove(&self, path: &Path) {
        match tokio::fs::remove_file(path).await {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "The spool file of a stored refresh token \
                    could not be deleted");
            }
        }
    }

    /// Stores the contents of the spool in the database.
    ///
    /// # Errors
    /// If the folder cannot be read, or the database cannot be used. The rest is tried again.
    pub async fn replay(&self, store: &dyn Tokens) -> Result<Replayed, StoreError> {
        let mut replayed = Replayed::default();
        let entries = fs::read_dir(&self.folder).map_err(|error| {
            StoreError::Location(format!("the spool {} cannot be read: {error}", self.folder.display()))
        })?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_none_or(|ending| ending != ENDING) {
                continue;
            }
            // An exchange of this process may have stored its successor meanwhile.
            if !path.exists() {
                continue;
            }
            match self.replay_file(&path, store).await? {
                Ok(Settled::Written) => replayed.stored += 1,
                Ok(Settled::Superseded) => replayed.superseded += 1,
                Err(why) => {
                    tracing::error!(file = %path.display(), why, "A spool file was not replayed; it needs an \
                        operator");
                    replayed.left += 1;
                }
            }
        }
        Ok(replayed)
    }

    /// Stores the successor in one file. The inner error says why this can never succeed.
    async fn replay_file(&self, path: &Path, store: &dyn Tokens) -> Result<Result<Settled, String>, StoreError> {
        let end = match self.read(path) {
            Ok(end) => end,
            Err(why) => return Ok(Err(why)),
        };
        match store.settle_exchange(&end).await {
            Ok(settled) => {
                tracing::warn!(exchange = %end.exchange, ?settled, "A refresh token from the spool was \
                    replayed");
                // The name in the record counts: whoever copied the file here may have changed the
                // file's name.
                self.remove(path).await;
                Ok(Ok(settled))
            }
            Err(error) if error.is_transient() && !error.may_be_of_one_write() => Err(error),
            // If the database refuses one file, the others must still be stored. The next replay tries
            // this one again.
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// Returns which keys encrypt the files of this installation in an instance folder, and how
    /// many files each. Empty if there is no such folder.
    #[must_use]
    pub fn keys_in(instance_dir: &Path, installation: &str) -> BTreeMap<String, usize> {
        let mut keys = BTreeMap::new();
        for path in files(&instance_dir.join(FOLDER)) {
            let envelope = fs::read(path).ok().and_then(|text| serde_json::from_slice::<Envelope>(&text).ok());
            let Some(envelope) = envelope.filter(|envelope| envelope.installation == installation) else { continue };
            let sealed = STANDARD.decode(envelope.record).unwrap_or_default();
            if let Some(key) = Cipher::key_of(&sealed) {
                *keys.entry(key.to_owned()).or_default() += 1;
            }
        }
        keys
    }

    /// Returns how many files wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        files(&self.folder).count()
    }

    /// Returns how many files wait in the spool of an instance folder; 0 if there is no such
    /// folder.
    #[must_use]
    pub fn waiting_in(instance_dir: &Path) -> usize {
        files(&instance_dir.join(FOLDER)).count()
    }

    fn read(&self, path: &Path) -> Result<ExchangeEnd, String> {
        let text = fs::read(path).map_err(|error| error.to_string())?;
        self.open_file(&text)
    }

    pub(crate) fn open_file(&self, text: &[u8]) -> Result<ExchangeEnd, String> {
        let envelope: Envelope = serde_json::from_slice(text).map_err(|_| "it is not a spool file")?;
        if envelope.installation != self.installation {
            return Err(format!("it belongs to the installation {:?}", envelope.installation));
        }
        let sealed = STANDARD.decode(envelope.record).map_err(|_| "it is not a spool file")?;
        let record = self.secrets.open_spooled(&self.installation, &sealed).map_err(|error| error.to_string())?;
        let record: Record = serde_json::from_slice(&record).map_err(|_| "it contains a record of another program")?;
        self.end(record)
    }

    /// Returns the end of an exchange that a record describes.
    fn end(&self, record: Record) -> Result<ExchangeEnd, String> {
        let (merchant, user) = record.owner;
        let owner = UserKey::new(merchant, user);
        let provider: Provider = record.provider.parse()?;
        let version = TokenVersion { token: record.token, generation: record.generation };
        let sealed_for = SealedFor { merchant: owner.merchant.clone(), version: version.next(), provider };
        let token = self.secrets.open_token(&sealed_for, &record.sealed).map_err(|error| error.to_string())?;
        let secret = PlainToken::new(&self.secrets, &token);
        Ok(ExchangeEnd {
            exchange: record.exchange,
            owner,
            provider,
            version,
            result: ExchangeResult::Rotated(Successor {
                sealed: record.sealed,
                hash: secret.hash(provider),
                secret,
                issued_at: record.issued_at,
                expires_at: record.expires_at,
                refresh_due_at: record.refresh_due_at,
            }),
            cached: record.cached.map(|cached| NewCachedTokens {
                purpose: cached.purpose,
                sealed: cached.sealed,
                received_at: cached.received_at,
                good_until: cached.good_until,
            }),
        })
    }

    /// Returns a file with this record, encrypted.
    pub(crate) fn file_of(&self, record: &[u8]) -> io::Result<Vec<u8>> {
        let sealed = self.secrets.seal_spooled(&self.installation, record).map_err(io::Error::other)?;
        let envelope = Envelope { installation: self.installation.clone(), record: STANDARD.encode(sealed) };
        Ok(serde_json::to_vec(&envelope)?)
    }

    fn path(&self, exchange: ExchangeId) -> PathBuf {
        self.folder.join(format!("{exchange}.{ENDING}"))
    }
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
}

/// Writes a file so that it is complete or absent: temporary file, fsync, rename, fsync of the
/// folder.
fn write_durably(path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("writing");
    let mut file = private::options().write(true).create(true).truncate(true).open(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

impl Record {
    fn new(end: &ExchangeEnd, successor: &Successor) -> Self {
        Self {
            exchange: end.exchange,
            owner: (end.owner.merchant.clone().into(), end.owner.user.clone().into()),
            provider: end.provider.to_string(),
            token: end.version.token,
            generation: end.version.generation,
            sealed: successor.sealed.clone(),
            issued_at: successor.issued_at,
            expires_at: successor.expires_at,
            refresh_due_at: successor.refresh_due_at,
            cached: end.cached.as_ref().map(|cached| CachedRecord {
                purpose: cached.purpose,
                sealed: cached.sealed.clone(),
                received_at: cached.received_at,
                good_until: cached.good_until,
            }),
        }
    }
}
