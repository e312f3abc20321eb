//! Known tokens: the keyed hash of every token that was registered or received, and the row that it
//! belongs to.

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, Param};
use crate::ids::{Provider, TokenId, UserKey};
use crate::token::NewToken;

/// The providers that were adopted as the same one as `provider`.
pub(super) async fn same_providers<E: Engine>(
    c: &mut Connection<'_, E>,
    provider: Provider,
) -> Result<Vec<Provider>, StoreError> {
    let rows = c.query(E::STATEMENTS.tokens.same_providers).bind(&provider).fetch_all().await?;
    rows.iter().filter_map(|row| row.provider("provider").transpose()).collect()
}

/// Which row a token belongs to, and whose it is.
pub(super) async fn holder<E: Engine>(
    c: &mut Connection<'_, E>,
    token: &NewToken,
    hash: [u8; 32],
    same: &[Provider],
) -> Result<Option<(TokenId, UserKey)>, StoreError> {
    let others = same.iter().map(|provider| token.secret.hash(*provider));
    for hash in std::iter::once(hash).chain(others) {
        if let Some(row) = c.query(E::STATEMENTS.tokens.holder).bind(&hash).fetch_optional().await? {
            return Ok(Some((row.token("id")?, row.owner()?)));
        }
    }
    Ok(None)
}

/// Writes down that a token belongs to a row, and since when. `false` where one has it already.
pub(super) async fn know<E: Engine>(
    c: &mut Connection<'_, E>,
    token: TokenId,
    hash: &[u8; 32],
    seen_at: impl Into<Param<'_>>,
) -> Result<bool, StoreError> {
    Ok(c.query(E::STATEMENTS.tokens.know).bind(token).bind(hash).bind(seen_at).execute().await? == 1)
}
