//! Revokes forgotten tokens at their provider (RFC 7009). The request was recorded in the
//! transaction that forgot the token, so it survives a crash, and nobody waited for it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::sealing::Secrets;
use crate::config::{Live, Merchant, Merchants};
use crate::ids::MerchantName;
use crate::klarna::http::BuildError;
use crate::klarna::revoke::{RevokeClient, Revoked};
use crate::meter;
use crate::queue::{work_by_group, work_on_groups};
use crate::store::{ClaimedRevocation, Revocations, StoreError};

/// How often the database is asked for due revocations.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How many tokens of one merchant are revoked at a time.
const AT_ONCE: u32 = 4;
/// How far a claim moves the due time: longer than any attempt.
const LEASE: Duration = Duration::from_mins(1);

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// The waits after the first failed attempts. Later ones are [`LONGEST`], until the token has
/// waited for a day.
const WAITS: [Duration; 4] =
    [Duration::from_secs(5), MINUTE, Duration::from_mins(5), Duration::from_mins(30)];
const LONGEST: Duration = HOUR.saturating_mul(4);

/// Revokes tokens. Any number of processes may do so at once.
pub struct Revoker {
    store: Arc<dyn Revocations>,
    secrets: Arc<Secrets>,
    merchants: Live<Merchants>,
    client: RevokeClient,
}

impl Revoker {
    /// Creates a revoker for the merchants of the settings. `timeout` limits one request.
    ///
    /// # Errors
    /// If the HTTP client cannot be created.
    pub fn new(
        store: Arc<dyn Revocations>,
        secrets: Arc<Secrets>,
        merchants: Live<Merchants>,
        timeout: Duration,
    ) -> Result<Self, BuildError> {
        Ok(Self { store, secrets, merchants, client: RevokeClient::new(timeout)? })
    }

    /// Revokes what is due, and looks every two seconds for merchants with due revocations. A
    /// merchant whose endpoint is slow holds up no other one. Dropping the future loses nothing:
    /// what was claimed is due again after a minute.
    pub async fn run(self) {
        work_by_group(POLL_INTERVAL, || self.due(), |merchant| self.revoke_of(merchant), later).await;
    }

    /// Revokes what is due now, and returns how many attempts it made.
    ///
    /// # Errors
    /// If the store fails. What was not stored is tried again.
    pub async fn revoke_due(&self) -> Result<usize, StoreError> {
        work_on_groups(self.due().await?, |merchant| self.revoke_of(merchant)).await
    }

    /// Returns the merchants that have due revocations. Another process may know the others; tokens
    /// whose merchant no process has known for a day are given up.
    async fn due(&self) -> Result<Vec<MerchantName>, StoreError> {
        let mut known = Vec::new();
        for name in self.store.due_revocations().await? {
            if self.merchants.contains_key(&name) {
                known.push(name);
            } else {
                self.drop_lapsed(&name).await?;
            }
        }
        Ok(known)
    }

    async fn drop_lapsed(&self, merchant: &MerchantName) -> Result<(), StoreError> {
        let tokens = self.store.delete_lapsed_revocations(merchant).await?;
        if tokens > 0 {
            tracing::error!(
                merchant = merchant.as_str(),
                tokens,
                "Refresh tokens were not revoked in time: no process knows their merchant"
            );
        }
        Ok(())
    }

    /// Revokes some tokens of the merchant that are due, and returns how many.
    async fn revoke_of(&self, merchant: MerchantName) -> Result<usize, StoreError> {
        let Some(merchant) = self.merchants.get(&merchant) else { return Ok(0) };
        let claimed = self.store.claim_revocations(&merchant.name, AT_ONCE, LEASE).await?;
        let attempts = claimed.len();
        for done in join_all(claimed.into_iter().map(|claimed| self.attempt(&merchant, claimed))).await {
            done?;
        }
        Ok(attempts)
    }

    async fn attempt(&self, merchant: &Merchant, claimed: ClaimedRevocation) -> Result<(), StoreError> {
        let (name, token) = (&merchant.name, claimed.claim.version.token.0);
        match self.revoke(merchant, &claimed).await {
            Revoked::Done => {
                self.store.end_revocation(claimed.claim).await?;
                meter::revocation(name, "revoked");
                tracing::info!(merchant = name.as_str(), token, "A refresh token was revoked");
            }
            Revoked::Refused { what } => {
                self.store.end_revocation(claimed.claim).await?;
                given_up(merchant, token, &what);
            }
            Revoked::Failed { what, retry_after } => {
                let wait = wait(claimed.attempts, rand::random(), retry_after);
                meter::revocation(name, "failed");
                if self.store.retry_revocation(claimed.claim, wait).await? {
                    tracing::warn!(
                        merchant = name.as_str(),
                        token,
                        what,
                        "A refresh token could not be revoked; the next try follows"
                    );
                } else {
                    given_up(merchant, token, &what);
                }
            }
        }
        Ok(())
    }

    /// Revokes a token once.
    async fn revoke(&self, merchant: &Merchant, claimed: &ClaimedRevocation) -> Revoked {
        let failed = |what: &str| Revoked::Failed { what: what.to_owned(), retry_after: None };
        if claimed.sealed_for.provider != merchant.provider() {
            // Another provider must not see it. The settings may be corrected.
            return failed("the token belongs to another provider than the settings name");
        }
        let Some(url) = &merchant.revoke_url else { return failed("the settings have no revoke_url") };
        match self.secrets.open_token(&claimed.sealed_for, &claimed.sealed) {
            Ok(token) => self.client.revoke(merchant, url, &token).await,
            Err(error) => failed(&error.to_string()),
        }
    }
}

/// Logs that the database failed. The next poll tries again.
fn later(error: &StoreError) {
    tracing::warn!(%error, "Revocations could not be read or written; the next try follows");
}

fn given_up(merchant: &Merchant, token: i64, what: &str) {
    meter::revocation(&merchant.name, "given_up");
    tracing::error!(
        merchant = merchant.name.as_str(),
        token,
        what,
        "A refresh token was not revoked and is given up; at Klarna it stays valid until it expires"
    );
}

/// The wait after a failed attempt, after `before` others that failed: as in the table, randomly up
/// to a tenth shorter or longer, but at least `asked`. `unit` is a random number from 0 to 1.
fn wait(before: i64, unit: f64, asked: Option<Duration>) -> Duration {
    let wait = usize::try_from(before).ok().and_then(|before| WAITS.get(before)).copied().unwrap_or(LONGEST);
    wait.mul_f64(0.9 + 0.2 * unit.clamp(0.0, 1.0)).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::REVOKE_FOR;

    #[test]
    fn a_day_takes_ten_attempts() {
        let (mut at, mut failed) = (Duration::ZERO, 0);
        while at + wait(failed, 0.5, None) < REVOKE_FOR {
            at += wait(failed, 0.5, None);
            failed += 1;
        }
        assert_eq!(failed + 1, 10);
        assert_eq!(wait(0, 0.5, Some(HOUR)), HOUR);
    }
}
