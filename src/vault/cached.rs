//! Access tokens that were cached at an earlier exchange.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::sealing::ExchangedTokens;
use super::{AccessToken, ExchangeContext, Vault};
use crate::clock::{delta, since_boot};
use crate::config::Merchant;
use crate::ids::{UserId, UserKey};
use crate::store::StoreError;
use crate::token::{CachedTokens, Purpose};

/// A vend's condition: exchange the token only if no access token was cached since the request
/// looked.
#[derive(Clone, Copy, Debug)]
pub(super) enum UnlessCached {
    /// The request saw none that was still valid.
    SinceNone,
    /// The newest one that the request saw was received at this time.
    Since(DateTime<Utc>),
    /// The request could not look, so it does not know what is new: one counts only if it is valid
    /// for at least this long.
    ValidFor(Duration),
}

impl UnlessCached {
    /// Returns whether the request takes this one instead of an exchange.
    fn takes(self, cached: &AccessToken) -> bool {
        match self {
            Self::SinceNone => true,
            Self::Since(seen) => cached.received_at > seen,
            Self::ValidFor(least) => cached.expires_in() >= least,
        }
    }
}

impl Vault {
    /// Returns the user's access token that was cached at an earlier exchange for `purpose`, if it
    /// is valid for at least `vault.access_token_margin`. `None` also if it cannot be read.
    pub async fn cached_tokens(
        &self,
        merchant: &Merchant,
        user: &UserId,
        purpose: Purpose,
    ) -> Option<AccessToken> {
        let key = UserKey { merchant: merchant.name.clone(), user: user.clone() };
        let read = self.context.store.cached_tokens(purpose.id, &key, merchant.provider()).await;
        self.context.opened(readable(read)?, self.context.settings.access_token_margin)
    }
}

impl ExchangeContext {
    /// Returns the user's access token that is valid for longest, of those that were cached at
    /// earlier exchanges of the present grant, if it is valid for at least `min_validity`.
    /// Otherwise returns the condition under which the request is to exchange the token.
    pub(super) async fn cached_for(
        &self,
        key: &UserKey,
        merchant: &Merchant,
        min_validity: Duration,
    ) -> Result<AccessToken, UnlessCached> {
        let read = self.store.newest_cached(key, merchant.provider()).await;
        let could_look = read.is_ok();
        match readable(read).and_then(|cached| self.opened(cached, Duration::ZERO)) {
            Some(cached) if cached.expires_in() >= min_validity => Ok(cached),
            Some(cached) => Err(UnlessCached::Since(cached.received_at)),
            None if could_look => Err(UnlessCached::SinceNone),
            None => Err(UnlessCached::ValidFor(min_validity)),
        }
    }

    /// Returns the same one, if the request then takes it instead of an exchange: the access token
    /// of the next exchange would be valid for no longer than one that is new.
    pub(super) async fn cached_since(
        &self,
        key: &UserKey,
        merchant: &Merchant,
        unless: UnlessCached,
    ) -> Option<AccessToken> {
        let read = self.store.newest_cached(key, merchant.provider()).await;
        let newest = self.opened(readable(read)?, Duration::ZERO);
        newest.filter(|cached| unless.takes(cached))
    }

    /// Decrypts cached tokens that are valid for at least `margin`.
    fn opened(&self, cached: CachedTokens, margin: Duration) -> Option<AccessToken> {
        let CachedTokens { cached_for, sealed, received_at, good_until, now, subject } = cached;
        let left = good_until - now;
        if left <= TimeDelta::zero() || left < delta(margin) {
            return None;
        }
        match self.secrets.open_exchanged(&cached_for, &sealed) {
            Ok(ExchangedTokens { access_token, id_token }) => Some(AccessToken {
                token: access_token,
                id_token,
                received_at,
                good_until,
                expires_at: since_boot().saturating_add(left.to_std().unwrap_or_default()),
                cached: true,
                announced: false,
                subject,
            }),
            Err(error) => {
                tracing::warn!(%error, "The cached tokens of an earlier exchange cannot be decrypted");
                None
            }
        }
    }
}

/// An access token that cannot be read is fetched again.
fn readable(read: Result<Option<CachedTokens>, StoreError>) -> Option<CachedTokens> {
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "The cached tokens of an earlier exchange could not be read");
        None
    })
}
