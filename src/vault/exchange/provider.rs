//! What an exchange shows about the merchant's provider: whether its endpoint works, whether it
//! grants tokens, and whether it rejects too many in a row.

use super::Exchange;
use super::caller::Caller;
use crate::breaker::CallOutcome;
use crate::cause::Cause;
use crate::token::{Answer, probe_pause};

impl Exchange {
    /// Returns what an answer says about the endpoint.
    pub(super) fn call_outcome(&self, answer: &Answer) -> CallOutcome {
        match answer {
            Answer::Rotated(tokens) if tokens.access_token.is_none() => {
                CallOutcome::Failed { cause: Cause::new("the answer has no access token"), retry_after: None }
            }
            Answer::Rotated(_) | Answer::Unchanged(_) | Answer::InvalidGrant => CallOutcome::Answered,
            Answer::Refused { configuration: true, cause, .. } => {
                CallOutcome::Misconfigured { user: self.key.user.clone(), what: cause.clone() }
            }
            Answer::Refused { retry_after: Some(wait), .. } => CallOutcome::Throttled(*wait),
            Answer::Refused { cause, .. } | Answer::NotSent { cause } | Answer::NoAnswer { cause, .. } => {
                CallOutcome::Failed { cause: cause.clone(), retry_after: None }
            }
        }
    }

    /// Stores that the provider granted a token.
    pub(super) async fn prove(&self, caller: &mut Caller) {
        let proving = self.context.store.prove_provider(&self.merchant.name, self.merchant.provider());
        match proving.await {
            Ok(()) => caller.proven(),
            Err(error) => tracing::warn!(merchant = self.merchant.name.as_str(), %error,
                "It could not be stored that the token endpoint grants tokens; the next success tries again"),
        }
    }

    /// Stops the merchant if too many of its tokens were rejected in a row.
    pub(super) async fn judge(&self, caller: &mut Caller) {
        let merchant = &self.merchant.name;
        let pause = probe_pause(0);
        let judged = self.context.store.judge_rejections(merchant, self.merchant.provider(), pause).await;
        let suspicious = match judged {
            Ok(streak) if streak.is_suspicious() => {
                tracing::error!(%merchant, rejections = streak.length,
                    "ALARM: the token endpoint rejected too many refresh tokens in a row; no more are \
                     presented, except for one probe at a time. Check token_url and client_id, then run \
                     `tokens resolve --rejected --retry`");
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(%merchant, %error, "Rejections in a row could not be counted; the next one \
                    counts again");
                false
            }
        };
        caller.report(if suspicious { CallOutcome::Stopped(pause) } else { CallOutcome::Answered });
    }
}
