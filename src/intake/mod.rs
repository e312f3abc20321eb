//! Accepts orders: the only way into the database, except for SQL. The HTTP API, the command line
//! and the demo use it, and so do Rust programs inside their own transaction. An order that was
//! submitted by SQL is checked with the same rules before a worker does anything else with it.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::clock::Clock;
use crate::config::{Live, Merchants};
use crate::ids::MerchantName;
use crate::order::{Body, NewOrder, OrderId, OrderView, Rejection, Summary, Target, parse_change};
use crate::store::{
    ChangedOrders, Inserted, InsertedOne, OrderAdmin, OrderAdminOutcome, OrderFilter, OrderRow, OrderTx,
    StoreError,
};
use crate::telemetry::traces::{Traceparent, traced, tried};

pub use check::check_row;

/// Why an order was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The order breaks rules; it contains every fault.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The idempotency key was used for another request.
    #[error(
        "the idempotency key was used before, for another request, which became the order {0}; use a \
         different key for each order"
    )]
    KeyReused(OrderId),
    /// The order could not be stored. Nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An order that was accepted, now or by an earlier equal request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The order's id.
    pub id: OrderId,
    /// Whether it was accepted now. False: an earlier equal request had submitted it.
    pub new: bool,
}

/// An order that was submitted.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The order.
    pub accepted: Accepted,
    /// A new order, as it was stored.
    pub order: Option<OrderView>,
}

/// Inserts single orders in a process that also runs orders, so that they can start there at once.
#[async_trait]
pub trait InsertOrder: Send + Sync {
    /// Inserts an order in a transaction of its own. Once the insert has begun, it goes on although
    /// the caller stops waiting.
    ///
    /// # Errors
    /// If the store fails.
    async fn insert(&self, order: OrderRow) -> Result<InsertedOne, StoreError>;
}

/// Checks orders and stores them.
///
/// Rust programs use [`Intake::accept`] inside their own transaction: the order exists if and only
/// if that transaction commits.
///
/// ```
/// # use klarna_order_worker::intake::{Accepted, Intake};
/// async fn place(intake: &Intake, shop: &sqlx::PgPool, order: &str) -> Result<Accepted, Box<dyn std::error::Error>> {
///     let mut transaction = shop.begin().await?;
///     // … the shop's own statements …
///     let accepted = intake.accept(&mut *transaction, intake.parse(order, None)?).await?;
///     transaction.commit().await?;
///     Ok(accepted)
/// }
/// ```
#[derive(Clone)]
pub struct Intake {
    store: Arc<dyn OrderAdmin>,
    merchants: Live<Merchants>,
    order_deadline: Duration,
    clock: Clock,
    direct: Option<Arc<dyn InsertOrder>>,
}

impl Intake {
    /// Returns an intake for the merchants in the settings. `order_deadline` is the setting
    /// `queue.order_deadline`.
    #[must_use]
    pub fn new(
        store: Arc<dyn OrderAdmin>,
        merchants: Live<Merchants>,
        order_deadline: Duration,
        clock: Clock,
    ) -> Self {
        Self { store, merchants, order_deadline, clock, direct: None }
    }

    /// The same intake, with another way for single orders ([`Intake::submit`]), if there is one:
    /// they may start at once.
    #[must_use]
    pub fn with_direct(self, direct: Option<Arc<dyn InsertOrder>>) -> Self {
        Self { direct, ..self }
    }

    /// Reads an order's envelope, as [`NewOrder::parse`]. An order that names no target is checked
    /// against the rules of its merchant's setting, and if `target` is given, it gets that target.
    ///
    /// # Errors
    /// Every fault of the envelope and of the order.
    pub fn parse(&self, text: &str, target: Option<Target>) -> Result<NewOrder, Rejection> {
        let default =
            |merchant: &_| target.unwrap_or_else(|| check::default_target(&self.merchants.now(), merchant));
        let order = NewOrder::parse(text, default)?;
        Ok(NewOrder { target: order.target.or(target), ..order })
    }

    /// Reads the new body of an order, `{"order":{…}}`, and checks it like a new order's.
    ///
    /// # Errors
    /// Every fault of the body.
    pub fn parse_change(&self, text: &str, order: &OrderView) -> Result<Body, Rejection> {
        let target =
            order.target.unwrap_or_else(|| check::default_target(&self.merchants.now(), &order.merchant));
        parse_change(text, target)
    }

    /// Checks and stores an order inside the caller's transaction.
    ///
    /// # Errors
    /// If the order is rejected, its idempotency key was used for another request, or the store
    /// fails.
    pub async fn accept<T: OrderTx + ?Sized>(
        &self,
        tx: &mut T,
        order: NewOrder,
    ) -> Result<Accepted, IntakeError> {
        let row = self.check(order)?;
        let span = sending(std::slice::from_ref(&row));
        let inserting = async move { tx.insert_order(&OrderRow { trace: here(), ..row }).await };
        let inserted = tried(span.clone(), "store", inserting).await?;
        name(&span, &[inserted]);
        accepted(inserted)
    }

    /// Checks and stores an order in a transaction of its own. In a process that runs orders, it
    /// may start at once.
    ///
    /// # Errors
    /// Like [`Intake::accept`].
    pub async fn submit(&self, order: NewOrder) -> Result<Submitted, IntakeError> {
        let row = self.check(order)?;
        let (span, merchant) = (sending(std::slice::from_ref(&row)), row.merchant.clone());
        let inserting = async {
            let row = OrderRow { trace: here(), ..row };
            match &self.direct {
                Some(direct) => direct.insert(row).await,
                None => self.store.insert_order(&row, None).await,
            }
        };
        let (inserted, order) = match tried(span.clone(), "store", inserting).await? {
            InsertedOne::New(order, _) => (Inserted::New(order.id), Some(*order)),
            InsertedOne::Known(inserted) => (inserted, None),
        };
        name(&span, &[inserted]);
        let accepted = accepted(inserted)?;
        tracing::debug!(order = %accepted.id, %merchant, new = accepted.new, "An order was accepted");
        Ok(Submitted { accepted, order })
    }

    /// Checks and stores many orders, those of one merchant in one transaction. Returns a result
    /// for each, in the same order. A rejected order does not affect the others. If the store
    /// fails, no order of that merchant is stored.
    pub async fn submit_all(&self, orders: Vec<NewOrder>) -> Vec<Result<Accepted, IntakeError>> {
        let mut outcomes: Vec<Option<Result<Accepted, IntakeError>>> = Vec::with_capacity(orders.len());
        let mut by_merchant: BTreeMap<MerchantName, (Vec<usize>, Vec<OrderRow>)> = BTreeMap::new();
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
            // A batch takes long, so let other tasks run in between.
            tokio::task::yield_now().await;
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

    /// Inserts orders of one merchant, each with its trace context if traces are exported.
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

    /// Makes a failed order due again, with a new deadline (`queue.order_deadline` from now).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn retry(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError> {
        self.store.retry_order(order, self.order_deadline).await
    }

    /// Does the same as [`Intake::retry`] for all failed orders that match a filter. The filter's
    /// status is ignored.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn retry_all(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        self.store.retry_orders(filter, self.order_deadline).await
    }

    /// Checks an order against Klarna's rules and the settings, and collects every fault.
    fn check(&self, order: NewOrder) -> Result<OrderRow, Rejection> {
        let now = self.clock.now();
        let faults = check::faults(&self.merchants.now(), &order, now);
        if !faults.is_empty() {
            return Err(Rejection::Faults(faults));
        }
        Ok(OrderRow {
            id: OrderId::new(now),
            digest: order.digest(),
            target: Some(
                order.target.unwrap_or_else(|| check::default_target(&self.merchants.now(), &order.merchant)),
            ),
            merchant: order.merchant,
            user: order.user,
            idempotency_key: order.idempotency_key,
            summary: Summary::of(&order.body),
            body: order.body.into_string(),
            prefill: order.prefill,
            not_before: order.not_before,
            deadline: order.deadline,
            order_deadline: self.order_deadline,
            trace: None,
        })
    }
}

/// Makes ids ascend in the order of the rows. Ids of the same millisecond are in random order
/// otherwise, and lists show a batch by id.
fn in_order(rows: &mut [OrderRow]) {
    let mut ids: Vec<OrderId> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    for (row, id) in rows.iter_mut().zip(ids) {
        row.id = id;
    }
}

/// Returns the span that the attempts of these orders are linked to.
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

/// Records the order's id in the span, if there is only one. An equal request may have submitted it
/// before.
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
