//! Transactions that many callers share: one fsync for all that arrived during the previous one.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::pools::Writer;
use super::writes;
use super::{Connection, Sqlite, now};
use crate::clock::Clock;
use crate::order::Disposition;
use crate::store::batch::{Batcher, Write, unanswered};
use crate::store::engine::transaction_within;
use crate::store::order_settle::{self, SubmittedRow};
use crate::store::subject::Subject;
use crate::store::{Claim, StoreError, StoredEnd, exchange_end};
use crate::token::{ExchangeEnd, ExchangeResult, Intended, Intent, Settled};

/// Statements of these transactions change few rows each, so what would undo one of them is kept in
/// memory. By default it goes to a buffer of 64 KB that SQLite allocates for each statement, and to
/// a file if there is more. Other transactions may change a whole table.
const BEGIN: &str = "PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT; PRAGMA temp_store = DEFAULT";

/// One caller's statements, which run together with those of others. They run again if the
/// transaction is rolled back.
type Statements =
    Box<dyn for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<(), StoreError>> + Send + Sync>;

/// What a caller writes. All items of one kind are written together, except for statements.
enum Item {
    Intent(Intent),
    Create(Claim),
    Successor(Box<ExchangeEnd>),
    Submitted(Box<SubmittedRow>),
    Subject(Subject),
    Statements(Statements),
}

/// What became of it.
#[derive(Clone, Debug)]
enum Done {
    /// Whether it may be sent.
    Announced(bool),
    Settled(Settled),
    Ended(Option<StoredEnd>),
    /// Nothing is to be told, or the caller's statements have left their result with the caller.
    Ran,
}

struct Jobs {
    writer: Writer,
    clock: Clock,
}

#[derive(Clone)]
pub(super) struct Shared {
    batcher: Arc<Batcher<Jobs>>,
    clock: Clock,
}

impl Shared {
    pub(super) fn new(writer: Writer, clock: Clock) -> Self {
        let batcher = Arc::new(Batcher::new(Jobs { writer, clock: clock.clone() }));
        Self { batcher, clock }
    }

    /// Runs a caller's statements, and returns their result after it is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T, StoreError> {
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        let statements: Statements = Box::new(move |connection| {
            let (done, slot) = (job(connection), Arc::clone(&slot));
            Box::pin(async move {
                let done = done.await?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
                Ok(())
            })
        });
        self.batcher.put(Item::Statements(statements)).await?;
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.take().ok_or_else(unanswered)
    }

    /// Records an intent. The transaction also records a heartbeat of its holder: a new intent must
    /// not look orphaned.
    pub(super) async fn intend(&self, intent: &Intent) -> Result<Intended, StoreError> {
        let is_recorded = self.announced(Item::Intent(intent.clone())).await?;
        Ok(if is_recorded { Intended::Recorded } else { Intended::Refused })
    }

    /// As [`crate::store::Orders::announce_create`]. The transaction also records a heartbeat of
    /// the worker: nobody must take the order before it is sent.
    pub(super) async fn announce_create(&self, claim: &Claim) -> Result<bool, StoreError> {
        self.announced(Item::Create(*claim)).await
    }

    async fn announced(&self, item: Item) -> Result<bool, StoreError> {
        match self.batcher.put(item).await? {
            Done::Announced(is_announced) => Ok(is_announced),
            _ => Err(unanswered()),
        }
    }

    /// Stores the end of an exchange.
    pub(super) async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        if matches!(end.result, ExchangeResult::Rotated(_)) {
            return match self.batcher.put(Item::Successor(Box::new(end.clone()))).await? {
                Done::Settled(settled) => Ok(settled),
                _ => Err(unanswered()),
            };
        }
        let (clock, end) = (self.clock.clone(), Arc::new(end.clone()));
        self.run(move |c| {
            let (now, end) = (now(&clock), Arc::clone(&end));
            async move { exchange_end::settle(c, now, &end).await }.boxed()
        })
        .await
    }

    /// Stores the end of an attempt.
    pub(super) async fn settle_order(
        &self,
        claim: &Claim,
        disposition: &Disposition,
    ) -> Result<Option<StoredEnd>, StoreError> {
        if let Some(row) = SubmittedRow::new(claim, disposition)? {
            return match self.batcher.put(Item::Submitted(Box::new(row))).await? {
                Done::Ended(stored) => Ok(stored),
                _ => Err(unanswered()),
            };
        }
        let (clock, claim, disposition) = (self.clock.clone(), *claim, Arc::new(disposition.clone()));
        self.run(move |c| {
            let (now, disposition) = (now(&clock), Arc::clone(&disposition));
            async move { order_settle::settle(c, now, &claim, &disposition).await }.boxed()
        })
        .await
    }

    /// Notes which shopper belongs to a user.
    pub(super) async fn note(&self, subject: Subject) -> Result<(), StoreError> {
        self.batcher.put(Item::Subject(subject)).await?;
        Ok(())
    }
}

#[async_trait]
impl Write for Jobs {
    type Item = Item;
    type Done = Done;

    async fn write(&self, items: &[Item]) -> Result<Vec<Done>, StoreError> {
        let connection = self.writer.in_turn().await?;
        transaction_within::<Sqlite, _>(connection, BEGIN, COMMIT, async |c| {
            write_all(c, &self.clock, items).await
        })
        .await
    }
}

async fn write_all(c: &mut Connection<'_>, clock: &Clock, items: &[Item]) -> Result<Vec<Done>, StoreError> {
    let now = now(clock);
    let mut done = vec![Done::Ran; items.len()];
    // Ends come first: they make other orders of their users free for claims, which are among the
    // statements.
    let (places, ends) = of(items, |item| match item {
        Item::Successor(end) => match &end.result {
            ExchangeResult::Rotated(successor) => Some(writes::Rotated { end, successor }),
            _ => None,
        },
        _ => None,
    });
    let stored = writes::store(c, now, &ends).await?;
    for (place, (settled, row)) in places.into_iter().zip(stored.into_iter().zip(&ends)) {
        done[place] = Done::Settled(match settled {
            Some(settled) => settled,
            None => exchange_end::not_stored(c, now, row.end, row.successor).await?,
        });
    }
    let (places, results) = of(items, |item| match item {
        Item::Submitted(row) => Some(&**row),
        _ => None,
    });
    answer(&mut done, &places, writes::submit(c, now, &results).await?, Done::Ended);
    let (places, intents) = of(items, |item| match item {
        Item::Intent(intent) => Some(intent),
        _ => None,
    });
    answer(&mut done, &places, writes::intend(c, now, &intents).await?, Done::Announced);
    let (places, claims) = of(items, |item| match item {
        Item::Create(claim) => Some(claim),
        _ => None,
    });
    answer(&mut done, &places, writes::announce(c, now, &claims).await?, Done::Announced);
    let (_, subjects) = of(items, |item| match item {
        Item::Subject(subject) => Some(subject),
        _ => None,
    });
    writes::note(c, now, &subjects).await?;
    for item in items {
        if let Item::Statements(statements) = item {
            statements(c).await?;
        }
    }
    Ok(done)
}

/// Returns the items of one kind, with their places.
fn of<'a, T>(items: &'a [Item], kind: impl Fn(&'a Item) -> Option<T>) -> (Vec<usize>, Vec<T>) {
    items.iter().enumerate().filter_map(|(place, item)| Some((place, kind(item)?))).unzip()
}

fn answer<T>(done: &mut [Done], places: &[usize], answers: Vec<T>, of: fn(T) -> Done) {
    for (place, answer) in places.iter().zip(answers) {
        done[*place] = of(answer);
    }
}
