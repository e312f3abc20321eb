//! Refresh tokens: kept sealed, spent one at a time, never lost in mid-air.
//!
//! [`Registry`] takes tokens in. [`Vault::exchange`] turns one into an access token: `exchange.rs` is the way of one
//! exchange from claim to store, `decide.rs` what a token's row and ledger allow, `answer.rs` what Klarna's answer
//! means. The vault knows no order: an exchange has a [`Purpose`], and what it brought is kept under the purpose's id.

mod active;
mod exchange;
pub mod identity;
pub mod instance;
mod places;
mod refresh;
mod registry;
pub mod sealing;
mod settle;
mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tracing::field::display;
use uuid::Uuid;

use self::active::Active;
use self::exchange::Exchange;
use self::identity::IdTokens;
use self::instance::Spool;
use self::places::Places;
pub use self::refresh::{DueDates, Refreshed};
pub use self::registry::{Registration, Registry, RegistryError};
use self::sealing::{Brought, Secrets};
use self::turns::Turns;
use crate::breaker::{Gates, Stand};
use crate::clock::{Clock, delta, since_boot};
use crate::config::{self, LostAnswer, Merchant};
use crate::klarna::http::BuildError;
use crate::klarna::token::TokenClient;
use crate::meter;
use crate::store::{Store, StoreError};
use crate::token::claims::Claims;
use crate::token::{Kept, LOOK_AGAIN, Policy, Purpose, PurposeKind, Unusable};

/// What became of the wish for an access token.
#[derive(Clone, Debug)]
pub enum Access {
    /// Here it is.
    Ready(AccessToken),
    /// There is none, and waiting does not help.
    Unusable(Unusable),
    /// Not yet: ask again after this long.
    ComeBack(Duration),
}

/// An access token and what came with it. [`std::fmt::Debug`] shows no secret.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// Who the shopper is, by Klarna's word; not verified yet.
    pub id_token: Option<SecretString>,
    /// When it came, by the database's clock.
    pub received_at: DateTime<Utc>,
    /// When it lapses.
    pub good_until: DateTime<Utc>,
    /// Whether an earlier attempt fetched it.
    pub kept: bool,
    /// Keyed hash of the first `sub` seen for the user.
    subject: Option<Vec<u8>>,
}

/// Who the shopper is, by a verified id_token.
#[derive(Clone, Debug)]
pub struct Shopper {
    /// What it says.
    pub claims: Claims,
    /// Keyed hash of the `sub`, where none was seen for the user before.
    unnoted: Option<Vec<u8>>,
}

/// Spends refresh tokens. One in each process that works.
#[derive(Clone)]
pub struct Vault {
    rooms: Arc<Rooms>,
    turns: Turns,
    places: Places,
    gates: Gates,
}

/// What a vault stands on.
pub struct Foundations {
    /// Where tokens and ledger lie.
    pub store: Arc<dyn Store>,
    /// What they are sealed with.
    pub secrets: Arc<Secrets>,
    /// The settings' section.
    pub settings: config::Vault,
    /// By name.
    pub merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
    /// When the keeper is to present what comes.
    pub due: Arc<dyn DueDates>,
    /// The time.
    pub clock: Clock,
    /// This start of the process, as the ledger names it.
    pub holder: Uuid,
    /// That of the process's instance folder.
    pub spool: Spool,
    /// How long the process has had the database without a gap: another's silence counts no longer than that.
    pub observed: Box<dyn Fn() -> Duration + Send + Sync>,
}

/// What an exchange works with.
struct Rooms {
    store: Arc<dyn Store>,
    secrets: Arc<Secrets>,
    client: TokenClient,
    id_tokens: IdTokens,
    settings: config::Vault,
    due: Arc<dyn DueDates>,
    spool: Spool,
    /// This start of the process, as the ledger names it.
    holder: Uuid,
    active: Active,
    /// How long this process has had the database without a gap.
    observed: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl Rooms {
    fn policy(&self) -> Policy {
        Policy {
            replay_after: self.settings.replay_after,
            orphan_after: self.settings.orphan_after,
            observed: (self.observed)(),
        }
    }
}

impl Vault {
    /// A vault on its foundations.
    ///
    /// # Errors
    /// Where no HTTP client can be built.
    pub fn new(foundations: Foundations) -> Result<Self, BuildError> {
        let Foundations { store, secrets, settings, merchants, due, clock, holder, spool, observed } = foundations;
        let places = Places::new(settings.max_in_flight);
        let gates = Gates::new(
            "token",
            merchants.values().map(|merchant| (merchant.name.as_str(), merchant.token_rate_per_second)),
        );
        let rooms = Rooms {
            store,
            secrets,
            client: TokenClient::new(settings.exchange_timeout / 2, settings.exchange_timeout)?,
            id_tokens: IdTokens::new(clock)?,
            settings,
            due,
            spool,
            holder,
            active: Active::default(),
            observed,
        };
        Ok(Self { rooms: Arc::new(rooms), turns: Turns::new(), places, gates })
    }

    /// The access token kept at an earlier exchange for `purpose`, while it stays good for
    /// `vault.access_token_margin`. Where it cannot be read there is none.
    pub async fn kept(&self, purpose: Purpose) -> Option<AccessToken> {
        let read = self.rooms.store.kept(purpose.id).await;
        let kept = read.unwrap_or_else(|error| {
            tracing::warn!(%error, "What was kept of an earlier exchange could not be read for now");
            None
        })?;
        let Kept { sealed, received_at, good_until, now, subject } = kept;
        if good_until - now < delta(self.rooms.settings.access_token_margin) {
            return None;
        }
        match self.rooms.secrets.open_brought(purpose.id, &sealed) {
            Ok(Brought { access_token, id_token }) => {
                Some(AccessToken { token: access_token, id_token, received_at, good_until, kept: true, subject })
            }
            Err(error) => {
                tracing::warn!(%error, "What was kept of an earlier exchange cannot be opened");
                None
            }
        }
    }

    /// An access token for `purpose`, by an exchange of the user's refresh token.
    ///
    /// Dropping the future ends the waiting, never an exchange that has begun; what that brings is kept for the purpose.
    pub async fn exchange(&self, merchant: &Arc<Merchant>, user: &str, purpose: Purpose) -> Access {
        let pass = match self.gates.admit(&merchant.name, since_boot()) {
            Ok(pass) => pass,
            Err(wait) => {
                let patience = self.rooms.settings.token_patience;
                let hopeless = self.gates.open_for(&merchant.name, since_boot()).is_some_and(|open| open >= patience);
                return if hopeless { Access::Unusable(Unusable::Unavailable) } else { Access::ComeBack(wait) };
            }
        };
        pass.keep_pace().await;
        let Some(turn) = self.turns.take(&merchant.name, user) else { return Access::ComeBack(LOOK_AGAIN) };
        let Some(place) = self.places.for_order().await else { return Access::ComeBack(LOOK_AGAIN) };
        let exchange = Exchange {
            rooms: Arc::clone(&self.rooms),
            merchant: Arc::clone(merchant),
            user: user.to_owned(),
            purpose,
            if_due: None,
            turn,
            place,
        };
        self.spawn(exchange, pass).await.access
    }

    /// What the id_token that came with an access token says of the shopper, verified. Without one, with a bad one, or
    /// with another shopper's, there are no claims; the access token is as good as before.
    ///
    /// A shopper seen for the first time is still to be [noted](Vault::note).
    pub async fn shopper(&self, merchant: &Merchant, user: &str, access: &AccessToken) -> Option<Shopper> {
        let id_token = access.id_token.as_ref()?;
        let claims = match self.rooms.id_tokens.verify(merchant, id_token, access.received_at).await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::warn!(merchant = merchant.name, %error, "An id_token was not accepted; nothing is prefilled");
                return None;
            }
        };
        let subject = self.rooms.secrets.hasher().subject(&merchant.name, user, &claims.subject);
        let unnoted = match &access.subject {
            Some(first) if *first != subject => {
                tracing::error!(
                    merchant = merchant.name,
                    "ALARM: a user's token belongs to another shopper than at first; nothing is prefilled. Check how the \
                     shop links sign-ins to users"
                );
                return None;
            }
            Some(_) => None,
            None => Some(subject.to_vec()),
        };
        Some(Shopper { claims, unnoted })
    }

    /// Writes down who the shopper behind a user is, where that is seen for the first time: another one behind the same
    /// user is an alarm from then on. Nothing of the order waits for it.
    pub async fn note(&self, merchant: &Merchant, user: &str, shopper: &Shopper) {
        let Some(subject) = &shopper.unnoted else { return };
        if let Err(error) = self.rooms.store.note_subject(&merchant.name, user, subject).await {
            tracing::warn!(%error, "The shopper first seen for a user could not be noted for now");
        }
    }

    /// Replays the spool, deletes kept access tokens that have lapsed, and closes this process's open intents that no exchange of its own holds: one that panicked
    /// left them.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        self.rooms.spool.replay(&*self.rooms.store).await?;
        self.rooms.store.delete_lapsed().await?;
        let hold = self.rooms.settings.lost_answer == LostAnswer::Hold;
        for (merchant, intent) in self.rooms.store.open_intents(self.rooms.holder).await? {
            if !self.rooms.active.holds(intent.exchange) {
                let order = (intent.purpose.kind == PurposeKind::Order).then(|| display(intent.purpose.id));
                tracing::error!(exchange = %intent.exchange, token = intent.token, order,
                    "An exchange ended without a word: its answer is lost");
                self.rooms.store.close_orphan(intent.exchange, intent.token, intent.generation, hold).await?;
                meter::lost_answer(&merchant);
            }
        }
        Ok(())
    }

    /// Waits until no exchange is in the air, but for those whose successor lies in the spool.
    pub async fn safe(&self) {
        self.turns.safe().await;
    }

    /// Waits until no exchange is in the air, and the database has every successor.
    pub async fn idle(&self) {
        self.turns.idle().await;
    }

    /// Where each merchant's breaker stands.
    #[must_use]
    pub fn breakers(&self) -> BTreeMap<String, Stand> {
        self.gates.stands()
    }

    /// How many places for exchanges are taken, and how many there are.
    #[must_use]
    pub fn places(&self) -> (usize, usize) {
        self.places.taken()
    }

    /// How many exchanges are in the air.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.turns.taken()
    }
}
