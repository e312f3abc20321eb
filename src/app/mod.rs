//! Wires the modules together: builds each of them from the settings, and starts and stops the
//! service.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::audit::{Audit, Dependencies as AuditDependencies};
use crate::clock::Clock;
use crate::config::{Engine, Live, LiveSettings, Merchants, Settings};
use crate::intake::Intake;
use crate::keeper::Due;
use crate::klarna::accepted_credentials::AcceptedCredentials;
use crate::klarna::http::BuildError;
use crate::pauses::Pauses;
use crate::sessions::{Dependencies as SessionDependencies, Sessions};
use crate::store::{self, Installation, Keys, Store, StoreError};
use crate::tls::TlsError;
use crate::vault::instance::{HeartbeatMark, InstanceError};
use crate::vault::sealing::keys::{self, KeysError};
use crate::vault::sealing::{Cipher, CipherError, Secrets};
use crate::vault::{Registry, Renamer};

mod audit;
mod ending;
mod facts;
mod http_server;
mod origin;
mod outbox;
mod outdated;
mod pages;
mod process;
mod rates;
mod refresh;
mod reload;
mod restore;
mod scrape;
mod service;
mod spools;
mod vend;

pub use ending::Ending;
pub use origin::renew_instances;
pub use refresh::RefreshEnd;
pub use reload::{ReadSettings, ReloadAnswer, ReloadCause, ReloadError, Reloader, ask_for_reload};
pub use restore::RestoreReport;
pub use service::{Role, Service};
pub use vend::{VendEnd, Vended};

/// Why the program could not start. Each message is one line and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The encryption keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The keys do not belong to this database.
    #[error("the encryption keys do not belong to this database: {0}; restore the keys of this database")]
    OtherKeys(CipherError),
    /// The settings have a different key under a name that the database knows.
    #[error(
        "vault.keys.{0} is not the key that this database knows by this name: the encryption keys do not \
         belong to this database; restore the key, or give the new key another name"
    )]
    OtherKey(String),
    /// A secret could not be made.
    #[error("the installation's secrets could not be created: {0}")]
    Cipher(CipherError),
    /// The instance folder.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The database does not know the last heartbeat recorded in the instance folder: it was
    /// restored.
    #[error(
        "the database does not know the heartbeat that this instance ({folder}) sent at {seen_at}: a backup \
         was restored, or a failover lost the last writes; run `klarna-order-worker tokens after-restore`, \
         then start again",
        folder = .folder.display()
    )]
    Restored {
        /// The instance folder.
        folder: PathBuf,
        /// When this instance sent the last heartbeat that the database confirmed, by the
        /// database's clock.
        seen_at: DateTime<Utc>,
    },
    /// The instance folder is new, and the last process on the database has not ended in order.
    #[error(
        "this instance folder ({folder}) is new, and the last process on the database did not stop in order: it has \
         been silent since {silent_since}. If its instance folder still exists, start with that one. If a backup was \
         restored, run `klarna-order-worker tokens after-restore`, then start again. If it is the same database, and \
         the old machine is gone for good, start once with --new-machine (`serve` or `refresh`): what lay in the old \
         spool is lost",
        folder = .folder.display()
    )]
    NewFolder {
        /// The instance folder.
        folder: PathBuf,
        /// When the last heartbeat came, by the database's clock.
        silent_since: DateTime<Utc>,
    },
    /// The instance folder knows a database, and the SQLite file is not there.
    #[error(
        "there is no database file {file}, although this instance ({folder}) has used one: put the file back or \
         correct database.url; to begin with a new database, remove the folder after making sure that its spool is \
         empty",
        file = .file.display(), folder = .folder.display()
    )]
    FileGone {
        /// The database's file.
        file: PathBuf,
        /// The instance folder.
        folder: PathBuf,
    },
    /// A command that only reads found no SQLite file.
    #[error("there is no database file {} yet: `serve`, `enqueue` or `tokens import` makes it", .0.display())]
    NoFile(PathBuf),
    /// `tokens after-restore` was called while processes use the database; their names.
    #[error(
        "these processes still use this database: {}; stop every process first, then run this again",
        .0.join(", ")
    )]
    StillWorking(Vec<String>),
    /// Another process serves the same SQLite file.
    #[error("another process serves {file} (it holds the lock file {file}.lock): SQLite allows one `serve`; \
        use PostgreSQL for more", file = .0.display())]
    Served(PathBuf),
    /// The lock file beside the SQLite file cannot be used.
    #[error("the lock file {file}.lock cannot be used: {error}", file = .file.display())]
    Lock {
        /// The database's file.
        file: PathBuf,
        /// The operating system's error.
        error: std::io::Error,
    },
    /// An HTTP client could not be built.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// The files for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The process cannot listen on an address.
    #[error("{key}: cannot listen on {bind}: {error}")]
    Bind {
        /// The setting.
        key: &'static str,
        /// The address.
        bind: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Settings, database and secrets of one installation. Every command that works with rows opens
/// one.
#[derive(Clone)]
pub struct App {
    /// The settings at the start, checked.
    pub settings: Arc<Settings>,
    /// What a reload replaces of them.
    pub live: LiveSettings,
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The rows for pages and lists, from the read replica if there is one.
    pub lists: Arc<dyn Store>,
    /// The encryption keys and the key of the hashes.
    pub secrets: Arc<Secrets>,
    /// The process's clock; times that are compared with rows are the database's.
    pub clock: Clock,
    /// Records who read or changed what.
    pub audit: Audit,
    /// The pauses, as far as this process has read them; it does so only if it spends tokens.
    pub pauses: Pauses,
    /// Which sets of the merchants' API credentials Klarna accepts.
    pub accepted_credentials: AcceptedCredentials,
    /// Whether the operator said that an instance folder may be new on a database whose last
    /// process did not end in order.
    pub new_machine: bool,
}

impl App {
    /// Opens the database, checks that it belongs to this installation and fits this program, and
    /// opens its secrets. A SQLite database is migrated here; on PostgreSQL only the command
    /// `migrate` does so.
    ///
    /// # Errors
    /// Any of that fails. Nothing but migrations has changed the database then.
    pub async fn open(
        settings: Settings,
        environment: &BTreeMap<String, String>,
        clock: Clock,
    ) -> Result<Self, AppError> {
        check_file(&settings)?;
        let store = open_database(&settings, &clock).await?;
        let embedded = settings.database.engine != Engine::Postgres;
        let missing = store.missing_migrations().await?;
        if !missing.is_empty() {
            if !embedded {
                return Err(StoreError::NotMigrated(missing).into());
            }
            store.migrate().await?;
        }
        let secrets = open_secrets(&*store, &settings, environment, embedded).await?;
        let secrets = Arc::new(secrets);
        let audit = Audit::start(AuditDependencies {
            log: store.clone(),
            secrets: Arc::clone(&secrets),
            clock: clock.clone(),
            settings: settings.audit.clone(),
        });
        let (live, settings) = (LiveSettings::new(&settings, clock.now()), Arc::new(settings));
        Ok(Self {
            settings,
            live,
            lists: store.for_lists(),
            store,
            secrets,
            clock,
            audit,
            pauses: Pauses::default(),
            accepted_credentials: AcceptedCredentials::default(),
            new_machine: false,
        })
    }

    /// As [`App::open`], for commands that only read: they make no database.
    ///
    /// # Errors
    /// As [`App::open`], and [`AppError::NoFile`].
    pub async fn open_to_read(
        settings: Settings,
        environment: &BTreeMap<String, String>,
        clock: Clock,
    ) -> Result<Self, AppError> {
        check_file(&settings)?;
        match &settings.database.engine {
            Engine::Sqlite { path } if !path.exists() => Err(AppError::NoFile(path.clone())),
            _ => Self::open(settings, environment, clock).await,
        }
    }

    /// The merchants of the settings, by name.
    #[must_use]
    pub fn merchants(&self) -> Live<Merchants> {
        self.live.merchants.clone()
    }

    /// Accepts orders.
    #[must_use]
    pub fn intake(&self) -> Intake {
        let deadline = self.settings.queue.order_deadline;
        Intake::new(self.store.clone(), self.merchants(), deadline, self.clock.clone())
    }

    /// Follows submitted orders at Klarna.
    ///
    /// # Errors
    /// If the HTTP client cannot be created.
    pub fn sessions(&self) -> Result<Sessions, BuildError> {
        Sessions::new(SessionDependencies {
            store: self.store.clone(),
            orders: self.store.clone(),
            follow_ups: self.store.clone(),
            pausing: self.store.clone(),
            merchants: self.merchants(),
            accepted: self.accepted_credentials.clone(),
            clock: self.clock.clone(),
        })
    }

    /// Registers, shows and forgets refresh tokens.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.registry_on(&self.store)
    }

    /// Shows refresh tokens in lists, from the read replica if there is one.
    #[must_use]
    pub fn registry_for_lists(&self) -> Registry {
        self.registry_on(&self.lists)
    }

    fn registry_on(&self, store: &Arc<dyn Store>) -> Registry {
        let secrets = Arc::clone(&self.secrets);
        Registry::new(store.clone(), store.clone(), secrets, self.due(), self.merchants())
    }

    /// Renames users.
    #[must_use]
    pub fn renamer(&self) -> Renamer {
        Renamer::new(self.store.clone(), self.settings.vault.access_token_margin)
    }

    /// Calculates when the keeper refreshes a token.
    #[must_use]
    pub fn due(&self) -> Arc<Due> {
        Arc::new(Due::new(&self.settings.keeper))
    }
}

/// Opens the database and checks that it fits this program and, if it has a name, belongs to this
/// installation. Migrates nothing.
///
/// # Errors
/// The database cannot be used, or belongs to another installation.
pub async fn open_database(settings: &Settings, clock: &Clock) -> Result<Arc<dyn Store>, AppError> {
    let store = store::open(&settings.database, settings.vault.claim_sessions, clock).await?;
    if let Some(found) = store.installation().await? {
        check_name(&found, settings)?;
    }
    Ok(store)
}

/// Checks that a SQLite database that was in use is still there: opening it would make an empty
/// one.
fn check_file(settings: &Settings) -> Result<(), AppError> {
    let folder = &settings.vault.instance_dir;
    match &settings.database.engine {
        Engine::Sqlite { path } if !path.exists() && HeartbeatMark::read(folder).is_some() => {
            Err(AppError::FileGone { file: path.clone(), folder: folder.clone() })
        }
        _ => Ok(()),
    }
}

/// Opens the database's secrets; the first start creates them.
async fn open_secrets(
    store: &dyn Keys,
    settings: &Settings,
    environment: &BTreeMap<String, String>,
    embedded: bool,
) -> Result<Secrets, AppError> {
    let found = store.installation().await?;
    // A key is made only beside a database that holds nothing sealed with another.
    let cipher = keys::load(settings, environment, embedded && found.is_none()).await?;
    let installation = if let Some(found) = found {
        found
    } else {
        let hash_key = Secrets::found(&cipher).map_err(AppError::Cipher)?;
        store.found_installation(&Installation { name: settings.installation.clone(), hash_key }).await?;
        // Another process may have been first.
        let found =
            store.installation().await?.ok_or_else(|| StoreError::Unreadable("no installation".into()))?;
        check_name(&found, settings)?;
        found
    };
    check_keys(store, &cipher).await?;
    let secrets = Secrets::open(cipher, &installation.hash_key).map_err(AppError::OtherKeys)?;
    for (name, fingerprint) in secrets.cipher().fingerprints() {
        store.note_key(name, fingerprint).await?;
    }
    Ok(secrets)
}

/// Checks that each key in the settings is the one that the database knows by this name. With
/// another key, every token would look altered.
async fn check_keys(store: &dyn Keys, cipher: &Cipher) -> Result<(), AppError> {
    for (name, fingerprint) in store.known_keys().await? {
        if cipher.fingerprints().get(&name).is_some_and(|ours| ours[..] != fingerprint) {
            return Err(AppError::OtherKey(name));
        }
    }
    Ok(())
}

fn check_name(found: &Installation, settings: &Settings) -> Result<(), StoreError> {
    if found.name == settings.installation {
        return Ok(());
    }
    Err(StoreError::OtherInstallation {
        stored: found.name.clone(),
        configured: settings.installation.clone(),
    })
}
