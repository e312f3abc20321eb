//! Operators' decisions, statement by statement; compiled for each engine.

use async_trait::async_trait;
use sqlx::query;

use super::tokens::{token_view, view};
use super::{Connection, Now, Own, Query, commit, sql};
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{Doubtful, Resolving, StoreError};
use crate::token::{DeadReason, Resolution, Resolved, TokenState};

#[async_trait]
impl Resolving for Own {
    async fn resolve_token(&self, merchant: &str, user: &str, resolution: Resolution) -> Result<Resolved, StoreError> {
        let mut lease = self.begin().await?;
        let resolved = one(&mut lease, self.now(), (merchant, user), resolution).await?;
        commit(lease).await?;
        Ok(resolved)
    }

    async fn count_uncertain(&self, which: &Doubtful) -> Result<u64, StoreError> {
        let mut lease = self.read().await?;
        let counted = count(&mut lease, which).await?;
        lease.done();
        Ok(counted)
    }

    async fn resolve_tokens(
        &self,
        which: &Doubtful,
        resolution: Resolution,
        after: i64,
        limit: u32,
    ) -> Result<Option<(u64, i64)>, StoreError> {
        let mut lease = self.begin().await?;
        let resolved = many(&mut lease, self.now(), which, resolution, (after, limit)).await?;
        commit(lease).await?;
        Ok(resolved)
    }
}

async fn one(
    c: &mut Connection,
    now: Now,
    (merchant, user): (&str, &str),
    resolution: Resolution,
) -> Result<Resolved, StoreError> {
    let resolve = decided(sql::RESOLVE, now, resolution).bind(merchant).bind(user);
    if let Some(row) = bounded(resolve.fetch_optional(&mut *c)).await? {
        return Ok(Resolved::Done(token_view(&row)?));
    }
    Ok(view(c, merchant, user).await?.map_or(Resolved::Missing, Resolved::NotUncertain))
}

async fn count(c: &mut Connection, which: &Doubtful) -> Result<u64, StoreError> {
    let count = query(sql::COUNT_UNCERTAIN).bind(&which.merchant).bind(which.before.map(Stamp));
    let tokens = bounded(count.fetch_one(c)).await?.int("tokens")?;
    Ok(u64::try_from(tokens).unwrap_or_default())
}

async fn many(
    c: &mut Connection,
    now: Now,
    which: &Doubtful,
    resolution: Resolution,
    (after, limit): (i64, u32),
) -> Result<Option<(u64, i64)>, StoreError> {
    let resolve = decided(sql::RESOLVE_ALL, now, resolution)
        .bind(&which.merchant)
        .bind(which.before.map(Stamp))
        .bind(after)
        .bind(i64::from(limit));
    let rows = bounded(resolve.fetch_all(c)).await?;
    let ids = rows.iter().map(|row| row.int("id")).collect::<sqlx::Result<Vec<_>>>()?;
    Ok(ids.iter().max().map(|last| (ids.len() as u64, *last)))
}

/// A statement that writes the decision down, with what both begin with.
fn decided<'q>(statement: &'static str, now: Now, resolution: Resolution) -> Query<'q> {
    let (state, reason) = match resolution {
        Resolution::Retry | Resolution::Present => (TokenState::Active, None),
        Resolution::Dead => (TokenState::ReauthRequired, Some(DeadReason::AnswerLost)),
    };
    query(statement)
        .bind(state.as_str())
        .bind(reason.map(DeadReason::as_str))
        .bind(resolution == Resolution::Present)
        .bind(now)
}
