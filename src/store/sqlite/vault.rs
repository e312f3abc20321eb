//! Tokens and workers, as the vault and its process have them of SQLite. Readers read; usual writes share commits, and heartbeats wait
//! behind nobody.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use uuid::Uuid;

use super::{SqliteStore, claim, commit, exchanges, tokens, workers};
use crate::store::columns::Stamp;
use crate::store::{Claim, ClaimAttempt, Reclaimed, StoreError, TokenFilter, Tokens, Worker, Workers};
use crate::token::{
    CachedTokens, ExchangeEnd, Intent, LedgerCursor, LedgerEntry, NewToken, Registered, Settled, TokenView,
};

#[async_trait]
impl Tokens for SqliteStore {
    async fn register_tokens(&self, rows: &[NewToken], unless_newer: bool) -> Result<Vec<Registered>, StoreError> {
        let (clock, rows) = (self.clock.clone(), Arc::new(rows.to_vec()));
        self.shared
            .run(move |c| {
                let (now, rows) = (Stamp(clock.now()), Arc::clone(&rows));
                async move { tokens::register_all(c, now, &rows, unless_newer).await }.boxed()
            })
            .await
    }

    async fn forget_token(&self, merchant: &str, user: &str) -> Result<bool, StoreError> {
        let mut lease = self.begin().await?;
        let forgotten = tokens::forget(&mut lease, self.now(), merchant, user).await?;
        commit(lease).await?;
        Ok(forgotten)
    }

    async fn token(&self, merchant: &str, user: &str) -> Result<Option<TokenView>, StoreError> {
        let mut lease = self.read().await?;
        let token = tokens::view(&mut lease, merchant, user).await?;
        lease.done();
        Ok(token)
    }

    async fn tokens(&self, filter: &TokenFilter) -> Result<Vec<TokenView>, StoreError> {
        let mut lease = self.read().await?;
        let tokens = tokens::list(&mut lease, self.now(), filter).await?;
        lease.done();
        Ok(tokens)
    }

    async fn ledger(
        &self,
        merchant: &str,
        user: &str,
        before: Option<LedgerCursor>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let mut lease = self.read().await?;
        let entries = exchanges::ledger(&mut lease, (merchant, user), before, limit).await?;
        lease.done();
        Ok(entries)
    }

    async fn claim_token(&self, merchant: &str, user: &str) -> Result<ClaimAttempt, StoreError> {
        claim::claim(&self.pools.readers, &self.shared, &self.clock, merchant, user).await
    }

    async fn void_intent(&self, intent: &Intent) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        exchanges::void_intent(&mut lease, self.now(), intent).await?;
        lease.done();
        Ok(())
    }

    async fn close_orphan(&self, exchange: Uuid, token: i64, generation: i64, hold: bool) -> Result<(), StoreError> {
        let mut lease = self.begin().await?;
        exchanges::close_orphan(&mut lease, self.now(), exchange, (token, generation), hold).await?;
        commit(lease).await?;
        Ok(())
    }

    async fn open_intents(&self, holder: Uuid) -> Result<Vec<(String, Intent)>, StoreError> {
        let mut lease = self.read().await?;
        let intents = exchanges::open_intents(&mut lease, holder).await?;
        lease.done();
        Ok(intents)
    }

    async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        claim::settle(&self.shared, &self.clock, end).await
    }

    async fn cached_tokens(&self, purpose: Uuid) -> Result<Option<CachedTokens>, StoreError> {
        let mut lease = self.read().await?;
        let kept = exchanges::cached_tokens(&mut lease, self.now(), purpose).await?;
        lease.done();
        Ok(kept)
    }

    async fn delete_lapsed(&self) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        exchanges::delete_lapsed(&mut lease, self.now()).await?;
        lease.done();
        Ok(())
    }

    async fn note_subject(&self, merchant: &str, user: &str, subject: &[u8]) -> Result<(), StoreError> {
        let noted = Arc::new((merchant.to_owned(), user.to_owned(), subject.to_owned()));
        self.shared
            .run(move |c| {
                let noted = Arc::clone(&noted);
                async move { tokens::note_subject(c, &noted.0, &noted.1, &noted.2).await }.boxed()
            })
            .await
    }
}

#[async_trait]
impl Workers for SqliteStore {
    async fn begin_worker(&self, worker: &Worker) -> Result<(), StoreError> {
        let mut lease = self.begin().await?;
        workers::begin(&mut lease, self.now(), worker).await?;
        commit(lease).await?;
        Ok(())
    }

    async fn heartbeat(&self, worker: Uuid) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut lease = self.pools.writer.urgent().await?;
        let alive = workers::heartbeat(&mut lease, self.now(), worker).await?;
        lease.done();
        Ok(alive)
    }

    async fn end_worker(&self, worker: Uuid) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        workers::end(&mut lease, self.now(), worker).await?;
        lease.done();
        Ok(())
    }

    async fn reclaim(&self, lost_after: Option<Duration>) -> Result<Reclaimed, StoreError> {
        let mut lease = self.begin().await?;
        let reclaimed = workers::reclaim(&mut lease, self.now(), lost_after).await?;
        commit(lease).await?;
        Ok(reclaimed)
    }

    async fn lose_order(&self, claim: &Claim) -> Result<Reclaimed, StoreError> {
        let mut lease = self.begin().await?;
        let reclaimed = workers::lose(&mut lease, self.now(), claim).await?;
        commit(lease).await?;
        Ok(reclaimed)
    }
}
