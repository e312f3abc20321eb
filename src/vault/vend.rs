//! Gives access tokens to the shop's own programs, which create orders at Klarna themselves.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use super::{Access, AccessToken, Vault};
use crate::clock::since_boot;
use crate::config::Merchant;
use crate::ids::{UserId, UserKey};
use crate::meter;
use crate::token::claims::Claims;
use crate::token::{DeadReason, POLL_INTERVAL, Purpose, PurposeKind, Unusable};

/// The most requests for access tokens that wait at a time. Merchants share them as they share the
/// exchange permits. The API must let more in, or its limit would be reached first.
pub(crate) const MOST_WAITING: usize = 256;
/// When to come back if that many wait.
const CROWDED: Duration = Duration::from_secs(1);

/// A request for an access token.
#[derive(Clone, Copy, Debug)]
pub struct Vend<'a> {
    /// The merchant.
    pub merchant: &'a Arc<Merchant>,
    /// The shop's own id for the user.
    pub user: &'a UserId,
    /// A cached access token is given only if it is valid for at least this long.
    pub min_validity: Duration,
    /// How long to wait for an exchange.
    pub patience: Duration,
}

/// Why there is no access token. The texts are for callers of the API and of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVended {
    /// The user has no refresh token.
    #[error("there is no refresh token for this user")]
    NotRegistered,
    /// The refresh token no longer works, probably for this reason.
    #[error(
        "the user's refresh token no longer works{}: the user must sign in again",
        .0.map(|reason| format!(" ({})", reason.as_str())).unwrap_or_default()
    )]
    ReauthRequired(Option<DeadReason>),
    /// It is not known whether the refresh token was used.
    #[error(
        "it is not known whether the user's refresh token was used: an operator has to decide (`tokens resolve`), \
         or the user signs in again"
    )]
    Uncertain,
    /// The refresh token is not presented, or its exchange gave no access token. The log says why.
    #[error("the user's refresh token gives no access token at the moment; the log says why")]
    Unavailable,
    /// The token endpoint, the database or another exchange of the user kept it waiting for too
    /// long.
    #[error("no access token came in time; the refresh token is kept: try again in {} s", .0.as_secs().max(1))]
    ComeBack(Duration),
}

impl NotVended {
    /// Returns the word for metrics.
    fn as_str(self) -> &'static str {
        match self {
            Self::NotRegistered => "not_registered",
            Self::ReauthRequired(_) => "reauth_required",
            Self::Uncertain => "uncertain",
            Self::Unavailable | Self::ComeBack(_) => "unavailable",
        }
    }
}

impl Vault {
    /// Returns an access token of the user: the newest cached one, if it stays valid for long
    /// enough, or else one from an exchange, which may be that of another request. A new one may be
    /// valid for less than `min_validity`, if Klarna's access tokens are.
    ///
    /// Dropping the future ends the waiting, but not an exchange that has begun. Its access token
    /// is then cached, and the next request gets it.
    ///
    /// # Errors
    /// If there is none, or none came in time.
    pub async fn vend(&self, vend: Vend<'_>) -> Result<AccessToken, NotVended> {
        let vended = self.cached_or_exchanged(vend).await;
        let merchant = &vend.merchant.name;
        let result = match &vended {
            Ok(access) if access.cached => "cached",
            Ok(_) => "exchanged",
            Err(why) => why.as_str(),
        };
        meter::vended(merchant, result);
        tracing::info!(merchant = merchant.as_str(), result, "An access token was asked for");
        vended
    }

    /// Returns how many requests for access tokens wait for an exchange: each has found no cached
    /// one that stays valid for long enough.
    #[must_use]
    pub fn vends_waiting(&self) -> usize {
        self.vending.used()
    }

    /// Returns the verified claims of the id_token that came with an access token, and stores which
    /// shopper the user is, as for an order: see [`Vault::shopper`] and [`Vault::note`].
    pub async fn claims(&self, merchant: &Merchant, user: &UserId, access: &AccessToken) -> Option<Claims> {
        let shopper = self.shopper(merchant, user, access).await.ok()??;
        self.note(&merchant.name, user, &shopper).await;
        Some(shopper.claims)
    }

    async fn cached_or_exchanged(&self, vend: Vend<'_>) -> Result<AccessToken, NotVended> {
        let Vend { merchant, user, patience, .. } = vend;
        let until = since_boot().saturating_add(patience);
        let left = || until.saturating_sub(since_boot());
        let key = UserKey { merchant: merchant.name.clone(), user: user.clone() };
        let unless = match self.context.cached_for(&key, merchant, vend.min_validity).await {
            Ok(cached) => return Ok(cached),
            Err(unless) => unless,
        };
        // A slow token endpoint of one merchant must not keep the others' requests out.
        let Some(_place) = self.vending.try_take(&merchant.name) else {
            return Err(NotVended::ComeBack(CROWDED));
        };
        loop {
            if let Some(wait) = self.held(&merchant.name) {
                return Err(NotVended::ComeBack(wait));
            }
            let purpose = Purpose { kind: PurposeKind::Vend, id: Uuid::now_v7().into() };
            let exchange = self.exchange_unless(merchant, user, purpose, None, false, Some(unless));
            let after = match timeout(left(), exchange).await.unwrap_or(Access::ComeBack(POLL_INTERVAL)) {
                Access::Ready(access) => return Ok(access),
                Access::Unusable(why) => return Err(self.not_vended(&key, why).await),
                // A wait of nothing would ask the database again and again.
                Access::ComeBack(after) => after.max(POLL_INTERVAL),
            };
            if after >= left() || !self.waits(after).await {
                return Err(NotVended::ComeBack(after));
            }
            // Another exchange of the user may have ended meanwhile.
            if let Some(cached) = self.context.cached_since(&key, merchant, unless).await {
                return Ok(cached);
            }
        }
    }

    /// Waits, and returns whether the process goes on.
    async fn waits(&self, wait: Duration) -> bool {
        let mut stopping = self.stopping.subscribe();
        timeout(wait, stopping.wait_for(|stopping| *stopping)).await.is_err()
    }

    async fn not_vended(&self, key: &UserKey, why: Unusable) -> NotVended {
        match why {
            Unusable::NotRegistered => NotVended::NotRegistered,
            Unusable::ReauthRequired => {
                let row = self.context.store.token(key).await;
                NotVended::ReauthRequired(row.ok().flatten().and_then(|token| token.reason))
            }
            Unusable::Uncertain => NotVended::Uncertain,
            Unusable::Unavailable => NotVended::Unavailable,
        }
    }
}
