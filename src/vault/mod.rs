//! Refresh tokens: stored encrypted, used one at a time, never lost during an exchange.
//!
//! [`Registry`] accepts tokens. [`Vault::exchange`] exchanges one for an access token:
//! `exchange.rs` has the steps from claim to store. [`crate::token`] decides what a token's row and
//! ledger allow, and what Klarna's answer means. The vault knows nothing of orders: an exchange has
//! a [`Purpose`], and its access token is cached under the purpose's id. [`Vault::vend`] gives
//! access tokens to the shop's own programs.

mod cached;
mod exchange;
mod exchange_permits;
mod holding;
pub mod identity;
mod in_flight;
pub mod instance;
mod provider_trials;
mod refresh;
mod registry;
mod renaming;
mod report;
mod revoker;
pub mod sealing;
mod settle;
mod shopper;
mod user_locks;
mod vend;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tracing::field::display;

use self::cached::UnlessCached;
use self::exchange::Exchange;
use self::exchange_permits::{ExchangePermit, ExchangePermits};
use self::identity::IdTokens;
use self::in_flight::InFlightExchanges;
use self::instance::Spool;
use self::provider_trials::{ProviderTrials, TrialPermit};
pub use self::refresh::DueDates;
pub(crate) use self::registry::HELD_ELSEWHERE;
pub use self::registry::{ImportedToken, Registration, Registry, RegistryError};
pub use self::renaming::{BEING_ERASED, BOTH_HAVE_TOKENS, BUSY, Renamer};
pub use self::report::{Access, AccessToken, Refreshed};
pub use self::revoker::Revoker;
use self::sealing::Secrets;
pub use self::shopper::{NotIdentified, Shopper};
use self::user_locks::UserLocks;
pub(crate) use self::vend::MOST_WAITING;
pub use self::vend::{NotVended, Vend};
use crate::breaker::{BreakerState, BreakerView, CircuitBreakers, Endpoint};
use crate::bulkhead::Bulkhead;
use crate::clock::{Clock, since_boot};
use crate::config::{self, Live, Merchant, Merchants};
use crate::ids::{ClaimNumber, MerchantName, UserId, UserKey, WorkerId};
use crate::klarna::http::BuildError;
use crate::klarna::token::TokenClient;
use crate::meter;
use crate::pauses::Pauses;
use crate::silence::{HeartbeatCount, SilenceWatch};
use crate::store::{StoreError, Tokens};
use crate::token::{ClaimedToken, Intent, POLL_INTERVAL, Policy, Purpose, PurposeKind, TokenState, Unusable};

/// What an order's exchange needs to begin.
struct OrderPermit {
    trial: Option<TrialPermit>,
    permit: ExchangePermit,
}

/// Why an order's exchange does not begin.
enum NoPermit {
    /// The user has no token that it could present.
    NoToken,
    /// The process stops.
    Stopping,
}

/// Exchanges refresh tokens. Each process has one.
#[derive(Clone)]
pub struct Vault {
    context: Arc<ExchangeContext>,
    user_locks: UserLocks,
    permits: ExchangePermits,
    breakers: CircuitBreakers,
    pauses: Pauses,
    trials: ProviderTrials,
    /// Requests for access tokens that wait.
    vending: Bulkhead,
    /// Whether orders and vends stop waiting for an exchange to begin.
    stopping: watch::Sender<bool>,
    /// Whether no exchange begins any more for orders and vends.
    closed: Arc<AtomicBool>,
}

/// What a vault needs.
pub struct Dependencies {
    /// The store of tokens and the ledger.
    pub store: Arc<dyn Tokens>,
    /// Encrypts and decrypts the tokens.
    pub secrets: Arc<Secrets>,
    /// The section `[vault]` of the settings.
    pub settings: config::Vault,
    /// The merchants in the settings, by name.
    pub merchants: Live<Merchants>,
    /// Calculates when the keeper refreshes a new token.
    pub due: Arc<dyn DueDates>,
    /// The clock.
    pub clock: Clock,
    /// This start of the process, as the ledger names it.
    pub holder: WorkerId,
    /// The spool in the process's instance folder.
    pub spool: Spool,
    /// What this process has watched of others: an open intent whose holder was silent for
    /// `vault.orphan_after` is a lost answer.
    pub silence: SilenceWatch,
    /// The pauses that operators ordered.
    pub pauses: Pauses,
}

/// What every exchange uses.
struct ExchangeContext {
    store: Arc<dyn Tokens>,
    secrets: Arc<Secrets>,
    client: TokenClient,
    id_tokens: IdTokens,
    settings: config::Vault,
    due: Arc<dyn DueDates>,
    spool: Spool,
    /// This start of the process, as the ledger names it.
    holder: WorkerId,
    in_flight: InFlightExchanges,
    silence: SilenceWatch,
}

impl ExchangeContext {
    fn policy(&self, merchant: &Merchant, token: &ClaimedToken) -> Policy {
        let heartbeats = token.open_intent().and_then(|open| {
            let heartbeats = open.holder_heartbeats?;
            Some(HeartbeatCount { worker: open.holder, heartbeats })
        });
        Policy {
            replay_after: self.settings.replay_after,
            orphan_after: self.settings.orphan_after,
            holder_silent: heartbeats
                .map_or(Duration::ZERO, |heartbeats| self.silence.silent_for(heartbeats)),
            provider: merchant.provider(),
        }
    }
}

impl Vault {
    /// Creates a vault.
    ///
    /// # Errors
    /// If the HTTP client cannot be created.
    pub fn new(dependencies: Dependencies) -> Result<Self, BuildError> {
        let Dependencies { store, secrets, settings, merchants, due, clock, holder, spool, silence, pauses } =
            dependencies;
        let lone = merchants.only_merchant();
        let permits = ExchangePermits::new(settings.max_in_flight, lone.clone());
        let breakers =
            CircuitBreakers::new(Endpoint::Token, merchants.rates(|merchant| merchant.token_rate_per_second));
        let context = ExchangeContext {
            store,
            secrets,
            client: TokenClient::new(settings.exchange_timeout / 2, settings.exchange_timeout)?,
            id_tokens: IdTokens::new(clock)?,
            settings,
            due,
            spool,
            holder,
            in_flight: InFlightExchanges::default(),
            silence,
        };
        Ok(Self {
            context: Arc::new(context),
            user_locks: UserLocks::new(),
            permits,
            breakers,
            pauses,
            trials: ProviderTrials::default(),
            vending: Bulkhead::new(vend::MOST_WAITING, lone),
            stopping: watch::Sender::new(false),
            closed: Arc::default(),
        })
    }

    /// Whether an access token can still be used after a wait: it lasts
    /// `vault.access_token_margin`.
    #[must_use]
    pub fn is_usable(&self, access: &AccessToken) -> bool {
        access.lasts(self.context.settings.access_token_margin)
    }

    /// Gets an access token for `purpose` by an exchange of the user's refresh token. With the
    /// number of the order's claim, the commit that stores the exchange also announces its create
    /// call. `has_token`: whether the user was just seen to have a token. Otherwise it is looked
    /// for before a wait for a permit.
    ///
    /// Dropping the future ends the waiting, but not an exchange that has begun. Its access token
    /// is then cached for the purpose.
    pub async fn exchange(
        &self,
        merchant: &Arc<Merchant>,
        user: &UserId,
        purpose: Purpose,
        claim_number: Option<ClaimNumber>,
        has_token: bool,
    ) -> Access {
        self.exchange_unless(merchant, user, purpose, claim_number, has_token, None).await
    }

    /// The same, but for a vend `unless` an access token was cached meanwhile, which it then
    /// returns.
    async fn exchange_unless(
        &self,
        merchant: &Arc<Merchant>,
        user: &UserId,
        purpose: Purpose,
        claim_number: Option<ClaimNumber>,
        has_token: bool,
        unless: Option<UnlessCached>,
    ) -> Access {
        if let Some(wait) = self.held(&merchant.name) {
            return self.paused(merchant, wait);
        }
        let key = UserKey { merchant: merchant.name.clone(), user: user.clone() };
        // Before the wait for a permit: whoever has waited for an exchange of the same user has to
        // look for its cached tokens again, instead of exchanging once more.
        let Some(user_lock) = self.user_locks.take(&key) else {
            return Access::ComeBack(POLL_INTERVAL);
        };
        let OrderPermit { trial, permit } = match self.permit(merchant, &key, has_token).await {
            Ok(permit) => permit,
            Err(NoPermit::NoToken) => return Access::Unusable(Unusable::NotRegistered),
            Err(NoPermit::Stopping) => return Access::ComeBack(POLL_INTERVAL),
        };
        let call_permit = match self.admit(&merchant.name) {
            Ok(call_permit) => call_permit,
            Err(wait) => return self.paused(merchant, wait),
        };
        call_permit.wait_for_rate().await;
        let exchange = Exchange {
            context: Arc::clone(&self.context),
            merchant: Arc::clone(merchant),
            key,
            purpose,
            claim_number,
            if_due: None,
            unless,
            user_lock,
            permit,
        };
        exchange.spawn(call_permit, trial).await.for_order()
    }

    /// What an order gets while no request may be sent for `wait`.
    fn paused(&self, merchant: &Merchant, wait: Duration) -> Access {
        let patience = self.context.settings.token_patience;
        let hopeless = self.held_for(&merchant.name).is_some_and(|held| held >= patience);
        if hopeless { Access::Unusable(Unusable::Unavailable) } else { Access::ComeBack(wait) }
    }

    /// Waits until an exchange for an order may begin, if the user has a token. The caller has the
    /// user's lock, so a stop waits for what begins here.
    async fn permit(
        &self,
        merchant: &Merchant,
        key: &UserKey,
        has_token: bool,
    ) -> Result<OrderPermit, NoPermit> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(NoPermit::Stopping);
        }
        if let Ok(trial) = self.trials.try_now(merchant)
            && let Some(permit) = self.permits.try_for_order(&key.merchant)
        {
            return Ok(OrderPermit { trial, permit });
        }
        if !has_token {
            match self.context.store.token(key).await {
                Ok(None) => return Err(NoPermit::NoToken),
                Ok(Some(token)) if token.state == TokenState::Forgotten => return Err(NoPermit::NoToken),
                // If the database is away, the claim will say so.
                Ok(Some(_)) | Err(_) => {}
            }
        }
        let permit = async {
            let trial = self.trials.wait(merchant).await;
            OrderPermit { trial, permit: self.permits.for_order(&key.merchant).await }
        };
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            // The sender is in `self`, so the wait cannot fail.
            _ = stopping.wait_for(|stopping| *stopping) => Err(NoPermit::Stopping),
            permit = permit => Ok(permit),
        }
    }

    /// Makes orders and vends whose exchange has not begun come back later, from now on, so that a
    /// stop waits only for exchanges in flight.
    pub fn stop_waiting(&self) {
        self.stopping.send_replace(true);
    }

    /// Begins no exchange for orders and vends from now on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.stop_waiting();
    }

    /// Stores the contents of the spool, deletes expired access tokens, and closes open intents of
    /// this process that belong to none of its exchanges, because their exchange panicked.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        self.context.spool.replay(&*self.context.store).await?;
        self.context.store.delete_expired().await?;
        let then = self.context.settings.lost_answer;
        // Read twice: an exchange may have been settled between the reading of its row and the look
        // at what is in flight.
        let first = self.left_open().await?;
        if first.is_empty() {
            return Ok(());
        }
        for (merchant, intent) in self.left_open().await? {
            if first.iter().any(|(_, before)| before.exchange == intent.exchange) {
                let order = (intent.purpose.kind == PurposeKind::Order).then(|| display(intent.purpose.id));
                tracing::error!(exchange = %intent.exchange, token = intent.version.token.0, order,
                    "An exchange's task panicked; the answer is lost");
                self.context.store.close_orphan(intent.exchange, intent.version, then).await?;
                meter::lost_answer(&merchant);
            }
        }
        Ok(())
    }

    /// Returns the open intents of this process that belong to none of its exchanges.
    async fn left_open(&self) -> Result<Vec<(MerchantName, Intent)>, StoreError> {
        let mut open = self.context.store.open_intents(self.context.holder).await?;
        open.retain(|(_, intent)| !self.context.in_flight.holds(intent.exchange));
        Ok(open)
    }

    /// Waits until no exchange is in flight, except those whose successor is in the spool.
    pub async fn wait_until_durable(&self) {
        self.user_locks.wait_until_durable().await;
    }

    /// Waits until no exchange is in flight, and the database has every successor.
    pub async fn wait_until_idle(&self) {
        self.user_locks.wait_until_idle().await;
    }

    /// Returns how many files are in the spool.
    pub async fn spooled(&self) -> usize {
        self.context.spool.waiting().await
    }

    /// Returns the state of each merchant's circuit breaker.
    #[must_use]
    pub fn breakers(&self) -> BTreeMap<MerchantName, BreakerState> {
        self.breakers.states(since_boot())
    }

    /// Returns the circuit breakers of the token endpoints.
    #[must_use]
    pub fn circuit_breakers(&self) -> CircuitBreakers {
        self.breakers.clone()
    }

    /// Returns each merchant's circuit breaker, for operators.
    #[must_use]
    pub fn breaker_views(&self) -> Vec<BreakerView> {
        self.breakers.view(since_boot())
    }

    /// Returns how many exchange permits are in use.
    #[must_use]
    pub fn permits_taken(&self) -> usize {
        self.permits.taken()
    }

    /// Returns how many exchange permits there are.
    #[must_use]
    pub fn permits(&self) -> usize {
        self.permits.count()
    }

    /// Returns how many exchanges are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.user_locks.taken()
    }
}
