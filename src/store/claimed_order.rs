//! An order that a worker has claimed, read from its row.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::{StoreError, from_json};
use crate::ids::{ClaimNumber, MerchantName, UserId, WorkerId};
use crate::order::{OrderError, OrderId, OrderView, Target, Waits};

/// A claim of orders that failed.
#[derive(Debug)]
pub struct ClaimFailed {
    /// What was claimed before it failed. The worker has to run it.
    pub claimed: Vec<ClaimedOrder>,
    /// Why it failed. Unless this is [`StoreError::Busy`], more may be claimed.
    pub error: StoreError,
}

impl From<StoreError> for ClaimFailed {
    fn from(error: StoreError) -> Self {
        Self { claimed: Vec::new(), error }
    }
}

/// An order that a worker has claimed for one attempt.
#[derive(Clone, Debug)]
pub struct ClaimedOrder {
    /// The claim, which every write names.
    pub claim: Claim,
    /// The merchant's name.
    pub merchant: MerchantName,
    /// The user whose refresh token is used.
    pub user: UserId,
    /// Klarna's order, as the shop wrote it.
    pub body: String,
    /// The version of the body, from 1.
    pub version: i64,
    /// The product of Klarna that it is submitted to. `None`: the merchant's setting.
    pub target: Option<Target>,
    /// Whether absent shopper data is filled in. `None`: the merchant's setting.
    pub prefill: Option<bool>,
    /// The number of attempts that ended before this one.
    pub attempts: i64,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// When it became due for this claim.
    pub due_at: DateTime<Utc>,
    /// When it was due at its first claim, since an operator last retried it.
    pub first_due_at: DateTime<Utc>,
    /// When this claim was made, by the database's clock.
    pub claimed_at: DateTime<Utc>,
    /// How long it has waited for its token, at earlier claims. `vault.token_patience` limits it.
    pub token_waited: Duration,
    /// What it waited for, at earlier claims.
    pub waits: Waits,
    /// When the order is given up.
    pub deadline_at: DateTime<Utc>,
    /// Whether an earlier create call may have reached Klarna without an answer.
    pub possible_duplicate: bool,
    /// Why the last attempt failed, or why the order had to wait.
    pub error: Option<OrderError>,
    /// Whether it was submitted by SQL, which does not check its body.
    pub unchecked: bool,
    /// Whether the user was seen to have a refresh token when the order was claimed.
    pub has_token: bool,
    /// The trace context of its acceptance.
    pub trace: Option<String>,
    /// How the order is shown, if its insert made this claim.
    pub inserted: Option<Arc<OrderView>>,
    /// What is wrong, if the row cannot be read. Then only `claim` is valid, and the order must
    /// fail.
    pub unreadable: Option<String>,
}

/// A worker's claim on an order. A write changes nothing unless the row still has this worker and
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The order.
    pub order: OrderId,
    /// This start of the process.
    pub worker: WorkerId,
    /// The claim number, which rises by one with each claim of the order.
    pub number: ClaimNumber,
}

/// Reads an order from the row that its claim returned.
pub(super) fn claimed(row: &impl Columns, worker: WorkerId) -> Result<ClaimedOrder, StoreError> {
    let claim = Claim { order: row.id("id")?, worker, number: row.claim_number()? };
    Ok(read_claimed(row, claim).unwrap_or_else(|error| unreadable(row, claim, &error)))
}

/// Returns an order that will fail because its row cannot be read. The orders that were claimed
/// with it are not affected.
fn unreadable(row: &impl Columns, claim: Claim, error: &StoreError) -> ClaimedOrder {
    let now = row.time("now").unwrap_or(DateTime::UNIX_EPOCH);
    ClaimedOrder {
        claim,
        merchant: row.merchant().unwrap_or_else(|_| "".into()),
        user: row.user().unwrap_or_else(|_| "".into()),
        body: String::new(),
        version: 1,
        target: row.opt_parsed("target").unwrap_or_default(),
        prefill: None,
        attempts: 0,
        accepted_at: now,
        due_at: now,
        first_due_at: now,
        claimed_at: now,
        token_waited: Duration::ZERO,
        waits: Waits::default(),
        deadline_at: now,
        possible_duplicate: row.flag("possible_duplicate").unwrap_or_default(),
        error: None,
        unchecked: false,
        has_token: false,
        trace: None,
        inserted: None,
        unreadable: Some(error.to_string()),
    }
}

fn read_claimed(row: &impl Columns, claim: Claim) -> Result<ClaimedOrder, StoreError> {
    Ok(ClaimedOrder {
        claim,
        merchant: row.merchant()?,
        user: row.user()?,
        body: row.text("body")?,
        version: row.int("version")?,
        target: row.opt_parsed("target")?,
        prefill: row.opt_flag("prefill")?,
        attempts: row.int("attempts")?,
        accepted_at: row.time("accepted_at")?,
        due_at: row.time("due_at")?,
        first_due_at: row.time("first_due_at")?,
        claimed_at: row.time("now")?,
        token_waited: Duration::from_micros(u64::try_from(row.int("token_waited")?).unwrap_or_default()),
        waits: waits(row)?,
        deadline_at: row.time("deadline_at")?,
        possible_duplicate: row.flag("possible_duplicate")?,
        error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
        unchecked: row.flag("unchecked")?,
        has_token: row.flag("has_token")?,
        trace: row.opt_text("trace")?,
        inserted: None,
        unreadable: None,
    })
}

/// Reads the waits of an order. They are for people, so what cannot be read stops no order.
pub(super) fn waits(row: &impl Columns) -> Result<Waits, StoreError> {
    let text = row.opt_text("waits")?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}
