//! The token of one attempt: how long an order waits for it, and what follows if there is none.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{EarlyEnd, OrderHandler, purpose};
use crate::clock::since_boot;
use crate::config::{Merchant, OnUnusableToken};
use crate::ids::ClaimNumber;
use crate::order::{Disposition, ErrorCode, OrderError, Prefill, TokenOutcome};
use crate::queue::Slot;
use crate::store::ClaimedOrder;
use crate::token::Unusable;
use crate::vault::{Access, AccessToken};

/// How long an order waits at least for an exchange that it has begun, if its patience is nearly
/// over.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);

/// The token of an order that is about to be submitted.
pub(super) enum OrderToken {
    /// It is submitted with this access token.
    With(AccessToken),
    /// It is submitted without one, because of this.
    Without(TokenOutcome),
}

impl OrderToken {
    /// The access token, if there is one.
    pub(super) const fn access(&self) -> Option<&AccessToken> {
        match self {
            Self::With(access) => Some(access),
            Self::Without(_) => None,
        }
    }

    /// What is stored with the order about its token.
    pub(super) const fn outcome(&self) -> TokenOutcome {
        match self {
            Self::With(access) if access.cached => TokenOutcome::Cached,
            Self::With(_) => TokenOutcome::Fresh,
            Self::Without(outcome) => *outcome,
        }
    }
}

impl OrderHandler {
    /// Returns the shopper's access token, or why the order is submitted without one. `waited`
    /// becomes how long the order waited for it. Ends the attempt early if the order waits for its
    /// token, or fails because of it.
    pub(super) async fn token(
        &self,
        order: &ClaimedOrder,
        merchant: &Arc<Merchant>,
        slot: &mut Slot,
        waited: &mut Duration,
    ) -> Result<OrderToken, EarlyEnd> {
        if !merchant.send_access_token {
            return Ok(OrderToken::Without(TokenOutcome::TurnedOff));
        }
        let purpose = purpose(order);
        let left = self.token_patience.saturating_sub(order.token_waited);
        let patience = left.max(LEAST_PATIENCE.min(self.token_patience));
        // At the first claim, nothing can be cached.
        let cached = if order.claim.number > ClaimNumber::FIRST {
            self.vault.cached_tokens(merchant, &order.user, purpose).await
        } else {
            None
        };
        let (access, took) = match cached {
            Some(cached) => (Access::Ready(cached), Duration::ZERO),
            None => self.exchange(order, merchant, patience, slot).await,
        };
        *waited = took;
        let unusable = match access {
            Access::Ready(access) => return Ok(OrderToken::With(access)),
            Access::Unusable(why) => why,
            Access::ComeBack(after) => {
                // Do not wait for a pause that is longer than the patience: no token would come in
                // time.
                if took + after < left {
                    let waits = order.waits.and("its token", order.claimed_at, after);
                    return Err(Box::new(Disposition::Snooze {
                        after,
                        error: None,
                        token_waited: after,
                        waits,
                    }));
                }
                // The exchange goes on, and may just have ended.
                match self.vault.cached_tokens(merchant, &order.user, purpose).await {
                    Some(access) => return Ok(OrderToken::With(access)),
                    None => Unusable::Unavailable,
                }
            }
        };
        match merchant.on_unusable_token {
            OnUnusableToken::SubmitWithoutToken => Ok(OrderToken::Without(token_outcome(unusable))),
            OnUnusableToken::Fail => Err(Box::new(refused_without_token(unusable))),
        }
    }

    /// Gets an access token by an exchange. The order waits for it outside its slot: one merchant's
    /// slow token endpoint must not take the slots of others. If the access token becomes too old
    /// while the order then waits for a slot, it gets another one. Also returns how long the
    /// exchanges took.
    async fn exchange(
        &self,
        order: &ClaimedOrder,
        merchant: &Arc<Merchant>,
        patience: Duration,
        slot: &mut Slot,
    ) -> (Access, Duration) {
        let mut patience = patience;
        let (mut may_repeat, mut waited) = (true, Duration::ZERO);
        loop {
            let asked = async {
                let begun = since_boot();
                let (claim_number, has_token) = (Some(order.claim.number), order.has_token);
                let exchange =
                    self.vault.exchange(merchant, &order.user, purpose(order), claim_number, has_token);
                match timeout(patience, exchange).await {
                    Ok(access) => (access, since_boot().saturating_sub(begun)),
                    Err(_) => (Access::ComeBack(Duration::ZERO), patience),
                }
            };
            let (access, took) = slot.outside(asked).await;
            waited += took;
            match access {
                Access::Ready(access) if may_repeat && !self.vault.is_usable(&access) => {
                    tracing::info!(
                        "An access token became too old while its order waited for a slot; another follows"
                    );
                    may_repeat = false;
                    patience = LEAST_PATIENCE.min(self.token_patience);
                }
                access => return (access, waited),
            }
        }
    }
}

fn token_outcome(unusable: Unusable) -> TokenOutcome {
    match unusable {
        Unusable::NotRegistered => TokenOutcome::NotRegistered,
        Unusable::ReauthRequired => TokenOutcome::ReauthRequired,
        Unusable::Uncertain => TokenOutcome::Uncertain,
        Unusable::Unavailable => TokenOutcome::Unavailable,
    }
}

fn refused_without_token(unusable: Unusable) -> Disposition {
    let (code, message) = match unusable {
        Unusable::NotRegistered => {
            (ErrorCode::TokenNotRegistered, "the service has no token for the user: the shopper must sign in")
        }
        Unusable::ReauthRequired => (
            ErrorCode::TokenReauthRequired,
            "the user's token no longer works: the shopper must sign in again",
        ),
        Unusable::Uncertain => {
            (ErrorCode::TokenUncertain, "the user's token is uncertain: an operator has to decide")
        }
        Unusable::Unavailable => (ErrorCode::TokenUnavailable, "the token endpoint gave no token in time"),
    };
    let message = format!("{message}; the order fails because of on_unusable_token = \"fail\"");
    Disposition::Failed {
        error: OrderError::new(code, message),
        token: Some(token_outcome(unusable)),
        prefilled: Prefill::default(),
    }
}
