//! The shopper of a user, from the id_token that comes with an access token.

use super::identity::IdTokenError;
use super::{AccessToken, Vault};
use crate::config::Merchant;
use crate::ids::{MerchantName, UserId, UserKey};
use crate::token::claims::Claims;

/// The shopper, from a verified id_token.
#[derive(Clone, Debug)]
pub struct Shopper {
    /// The claims of the id_token.
    pub claims: Claims,
    /// The keyed hash of the `sub`, if none was stored for the user before.
    unnoted: Option<Vec<u8>>,
}

/// Why an id_token tells nothing of the shopper. Contains no claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIdentified {
    /// It was not accepted.
    #[error(transparent)]
    Refused(#[from] IdTokenError),
    /// It is from another shopper than before.
    #[error("the user's token belongs to another shopper than before")]
    AnotherShopper,
}

impl Vault {
    /// Verifies the id_token that came with an access token, and returns its claims about the
    /// shopper. If it is missing, there are none.
    ///
    /// If the shopper is new for this user, call [`note`](Self::note) afterwards.
    ///
    /// # Errors
    /// If it is invalid, or from another shopper than before. The access token is still valid.
    pub async fn shopper(
        &self,
        merchant: &Merchant,
        user: &UserId,
        access: &AccessToken,
    ) -> Result<Option<Shopper>, NotIdentified> {
        let Some(id_token) = access.id_token.as_ref() else { return Ok(None) };
        let claims = match self.context.id_tokens.verify(merchant, id_token, access.received_at).await {
            Ok(claims) => claims,
            Err(error) => {
                let merchant = merchant.name.as_str();
                tracing::warn!(merchant, %error, "An id_token was not accepted; nothing is prefilled");
                return Err(error.into());
            }
        };
        let key = UserKey { merchant: merchant.name.clone(), user: user.clone() };
        let subject = self.context.secrets.hasher().subject(&key, &claims.subject);
        let unnoted = match &access.subject {
            Some(first) if *first != subject => {
                tracing::error!(
                    merchant = merchant.name.as_str(),
                    "ALARM: a user's token belongs to another shopper than before; nothing is prefilled. \
                     Check how the shop links sign-ins to users"
                );
                return Err(NotIdentified::AnotherShopper);
            }
            Some(_) => None,
            None => Some(subject.to_vec()),
        };
        Ok(Some(Shopper { claims, unnoted }))
    }

    /// Stores which shopper belongs to a user, if none was stored before. If another shopper
    /// appears later for the same user, this is logged as an alarm. A result that is stored in the
    /// same commit waits for it only while a lock on the whole table of tokens is held, for a
    /// quarter of a second.
    pub async fn note(&self, merchant: &MerchantName, user: &UserId, shopper: &Shopper) {
        let Some(subject) = &shopper.unnoted else { return };
        let key = UserKey { merchant: merchant.clone(), user: user.clone() };
        if let Err(error) = self.context.store.note_subject(&key, subject).await {
            tracing::warn!(%error, "The shopper of a user could not be recorded");
        }
    }
}
