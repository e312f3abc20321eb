//! Due dates anew: for rows that have none, and for all where the settings changed.

use super::due::Due;
use crate::store::{DueDate, PlanFilter, Store, StoreError};
use crate::vault::DueDates;

/// Rows a statement.
const PAGE: u32 = 1000;

/// Gives tokens the dates that the settings say, page by page; how many took one. `told` hears how many were looked at
/// so far.
///
/// # Errors
/// Where the store fails; what was written stays.
pub async fn replan(
    store: &dyn Store,
    due: &Due,
    which: PlanFilter,
    mut told: impl FnMut(u64),
) -> Result<u64, StoreError> {
    let (mut after, mut seen, mut planned) = (0, 0, 0);
    loop {
        let page = store.plannable_tokens(which, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(planned) };
        after = last.id;
        seen += page.len() as u64;
        let dates: Vec<_> = page
            .iter()
            .map(|token| DueDate {
                token: token.id,
                generation: token.generation,
                due_at: due.due_at(&token.merchant, &token.user, token.expires_at),
            })
            .collect();
        planned += store.set_due_dates(&dates).await?;
        told(seen);
    }
}
