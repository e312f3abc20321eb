//! Finds tokens that another provider than that of the settings issued. They are not presented to
//! anybody.

use crate::config::Merchants;
use crate::store::{ProviderTokens, Providers, StoreError};

/// Returns the tokens of the settings' merchants that another provider issued, by merchant and
/// provider. Reads all tokens.
///
/// # Errors
/// If the store fails.
pub async fn foreign_tokens(
    store: &dyn Providers,
    merchants: &Merchants,
) -> Result<Vec<ProviderTokens>, StoreError> {
    let mut found = store.tokens_by_provider().await?;
    found.retain(|found| {
        merchants.get(&found.merchant).is_some_and(|merchant| merchant.provider() != found.provider)
    });
    Ok(found)
}
