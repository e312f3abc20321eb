//! The caller that waits for an exchange.

use tokio::sync::oneshot;

use crate::breaker::{CallOutcome, CallPermit, UsedUp};
use crate::clock::since_boot;
use crate::ids::TokenVersion;
use crate::vault::provider_trials::TrialPermit;
use crate::vault::report::ExchangeReport;

/// The caller that waits for the exchange. It is answered once, and has the permit to call the
/// endpoint once.
pub(super) struct Caller {
    /// Where the answer is sent. The caller may have stopped waiting.
    waiting: Option<oneshot::Sender<ExchangeAnswer>>,
    call_permit: Option<CallPermit>,
    /// Held until the merchant's provider is known to grant tokens.
    trial: Option<TrialPermit>,
    /// Klarna's correlation id of the call, once it is known.
    pub(super) correlation_id: Option<String>,
    /// The token of a user who was seen, by an order or a vend, although the token could not be
    /// used.
    pub(super) seen: Option<TokenVersion>,
}

/// The answer to the caller.
pub(super) struct ExchangeAnswer {
    pub(super) report: ExchangeReport,
    pub(super) correlation_id: Option<String>,
}

impl Caller {
    pub(super) fn new(
        waiting: oneshot::Sender<ExchangeAnswer>,
        call_permit: CallPermit,
        trial: Option<TrialPermit>,
    ) -> Self {
        Self {
            waiting: Some(waiting),
            call_permit: Some(call_permit),
            trial,
            correlation_id: None,
            seen: None,
        }
    }

    /// Answers the caller, unless that was done before.
    pub(super) fn answer(&mut self, report: ExchangeReport) {
        if let Some(waiting) = self.waiting.take() {
            // Sending fails only if the caller has stopped waiting.
            let _ = waiting.send(ExchangeAnswer { report, correlation_id: self.correlation_id.take() });
        }
    }

    /// Records that the provider has granted a token of the merchant, and ends the trial.
    pub(super) fn proven(&mut self) {
        if let Some(trial) = self.trial.take() {
            trial.proven();
        }
    }

    /// Ends the trial: others may try the provider now.
    pub(super) fn end_trial(&mut self) {
        self.trial = None;
    }

    /// Reports to the circuit breaker that Klarna's limit of calls is used up.
    pub(super) fn used_up(&self, limit: &UsedUp) {
        if let Some(call_permit) = &self.call_permit {
            call_permit.used_up(limit, since_boot());
        }
    }

    /// Reports to the circuit breaker how the call ended. Only the first report counts.
    pub(super) fn report(&mut self, report: CallOutcome) {
        if let Some(call_permit) = self.call_permit.take() {
            call_permit.report(report, since_boot());
        }
    }
}
