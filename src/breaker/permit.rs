//! The permit for one call, and what follows from the call's result.

use std::pin::pin;
use std::time::Duration;

use super::circuit::{CallKind, Change, State};
use super::{CallOutcome, CircuitBreakers, UsedUp};
use crate::clock::since_boot;
use crate::ids::MerchantName;
use crate::meter;

/// The permit for one call. Report the call's result with it. If nothing was sent, drop it; this
/// changes nothing.
#[must_use = "report the result of the call"]
pub struct CallPermit {
    pub(super) breakers: CircuitBreakers,
    pub(super) merchant: MerchantName,
    pub(super) kind: CallKind,
    pub(super) reported: bool,
    pub(super) hold: Duration,
}

impl CallPermit {
    /// Waits as long as the rate limit requires, usually not at all. It skips the timer then,
    /// because even a wait of zero lasts until the timer's next millisecond.
    pub async fn wait_for_rate(&self) {
        if self.hold.is_zero() {
            return;
        }
        let mut leases = self.breakers.sharing.leased.subscribe();
        let mut over = pin!(tokio::time::sleep(self.hold));
        loop {
            tokio::select! {
                () = &mut over => return,
                Ok(()) = leases.changed() => {}
            }
            if self.takes_leased(since_boot()) {
                return;
            }
        }
    }

    /// Whether a leased call lets it go before its own place. Not before a pause of the endpoint is
    /// over.
    pub(super) fn takes_leased(&self, now: Duration) -> bool {
        if !self.breakers.sharing.joins_in(now).is_zero() {
            return false;
        }
        let taken = self.breakers.with(&self.merchant, |breaker, _| {
            breaker.held.until <= now && breaker.rate.exchange_for_leased(now)
        });
        taken.unwrap_or(false)
    }

    /// Reports that the answer said that Klarna's limit is used up.
    pub fn used_up(&self, limit: &UsedUp, now: Duration) {
        self.breakers.used_up(&self.merchant, limit, now);
    }

    /// Reports the result of the call.
    pub fn report(mut self, report: CallOutcome, now: Duration) {
        self.reported = true;
        let endpoint = self.breakers.endpoint.as_str();
        let asked =
            matches!(report, CallOutcome::Throttled(_) | CallOutcome::Failed { retry_after: Some(_), .. });
        let longest = self.breakers.rates.longest_pause(&self.merchant);
        let reported = self.breakers.with(&self.merchant, |breaker, _| {
            breaker.longest_pause = longest;
            let change = breaker.report(report, now, self.kind);
            (change, breaker.cause(), breaker.closed_for(now).unwrap_or_default())
        });
        let Some((change, cause, pause)) = reported else { return };
        let (merchant, pause_s) = (self.merchant.as_str(), pause.as_secs_f64().ceil());
        match change {
            None => {}
            Some(Change::Opened) => {
                meter::breaker_opened(endpoint, &self.merchant);
                if asked {
                    tracing::warn!(
                        endpoint,
                        merchant,
                        cause,
                        pause_s,
                        "Klarna asked for pauses, so a circuit breaker opened; calls to this endpoint wait"
                    );
                } else {
                    tracing::error!(
                        endpoint,
                        merchant,
                        cause,
                        pause_s,
                        "A circuit breaker opened; calls to this endpoint wait"
                    );
                }
            }
            Some(Change::Closed) => {
                tracing::info!(
                    endpoint,
                    merchant,
                    "A circuit breaker closed; calls to this endpoint continue"
                );
            }
        }
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        if self.kind == CallKind::Usual || self.reported {
            return;
        }
        self.breakers.with(&self.merchant, |breaker, _| {
            if let State::Probing { since } = breaker.state {
                // The next call is a probe.
                breaker.state = State::Open { until: since };
            }
        });
    }
}
