//! The one way in for orders. HTTP, command line and demo lead here; so does the Rust door, inside a transaction of
//! the shop's own. What comes by the SQL door is checked by the same rules before a worker does anything else.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::Merchant;
use crate::order::{NewOrder, OrderId, Rejection};
use crate::store::{Inserted, OrderRow, OrderTx, Store, StoreError};

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
    store: Arc<dyn Store>,
    merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
    order_deadline: Duration,
    clock: Clock,
}

impl Intake {
    /// An intake for the merchants of the settings; `order_deadline` is `queue.order_deadline`.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
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
        accepted(tx.insert_order(&row).await?)
    }

    /// Takes an order in, in a transaction of its own.
    ///
    /// # Errors
    /// As [`Intake::accept`].
    pub async fn submit(&self, order: NewOrder) -> Result<Accepted, IntakeError> {
        let row = self.check(order)?;
        let inserted = self.store.insert_orders(std::slice::from_ref(&row)).await?;
        accepted(inserted.first().copied().unwrap_or(Inserted::New(row.id)))
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
        })
    }
}

fn accepted(inserted: Inserted) -> Result<Accepted, IntakeError> {
    match inserted {
        Inserted::New(id) => Ok(Accepted { id, new: true }),
        Inserted::Same(id) => Ok(Accepted { id, new: false }),
        Inserted::Different(id) => Err(IntakeError::KeyReused(id)),
    }
}
