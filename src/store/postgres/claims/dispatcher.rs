//! Gives the work to the sessions.
//!
//! Stores and releases go to the session that holds the claim. A new claim goes to the first
//! session with an open connection. If that one works, claims wait until it has worked for a
//! moment, so that they share its next statement; then the next session counts. If no session is
//! left, one opens a connection, and the claims wait until any session can take them: a server that
//! refuses connections delays only the session that asks for one.
//!
//! Claims and stores are separate work, so that no claim waits behind a store that is held up. A
//! session whose claims waited for a store takes them next, before the answers that have come
//! meanwhile.

use std::collections::VecDeque;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::session::{MOST, Session, Work};
use super::taker::{State, Taker, taker};
use super::{ClaimRequest, Context, Request};
use crate::store::StoreError;
use crate::store::batch::unanswered;

pub(super) struct Dispatcher {
    context: Arc<Context>,
    received: mpsc::UnboundedReceiver<Request>,
    /// Claims that no session has taken yet, in order of arrival.
    waiting: VecDeque<ClaimRequest>,
    /// Only while a session opens a connection: how many of the waiting claims are older than that.
    waiting_for_connection: Option<usize>,
    slots: Vec<SessionSlot>,
    running: FuturesUnordered<BoxFuture<'static, Finished>>,
}

/// A session, with the work that waits for it.
struct SessionSlot {
    /// `None` while it works.
    idle: Option<Session>,
    /// Since when it works. `None` while it is idle, and while it opens a connection.
    works_since: Option<Instant>,
    /// Whether claims waited while it did its last work, so that they come before the work that
    /// waits for it.
    claims_next: bool,
    work: Work,
}

impl SessionSlot {
    /// What the session does, or is about to do.
    fn state(&self, now: Instant) -> State {
        let Some(session) = &self.idle else {
            return self.works_since.map_or(State::Occupied, |since| State::Works { since });
        };
        match (session.is_open(), self.work.is_empty()) {
            (true, true) => State::Open,
            (true, false) if self.claims_next => State::Open,
            (true, false) => State::Works { since: now },
            (false, true) => State::Closed,
            // What waits here is of claims that were lost with their connection.
            (false, false) => State::Occupied,
        }
    }
}

/// A session that has finished its work.
struct Finished {
    session: Session,
    /// Only if it was told to open a connection.
    opened: Option<Result<(), StoreError>>,
}

impl Dispatcher {
    pub(super) fn new(
        context: Arc<Context>,
        sessions: u32,
        received: mpsc::UnboundedReceiver<Request>,
    ) -> Self {
        let slot = |number| SessionSlot {
            idle: Some(Session::new(Arc::clone(&context), number)),
            works_since: None,
            claims_next: false,
            work: Work::default(),
        };
        let sessions = usize::try_from(sessions).unwrap_or(usize::MAX);
        Self {
            slots: (0..sessions).map(slot).collect(),
            context,
            received,
            waiting: VecDeque::new(),
            waiting_for_connection: None,
            running: FuturesUnordered::new(),
        }
    }

    /// Runs until the store and all claims are dropped.
    pub(super) async fn run(mut self) {
        let (mut requests, mut again_at) = (Vec::new(), None);
        loop {
            let again = async {
                match again_at {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                received = self.received.recv_many(&mut requests, MOST) => {
                    if received == 0 {
                        return;
                    }
                    requests.drain(..).for_each(|request| self.sort(request));
                }
                Some(finished) = self.running.next() => self.finished(finished),
                () = again => {}
            }
            again_at = self.give_work();
        }
    }

    fn sort(&mut self, request: Request) {
        match request {
            Request::Claim(claim) => self.waiting.push_back(claim),
            Request::Settle(end) => self.slots[end.session].work.ends.push(end),
            Request::Release(release) => self.slots[release.session].work.releases.push(release),
        }
    }

    fn finished(&mut self, Finished { session, opened }: Finished) {
        if let Some(opened) = opened {
            let waited = self.waiting_for_connection.take().unwrap_or_default();
            if let Err(error) = opened {
                // No other session has taken these meanwhile.
                for claim in self.waiting.drain(..waited) {
                    claim.answer(Err(error.clone()));
                }
            }
        }
        let number = session.number();
        self.slots[number].idle = Some(session);
        self.slots[number].works_since = None;
    }

    /// Lets each idle session work that has something to do. Returns when to do this again, if
    /// claims wait for a session that works.
    fn give_work(&mut self) -> Option<Instant> {
        let (taker, again_at) = match self.taker() {
            Taker::Session(number) => (Some(number), None),
            Taker::Later(at) => (None, Some(at)),
            Taker::Nobody => (None, None),
        };
        for number in 0..self.slots.len() {
            let slot = &mut self.slots[number];
            let Some(mut session) = slot.idle.take() else { continue };
            let takes_claims = taker == Some(number) && session.is_open();
            let mut work = if takes_claims { Work::default() } else { slot.work.take() };
            slot.claims_next = !work.is_empty() && !self.waiting.is_empty();
            if takes_claims {
                let count = self.waiting.len().min(MOST);
                work.claims = self.waiting.drain(..count).collect();
                if let Some(older) = &mut self.waiting_for_connection {
                    *older = older.saturating_sub(count);
                }
            } else if taker == Some(number) && work.is_empty() {
                self.waiting_for_connection = Some(self.waiting.len());
                self.running.push(open(session).boxed());
                continue;
            }
            if work.is_empty() {
                session.rest();
                slot.idle = Some(session);
            } else {
                slot.works_since = Some(Instant::now());
                self.running.push(work_on(Arc::clone(&self.context), session, work).boxed());
            }
        }
        again_at
    }

    /// Returns who takes the claims that wait.
    fn taker(&self) -> Taker {
        if self.waiting.is_empty() {
            return Taker::Nobody;
        }
        let may_open = self.waiting_for_connection.is_none();
        let now = Instant::now();
        taker(self.slots.iter().map(|slot| slot.state(now)), may_open, now)
    }
}

async fn open(mut session: Session) -> Finished {
    let opened = AssertUnwindSafe(session.open()).catch_unwind().await;
    Finished { session, opened: Some(opened.unwrap_or_else(|_| Err(unanswered()))) }
}

/// After a panic, a new session replaces the lost one. Its callers learn that nobody will answer
/// them.
async fn work_on(context: Arc<Context>, mut session: Session, work: Work) -> Finished {
    let number = session.number();
    let working = async move {
        session.work(work).await;
        session
    };
    let session = AssertUnwindSafe(working).catch_unwind().await;
    let session = session.unwrap_or_else(|_| Session::new(context, number));
    Finished { session, opened: None }
}
