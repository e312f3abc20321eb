//! The storage trait for revocations: tokens that were forgotten here, and are still to be revoked
//! at their provider.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, SqlStore};
use super::keys::sealed_token;
use super::tokens::forget;
use crate::ids::{MerchantName, TokenVersion, UserKey};
use crate::token::SealedFor;

/// How long a revocation is tried. The encrypted token is kept for as long.
pub const REVOKE_FOR: Duration = Duration::from_hours(24);

/// How long a revocation waits for an exchange of the token that is in flight. An exchange of a
/// process that died never ends.
const WAIT_FOR_EXCHANGE: Duration = Duration::from_mins(10);

/// A claim on a revocation, which lasts until it is due again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationClaim {
    /// The row and generation that had the token.
    pub version: TokenVersion,
    /// The claim number, which rises by one with each claim.
    pub number: i64,
}

/// A revocation that was claimed for one attempt.
#[derive(Clone)]
pub struct ClaimedRevocation {
    /// The claim, which every write names.
    pub claim: RevocationClaim,
    /// What the encrypted token is bound to.
    pub sealed_for: SealedFor,
    /// The encrypted token.
    pub sealed: Vec<u8>,
    /// The number of attempts that failed before this one.
    pub attempts: i64,
}

/// Storage for revocations.
#[async_trait]
pub trait Revocations: Send + Sync {
    /// Forgets the user's token, and records in the same transaction that it is to be revoked.
    /// Returns `false` if there was nothing to forget.
    async fn forget_and_revoke(&self, key: &UserKey) -> Result<bool, StoreError>;

    /// Returns the merchants that have due revocations.
    async fn due_revocations(&self) -> Result<Vec<MerchantName>, StoreError>;

    /// Claims up to `limit` due revocations of a merchant, each until `lease` is over. One whose
    /// token is being exchanged waits, because its successor is to be revoked, too.
    async fn claim_revocations(
        &self,
        merchant: &MerchantName,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ClaimedRevocation>, StoreError>;

    /// Ends a revocation: its row is deleted. Does nothing if the claim is over.
    async fn end_revocation(&self, claim: RevocationClaim) -> Result<(), StoreError>;

    /// Makes a revocation due again after `wait`, and counts the attempt. Returns `false`, and ends
    /// it, if its time is over by then.
    async fn retry_revocation(&self, claim: RevocationClaim, wait: Duration) -> Result<bool, StoreError>;

    /// Deletes revocations of a merchant whose time is over and that no process has claimed,
    /// because the merchant is in nobody's settings. Returns how many.
    async fn delete_lapsed_revocations(&self, merchant: &MerchantName) -> Result<u64, StoreError>;
}

#[async_trait]
impl<E: Engine> Revocations for SqlStore<E> {
    async fn forget_and_revoke(&self, key: &UserKey) -> Result<bool, StoreError> {
        self.transaction(async |c| {
            // No rotation may come between the copy and the forgetting.
            c.query(E::STATEMENTS.tokens.lock_token).bind_user(key).fetch_optional().await?;
            let record = c.query(E::STATEMENTS.revocations.record).bind_user(key);
            record.bind(self.now()).bind(REVOKE_FOR).execute().await?;
            forget(c, self.now(), key).await
        })
        .await
    }

    async fn due_revocations(&self) -> Result<Vec<MerchantName>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.revocations.due_merchants).bind(self.now()).fetch_all().await?;
            rows.iter().map(|row| Ok(row.merchant()?)).collect()
        })
        .await
    }

    async fn claim_revocations(
        &self,
        merchant: &MerchantName,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ClaimedRevocation>, StoreError> {
        self.write(async |c| {
            let claim = c.query(E::STATEMENTS.revocations.claim).bind(merchant).bind(limit).bind(self.now());
            let rows = claim.bind(lease).bind(WAIT_FOR_EXCHANGE).fetch_all().await?;
            rows.iter().map(claimed).collect()
        })
        .await
    }

    async fn end_revocation(&self, claim: RevocationClaim) -> Result<(), StoreError> {
        self.write(async |c| end(c, claim).await).await
    }

    async fn retry_revocation(&self, claim: RevocationClaim, wait: Duration) -> Result<bool, StoreError> {
        self.transaction(async |c| {
            let again =
                c.query(E::STATEMENTS.revocations.again).bind_version(claim.version).bind(claim.number);
            let retried = again.bind(self.now()).bind(wait).execute().await? == 1;
            if !retried {
                end(c, claim).await?;
            }
            Ok(retried)
        })
        .await
    }

    async fn delete_lapsed_revocations(&self, merchant: &MerchantName) -> Result<u64, StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.revocations.lapsed).bind(merchant).bind(self.now()).execute().await
        })
        .await
    }
}

async fn end<E: Engine>(c: &mut Connection<'_, E>, claim: RevocationClaim) -> Result<(), StoreError> {
    c.query(E::STATEMENTS.revocations.done).bind_version(claim.version).bind(claim.number).execute().await?;
    Ok(())
}

fn claimed(row: &impl Columns) -> Result<ClaimedRevocation, StoreError> {
    let token = sealed_token(row)?;
    Ok(ClaimedRevocation {
        claim: RevocationClaim { version: token.sealed_for.version, number: row.int("claim_number")? },
        sealed_for: token.sealed_for,
        sealed: token.sealed,
        attempts: row.int("attempts")?,
    })
}
