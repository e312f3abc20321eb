//! The due tokens, page by page, with one query for each day of expiry.

use chrono::{DateTime, Utc};

use crate::ids::{MerchantName, TokenId, TokenVersion, UserId};
use crate::store::columns::{Columns, readable};
use crate::store::engine::{Connection, Engine, Row};
use crate::store::{StoreError, json};

/// A token that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueToken {
    /// The row and its generation.
    pub version: TokenVersion,
    /// The merchant's name.
    pub merchant: MerchantName,
    /// The shop's own id for the user.
    pub user: UserId,
    /// When Klarna issued it.
    pub issued_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// When it became due.
    pub due_at: DateTime<Utc>,
    /// How many refreshes failed in a row.
    pub failures: u32,
    /// The user's last sign-in, or last order that used the token.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Its position among the due tokens.
    pub cursor: DueCursor,
}

/// A position among the due tokens, which are ordered by day of expiry, then by due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueCursor {
    day: i64,
    due_at: DateTime<Utc>,
    token: TokenId,
}

/// Selects a page of the due tokens.
#[derive(Clone, Debug)]
pub struct DueFilter {
    /// Tokens that are due at this time.
    pub by: DateTime<Utc>,
    /// Only this merchant's tokens.
    pub merchant: Option<MerchantName>,
    /// No tokens of these merchants.
    pub except: Vec<MerchantName>,
    /// Only tokens after this position, which is [`DuePage::next`] of the previous page.
    pub after: Option<DueCursor>,
    /// How many due tokens are looked at, of whichever merchant. So the page may have fewer, or
    /// none.
    pub limit: u32,
}

/// A page of the due tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePage {
    /// Those that the filter selects.
    pub tokens: Vec<DueToken>,
    /// The position of the last token that was looked at; `None` if no more are due.
    pub next: Option<DueCursor>,
}

/// The position before all tokens of the first day.
const FIRST: DueCursor = DueCursor { day: 0, due_at: DateTime::UNIX_EPOCH, token: TokenId::START };

/// Returns due tokens, with one query for each day of expiry, so that each query reads only due
/// entries of the index.
pub(super) async fn due<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &DueFilter,
) -> Result<DuePage, StoreError> {
    let mut left = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut tokens = Vec::new();
    let mut next = match filter.after {
        Some(cursor) => Some(cursor),
        None => next_due_day(c, filter.by, i64::from(i32::MIN)).await?,
    };
    while let Some(after) = next {
        let rows = due_of_day(c, filter, after, left).await?;
        let wanted = readable("token", &rows, |row| {
            Ok(if row.flag("wanted")? { Some(due_token(row, after.day)?) } else { None })
        });
        tokens.extend(wanted.into_iter().flatten());
        left -= rows.len();
        if left == 0 {
            let last = rows.last().map(|row| cursor(row, after.day)).transpose()?;
            return Ok(DuePage { tokens, next: last });
        }
        next = next_due_day(c, filter.by, after.day).await?;
    }
    Ok(DuePage { tokens, next: None })
}

/// Returns the beginning of the first day of expiry after `after` that has due tokens.
async fn next_due_day<E: Engine>(
    c: &mut Connection<'_, E>,
    by: DateTime<Utc>,
    after: i64,
) -> Result<Option<DueCursor>, StoreError> {
    let row = c.query(E::STATEMENTS.keeper.next_due_day).bind(by).bind(after).fetch_optional().await?;
    Ok(row.map(|row| row.int("day")).transpose()?.map(|day| DueCursor { day, ..FIRST }))
}

async fn due_of_day<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &DueFilter,
    after: DueCursor,
    limit: usize,
) -> Result<Vec<Row<E>>, StoreError> {
    let list = c
        .query(E::STATEMENTS.keeper.due_of_day)
        .bind(after.day)
        .bind(filter.by)
        .bind(after.due_at)
        .bind(after.token);
    let except = json(&filter.except)?;
    list.bind(&filter.merchant).bind(limit).bind(&except).fetch_all().await
}

fn cursor(row: &impl Columns, day: i64) -> Result<DueCursor, StoreError> {
    Ok(DueCursor { day, due_at: row.time("refresh_due_at")?, token: row.token("id")? })
}

fn due_token(row: &impl Columns, day: i64) -> Result<DueToken, StoreError> {
    let cursor = cursor(row, day)?;
    let due_at = cursor.due_at;
    Ok(DueToken {
        version: row.version("id")?,
        merchant: row.merchant()?,
        user: row.user()?,
        // A time that cannot be read must not stop the sweep of the other tokens.
        issued_at: row.time("issued_at").unwrap_or(due_at),
        expires_at: row.time("expires_at").unwrap_or(due_at),
        due_at,
        failures: u32::try_from(row.int("refresh_failures")?).unwrap_or(u32::MAX),
        last_seen_at: row.opt_time("last_seen_at").unwrap_or_default(),
        cursor,
    })
}
