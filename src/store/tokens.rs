//! The storage trait for refresh tokens: registering, claiming, forgetting and listing them. The
//! store handles encrypted values only as bytes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use async_trait::async_trait;

use super::columns::{Columns, readable};
use super::engine::{Connection, Engine, Now, SqlStore, by, transaction_by};
use super::known::{holder, know, same_providers};
use super::subject::Subject;
use super::token_view::token_view;
use super::{ClaimAttempt, DatabaseClock, Providers, StoreError, exchange_end, exchanges};
use crate::config::LostAnswer;
use crate::ids::{ExchangeId, MerchantName, Provider, PurposeId, TokenId, TokenVersion, UserKey, WorkerId};
use crate::token::{
    CachedTokens, ExchangeEnd, Intent, LedgerCursor, LedgerEntry, NewToken, Note, Registered, SealedFor,
    Settled, SignIn, TokenState, TokenView,
};

/// Selects tokens, ordered by merchant and user.
#[derive(Clone, Debug, Default)]
pub struct TokenFilter {
    /// Only tokens in this state.
    pub state: Option<TokenState>,
    /// Only this merchant's tokens.
    pub merchant: Option<MerchantName>,
    /// Only active tokens that expire within this time, or have expired.
    pub expiring_within: Option<Duration>,
    /// Only tokens after this merchant and user, who are the last ones of the previous page.
    pub after: Option<UserKey>,
    /// The largest number of tokens.
    pub limit: u32,
}

/// Storage for refresh tokens.
#[async_trait]
pub trait Tokens: Providers + DatabaseClock {
    /// Registers tokens in one transaction, except those that a row has or had, and those of an
    /// older sign-in than the row's. Returns a result for each, in the same order.
    async fn register_tokens(&self, tokens: &[NewToken]) -> Result<Vec<Registered>, StoreError>;

    /// As [`Tokens::register_tokens`], for one.
    async fn register_token(&self, token: &NewToken) -> Result<Registered, StoreError> {
        let registered = self.register_tokens(std::slice::from_ref(token)).await?.pop();
        registered.ok_or_else(|| StoreError::Unreadable("a registration without an outcome".into()))
    }

    /// Deletes the user's secrets and leaves a tombstone. Returns `false` if there was nothing to
    /// forget.
    async fn forget_token(&self, key: &UserKey) -> Result<bool, StoreError>;

    /// Records that an order or a vend asked for the user's token although it cannot be used, so
    /// that the user does not count as idle (`keeper.forget_after_idle`).
    async fn note_seen(&self, version: TokenVersion) -> Result<(), StoreError>;

    /// Returns a user's token.
    async fn token(&self, key: &UserKey) -> Result<Option<TokenView>, StoreError>;

    /// Returns tokens, ordered by merchant and user. Tombstones are included only if the filter
    /// asks for them.
    async fn tokens(&self, filter: &TokenFilter) -> Result<Vec<TokenView>, StoreError>;

    /// Returns up to `limit` rows of the ledger of a user's token, newest first. With `before`,
    /// only older rows than that.
    async fn ledger(
        &self,
        key: &UserKey,
        before: Option<LedgerCursor>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError>;

    /// Claims the user's token for an exchange with this provider.
    async fn claim_token(&self, key: &UserKey, provider: Provider) -> Result<ClaimAttempt, StoreError>;

    /// Makes sure that an intent whose commit is in doubt is never acted on: it is closed as
    /// `not_sent`, or inserted as such so that a late commit is refused.
    async fn void_intent(&self, intent: &Intent) -> Result<(), StoreError>;

    /// Closes an open intent of a dead process as unanswered, and has the token wait for its next
    /// presentation or for an operator.
    async fn close_orphan(
        &self,
        exchange: ExchangeId,
        version: TokenVersion,
        then: LostAnswer,
    ) -> Result<(), StoreError>;

    /// Returns the open intents of the process `holder`, each with the merchant of its token.
    async fn open_intents(&self, holder: WorkerId) -> Result<Vec<(MerchantName, Intent)>, StoreError>;

    /// Stores the end of an exchange in a transaction of its own. It can be called again for the
    /// same exchange. If the database does not know the exchange, a successor is stored under a new
    /// generation, unless the user's present token arrived later. Fails with [`StoreError::Behind`]
    /// if the database does not know the user either.
    async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError>;

    /// Returns the tokens that are cached for an order or a vend of the user. They come from this
    /// provider. The row of an order has the user's present name, which counts.
    async fn cached_tokens(
        &self,
        purpose: PurposeId,
        key: &UserKey,
        provider: Provider,
    ) -> Result<Option<CachedTokens>, StoreError>;

    /// Returns those of the user's cached tokens that are valid for longest, expired ones included.
    /// They come from the present grant, which works, and from this provider.
    async fn newest_cached(
        &self,
        key: &UserKey,
        provider: Provider,
    ) -> Result<Option<CachedTokens>, StoreError>;

    /// Deletes expired cached tokens. An order's end deletes its own, but not if the exchange
    /// stores them at the same moment. Those of a vend end here.
    async fn delete_expired(&self) -> Result<(), StoreError>;

    /// Stores the keyed hash of the first `sub` that was seen for a user. A later one changes
    /// nothing.
    async fn note_subject(&self, key: &UserKey, subject: &[u8]) -> Result<(), StoreError>;
}

#[async_trait]
impl<E: Engine> Tokens for SqlStore<E> {
    async fn register_tokens(&self, tokens: &[NewToken]) -> Result<Vec<Registered>, StoreError> {
        self.engine.register_tokens(tokens).await
    }

    async fn forget_token(&self, key: &UserKey) -> Result<bool, StoreError> {
        self.transaction(async |c| forget(c, self.now(), key).await).await
    }

    async fn note_seen(&self, version: TokenVersion) -> Result<(), StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.tokens.seen).bind_version(version).bind(self.now()).execute().await?;
            Ok(())
        })
        .await
    }

    async fn token(&self, key: &UserKey) -> Result<Option<TokenView>, StoreError> {
        self.read(async |c| view(c, key).await).await
    }

    async fn tokens(&self, filter: &TokenFilter) -> Result<Vec<TokenView>, StoreError> {
        self.read(async |c| list(c, self.now(), filter).await).await
    }

    async fn ledger(
        &self,
        key: &UserKey,
        before: Option<LedgerCursor>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        self.read(async |c| exchanges::ledger(c, key, before, limit).await).await
    }

    async fn claim_token(&self, key: &UserKey, provider: Provider) -> Result<ClaimAttempt, StoreError> {
        self.engine.claim_token(key, provider).await
    }

    async fn void_intent(&self, intent: &Intent) -> Result<(), StoreError> {
        by::<E, _>(self.engine.urgent().await?, async |c| exchanges::void_intent(c, self.now(), intent).await)
            .await
    }

    async fn close_orphan(
        &self,
        exchange: ExchangeId,
        version: TokenVersion,
        then: LostAnswer,
    ) -> Result<(), StoreError> {
        transaction_by::<E, _>(self.engine.urgent().await?, async |c| {
            let cause = Some("the process that made it was lost before it stored an answer");
            let hold = then == LostAnswer::Hold;
            let unanswered = exchange_end::Unanswered { travelling: true, hold, cause };
            exchange_end::no_answer(c, self.now(), exchange, version, unanswered).await
        })
        .await
    }

    async fn open_intents(&self, holder: WorkerId) -> Result<Vec<(MerchantName, Intent)>, StoreError> {
        self.read(async |c| exchanges::open_intents(c, holder).await).await
    }

    async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        self.engine.settle_exchange(end).await
    }

    async fn cached_tokens(
        &self,
        purpose: PurposeId,
        key: &UserKey,
        provider: Provider,
    ) -> Result<Option<CachedTokens>, StoreError> {
        self.read(async |c| exchanges::cached_tokens(c, self.now(), purpose, key, provider).await).await
    }

    async fn newest_cached(
        &self,
        key: &UserKey,
        provider: Provider,
    ) -> Result<Option<CachedTokens>, StoreError> {
        self.read(async |c| exchanges::newest_cached(c, self.now(), key, provider).await).await
    }

    async fn delete_expired(&self) -> Result<(), StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.tokens.delete_expired).bind(self.now()).execute().await?;
            Ok(())
        })
        .await
    }

    async fn note_subject(&self, key: &UserKey, subject: &[u8]) -> Result<(), StoreError> {
        self.engine.note_subject(Subject { key: key.clone(), hash: subject.to_owned() }).await
    }
}

/// Registers tokens inside the caller's transaction, ordered by user so that two imports cannot
/// deadlock. Several tokens of one user stay in their order.
pub(super) async fn register_all<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    tokens: &[NewToken],
) -> Result<Vec<Registered>, StoreError> {
    let mut by_user: Vec<usize> = (0..tokens.len()).collect();
    by_user.sort_by_key(|&at| &tokens[at].owner);
    let mut same = BTreeMap::new();
    for token in tokens {
        if let Entry::Vacant(entry) = same.entry(token.provider) {
            entry.insert(same_providers(c, token.provider).await?);
        }
    }
    let mut registered = Vec::with_capacity(tokens.len());
    for at in by_user {
        let token = &tokens[at];
        registered.push((at, register(c, now, token, &same[&token.provider]).await?));
    }
    registered.sort_by_key(|(at, _)| *at);
    Ok(registered.into_iter().map(|(_, registered)| registered).collect())
}

/// Registers a token; the caller's transaction holds the row from its reading on. `same` are other
/// addresses of its provider.
async fn register<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    token: &NewToken,
    same: &[Provider],
) -> Result<Registered, StoreError> {
    let sql = &E::STATEMENTS.tokens;
    let row = loop {
        c.query(sql.ensure_token).bind_user(&token.owner).bind(now).execute().await?;
        // There is no row if the user was erased in between.
        if let Some(row) = c.query(sql.lock_token).bind_user(&token.owner).fetch_optional().await? {
            break row;
        }
    };
    let (id, view) = (row.token("id")?, token_view(&row)?);
    let hash = token.secret.hash(token.provider);
    // Twice, where another registration of the same token is committed in between.
    for _ in 0..2 {
        match holder(c, token, hash, same).await? {
            Some((holder, _)) if holder == id => return Ok(Registered::Known(view)),
            Some((_, owner)) => {
                c.query(sql.drop_unused).bind(id).execute().await?;
                return Ok(Registered::HeldElsewhere(owner));
            }
            None => {}
        }
        if token.sign_in == SignIn::Stated && view.signed_in_at.is_some_and(|at| at > token.issued_at) {
            return Ok(Registered::Newer(view));
        }
        if know(c, id, &hash, now).await? {
            return store_new(c, now, token, TokenVersion { token: id, generation: view.generation }.next())
                .await;
        }
    }
    Err(StoreError::Conflict("known_tokens".into()))
}

async fn store_new<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    token: &NewToken,
    version: TokenVersion,
) -> Result<Registered, StoreError> {
    let NewToken { owner, secret, provider, issued_at, sign_in, .. } = token;
    let age_unknown = *sign_in == SignIn::Unknown;
    let sealed_for = SealedFor { merchant: owner.merchant.clone(), version, provider: *provider };
    let sealed = secret.seal(&sealed_for).map_err(StoreError::Unreadable)?;
    let register = c
        .query(E::STATEMENTS.tokens.register)
        .bind(version.token)
        .bind(&sealed)
        .bind(*issued_at)
        .bind(token.expires_at)
        .bind(now)
        .bind(token.refresh_due_at)
        .bind(age_unknown.then(|| Note::AgeUnknown.as_str()))
        .bind(provider)
        .bind((!age_unknown).then_some(*issued_at));
    Ok(Registered::Stored(token_view(&register.fetch_one().await?)?))
}

/// Deletes the user's secrets and leaves a tombstone. Returns `false` if there was nothing to
/// forget.
pub(super) async fn forget<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    key: &UserKey,
) -> Result<bool, StoreError> {
    let forget = c.query(E::STATEMENTS.tokens.forget).bind_user(key).bind(now);
    let Some(row) = forget.fetch_optional().await? else { return Ok(false) };
    forget_cached(c, row.token("id")?).await?;
    Ok(true)
}

/// Deletes the cached tokens that came from a refresh token.
pub(super) async fn forget_cached<E: Engine>(
    c: &mut Connection<'_, E>,
    token: TokenId,
) -> Result<(), StoreError> {
    c.query(E::STATEMENTS.tokens.forget_cached).bind(token).execute().await?;
    Ok(())
}

/// Returns a user's token.
pub(super) async fn view<E: Engine>(
    c: &mut Connection<'_, E>,
    key: &UserKey,
) -> Result<Option<TokenView>, StoreError> {
    let row = c.query(E::STATEMENTS.tokens.token).bind_user(key).fetch_optional().await?;
    row.as_ref().map(token_view).transpose()
}

async fn list<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    filter: &TokenFilter,
) -> Result<Vec<TokenView>, StoreError> {
    let (merchant, user) = filter.after.as_ref().map(|after| (&after.merchant, &after.user)).unzip();
    let list = match (filter.state, &filter.merchant, filter.expiring_within) {
        // Among a million users, those in one state are found without reading the others. Most are
        // active.
        (Some(state), Some(of), None) => c
            .query(if state == TokenState::Active {
                E::STATEMENTS.tokens.active_users
            } else {
                E::STATEMENTS.tokens.users_of_state
            })
            .bind(of)
            .bind(state.as_str())
            .bind(user)
            .bind(filter.limit),
        (Some(state), None, None) if state != TokenState::Active => c
            .query(E::STATEMENTS.tokens.all_users_of_state)
            .bind(state.as_str())
            .bind(merchant)
            .bind(user)
            .bind(filter.limit),
        _ => c
            .query(E::STATEMENTS.tokens.tokens)
            .bind(filter.state.map(TokenState::as_str))
            .bind(&filter.merchant)
            .bind(merchant)
            .bind(user)
            .bind(filter.limit)
            .bind(filter.expiring_within)
            .bind(now),
    };
    Ok(readable("token", &list.fetch_all().await?, token_view))
}
