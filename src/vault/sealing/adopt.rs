//! Moves a merchant's tokens to another address of the same provider, row by row, while orders and
//! sweeps continue.

use std::sync::Arc;

use serde::Serialize;

use super::secrets::{PlainToken, Secrets};
use crate::ids::{MerchantName, Provider, TokenId};
use crate::store::{Adopted, AdoptedToken, Providers, SealedToken, StoreError};
use crate::token::{SealedFor, TokenSecret as _};

/// How many rows one transaction changes.
const PAGE: u32 = 200;

/// How many tokens were moved, and how many were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AdoptedTokens {
    /// Tokens that are presented to the other address from now on.
    pub adopted: u64,
    /// Tokens that were registered for another user under the other address. They are unchanged.
    pub held_elsewhere: u64,
    /// Tokens that cannot be decrypted. They are unchanged.
    pub unreadable: u64,
}

/// Moves the tokens of `merchant` from the provider `from` to `to`. Each row is written only if it
/// is unchanged since it was read, and its token is encrypted and hashed for the other provider in
/// the same transaction. An interrupted run continues at the next call. `progress` is called with
/// the number of rows done so far.
///
/// # Errors
/// If the store fails. What was moved stays so.
pub async fn adopt(
    store: &dyn Providers,
    secrets: &Arc<Secrets>,
    merchant: &MerchantName,
    from: Provider,
    to: Provider,
    mut progress: impl FnMut(u64) + Send,
) -> Result<AdoptedTokens, StoreError> {
    let (mut adopted, mut after, mut done) = (AdoptedTokens::default(), TokenId::START, 0);
    if from == to {
        return Ok(adopted);
    }
    // First, so that no token of one address is registered again under the other meanwhile.
    store.join_providers(to, from).await?;
    loop {
        let page = store.sealed_by(merchant, from, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(adopted) };
        after = last.sealed_for.version.token;
        done += page.len() as u64;
        let mut tokens = Vec::with_capacity(page.len());
        for row in page {
            match moved(secrets, row, to) {
                Ok(token) => tokens.push(token),
                Err(()) => adopted.unreadable += 1,
            }
        }
        for result in store.adopt_tokens(&tokens, to).await? {
            match result {
                Adopted::Moved => adopted.adopted += 1,
                Adopted::HeldElsewhere => adopted.held_elsewhere += 1,
                // An exchange or a sign-in was faster, under the settings of its process.
                Adopted::Changed => {}
            }
        }
        progress(done);
    }
}

/// Returns a row's token, encrypted and hashed for another provider.
fn moved(secrets: &Arc<Secrets>, row: SealedToken, to: Provider) -> Result<AdoptedToken, ()> {
    let SealedToken { sealed_for, sealed } = row;
    let token = sealed_for.version.token;
    let refused = |error: String| {
        tracing::error!(token = token.0, error, "A token was not adopted, because it cannot be decrypted");
    };
    let plain = secrets.open_token(&sealed_for, &sealed).map_err(|error| refused(error.to_string()))?;
    let plain = PlainToken::new(secrets, &plain);
    let resealed = plain.seal(&SealedFor { provider: to, ..sealed_for }).map_err(refused)?;
    Ok(AdoptedToken { token, from: sealed, to: resealed, hash: plain.hash(to) })
}
