//! Calculates due dates: for rows that have none, or for all rows after a change of the settings.

use super::due::Due;
use crate::ids::TokenId;
use crate::store::{DueDate, Keeper, PlanFilter, StoreError};
use crate::vault::DueDates;

/// How many rows one statement changes.
const PAGE: u32 = 1000;

/// Sets the due dates that the settings give, page by page, and returns how many rows changed.
/// `progress` is called with the number of rows read so far.
///
/// # Errors
/// The store fails. Pages that were written before stay written.
pub async fn replan(
    store: &dyn Keeper,
    due: &Due,
    which: PlanFilter,
    mut progress: impl FnMut(u64),
) -> Result<u64, StoreError> {
    let (mut after, mut seen, mut planned) = (TokenId::START, 0, 0);
    loop {
        let page = store.plannable_tokens(which, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(planned) };
        after = last.version.token;
        seen += page.len() as u64;
        let dates: Vec<_> = page
            .iter()
            .map(|token| DueDate {
                version: token.version,
                due_at: due.due_at(&token.owner, token.expires_at),
            })
            .collect();
        planned += store.set_due_dates(&dates).await?;
        progress(seen);
    }
}
