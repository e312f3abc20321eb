//! The vault on both engines: the effects of Klarna's answers and of lost answers on a token.

mod answers;
mod claims;
mod disk;
pub mod in_flight;
mod lost;
mod pauses;
mod providers;
mod races;
mod registration;
mod renaming;
mod reseal;
mod revoking;
mod sealed;
mod spool;
mod streak;
mod vend;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::config::{self, LostAnswer, Merchant, Merchants};
use klarna_order_worker::ids::{UserKey, WorkerId};
use klarna_order_worker::keeper::Due;
use klarna_order_worker::pauses::Pauses;
use klarna_order_worker::silence::{Poll, SilenceWatch};
use klarna_order_worker::store::Store;
use klarna_order_worker::token::{DeadReason, Purpose, PurposeKind, Registered, TokenState};
use klarna_order_worker::vault::instance::Spool;
use klarna_order_worker::vault::sealing::{Cipher, Secrets};
use klarna_order_worker::vault::{Access, AccessToken, Dependencies, Registration, Registry, Vault};
use secrecy::ExposeSecret as _;
use test_support::merchant::merchant;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::support::stores::{CLAIM_SESSIONS, Db, MAX_IN_FLIGHT};

/// A shop with its tokens and vaults.
#[derive(Clone)]
pub struct Shop {
    pub db: Db,
    pub merchant: Arc<Merchant>,
    pub secrets: Arc<Secrets>,
    pub settings: config::Vault,
    pub keeper: config::Keeper,
    /// Whether new processes find the provider already proven.
    pub proven: bool,
    /// The pauses that every process knows.
    pub pauses: Pauses,
}

/// A watch that has seen nothing yet. Between two polls a test may let any time pass.
pub fn watch() -> SilenceWatch {
    SilenceWatch::new(Duration::MAX)
}

/// Polls the workers' rows at so many seconds of the observer's own clock.
pub async fn poll(db: &Db, silence: &SilenceWatch, second: u64) {
    let at = Duration::from_secs(second);
    let counts: Vec<_> =
        db.store.heartbeats().await.unwrap().into_iter().map(|worker| worker.count).collect();
    silence.note(Poll { asked_at: at, answered_at: at }, &counts);
}

/// A cipher whose only key has this name.
fn cipher(key: &str) -> Cipher {
    let byte = key.bytes().next().unwrap();
    Cipher::new(key, &BTreeMap::from([(key.to_owned(), Zeroizing::new([byte; 32]))])).unwrap()
}

impl Shop {
    /// Creates a shop whose merchant uses the token endpoint at `base`.
    pub fn new(db: &Db, base: &str) -> Self {
        let hash_key = Secrets::found(&cipher("k1")).unwrap();
        Self {
            db: db.clone(),
            merchant: Arc::new(merchant(base)),
            secrets: Arc::new(Secrets::open(cipher("k1"), &hash_key).unwrap()),
            settings: config::Vault {
                instance_dir: PathBuf::new(),
                active_key: "k1".into(),
                keys: BTreeMap::new(),
                max_in_flight: MAX_IN_FLIGHT,
                claim_sessions: CLAIM_SESSIONS,
                // Longer than any test.
                exchange_timeout: Duration::from_secs(20),
                send_within: Duration::from_secs(20),
                lost_answer: LostAnswer::Replay,
                replay_after: Duration::from_secs(10),
                orphan_after: Duration::from_mins(5),
                token_patience: Duration::from_secs(20),
                access_token_margin: Duration::from_mins(1),
                core_dumps: false,
            },
            keeper: config::Keeper {
                schedule: None,
                refresh_before: Duration::from_hours(20 * 24),
                spread: Duration::from_hours(10 * 24),
                rate_per_second: 10_000.0,
                stop_after_idle: None,
                forget_after_idle: None,
            },
            proven: true,
            pauses: Pauses::default(),
        }
    }

    pub fn due(&self) -> Arc<Due> {
        Arc::new(Due::new(&self.keeper))
    }

    /// Returns the registry of a process with this store.
    pub fn registry_on(&self, store: Arc<dyn Store>) -> Registry {
        Registry::new(store.clone(), store, Arc::clone(&self.secrets), self.due(), self.merchants().into())
    }

    pub fn registry(&self) -> Registry {
        self.registry_on(self.db.store.clone())
    }

    /// The merchants of the settings: one.
    pub fn merchants(&self) -> Arc<Merchants> {
        Arc::new(BTreeMap::from([(self.merchant.name.clone(), Arc::clone(&self.merchant))]))
    }

    pub async fn register(&self, user: &str, token: &str) {
        let registration = Registration {
            user: user.into(),
            refresh_token: token.into(),
            issued_at: None,
            expires_at: None,
        };
        let registered = self.registry().register(&self.merchant, &registration).await.unwrap();
        assert!(matches!(registered, Registered::Stored(_)), "{registered:?}");
    }

    /// Returns a process with a vault and a store of its own.
    pub async fn process(&self) -> (Vault, WorkerId) {
        self.process_that_watches(&watch()).await
    }

    async fn process_that_watches(&self, silence: &SilenceWatch) -> (Vault, WorkerId) {
        let (store, holder) = (self.db.open().await, self.db.begin_worker().await);
        if self.proven {
            store.prove_provider(&self.merchant.name, self.merchant.provider()).await.unwrap();
        }
        let spool = self.spool(&holder.to_string());
        (self.vault(store, holder, spool, silence), holder)
    }

    /// Returns the spool in an instance folder with this name.
    pub fn spool(&self, folder: &str) -> Spool {
        Spool::open(&self.db.folder().join(folder), "test", Arc::clone(&self.secrets)).unwrap()
    }

    pub fn vault(
        &self,
        store: Arc<dyn Store>,
        holder: WorkerId,
        spool: Spool,
        silence: &SilenceWatch,
    ) -> Vault {
        let (secrets, settings) = (Arc::clone(&self.secrets), self.settings.clone());
        let merchants = self.merchants().into();
        let clock = self.db.clock.clone();
        let (due, silence, pauses) = (self.due(), silence.clone(), self.pauses.clone());
        let dependencies =
            Dependencies { store, secrets, settings, merchants, due, clock, holder, spool, silence, pauses };
        Vault::new(dependencies).unwrap()
    }

    /// Asks for an access token for a new order of the user.
    pub async fn access(&self, vault: &Vault, user: &str) -> Access {
        self.access_for(vault, user, an_order()).await
    }

    /// Asks for an access token as an attempt at an order does.
    pub async fn access_for(&self, vault: &Vault, user: &str, purpose: Purpose) -> Access {
        match vault.cached_tokens(&self.merchant, &user.into(), purpose).await {
            Some(cached) => Access::Ready(cached),
            None => vault.exchange(&self.merchant, &user.into(), purpose, None, false).await,
        }
    }

    pub async fn row(&self, user: &str) -> (TokenState, Option<DeadReason>, i64) {
        let view = self.db.store.token(&UserKey::new("shop", user)).await.unwrap().unwrap();
        (view.state, view.reason, view.generation)
    }

    /// Returns the outcomes in the ledger, in the order of the intents; `-` for an open one.
    pub async fn ledger(&self) -> Vec<String> {
        let outcomes = "coalesce(outcome, '-') FROM exchanges ORDER BY token_id, generation, presentation";
        self.db.raw().await.column(outcomes).await.into_iter().flatten().collect()
    }
}

fn an_order() -> Purpose {
    Purpose { kind: PurposeKind::Order, id: Uuid::now_v7().into() }
}

#[track_caller]
fn ready(access: Access) -> AccessToken {
    match access {
        Access::Ready(access) => access,
        other => panic!("{other:?}"),
    }
}

/// Returns the result as a short text.
pub fn describe(access: &Access) -> String {
    match access {
        Access::Ready(access) => access.token.expose_secret().to_owned(),
        Access::Unusable(why) => format!("{why:?}"),
        Access::ComeBack(wait) => format!("{wait:?}"),
    }
}

const ACTIVE: fn(i64) -> (TokenState, Option<DeadReason>, i64) =
    |generation| (TokenState::Active, None, generation);

fn dead(reason: DeadReason, generation: i64) -> (TokenState, Option<DeadReason>, i64) {
    (TokenState::ReauthRequired, Some(reason), generation)
}
