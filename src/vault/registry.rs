//! Registers, shows and forgets refresh tokens. No exchange happens here.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::refresh::DueDates;
use super::sealing::{PlainToken, Secrets};
use crate::clock::delta;
use crate::config::{Live, Merchant, Merchants};
use crate::ids::{MerchantName, UserId, UserKey};
use crate::store::{Resolving, Revocations, StoreError, TokenFilter};
use crate::token::{
    LedgerCursor, LedgerEntry, NewToken, Registered, Resolution, Resolved, SignIn, TokenView,
};

/// The longest refresh token that is accepted, in bytes.
const LONGEST: usize = 4096;

/// What to do about a token that belongs to another user.
pub(crate) const HELD_ELSEWHERE: &str = "a refresh token works once, so it can belong to one user only. If the shop \
     renamed or merged the user, use `users rename`; otherwise register the token of this user's own sign-in";

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It is not a refresh token.
    #[error("{0}")]
    Malformed(&'static str),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A refresh token from a shop.
pub struct Registration {
    /// The shop's own id for the user.
    pub user: UserId,
    /// The refresh token.
    pub refresh_token: SecretString,
    /// When Klarna issued it, if the shop states that.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it expires. `None`: the merchant's lifetime after it was issued.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A refresh token of an import.
pub struct ImportedToken {
    /// The merchant whose user it belongs to.
    pub merchant: Arc<Merchant>,
    /// The token.
    pub registration: Registration,
}

impl Registration {
    /// Checks the form of the refresh token.
    ///
    /// # Errors
    /// [`RegistryError::Malformed`], which says what is wrong and never shows the token.
    pub fn check(&self) -> Result<(), RegistryError> {
        let text = self.refresh_token.expose_secret();
        if text.is_empty() {
            return Err(RegistryError::Malformed("refresh_token is empty: send the token from the sign-in"));
        }
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RegistryError::Malformed(
                "refresh_token is not a token: it must have at most 4096 visible ASCII characters, without spaces",
            ));
        }
        Ok(())
    }

    /// Returns when Klarna issued the token, as far as the shop stated it: `issued_at`, or the
    /// merchant's lifetime before `expires_at`.
    #[must_use]
    pub fn stated(&self, merchant: &Merchant) -> Option<DateTime<Utc>> {
        self.issued_at.or_else(|| self.expires_at?.checked_sub_signed(delta(merchant.refresh_token_lifetime)))
    }
}

/// Registers, shows and forgets refresh tokens.
#[derive(Clone)]
pub struct Registry {
    store: Arc<dyn Resolving>,
    revocations: Arc<dyn Revocations>,
    secrets: Arc<Secrets>,
    due: Arc<dyn DueDates>,
    merchants: Live<Merchants>,
}

impl Registry {
    /// Creates a registry for a store. `merchants` are those of the settings.
    #[must_use]
    pub fn new(
        store: Arc<dyn Resolving>,
        revocations: Arc<dyn Revocations>,
        secrets: Arc<Secrets>,
        due: Arc<dyn DueDates>,
        merchants: Live<Merchants>,
    ) -> Self {
        Self { store, revocations, secrets, due, merchants }
    }

    /// Registers a token after a sign-in. A token that the user had before changes nothing, so a
    /// repeated request cannot bring a spent token back. Neither does a token of an older sign-in,
    /// or one that another user's row has or had.
    ///
    /// # Errors
    /// If the token is malformed, or the store fails.
    pub async fn register(
        &self,
        merchant: &Merchant,
        registration: &Registration,
    ) -> Result<Registered, RegistryError> {
        registration.check()?;
        let token = self.new_token(merchant, registration, self.store.time().await?);
        Ok(self.store.register_token(&token).await?)
    }

    /// Registers many tokens in one transaction, for imports, each as [`Registry::register`] does.
    /// Returns a result for each, in the same order; a refused token does not affect the others.
    ///
    /// # Errors
    /// If the store fails. Then none of them is registered.
    pub async fn import(
        &self,
        registrations: &[ImportedToken],
    ) -> Result<Vec<Result<Registered, RegistryError>>, StoreError> {
        let mut tokens = Vec::with_capacity(registrations.len());
        let mut outcomes = Vec::with_capacity(registrations.len());
        let now = self.store.time().await?;
        for ImportedToken { merchant, registration } in registrations {
            outcomes
                .push(registration.check().map(|()| tokens.push(self.imported(merchant, registration, now))));
        }
        let mut registered = self.store.register_tokens(&tokens).await?.into_iter();
        let outcomes = outcomes.into_iter().map(|outcome| {
            let missing = || StoreError::Unreadable("a registration without an outcome".into());
            outcome.and_then(|()| registered.next().ok_or_else(missing).map_err(RegistryError::from))
        });
        Ok(outcomes.collect())
    }

    /// A token of an import. If its age is unknown, it may expire tomorrow, so it is due
    /// soon.
    fn imported(&self, merchant: &Merchant, registration: &Registration, now: DateTime<Utc>) -> NewToken {
        let token = self.new_token(merchant, registration, now);
        match token.sign_in {
            SignIn::Stated => token,
            SignIn::JustNow | SignIn::Unknown => {
                NewToken { sign_in: SignIn::Unknown, refresh_due_at: token.issued_at, ..token }
            }
        }
    }

    /// `now` is the database's time: the clocks of processes and shops may differ.
    fn new_token(&self, merchant: &Merchant, registration: &Registration, now: DateTime<Utc>) -> NewToken {
        let key = UserKey { merchant: merchant.name.clone(), user: registration.user.clone() };
        let stated = registration.stated(merchant);
        // If the shop's clock is ahead, this must neither lengthen the token's life nor make the
        // next sign-in look older.
        let issued_at = stated.map_or(now, |stated| stated.min(now));
        let expires_at =
            registration.expires_at.unwrap_or(issued_at + delta(merchant.refresh_token_lifetime));
        NewToken {
            secret: PlainToken::new(&self.secrets, &registration.refresh_token),
            provider: merchant.provider(),
            issued_at,
            sign_in: if stated.is_some() { SignIn::Stated } else { SignIn::JustNow },
            expires_at,
            refresh_due_at: self.due.due_at(&key, expires_at),
            owner: key,
        }
    }

    /// Deletes the user's token at once. An exchange in flight then stores nothing. Returns `false`
    /// if there was no token. If the merchant's settings say so, the token is also revoked, soon.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget(&self, key: &UserKey) -> Result<bool, StoreError> {
        let revoke = self.merchants.get(&key.merchant).is_some_and(|merchant| merchant.revoke_on_forget);
        self.forget_as(key, revoke).await
    }

    /// As [`Registry::forget`], with `revoke` in place of the merchant's setting.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget_as(&self, key: &UserKey, revoke: bool) -> Result<bool, StoreError> {
        if revoke {
            self.revocations.forget_and_revoke(key).await
        } else {
            self.store.forget_token(key).await
        }
    }

    /// Returns whether a revocation endpoint is known for a merchant.
    #[must_use]
    pub fn can_revoke(&self, merchant: &MerchantName) -> bool {
        self.merchants.get(merchant).is_some_and(|merchant| merchant.revoke_url.is_some())
    }

    /// Carries out an operator's decision about an `uncertain` token.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn resolve(&self, key: &UserKey, resolution: Resolution) -> Result<Resolved, StoreError> {
        self.store.resolve_token(key, resolution).await
    }

    /// Returns a token's state, never the token.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn view(&self, key: &UserKey) -> Result<Option<TokenView>, StoreError> {
        self.store.token(key).await
    }

    /// Returns when a user's token was presented, for what and with what outcome: the ledger,
    /// newest first, starting after `before` if it is given.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn history(
        &self,
        key: &UserKey,
        before: Option<LedgerCursor>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        self.store.ledger(key, before, limit).await
    }

    /// Returns the states of tokens, ordered by merchant and user.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, filter: &TokenFilter) -> Result<Vec<TokenView>, StoreError> {
        self.store.tokens(filter).await
    }
}
