//! Walks through the due tokens, at `keeper.rate_per_second`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{Stream, stream};

use super::due_tokens::{DueTokens, Next, Selection};
use super::stop::Stop;
use super::{Scope, Sweeper};
use crate::breaker::RateLimiter;
use crate::bulkhead::{Bulkhead, BulkheadPermit};
use crate::clock::{delta, since_boot};
use crate::config::Merchant;
use crate::ids::MerchantName;
use crate::keeper::summary::{RefreshOutcome, TokenReport};
use crate::store::{DueToken, StoreError};
use crate::token::{IfDue, Note};

/// After this time the walk starts again from the front, so that tokens that became urgent
/// meanwhile do not wait for the end of a long backlog.
const AGAIN: Duration = Duration::from_mins(10);

/// One step of the walk.
pub(super) enum Step {
    /// A token to present.
    Present(DueExchange),
    /// Anything else.
    Event(Event),
}

/// A token to present, with a permit for an exchange of the sweep.
pub(super) struct DueExchange {
    pub(super) token: DueToken,
    pub(super) merchant: Arc<Merchant>,
    pub(super) if_due: IfDue,
    /// Dropped after the end of the exchange, which releases it.
    pub(super) permit: BulkheadPermit,
}

/// The events of a running sweep.
pub(super) enum Event {
    /// The result for a token, presented or not.
    Token(TokenReport),
    /// The walk starts again from the front.
    Again,
    /// The sweep was stopped before its end.
    Interrupted,
    /// The store failed; the sweep ends.
    Broken(StoreError),
}

/// A token that is not presented.
fn skipped(token: DueToken, outcome: RefreshOutcome) -> Step {
    Step::Event(Event::Token(TokenReport { token, outcome }))
}

pub(super) struct Walk {
    sweeper: Arc<Sweeper>,
    stop_after_idle: Option<Duration>,
    scope: Scope,
    /// When the sweep began; tokens issued later are not due.
    began: DateTime<Utc>,
    stop: Stop,
    by: DateTime<Utc>,
    since: Duration,
    due: DueTokens,
    /// The exchanges that may be in flight. No merchant takes all permits.
    permits: Bulkhead,
    rate_limiter: RateLimiter,
    presented: u64,
    ended: bool,
}

impl Walk {
    pub(super) fn new(sweeper: &Arc<Sweeper>, scope: &Scope, began: DateTime<Utc>, stop: Stop) -> Self {
        let by = scope.by(began);
        let settings = sweeper.settings.now();
        Self {
            sweeper: Arc::clone(sweeper),
            stop_after_idle: settings.stop_after_idle,
            scope: scope.clone(),
            began,
            stop,
            by,
            since: since_boot(),
            due: DueTokens::new(scope.selection(by, began)),
            permits: Bulkhead::new(sweeper.at_once, sweeper.merchants.now().len() == 1),
            rate_limiter: RateLimiter::new(settings.rate_per_second),
            presented: 0,
            ended: false,
        }
    }

    /// Returns every step, in order.
    pub(super) fn steps(self) -> impl Stream<Item = Step> + Send {
        stream::unfold(self, Self::step)
    }

    async fn step(mut self) -> Option<(Step, Self)> {
        if self.ended || self.scope.limit.is_some_and(|limit| self.presented >= limit) {
            return None;
        }
        let step = self.poll().await.unwrap_or_else(|error| Some(Step::Event(Event::Broken(error))));
        self.ended = matches!(step, Some(Step::Event(Event::Interrupted | Event::Broken(_))));
        step.map(|step| (step, self))
    }

    /// Whether the user has not been seen for `keeper.stop_after_idle`.
    fn is_idle(&self, token: &DueToken) -> bool {
        let idle = self.stop_after_idle.zip(token.last_seen_at);
        idle.is_some_and(|(stop_after, seen)| self.began - seen >= delta(stop_after))
    }

    async fn poll(&mut self) -> Result<Option<Step>, StoreError> {
        let token = loop {
            if self.stop.is_requested() {
                return Ok(Some(Step::Event(Event::Interrupted)));
            }
            if since_boot().saturating_sub(self.since) > AGAIN {
                self.by = self.scope.by(self.sweeper.store.time().await?);
                self.since = since_boot();
                self.due = DueTokens::new(self.scope.selection(self.by, self.began));
                return Ok(Some(Step::Event(Event::Again)));
            }
            let next = if self.permits.used() < self.permits.permits() {
                let (sweeper, scope, permits) = (&self.sweeper, &self.scope, &self.permits);
                let can_go_on = |merchant: &MerchantName| match sweeper.paused(merchant, scope) {
                    Pause::None => permits.has_permit_for(merchant),
                    Pause::For(_) => false,
                    Pause::TooLong => true,
                };
                self.due.next(&*sweeper.store, can_go_on).await?
            } else {
                Next::Later
            };
            match next {
                Next::Token(token) => break token,
                Next::Later => self.wait().await,
                Next::End => return Ok(None),
            }
        };
        if !self.sweeper.merchants.contains_key(&token.merchant) {
            return Ok(Some(skipped(token, RefreshOutcome::UnknownMerchant)));
        }
        if self.is_idle(&token) {
            // The next sign-in or order of the user sets a new due date.
            self.sweeper.store.postpone(token.version, None, 0, Note::Idle).await?;
            return Ok(Some(skipped(token, RefreshOutcome::Idle)));
        }
        if matches!(self.sweeper.paused(&token.merchant, &self.scope), Pause::TooLong) {
            let outcome = self.sweeper.held_back(&token.merchant);
            return Ok(Some(skipped(token, outcome)));
        }
        let wait = self.rate_limiter.reserve(since_boot(), Duration::MAX).unwrap_or_else(|wait| wait);
        self.pause(wait).await;
        if self.stop.is_requested() {
            return Ok(Some(Step::Event(Event::Interrupted)));
        }
        let permit = self.permits.take(&token.merchant).await;
        // As it is now: a sweep takes hours, and a reload may have changed or removed it meanwhile.
        let Some(merchant) = self.sweeper.merchants.get(&token.merchant) else {
            return Ok(Some(skipped(token, RefreshOutcome::UnknownMerchant)));
        };
        self.presented += 1;
        let if_due = IfDue { by: self.by, issued_before: self.began };
        Ok(Some(Step::Present(DueExchange { token, merchant, if_due, permit })))
    }

    /// Waits until a merchant can perhaps go on: an exchange has ended, or a pause is over.
    async fn wait(&self) {
        let again = AGAIN.saturating_sub(since_boot().saturating_sub(self.since));
        let wait =
            self.due.set_aside().filter_map(|merchant| self.ready_in(merchant)).fold(again, Duration::min);
        tokio::select! {
            () = self.permits.released() => {}
            // At least as long as a timer can sleep.
            () = self.pause(wait.max(Duration::from_millis(1))) => {}
        }
    }

    /// When a merchant that was set aside can go on; `None` if an exchange has to end first.
    fn ready_in(&self, merchant: &MerchantName) -> Option<Duration> {
        if !self.permits.has_permit_for(merchant) {
            return None;
        }
        Some(match self.sweeper.paused(merchant, &self.scope) {
            Pause::For(wait) => wait,
            Pause::None | Pause::TooLong => Duration::ZERO,
        })
    }

    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stop.clone().requested() => {}
        }
    }
}

/// Whether a merchant's circuit breaker, or a pause that an operator ordered, keeps the walk from
/// its tokens.
enum Pause {
    None,
    /// For this long, and the walk waits for it.
    For(Duration),
    /// For longer than the walk waits.
    TooLong,
}

impl Sweeper {
    fn paused(&self, merchant: &MerchantName, scope: &Scope) -> Pause {
        if self.vault.sweeps_are_paused(merchant) {
            return Pause::TooLong;
        }
        let Some(wait) = self.vault.held(merchant) else { return Pause::None };
        let open = self.vault.held_for(merchant).unwrap_or_default();
        if open.max(wait) > scope.patience { Pause::TooLong } else { Pause::For(wait) }
    }

    /// Why a merchant's token may not be presented now.
    pub(super) fn held_back(&self, merchant: &MerchantName) -> RefreshOutcome {
        if self.vault.sweeps_are_paused(merchant) {
            RefreshOutcome::Paused
        } else {
            RefreshOutcome::BreakerOpen
        }
    }
}

impl Scope {
    fn by(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + delta(self.within)
    }

    fn selection(&self, by: DateTime<Utc>, began: DateTime<Utc>) -> Selection {
        Selection { by, issued_before: began, merchant: self.merchant.clone() }
    }
}
