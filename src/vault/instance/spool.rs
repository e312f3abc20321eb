//! Successors on this machine's own disk, until the database has them.
//!
//! A file is written if the first try to store a successor fails or takes too long. From then on, a
//! crash of the process loses nothing. Files are replayed with the same check as every store (by
//! generation, idempotent), at start before anything else and then every minute. A file is removed
//! once the database has its successor. This includes a successor that a restored database does not
//! know: it may be the user's only working token. A file that cannot be read, whose user the
//! database does not know, or that belongs to another installation, is logged and never deleted.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::disk::Disk;
use super::folder::{self, SpoolFile, SpoolFolder};
use super::replay::{ReplayError, Replayed};
use crate::ids::{ExchangeId, Provider, PurposeId, TokenId, TokenVersion, UserKey};
use crate::store::{StoreError, Tokens};
use crate::token::{
    ExchangeEnd, ExchangeResult, NewCachedTokens, SealedFor, Settled, Successor, TokenSecret as _,
};
use crate::vault::sealing::{PlainToken, Secrets};

/// The successors in the spool of one instance folder.
#[derive(Clone)]
pub struct Spool {
    folder: SpoolFolder,
    secrets: Arc<Secrets>,
}

/// The end of an exchange with a successor. The tokens in it are also encrypted for their rows.
#[derive(Serialize, Deserialize)]
struct Record {
    exchange: ExchangeId,
    #[serde(with = "owner")]
    owner: UserKey,
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

/// A user as a list in a record: the merchant, then the user. Other releases read these files, too.
mod owner {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::ids::UserKey;

    pub(super) fn serialize<S: Serializer>(owner: &UserKey, serializer: S) -> Result<S::Ok, S::Error> {
        (owner.merchant.as_str(), owner.user.as_str()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UserKey, D::Error> {
        let (merchant, user) = <(String, String)>::deserialize(deserializer)?;
        Ok(UserKey::new(merchant, user))
    }
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
        let folder = SpoolFolder::open(instance_dir, "successor", installation, Arc::clone(&secrets))?;
        Ok(Self { folder, secrets })
    }

    /// The threads that work with the files.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        self.folder.disk()
    }

    /// Returns the file for a successor, not written yet; `None` for an end without a successor,
    /// which needs no file.
    ///
    /// # Errors
    /// If it cannot be encrypted.
    pub(in crate::vault) fn file(&self, end: &ExchangeEnd) -> io::Result<Option<SpoolFile>> {
        let ExchangeResult::Rotated(successor) = &end.result else { return Ok(None) };
        let record = serde_json::to_vec(&Record::new(end, successor))?;
        self.folder.file(&end.exchange.to_string(), &record).map(Some)
    }

    /// Stores the contents of the spool in the database.
    ///
    /// # Errors
    /// If the folder cannot be read, or the database cannot be used. The rest is tried again.
    pub async fn replay(&self, store: &dyn Tokens) -> Result<Replayed, StoreError> {
        let store_one = |record: Zeroizing<Vec<u8>>| async move {
            let end = self.read_record(&record).map_err(ReplayError::Unreadable)?;
            let settled = store.settle_exchange(&end).await?;
            tracing::warn!(exchange = %end.exchange, ?settled, "A refresh token from the spool was replayed");
            Ok::<_, ReplayError>(settled != Settled::Superseded)
        };
        self.folder.replay(store_one).await
    }

    /// Returns which keys encrypt the files of this installation in an instance folder, and how
    /// many files each. Empty if there is no such folder.
    #[must_use]
    pub fn keys_in(instance_dir: &Path, installation: &str) -> BTreeMap<String, usize> {
        let mut keys = BTreeMap::new();
        for key in folder::keys_in(instance_dir, installation) {
            *keys.entry(key).or_default() += 1;
        }
        keys
    }

    /// Returns how many files wait in the spool of an instance folder; 0 if there is no such
    /// folder.
    #[must_use]
    pub fn waiting_in(instance_dir: &Path) -> usize {
        folder::waiting_in(instance_dir)
    }

    /// Returns how many of them hold a refresh token.
    #[must_use]
    pub fn successors_in(instance_dir: &Path) -> usize {
        folder::successors_in(instance_dir)
    }

    /// Returns how many files wait. A folder that cannot be read counts as one: it may have some.
    pub async fn waiting(&self) -> usize {
        self.folder.waiting().await
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) fn open_file(&self, text: &[u8]) -> Result<ExchangeEnd, String> {
        self.read_record(&self.folder.open_text(text)?)
    }

    fn read_record(&self, record: &[u8]) -> Result<ExchangeEnd, String> {
        let record: Record =
            serde_json::from_slice(record).map_err(|_| "it contains a record of another program")?;
        self.end(record)
    }

    /// Returns the end of an exchange that a record describes.
    fn end(&self, record: Record) -> Result<ExchangeEnd, String> {
        let owner = record.owner;
        let provider: Provider = record.provider.parse()?;
        let version = TokenVersion { token: record.token, generation: record.generation };
        let sealed_for = SealedFor { merchant: owner.merchant.clone(), version: version.next(), provider };
        let token =
            self.secrets.open_token(&sealed_for, &record.sealed).map_err(|error| error.to_string())?;
        let secret = PlainToken::new(&self.secrets, &token);
        Ok(ExchangeEnd {
            exchange: record.exchange,
            owner,
            provider,
            version,
            cause: None,
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
                claim: None,
            }),
        })
    }

    /// Returns a file with this record, encrypted.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn file_of(&self, record: &[u8]) -> io::Result<Vec<u8>> {
        self.folder.seal(record)
    }
}

impl Record {
    fn new(end: &ExchangeEnd, successor: &Successor) -> Self {
        Self {
            exchange: end.exchange,
            owner: end.owner.clone(),
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
