//! Which set of a merchant's credentials Klarna accepts, while they are changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::StatusCode;

use crate::config::{CredentialSet, Merchant};
use crate::ids::MerchantName;
use crate::order::Target;

/// The sets that were accepted last, by merchant and target: two targets may belong to two
/// providers. Clones share them, so that what one client learns is known to all.
#[derive(Clone, Debug, Default)]
pub struct AcceptedCredentials(Arc<Mutex<BTreeMap<(MerchantName, Target), CredentialSet>>>);

impl AcceptedCredentials {
    /// Returns the set that was accepted last; at first the first one.
    pub(super) fn of(&self, merchant: &Merchant, target: Target) -> CredentialSet {
        if merchant.second_api_credentials.is_none() {
            return CredentialSet::First;
        }
        let accepted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.get(&(merchant.name.clone(), target)).copied().unwrap_or_default()
    }

    /// Describes for people which of a merchant's two sets of credentials this process uses,
    /// without anything of the secrets; `None` if the merchant has one set.
    #[must_use]
    pub fn describe(&self, merchant: &Merchant) -> Option<String> {
        merchant.second_api_credentials.as_ref()?;
        let set = self.of(merchant, merchant.target).as_str();
        let what = merchant.api_credentials.plural();
        Some(format!("two {what}: calls use the {set} now, and the other where Klarna refuses it"))
    }

    /// Klarna has answered a call with a set. If it has accepted the set, this is in use from now
    /// on. A change is logged.
    pub(super) fn answered(
        &self,
        merchant: &Merchant,
        target: Target,
        set: CredentialSet,
        status: StatusCode,
    ) {
        if merchant.second_api_credentials.is_none() || !says_accepted(status) {
            return;
        }
        let key = (merchant.name.clone(), target);
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, set);
        if before.unwrap_or_default() != set {
            tracing::warn!(merchant = %merchant.name, target = target.as_str(), in_use = set.as_str(), "Klarna refuses \
                one set of the merchant's API credentials and accepts the other, which is used from now on");
        }
    }
}

/// Whether an answer says that Klarna has accepted the credentials: it has dealt with the request
/// itself. A limit or an error of the server may come before the credentials are looked at.
fn says_accepted(status: StatusCode) -> bool {
    let says_nothing = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    !says_nothing.contains(&status) && !status.is_server_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_to_the_request_itself_says_that_credentials_are_accepted() {
        let says = |status: u16| says_accepted(StatusCode::from_u16(status).unwrap());
        for accepted in [200, 201, 204, 400, 404, 409, 413] {
            assert!(says(accepted), "{accepted}");
        }
        for unknown in [401, 403, 429, 500, 502, 503, 504] {
            assert!(!says(unknown), "{unknown}");
        }
    }
}
