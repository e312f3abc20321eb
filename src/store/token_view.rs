//! Reads a token's row as shops and operators see it.

use super::StoreError;
use super::columns::Columns;
use crate::token::{DeadReason, Note, TokenState, TokenView};

pub(super) fn token_view(row: &impl Columns) -> Result<TokenView, StoreError> {
    Ok(TokenView {
        merchant: row.merchant()?,
        user: row.user()?,
        state: TokenState::from_word(&row.text("state")?)?,
        reason: row.opt_text("reason")?.map(|word| DeadReason::from_word(&word)).transpose()?,
        generation: row.int("generation")?,
        issued_at: row.opt_time("issued_at")?,
        expires_at: row.opt_time("expires_at")?,
        refresh_due_at: row.opt_time("refresh_due_at")?,
        refresh_failures: row.int("refresh_failures")?,
        refresh_note: row.opt_text("refresh_note")?.map(|word| Note::from_word(&word)).transpose()?,
        last_seen_at: row.opt_time("last_seen_at")?,
        signed_in_at: row.opt_time("signed_in_at")?,
        updated_at: row.time("updated_at")?,
    })
}
