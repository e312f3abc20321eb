//! Walks through the due tokens page by page, at `keeper.rate_per_second`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{Stream, stream};
use tokio::sync::watch;

use super::{Scope, Sweeper};
use crate::breaker::RateLimiter;
use crate::clock::{delta, since_boot};
use crate::config::Merchant;
use crate::ids::MerchantName;
use crate::keeper::summary::{RefreshOutcome, TokenReport};
use crate::store::{DueCursor, DueFilter, DueToken, StoreError};
use crate::token::{IfDue, Note};

/// How many tokens a page has.
const PAGE: u32 = 200;
/// After this time the walk starts again from the front, so that tokens that became urgent
/// meanwhile do not wait for the end of a long backlog.
const AGAIN: Duration = Duration::from_mins(10);

/// One step of the walk.
pub(super) enum Step {
    /// A token to present.
    Present(DueToken, Arc<Merchant>, IfDue),
    /// Anything else.
    Event(Event),
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
    scope: Scope,
    /// When the sweep began; tokens issued later are not due.
    began: DateTime<Utc>,
    stop: watch::Receiver<bool>,
    /// Becomes `true` when the sweep lease is lost.
    lost: Option<watch::Receiver<bool>>,
    by: DateTime<Utc>,
    since: Duration,
    place: Option<DueCursor>,
    page: VecDeque<DueToken>,
    rate_limiter: RateLimiter,
    presented: u64,
    ended: bool,
}

impl Walk {
    pub(super) fn new(
        sweeper: &Arc<Sweeper>,
        scope: &Scope,
        began: DateTime<Utc>,
        stop: watch::Receiver<bool>,
        lost: Option<watch::Receiver<bool>>,
    ) -> Self {
        Self {
            sweeper: Arc::clone(sweeper),
            scope: scope.clone(),
            began,
            stop,
            lost,
            by: scope.by(began),
            since: since_boot(),
            place: None,
            page: VecDeque::new(),
            rate_limiter: RateLimiter::new(sweeper.settings.rate_per_second),
            presented: 0,
            ended: false,
        }
    }

    /// Every step, in order.
    pub(super) fn steps(self) -> impl Stream<Item = Step> + Send {
        stream::unfold(self, Self::step)
    }

    async fn step(mut self) -> Option<(Step, Self)> {
        if self.ended || self.scope.limit.is_some_and(|limit| self.presented >= limit) {
            return None;
        }
        let step = self.look().await.unwrap_or_else(|error| Some(Step::Event(Event::Broken(error))));
        self.ended = matches!(step, Some(Step::Event(Event::Interrupted | Event::Broken(_))));
        step.map(|step| (step, self))
    }

    async fn look(&mut self) -> Result<Option<Step>, StoreError> {
        if self.must_end() {
            return Ok(Some(Step::Event(Event::Interrupted)));
        }
        if since_boot().saturating_sub(self.since) > AGAIN {
            self.by = self.scope.by(self.sweeper.store.time().await?);
            (self.since, self.place) = (since_boot(), None);
            self.page.clear();
            return Ok(Some(Step::Event(Event::Again)));
        }
        let Some(token) = self.next_token().await? else { return Ok(None) };
        let Some(merchant) = self.sweeper.merchants.get(&token.merchant).cloned() else {
            return Ok(Some(skipped(token, RefreshOutcome::UnknownMerchant)));
        };
        if self.sweeper.is_idle(&token, self.began) {
            // The next sign-in or order of the user sets a new due date.
            self.sweeper.store.postpone(token.version, None, 0, Note::Idle).await?;
            return Ok(Some(skipped(token, RefreshOutcome::Idle)));
        }
        if self.is_held(&token.merchant).await {
            return Ok(Some(skipped(token, RefreshOutcome::BreakerOpen)));
        }
        let wait = self.rate_limiter.reserve(since_boot(), Duration::MAX).unwrap_or_else(|wait| wait);
        self.pause(wait).await;
        if self.must_end() {
            return Ok(Some(Step::Event(Event::Interrupted)));
        }
        self.presented += 1;
        let if_due = IfDue { by: self.by, issued_before: self.began };
        Ok(Some(Step::Present(token, merchant, if_due)))
    }

    async fn next_token(&mut self) -> Result<Option<DueToken>, StoreError> {
        loop {
            while let Some(token) = self.page.pop_front() {
                self.place = Some(token.place);
                // With `within`, a token that this sweep refreshed may be listed again.
                if token.issued_at < self.began {
                    return Ok(Some(token));
                }
            }
            let (by, merchant, after) = (self.by, self.scope.merchant.clone(), self.place);
            let page = self.sweeper.store.due_tokens(&DueFilter { by, merchant, after, limit: PAGE }).await?;
            if page.is_empty() {
                return Ok(None);
            }
            self.page = page.into();
        }
    }

    /// Whether the merchant's circuit breaker stays open for longer than the walk waits.
    async fn is_held(&mut self, merchant: &MerchantName) -> bool {
        let patience = self.scope.patience;
        while let Some(wait) = self.sweeper.vault.held(merchant) {
            let open = self.sweeper.vault.token_breaker_open_for(merchant).unwrap_or_default();
            if open.max(wait) > patience || self.must_end() {
                return true;
            }
            self.pause(wait).await;
        }
        false
    }

    async fn pause(&mut self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // An error means that nobody can stop the walk.
            Ok(_) = self.stop.wait_for(|stop| *stop) => {}
        }
    }

    fn must_end(&self) -> bool {
        *self.stop.borrow() || self.lost.as_ref().is_some_and(|lost| *lost.borrow())
    }
}

impl Scope {
    fn by(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + delta(self.within)
    }
}
