//! A sweep presents every due token once, and gives each failed one its next due date.

mod due_tokens;
mod stop;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use tokio::sync::watch;
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use self::stop::Stop;
use self::walk::{DueExchange, Event, Step, Walk};
use super::due::{AFTER_UNCHANGED, Due, after_failure};
use super::plan::replan;
use super::summary::{RefreshOutcome, Summary, TokenReport};
use super::sweep_lease::SweepLease;
use crate::clock::{delta, since_boot};
use crate::config::{self, Live, Merchants};
use crate::ids::{MerchantName, PurposeId, WorkerId};
use crate::meter;
use crate::silence::SilenceWatch;
use crate::store::{DueToken, Keeper, PlanFilter, StoreError};
use crate::telemetry::traces::traced;
use crate::token::{Note, Outcome, Unusable};
use crate::vault::{Refreshed, Vault};

/// How many idle tokens are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: u32 = 500;
/// A due date that would move by less than this is not stored.
const WORTH_WRITING: Duration = Duration::from_secs(1);
const DAY: TimeDelta = TimeDelta::days(1);

/// What a [`Sweeper`] needs.
pub struct Dependencies {
    /// Stores the tokens, and the lease that lets one process sweep at a time.
    pub store: Arc<dyn Keeper>,
    /// Exchanges the tokens.
    pub vault: Vault,
    /// The merchants in the settings, by name.
    pub merchants: Live<Merchants>,
    /// The section `keeper` of the settings.
    pub settings: Live<config::Keeper>,
    /// `vault.max_in_flight`. A sweep uses at most half of it, so that orders are not delayed.
    pub max_in_flight: u32,
    /// `vault.orphan_after`: exchanges left open for longer than this by processes that died are
    /// lost answers.
    pub orphan_after: Duration,
    /// What this process has watched of others.
    pub silence: SilenceWatch,
    /// The id of this start of the process.
    pub worker: WorkerId,
}

/// Runs sweeps.
pub struct Sweeper {
    store: Arc<dyn Keeper>,
    vault: Vault,
    merchants: Live<Merchants>,
    settings: Live<config::Keeper>,
    due: Due,
    at_once: usize,
    orphan_after: Duration,
    silence: SilenceWatch,
    worker: WorkerId,
}

/// Which tokens a sweep is for.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Also refresh tokens that become due within this time; zero for those that are due now.
    pub within: Duration,
    /// Only tokens of this merchant.
    pub merchant: Option<MerchantName>,
    /// The maximum number of tokens to present.
    pub limit: Option<u64>,
    /// Sweep even while another process sweeps. No token is refreshed twice, since dueness is
    /// checked again under the claim.
    pub force: bool,
    /// How long to wait for an open circuit breaker before the merchant's tokens are skipped. A
    /// pause that an operator ordered is not waited for.
    pub patience: Duration,
}

impl Default for Scope {
    /// Every token that is due now.
    fn default() -> Self {
        Self {
            within: Duration::ZERO,
            merchant: None,
            limit: None,
            force: false,
            patience: Duration::from_mins(1),
        }
    }
}

/// The result of [`Sweeper::run`].
#[derive(Debug, PartialEq, Eq)]
pub enum Run {
    /// Another process is sweeping; its name, if known.
    Elsewhere(Option<String>),
    /// The sweep ended, complete or cut off.
    Swept(Summary),
}

impl Sweeper {
    /// A sweeper with these dependencies.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { store, vault, merchants, settings, max_in_flight, orphan_after, silence, worker } =
            dependencies;
        let at_once = usize::try_from(max_in_flight / 2).unwrap_or(usize::MAX).max(1);
        let due = Due::new(&settings.now());
        Self { store, vault, merchants, settings, due, at_once, orphan_after, silence, worker }
    }

    pub(super) fn store(&self) -> &dyn Keeper {
        &*self.store
    }

    /// Sweeps, unless another process does. After `stop` it presents no more tokens, and returns
    /// when the exchanges in flight have ended. `on_token` is called with the result of each token.
    ///
    /// # Errors
    /// If the store fails. Tokens that were not handled stay due for the next sweep.
    pub async fn run(
        self: &Arc<Self>,
        scope: &Scope,
        stop: watch::Receiver<bool>,
        on_token: &mut (dyn FnMut(&TokenReport, &Summary) + Send),
    ) -> Result<Run, StoreError> {
        let sweep_lease = SweepLease::take(&self.store, self.worker).await?;
        if sweep_lease.is_none() && !scope.force {
            return Ok(Run::Elsewhere(self.store.last_sweep().await?.sweeper));
        }
        let lost = sweep_lease.as_ref().filter(|_| !scope.force).map(SweepLease::lost);
        let begun = since_boot();
        let swept = self.sweep(scope, stop, lost, on_token).await;
        let end = match &swept {
            Ok(summary) if summary.interrupted => "interrupted",
            Ok(_) => "complete",
            Err(_) => "failed",
        };
        meter::sweep(end, since_boot().saturating_sub(begun));
        // A sweep over part of the tokens does not count as a complete one.
        let all = scope.merchant.is_none() && scope.limit.is_none();
        let whole = all && swept.as_ref().is_ok_and(|summary| !summary.interrupted);
        if let Some(sweep_lease) = sweep_lease
            && let Err(error) = sweep_lease.end(whole).await
        {
            tracing::warn!(%error, "The sweep lease could not be released; it expires by itself");
        }
        swept.map(Run::Swept)
    }

    async fn sweep(
        self: &Arc<Self>,
        scope: &Scope,
        stop: watch::Receiver<bool>,
        lost: Option<watch::Receiver<bool>>,
        on_token: &mut (dyn FnMut(&TokenReport, &Summary) + Send),
    ) -> Result<Summary, StoreError> {
        let mut summary = Summary { forgotten: self.prepare().await?, ..Summary::default() };
        let began = self.store.time().await?;
        self.warn_of_overload(began).await?;
        let sweep = PurposeId::from(Uuid::now_v7());
        let stop = Stop { stop, lost };
        let events = Walk::new(self, scope, began, stop.clone()).steps().map(|step| {
            let (sweeper, stop) = (Arc::clone(self), stop.clone());
            async move {
                match step {
                    Step::Present(due) => {
                        let ended = sweeper.present(due, sweep, stop).await;
                        ended.map_or(Event::Interrupted, Event::Token)
                    }
                    Step::Event(event) => event,
                }
            }
        });
        let mut events = std::pin::pin!(events.buffer_unordered(self.at_once));
        let mut broken = None;
        while let Some(event) = events.next().await {
            match event {
                Event::Token(report) => {
                    summary.count(report.outcome);
                    meter::swept(report.outcome.as_str());
                    on_token(&report, &summary);
                }
                Event::Again => summary.begin_again(),
                Event::Interrupted => summary.interrupted = true,
                Event::Broken(error) => broken = Some(error),
            }
        }
        match broken {
            Some(error) => Err(error),
            None => Ok(summary),
        }
    }

    /// Gives due dates to rows without one, makes the tokens of lost answers due, and forgets
    /// tokens of users who have been idle for `keeper.forget_after_idle`. Returns how many tokens
    /// were forgotten.
    async fn prepare(&self) -> Result<u64, StoreError> {
        let planned = replan(self.store(), &self.due, PlanFilter::Undated, |_| {}).await?;
        if planned > 0 {
            tracing::info!(tokens = planned, "Tokens without a due date got one");
        }
        let lost = self.store.bring_forward(&self.silence.silent(self.orphan_after)).await?;
        if lost > 0 {
            tracing::warn!(
                tokens = lost,
                "Processes that are gone left exchanges open; their tokens are due \
                now"
            );
        }
        let Some(idle) = self.settings.now().forget_after_idle else { return Ok(0) };
        let mut forgotten = 0;
        loop {
            let page = self.store.forget_idle(idle, FORGOTTEN_AT_ONCE).await?;
            forgotten += page;
            if page < u64::from(FORGOTTEN_AT_ONCE) {
                return Ok(forgotten);
            }
        }
    }

    async fn warn_of_overload(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let due = self.store.count_due(now + DAY).await?;
        let carried = self.carried_a_day();
        if due > carried {
            tracing::warn!(
                due,
                carried,
                "More tokens are due within a day than keeper.rate_per_second allows, so some are refreshed \
                 late. Raise it"
            );
        }
        Ok(())
    }

    /// How many tokens `keeper.rate_per_second` allows in a day.
    fn carried_a_day(&self) -> u64 {
        Duration::from_hours(24).mul_f64(self.settings.now().rate_per_second).as_secs()
    }

    /// Refreshes one token. It gets a trace of its own, because a sweep may have a million tokens.
    /// `None` if the sweep was stopped before its exchange could begin.
    async fn present(&self, due: DueExchange, sweep: PurposeId, stop: Stop) -> Option<TokenReport> {
        let merchant = due.merchant.name.as_str();
        let traced = traced!(
            parent: None,
            "refresh token",
            klarna_worker.merchant = merchant,
            klarna_worker.sweep = display(sweep),
            klarna_worker.result = Empty,
        );
        let token = due.token.version.token.0;
        let span =
            tracing::error_span!(parent: &traced, "refresh", merchant, token, %sweep, correlation = Empty);
        let ended = self.refresh(due, sweep, stop).instrument(span).instrument(traced.clone()).await;
        traced.record(
            "klarna_worker.result",
            ended.as_ref().map_or("interrupted", |ended| ended.outcome.as_str()),
        );
        ended
    }

    async fn refresh(&self, due: DueExchange, sweep: PurposeId, stop: Stop) -> Option<TokenReport> {
        let DueExchange { token, merchant, if_due, permit: _permit } = due;
        let refreshed = self.vault.refresh(&merchant, &token.user, sweep, if_due, stop.requested()).await;
        let failed = |note, after| Postponement {
            outcome: RefreshOutcome::Failed(note),
            note,
            after,
            failures: token.failures + 1,
        };
        let outcome = match refreshed {
            Refreshed::Rotated => RefreshOutcome::Refreshed,
            Refreshed::NotDue | Refreshed::Unusable(Unusable::NotRegistered | Unusable::ReauthRequired) => {
                RefreshOutcome::AlreadyFresh
            }
            Refreshed::NotBegun => return None,
            Refreshed::Died => RefreshOutcome::NeedsSignIn,
            Refreshed::Held(_) => self.held_back(&token.merchant),
            Refreshed::Unchanged => {
                let next = Postponement {
                    outcome: RefreshOutcome::AlreadyFresh,
                    note: Note::Unchanged,
                    after: AFTER_UNCHANGED,
                    failures: 0,
                };
                self.postpone(&token, next).await
            }
            Refreshed::Failed(outcome, asked) => self.postpone(&token, failed(note(outcome), asked)).await,
            Refreshed::Unusable(Unusable::Uncertain | Unusable::Unavailable) => {
                self.postpone(&token, failed(Note::Unavailable, Duration::ZERO)).await
            }
            Refreshed::ComeBack(after) if after <= WORTH_WRITING => RefreshOutcome::InUse,
            Refreshed::ComeBack(after) => {
                self.postpone(
                    &token,
                    Postponement {
                        outcome: RefreshOutcome::InUse,
                        note: Note::Waits,
                        after,
                        failures: token.failures,
                    },
                )
                .await
            }
        };
        Some(TokenReport { token, outcome })
    }

    /// Stores the token's next due date. If that fails, the token stays due and the next sweep
    /// tries it again.
    async fn postpone(&self, token: &DueToken, next: Postponement) -> RefreshOutcome {
        let written = async {
            let now = self.store.time().await?;
            let left = token.expires_at - now;
            let wait = match next.outcome {
                RefreshOutcome::Failed(_) => after_failure(next.failures, rand::random(), next.after, left),
                _ => next.after,
            };
            let due_at = Some(now + delta(wait));
            self.store.postpone(token.version, due_at, next.failures, next.note).await
        };
        if let Err(error) = written.await {
            tracing::warn!(token = token.version.token.0, %error, "A token's next due date could not be \
                stored; it is due again at once");
        }
        next.outcome
    }
}

/// A token's next due date, and the reason.
struct Postponement {
    outcome: RefreshOutcome,
    note: Note,
    /// The minimum wait; after a failure the back-off may be longer.
    after: Duration,
    failures: u32,
}

fn note(outcome: Outcome) -> Note {
    match outcome {
        Outcome::NotSent => Note::NotSent,
        Outcome::Refused => Note::Refused,
        _ => Note::NoAnswer,
    }
}
