//! Registration: how refresh tokens come in, are looked at and forgotten. No exchange happens here.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::refresh::DueDates;
use super::sealing::{CipherError, Secrets};
use crate::clock::{Clock, delta};
use crate::config::Merchant;
use crate::store::{Resolving, StoreError, TokenFilter};
use crate::token::{LedgerCursor, LedgerEntry, NewToken, Registered, Resolution, Resolved, TokenView};

/// The longest refresh token that is taken in, in bytes.
const LONGEST: usize = 4096;

/// Why a token was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It cannot be one.
    #[error("{0}")]
    Malformed(&'static str),
    /// It could not be sealed.
    #[error("the refresh token could not be sealed: {0}")]
    Cipher(#[from] CipherError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A refresh token as a shop hands it over.
pub struct Registration {
    /// Whose token.
    pub user: String,
    /// The token.
    pub refresh_token: SecretString,
    /// When Klarna issued it; now where `None`.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it lapses; the merchant's lifetime after `issued_at` where `None`.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Registration {
    /// Whether its refresh token can be one.
    ///
    /// # Errors
    /// [`RegistryError::Malformed`], which says what is wrong and never shows the token.
    pub fn check(&self) -> Result<(), RegistryError> {
        let text = self.refresh_token.expose_secret();
        if text.is_empty() {
            return Err(RegistryError::Malformed("refresh_token is empty: write the token that sign-in returned"));
        }
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RegistryError::Malformed(
                "refresh_token is no token: it must be at most 4096 visible ASCII characters, without spaces",
            ));
        }
        Ok(())
    }
}

/// The door for refresh tokens.
#[derive(Clone)]
pub struct Registry {
    store: Arc<dyn Resolving>,
    secrets: Arc<Secrets>,
    due: Arc<dyn DueDates>,
    clock: Clock,
}

impl Registry {
    /// A registry over a store.
    #[must_use]
    pub fn new(store: Arc<dyn Resolving>, secrets: Arc<Secrets>, due: Arc<dyn DueDates>, clock: Clock) -> Self {
        Self { store, secrets, due, clock }
    }

    /// Registers a token after a sign-in. One that was seen before for the user changes nothing: a repeated request
    /// cannot bring a spent token back.
    ///
    /// # Errors
    /// Where the token cannot be one, or the store fails.
    pub async fn register(
        &self,
        merchant: &Merchant,
        registration: &Registration,
    ) -> Result<Registered, RegistryError> {
        Ok(self.store.register_token(&self.sealed(merchant, registration)?, false).await?)
    }

    /// As [`Registry::register`], but for many in one transaction, and never over a token that was issued later: for imports.
    /// What became of each, in their order; one that is no token does not keep the others out.
    ///
    /// # Errors
    /// Where the store fails; none of them was registered then.
    pub async fn import(
        &self,
        registrations: &[(Arc<Merchant>, Registration)],
    ) -> Result<Vec<Result<Registered, RegistryError>>, StoreError> {
        let mut sealed = Vec::with_capacity(registrations.len());
        let mut outcomes = Vec::with_capacity(registrations.len());
        for (merchant, registration) in registrations {
            outcomes.push(self.imported(merchant, registration).map(|token| sealed.push(token)));
        }
        let mut registered = self.store.register_tokens(&sealed, true).await?.into_iter();
        let outcomes = outcomes.into_iter().map(|outcome| {
            let missing = || StoreError::Unreadable("a registration without an outcome".into());
            outcome.and_then(|()| registered.next().ok_or_else(missing).map_err(RegistryError::from))
        });
        Ok(outcomes.collect())
    }

    /// Sealed as for a registration; where nobody says how old the token is, it may lapse tomorrow, and only an exchange
    /// can tell.
    fn imported(&self, merchant: &Merchant, registration: &Registration) -> Result<NewToken, RegistryError> {
        let mut token = self.sealed(merchant, registration)?;
        if registration.issued_at.is_none() && registration.expires_at.is_none() {
            token.age_unknown = true;
            token.refresh_due_at = token.issued_at;
        }
        Ok(token)
    }

    fn sealed(&self, merchant: &Merchant, registration: &Registration) -> Result<NewToken, RegistryError> {
        registration.check()?;
        let (user, token) = (&registration.user, &registration.refresh_token);
        let text = token.expose_secret();
        let now = self.clock.now();
        // A clock ahead of ours must not lengthen a token's life.
        let issued_at = registration.issued_at.unwrap_or(now).min(now);
        let expires_at = registration.expires_at.unwrap_or(issued_at + delta(merchant.refresh_token_lifetime));
        Ok(NewToken {
            merchant: merchant.name.clone(),
            user: user.clone(),
            sealed: self.secrets.seal_token(&merchant.name, user, token)?,
            hash: self.secrets.hasher().token(&merchant.name, user, text),
            issued_at,
            expires_at,
            refresh_due_at: self.due.due_at(&merchant.name, user, expires_at),
            age_unknown: false,
        })
    }

    /// Deletes the user's secrets at once; an exchange in flight then stores nothing. `false` where there was nothing.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn forget(&self, merchant: &str, user: &str) -> Result<bool, StoreError> {
        self.store.forget_token(merchant, user).await
    }

    /// Carries out what an operator decided about an `uncertain` token.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn resolve(&self, merchant: &str, user: &str, resolution: Resolution) -> Result<Resolved, StoreError> {
        self.store.resolve_token(merchant, user, resolution).await
    }

    /// A token's state, never the token.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn view(&self, merchant: &str, user: &str) -> Result<Option<TokenView>, StoreError> {
        self.store.token(merchant, user).await
    }

    /// When a user's token was presented, what for and how it ended: the ledger, newest first, behind `before` where given.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn history(
        &self,
        merchant: &str,
        user: &str,
        before: Option<LedgerCursor>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        self.store.ledger(merchant, user, before, limit).await
    }

    /// Tokens' states, by merchant and user.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn list(&self, filter: &TokenFilter) -> Result<Vec<TokenView>, StoreError> {
        self.store.tokens(filter).await
    }
}
