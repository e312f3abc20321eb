//! The one way in for orders. HTTP, command line and demo lead here; so does the Rust door, inside a transaction of
//! the shop's own. What comes by the SQL door is checked by the same rules before a worker does anything else.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;
use tracing::field::{Empty, display};

use crate::clock::Clock;
use crate::config::Merchant;
use crate::order::{NewOrder, OrderId, Rejection};
use crate::store::{
    ChangedOrders, Inserted, OrderAdmin, OrderAdminOutcome, OrderFilter, OrderRow, OrderTx, StoreError,
};
use crate::telemetry::traces::{Traceparent, traced, tried};

pub use check::check_row;

/// Why an order was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The order cannot be one that Klarna accepts; every fault is named.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The idempotency key belongs to another request.
    #[error(
        "the idempotency key was used before, for another request, which became the order {0}; use a key of its own for each order"
    )]
    KeyReused(OrderId),
    /// It could not be stored; nothing was taken in.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An order that was taken in, now or by an earlier equal request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: OrderId,
    /// Whether it is new.
    pub new: bool,
}

/// Checks orders and takes them in.
///
/// The door for Rust programs is [`Intake::accept`], inside a transaction of their own: the order exists if and only if
/// that transaction commits.
///
/// ```
/// # use klarna_order_worker::intake::{Accepted, Intake};
/// # use klarna_order_worker::order::NewOrder;
/// async fn place(intake: &Intake, shop: &sqlx::PgPool, order: &str) -> Result<Accepted, Box<dyn std::error::Error>> {
///     let mut transaction = shop.begin().await?;
///     // … the shop's own statements …
///     let accepted = intake.accept(&mut *transaction, NewOrder::parse(order)?).await?;
///     transaction.commit().await?;
///     Ok(accepted)
/// }
/// ```
#[derive(Clone)]
pub struct Intake {
    store: Arc<dyn OrderAdmin>,
    merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
    order_deadline: Duration,
    clock: Clock,
}

impl Intake {
    /// An intake for the merchants of the settings; `order_deadline` is `queue.order_deadline`.
    #[must_use]
    pub fn new(
        store: Arc<dyn OrderAdmin>,
        merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
        order_deadline: Duration,
        clock: Clock,
    ) -> Self {
        Self { store, merchants, order_deadline, clock }
    }

    /// Takes an order in within the caller's transaction.
    ///
    /// # Errors
    /// Where the order is rejected, its idempotency key belongs to another request, or the store fails.
    pub async fn accept<T: OrderTx + ?Sized>(&self, tx: &mut T, order: NewOrder) -> Result<Accepted, IntakeError> {
        let row = self.check(order)?;
        let span = sending(std::slice::from_ref(&row));
        let inserting = async move { tx.insert_order(&OrderRow { trace: here(), ..row }).await };
        let inserted = tried(span.clone(), "store", inserting).await?;
        name(&span, &[inserted]);
        accepted(inserted)
    }

    /// Takes an order in, in a transaction of its own.
    ///
    /// # Errors
    /// As [`Intake::accept`].
    pub async fn submit(&self, order: NewOrder) -> Result<Accepted, IntakeError> {
        let mut rows = vec![self.check(order)?];
        let inserted = self.insert(&mut rows).await?;
        let accepted = accepted(inserted.first().copied().unwrap_or(Inserted::New(rows[0].id)))?;
        tracing::debug!(order = %accepted.id, merchant = rows[0].merchant, new = accepted.new, "An order was accepted");
        Ok(accepted)
    }

    /// Takes many orders in, those of one merchant in one transaction; what became of each, in their order. One that is
    /// refused does not keep the others out. Where the store fails, none of that merchant's is in.
    pub async fn submit_all(&self, orders: Vec<NewOrder>) -> Vec<Result<Accepted, IntakeError>> {
        let mut outcomes: Vec<Option<Result<Accepted, IntakeError>>> = Vec::with_capacity(orders.len());
        let mut by_merchant: BTreeMap<String, (Vec<usize>, Vec<OrderRow>)> = BTreeMap::new();
        for (at, order) in orders.into_iter().enumerate() {
            outcomes.push(match self.check(order) {
                Ok(row) => {
                    let (places, rows) = by_merchant.entry(row.merchant.clone()).or_default();
                    places.push(at);
                    rows.push(row);
                    None
                }
                Err(rejection) => Some(Err(rejection.into())),
            });
        }
        for (places, mut rows) in by_merchant.into_values() {
            in_order(&mut rows);
            match self.insert(&mut rows).await {
                Ok(inserted) => {
                    for (at, inserted) in places.into_iter().zip(inserted) {
                        outcomes[at] = Some(accepted(inserted));
                    }
                }
                Err(error) => {
                    for at in places {
                        outcomes[at] = Some(Err(error.clone().into()));
                    }
                }
            }
        }
        let missing = || Err(StoreError::Unreadable("an order without an outcome".into()).into());
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
    }

    /// Inserts orders of one merchant, each with the place in a trace where that is done.
    async fn insert(&self, rows: &mut [OrderRow]) -> Result<Vec<Inserted>, StoreError> {
        let span = sending(rows);
        let inserting = async {
            let here = here();
            for row in &mut *rows {
                row.trace.clone_from(&here);
            }
            self.store.insert_orders(rows).await
        };
        let inserted = tried(span.clone(), "store", inserting).await?;
        name(&span, &inserted);
        Ok(inserted)
    }

    /// Makes a failed order due again, with the setting `queue.order_deadline` from now on.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn retry(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError> {
        self.store.retry_order(order, self.order_deadline).await
    }

    /// As [`Intake::retry`], for the failed orders of a filter; its status does not count.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn retry_all(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        self.store.retry_orders(filter, self.order_deadline).await
    }

    /// Checks an order against Klarna's rules and this installation's merchants, collecting every fault.
    fn check(&self, order: NewOrder) -> Result<OrderRow, Rejection> {
        let now = self.clock.now();
        let faults = check::faults(&self.merchants, &order, now);
        if !faults.is_empty() {
            return Err(Rejection::Faults(faults));
        }
        Ok(OrderRow {
            id: OrderId::new(now),
            digest: order.digest(),
            merchant: order.merchant,
            user: order.user,
            idempotency_key: order.idempotency_key,
            body: order.body.into_string(),
            prefill: order.prefill,
            not_before: order.not_before,
            deadline: order.deadline,
            order_deadline: self.order_deadline,
            trace: None,
        })
    }
}

/// Ids made within a millisecond are in no order: those of a batch get its order, which lists then keep.
fn in_order(rows: &mut [OrderRow]) {
    let mut ids: Vec<OrderId> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    for (row, id) in rows.iter_mut().zip(ids) {
        row.id = id;
    }
}

/// The span that the attempts of these orders are linked to.
fn sending(rows: &[OrderRow]) -> Span {
    traced!(
        "send orders",
        otel.kind = "producer",
        messaging.system = "klarna_order_worker",
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = "orders",
        messaging.message.id = Empty,
        messaging.batch.message_count = rows.len(),
        klarna_worker.merchant = rows.first().map(|row| row.merchant.as_str()),
    )
}

/// Names the order, where it is one: an equal request may have brought it before.
fn name(span: &Span, inserted: &[Inserted]) {
    if let [Inserted::New(id) | Inserted::Same(id)] = inserted {
        span.record("messaging.message.id", display(id));
    }
}

fn here() -> Option<String> {
    Traceparent::current().map(|here| here.to_string())
}

fn accepted(inserted: Inserted) -> Result<Accepted, IntakeError> {
    match inserted {
        Inserted::New(id) => Ok(Accepted { id, new: true }),
        Inserted::Same(id) => Ok(Accepted { id, new: false }),
        Inserted::Different(id) => Err(IntakeError::KeyReused(id)),
    }
}
