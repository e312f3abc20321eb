//! Revokes forgotten tokens at their provider (RFC 7009). The request was recorded in the transaction
//! that forgot the token, so it survives a crash, and nobody waited for it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::sealing::Secrets;
use crate::config::{Merchant, Merchants};
use crate::klarna::http::BuildError;
use crate::klarna::revoke::{RevokeClient, Revoked};
use crate::meter;
use crate::store::{ClaimedRevocation, Revocations, StoreError};

/// How often the database is asked for due revocations.
const LOOK: Duration = Duration::from_secs(2);
/// How many tokens of one merchant are revoked at a time.
const AT_ONCE: u32 = 4;
/// How far a claim moves the due time: longer than any attempt.
const LEASE: Duration = Duration::from_mins(1);

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// The waits after failed attempts. Later ones are like the last, until the token has waited for a day.
const WAITS: [Duration; 6] =
    [Duration::from_secs(5), MINUTE, Duration::from_mins(5), Duration::from_mins(30), LONGEST, LONGEST];
const LONGEST: Duration = HOUR.saturating_mul(4);

/// Revokes tokens. Any number of processes may do so at once.
pub struct Revoker {
    store: Arc<dyn Revocations>,
    secrets: Arc<Secrets>,
    merchants: Arc<Merchants>,
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
        merchants: Arc<Merchants>,
        timeout: Duration,
    ) -> Result<Self, BuildError> {
        Ok(Self { store, secrets, merchants, client: RevokeClient::new(timeout)? })
    }

    /// Revokes what is due, and looks again every two seconds. Dropping the future loses nothing: what
    /// was claimed is due again after a minute.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.revoke_due().await {
                tracing::warn!(%error, "Revocations could not be read or written; the next try follows");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Revokes what is due now, and returns how many attempts it made.
    ///
    /// # Errors
    /// If the store fails. What was not stored is tried again.
    pub async fn revoke_due(&self) -> Result<usize, StoreError> {
        let due = self.store.due_revocations().await?;
        // Another process may know the other merchants.
        let known: Vec<_> = due.iter().filter_map(|name| self.merchants.get(name)).collect();
        if known.len() < due.len() {
            self.drop_lapsed().await?;
        }
        let mut attempts = 0;
        for revoked in join_all(known.into_iter().map(|merchant| self.revoke_of(merchant))).await {
            attempts += revoked?;
        }
        Ok(attempts)
    }

    /// Gives up tokens whose merchant no process has known for a day.
    async fn drop_lapsed(&self) -> Result<(), StoreError> {
        let tokens = self.store.delete_lapsed_revocations().await?;
        if tokens > 0 {
            tracing::error!(
                tokens,
                "Refresh tokens were not revoked in time: no process knows their merchant"
            );
        }
        Ok(())
    }

    async fn revoke_of(&self, merchant: &Merchant) -> Result<usize, StoreError> {
        let claimed = self.store.claim_revocations(&merchant.name, AT_ONCE, LEASE).await?;
        let attempts = claimed.len();
        for done in join_all(claimed.into_iter().map(|claimed| self.attempt(merchant, claimed))).await {
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

fn given_up(merchant: &Merchant, token: i64, what: &str) {
    meter::revocation(&merchant.name, "given_up");
    tracing::error!(
        merchant = merchant.name.as_str(),
        token,
        what,
        "A refresh token was not revoked and is given up; at Klarna it stays valid until it expires"
    );
}

/// The wait after a failed attempt, after `before` others that failed: as in the table, randomly up to a
/// tenth shorter or longer, but at least `asked`. `unit` is a random number from 0 to 1.
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
