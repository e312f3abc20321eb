//! The storage trait for calls to Klarna about orders that exist, which are made in the background.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query, SqlStore};
use super::{Claim, StoreError};
use crate::ids::{MerchantName, UserKey};
use crate::order::OrderId;
use crate::received::storable;
use crate::words::words;

/// How long a call is tried: as long as Klarna repeats a push, and as long as it keeps an open
/// order.
pub const FOLLOW_UP_FOR: Duration = Duration::from_hours(48);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// Klarna says that a shopper has paid: read the order and acknowledge it.
    Push,
    /// Checkout does not know the order any more, and order management could not be read: read the
    /// order there.
    Read,
    /// Nobody may pay the order any more: its user was erased, or it had ended otherwise or got
    /// another body here before Klarna's answer arrived. Abort it.
    Abort,
}

words!(FollowUp { Push = "push", Read = "read", Abort = "abort" });

impl FollowUp {
    /// What its calls to Klarna are for, after "to".
    #[must_use]
    pub const fn aim(self) -> &'static str {
        match self {
            Self::Push => "read and acknowledge it",
            Self::Read => "read it in order management",
            Self::Abort => "abort it",
        }
    }
}

/// A follow-up of an order that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingFollowUp {
    /// What is to be done.
    pub kind: FollowUp,
    /// How many attempts have failed.
    pub attempts: i64,
    /// Why the last one failed.
    pub error: String,
    /// When the next attempt is due, or when it was given up.
    pub at: DateTime<Utc>,
    /// Whether it was given up.
    pub given_up: bool,
}

/// A follow-up that was claimed for one attempt. The claim lasts until it is due again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedFollowUp {
    /// What is to be done.
    pub kind: FollowUp,
    /// The merchant whose order it is.
    pub merchant: MerchantName,
    /// Klarna's id of the order.
    pub klarna_id: String,
    /// When it was recorded: that of a push is when Klarna first pushed the order.
    pub recorded_at: DateTime<Utc>,
    /// The claim number, which rises by one with each claim.
    pub claim_number: i64,
    /// The number of attempts that failed before this one.
    pub attempts: i64,
}

/// What became of a follow-up whose attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due again later.
    Again,
    /// Its time is over.
    GivenUp,
    /// Nothing: the claim is over.
    ClaimLost,
}

/// Storage for calls to Klarna about orders that exist.
#[async_trait]
pub trait FollowUps: Send + Sync {
    /// Records a push. One that is recorded already stays as it is, unless it was given up.
    async fn record_push(&self, merchant: &MerchantName, klarna_id: &str) -> Result<(), StoreError>;

    /// Records that an order is to be read in order management. Otherwise as
    /// [`FollowUps::record_push`].
    async fn record_read(&self, merchant: &MerchantName, klarna_id: &str) -> Result<(), StoreError>;

    /// Returns the merchants that have due follow-ups.
    async fn due_follow_ups(&self) -> Result<Vec<MerchantName>, StoreError>;

    /// Claims up to `limit` due follow-ups of a merchant, each until `lease` is over.
    async fn claim_follow_ups(
        &self,
        merchant: &MerchantName,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ClaimedFollowUp>, StoreError>;

    /// Ends a follow-up: its row is deleted, unless the claim is over. Also notes that an order was
    /// `acknowledged` at Klarna, if it is the first time.
    async fn end_follow_up(
        &self,
        follow_up: &ClaimedFollowUp,
        acknowledged: Option<OrderId>,
    ) -> Result<(), StoreError>;

    /// Makes a follow-up due again after `wait`, and counts the attempt, which failed for this
    /// reason. If its time is over by then, it is given up: its row is kept if it is about a known
    /// order that may be paid, and deleted otherwise.
    async fn retry_follow_up(
        &self,
        follow_up: &ClaimedFollowUp,
        wait: Duration,
        why: &str,
    ) -> Result<Retried, StoreError>;

    /// Makes the follow-ups of a merchant that were given up due again. Returns how many.
    async fn renew_follow_ups(&self, merchant: &MerchantName) -> Result<u64, StoreError>;

    /// Deletes follow-ups of a merchant whose time is over and that no process has claimed, because
    /// the merchant is in nobody's settings. Returns how many.
    async fn delete_lapsed_follow_ups(&self, merchant: &MerchantName) -> Result<u64, StoreError>;
}

#[async_trait]
impl<E: Engine> FollowUps for SqlStore<E> {
    async fn record_push(&self, merchant: &MerchantName, klarna_id: &str) -> Result<(), StoreError> {
        self.write(async |c| record(c, self.now(), FollowUp::Push, merchant, klarna_id).await).await
    }

    async fn record_read(&self, merchant: &MerchantName, klarna_id: &str) -> Result<(), StoreError> {
        self.write(async |c| record(c, self.now(), FollowUp::Read, merchant, klarna_id).await).await
    }

    async fn due_follow_ups(&self) -> Result<Vec<MerchantName>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.follow_ups.due_merchants).bind(self.now()).fetch_all().await?;
            rows.iter().map(|row| Ok(row.merchant()?)).collect()
        })
        .await
    }

    async fn claim_follow_ups(
        &self,
        merchant: &MerchantName,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ClaimedFollowUp>, StoreError> {
        self.write(async |c| {
            let claim = c.query(E::STATEMENTS.follow_ups.claim).bind(merchant).bind(limit).bind(self.now());
            claim.bind(lease).fetch_all().await?.iter().map(claimed).collect()
        })
        .await
    }

    async fn end_follow_up(
        &self,
        follow_up: &ClaimedFollowUp,
        acknowledged: Option<OrderId>,
    ) -> Result<(), StoreError> {
        let Some(order) = acknowledged else {
            return self.write(async |c| end(c, follow_up).await.map(drop)).await;
        };
        self.transaction(async |c| {
            let note = c.query(E::STATEMENTS.follow_ups.note_acknowledged).bind(order);
            note.bind(self.now()).execute().await?;
            end(c, follow_up).await.map(drop)
        })
        .await
    }

    async fn retry_follow_up(
        &self,
        follow_up: &ClaimedFollowUp,
        wait: Duration,
        why: &str,
    ) -> Result<Retried, StoreError> {
        let (kind, why) = (follow_up.kind.as_str(), storable(why));
        self.transaction(async |c| {
            let again = by_claim(c, E::STATEMENTS.follow_ups.again, follow_up).bind(self.now()).bind(wait);
            if again.bind(kind).bind(&*why).execute().await? == 1 {
                return Ok(Retried::Again);
            }
            let give_up = by_claim(c, E::STATEMENTS.follow_ups.give_up, follow_up).bind(self.now());
            let is_kept = give_up.bind(kind).bind(&*why).execute().await? == 1;
            let is_given_up = is_kept || end(c, follow_up).await?;
            Ok(if is_given_up { Retried::GivenUp } else { Retried::ClaimLost })
        })
        .await
    }

    async fn renew_follow_ups(&self, merchant: &MerchantName) -> Result<u64, StoreError> {
        let sql = &E::STATEMENTS.follow_ups;
        let given_up = self.read(async |c| c.query(sql.has_given_up).bind(merchant).fetch_optional().await);
        if given_up.await?.is_none() {
            return Ok(0);
        }
        self.write(async |c| {
            c.query(sql.renew).bind(merchant).bind(self.now()).bind(FOLLOW_UP_FOR).execute().await
        })
        .await
    }

    async fn delete_lapsed_follow_ups(&self, merchant: &MerchantName) -> Result<u64, StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.follow_ups.lapsed).bind(merchant).bind(self.now()).execute().await
        })
        .await
    }
}

/// Records that the orders of a user which may still be paid are to be aborted.
pub(super) async fn abort_orders<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    key: &UserKey,
) -> Result<(), StoreError> {
    let record = c.query(E::STATEMENTS.follow_ups.record_aborts).bind_user(key);
    record.bind(now).bind(FOLLOW_UP_FOR).execute().await.map(drop)
}

/// Records that what Klarna created under a claim on an order of Checkout is to be aborted, because
/// the order has ended otherwise, or its body was changed after the claim. Returns `false`, and
/// records nothing, if neither is the case, because a later claim may get the same id, or if the
/// order has ended with this id.
pub(super) async fn abort_unwanted<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: &Claim,
    klarna_id: &str,
) -> Result<bool, StoreError> {
    let unwanted = c.query(E::STATEMENTS.follow_ups.unwanted).bind(claim.order).bind(klarna_id);
    let Some(row) = unwanted.bind(claim.number).fetch_optional().await? else {
        return Ok(false);
    };
    record(c, now, FollowUp::Abort, &row.merchant()?, klarna_id).await?;
    Ok(true)
}

async fn record<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    kind: FollowUp,
    merchant: &MerchantName,
    klarna_id: &str,
) -> Result<(), StoreError> {
    let record = c.query(E::STATEMENTS.follow_ups.record).bind(merchant).bind(klarna_id).bind(now);
    record.bind(FOLLOW_UP_FOR).bind(kind.as_str()).execute().await.map(drop)
}

/// Returns whether it was deleted: not if the claim is over.
async fn end<E: Engine>(c: &mut Connection<'_, E>, follow_up: &ClaimedFollowUp) -> Result<bool, StoreError> {
    let end = by_claim(c, E::STATEMENTS.follow_ups.done, follow_up).bind(follow_up.kind.as_str());
    Ok(end.execute().await? == 1)
}

/// Binds a claim as the first three parameters of a statement.
fn by_claim<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    follow_up: &ClaimedFollowUp,
) -> Query<'c, E> {
    c.query(statement).bind(&follow_up.merchant).bind(&follow_up.klarna_id).bind(follow_up.claim_number)
}

/// Returns the follow-ups of an order that fail.
pub(super) async fn failing<E: Engine>(
    c: &mut Connection<'_, E>,
    order: OrderId,
) -> Result<Vec<FailingFollowUp>, StoreError> {
    let rows = c.query(E::STATEMENTS.follow_ups.failing_of_order).bind(order).fetch_all().await?;
    rows.iter().map(failing_follow_up).collect()
}

fn failing_follow_up(row: &impl Columns) -> Result<FailingFollowUp, StoreError> {
    let given_up_at = row.opt_time("given_up_at")?;
    Ok(FailingFollowUp {
        kind: FollowUp::from_word(&row.text("kind")?)?,
        attempts: row.int("attempts")?,
        error: row.opt_text("error")?.unwrap_or_default(),
        at: given_up_at.map_or_else(|| row.time("due_at"), Ok)?,
        given_up: given_up_at.is_some(),
    })
}

fn claimed(row: &impl Columns) -> Result<ClaimedFollowUp, StoreError> {
    Ok(ClaimedFollowUp {
        kind: FollowUp::from_word(&row.text("kind")?)?,
        merchant: row.merchant()?,
        klarna_id: row.text("klarna_id")?,
        recorded_at: row.time("recorded_at")?,
        claim_number: row.int("claim_number")?,
        attempts: row.int("attempts")?,
    })
}
