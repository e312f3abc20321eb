//! The storage trait for orders: inserting, claiming, settling and listing them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore, transaction_by};
use super::{
    Beginning, Claim, ClaimFailed, ClaimedOrder, Inserted, InsertedOne, LateResult, OrderFilter, OrderName,
    OrderRow, Reclaimed, SettledLate, StoreError, StoredEnd, follow_ups, from_micros, order_search,
    order_settle, workers,
};
use crate::ids::{MerchantName, WorkerId};
use crate::order::{Disposition, OrderId, OrderView, Target};

/// From how many characters on a text is looked for as the beginning of a name.
const FEWEST: usize = 3;

/// Storage for orders.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Inserts orders in one transaction and wakes the workers. Returns a result for each, in the
    /// same order.
    async fn insert_orders(&self, orders: &[OrderRow]) -> Result<Vec<Inserted>, StoreError>;

    /// Inserts an order in a transaction of its own. It is claimed for `worker` by the same
    /// statement, if one is given and a claim could take the order at once: it is new and due, no
    /// order of its merchant is due before it, and no order of its user runs without having its
    /// token. Otherwise it is queued, and the workers are woken.
    async fn insert_order(
        &self,
        order: &OrderRow,
        worker: Option<WorkerId>,
    ) -> Result<InsertedOne, StoreError>;

    /// Returns the merchants that have due orders.
    async fn due_merchants(&self) -> Result<Vec<MerchantName>, StoreError>;

    /// Returns how long it is until the next order becomes due of those that are not due yet;
    /// `None` if there is none.
    async fn next_due(&self) -> Result<Option<Duration>, StoreError>;

    /// Claims due orders for `worker`, at most the given number of each merchant, the longest due
    /// first. Claims at most one order of a user, and none while another order of that user is
    /// running that does not have its token yet. With `recent`, only orders that became due within
    /// that time.
    async fn claim_orders(
        &self,
        worker: WorkerId,
        shares: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> Result<Vec<ClaimedOrder>, ClaimFailed>;

    /// Returns the claims that the rows have for the worker.
    async fn running_orders(&self, worker: WorkerId) -> Result<Vec<Claim>, StoreError>;

    /// Releases claimed orders that were not begun. One whose row is locked is left claimed.
    async fn give_back(&self, claims: &[Claim]) -> Result<(), StoreError>;

    /// Releases an order that its row assigns to the worker, but that the worker does not run. It
    /// counts as if the worker were lost. Nothing happens if its row is locked.
    async fn lose_order(&self, claim: &Claim) -> Result<Reclaimed, StoreError>;

    /// Stores the end of an attempt. If the order ends, its cached tokens are deleted. Returns
    /// `None`, and writes nothing, if the claim no longer holds.
    async fn settle_order(
        &self,
        claim: &Claim,
        disposition: &Disposition,
    ) -> Result<Option<StoredEnd>, StoreError>;

    /// Writes down that the order's create call is about to be sent, in one commit with intents of
    /// exchanges; it counts as a heartbeat. `false` where the claim is no longer the caller's:
    /// nothing may be sent.
    async fn announce_create(&self, claim: &Claim) -> Result<bool, StoreError>;

    /// Ends the order with a result of Klarna although its claim was lost: the order is at Klarna,
    /// and whoever has claimed it since must not send it again. Nothing is stored where the order
    /// has ended otherwise, its body was changed since, or a later claim is about to send it: then
    /// it is [`SettledLate::Undecided`] until that claim has ended. May be called again.
    async fn settle_late(
        &self,
        late: &LateResult,
        submitted: &Disposition,
    ) -> Result<SettledLate, StoreError>;

    /// Returns one order.
    async fn order(&self, id: OrderId) -> Result<Option<OrderView>, StoreError>;

    /// Returns those of these orders that have ended.
    async fn settled(&self, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError>;

    /// Returns orders, newest first, without their results.
    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, StoreError>;
}

impl OrderName {
    /// Decides how orders of these merchants, `None` for all, are searched by a text: by whole
    /// names, if one of them is the text, or if the text is too short for anything else; otherwise
    /// by beginnings.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn of(
        orders: &dyn Orders,
        text: &str,
        merchants: &[Option<MerchantName>],
    ) -> Result<Self, StoreError> {
        let whole = Self::from(text);
        if text.chars().count() < FEWEST {
            return Ok(whole);
        }
        for merchant in merchants {
            let filter = OrderFilter {
                name: Some(whole.clone()),
                merchant: merchant.clone(),
                limit: 1,
                ..OrderFilter::default()
            };
            if !orders.orders(&filter).await?.is_empty() {
                return Ok(whole);
            }
        }
        Ok(Self::Begins(Beginning::new(text)))
    }
}

#[async_trait]
impl<E: Engine> Orders for SqlStore<E> {
    async fn insert_orders(&self, orders: &[OrderRow]) -> Result<Vec<Inserted>, StoreError> {
        let inserted = self.engine.insert_orders(orders).await?;
        self.engine.notify_due();
        Ok(inserted)
    }

    async fn insert_order(
        &self,
        order: &OrderRow,
        worker: Option<WorkerId>,
    ) -> Result<InsertedOne, StoreError> {
        let inserted = self.engine.insert_order(order, worker).await?;
        if matches!(inserted, InsertedOne::New(_, None)) {
            self.engine.notify_due();
        }
        Ok(inserted)
    }

    async fn due_merchants(&self) -> Result<Vec<MerchantName>, StoreError> {
        self.read(async |c| due_merchants(c, self.now()).await).await
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        self.read(async |c| next_due(c, self.now()).await).await
    }

    async fn claim_orders(
        &self,
        worker: WorkerId,
        shares: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> Result<Vec<ClaimedOrder>, ClaimFailed> {
        self.engine.claim_orders(worker, shares, recent).await
    }

    async fn running_orders(&self, worker: WorkerId) -> Result<Vec<Claim>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.orders.running_of_worker).bind(worker).fetch_all().await?;
            rows.iter()
                .map(|row| Ok(Claim { order: row.id("id")?, worker, number: row.claim_number()? }))
                .collect()
        })
        .await
    }

    async fn give_back(&self, claims: &[Claim]) -> Result<(), StoreError> {
        transaction_by::<E, _>(self.engine.order_writer().await?, async |c| {
            for claim in claims {
                let give = c.query(E::STATEMENTS.orders.give_back).bind(claim.order);
                give.bind(claim.worker).bind(claim.number).execute().await?;
            }
            Ok(())
        })
        .await
    }

    async fn lose_order(&self, claim: &Claim) -> Result<Reclaimed, StoreError> {
        let connection = self.engine.order_writer().await?;
        transaction_by::<E, _>(connection, async |c| workers::lose(c, self.now(), claim).await).await
    }

    async fn settle_order(
        &self,
        claim: &Claim,
        disposition: &Disposition,
    ) -> Result<Option<StoredEnd>, StoreError> {
        let stored = self.engine.settle_order(claim, disposition).await?;
        if stored.is_some() && order_settle::ends_order(disposition) {
            self.engine.notify_settled(&[claim.order]);
        }
        Ok(stored)
    }

    async fn announce_create(&self, claim: &Claim) -> Result<bool, StoreError> {
        self.engine.announce_create(claim).await
    }

    async fn settle_late(
        &self,
        late: &LateResult,
        submitted: &Disposition,
    ) -> Result<SettledLate, StoreError> {
        let order = late.claim.order;
        let settled = transaction_by::<E, _>(self.engine.order_writer().await?, async |c| {
            if order_settle::settle_late(c, self.now(), late, submitted).await? {
                return Ok(SettledLate::Stored);
            }
            let Disposition::Submitted { klarna_id, target, .. } = submitted else {
                return Ok(SettledLate::Dropped);
            };
            if order_settle::may_take_late(c, &late.claim).await? {
                return Ok(SettledLate::Undecided);
            }
            if *target != Target::Checkout {
                return Ok(SettledLate::Dropped);
            }
            let aborts = follow_ups::abort_unwanted(c, self.now(), &late.claim, klarna_id).await?;
            Ok(if aborts { SettledLate::Aborts } else { SettledLate::Dropped })
        })
        .await?;
        if settled == SettledLate::Stored {
            self.engine.notify_settled(&[order]);
        }
        Ok(settled)
    }

    async fn order(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        self.read(async |c| view(c, id).await).await
    }

    async fn settled(&self, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.orders.settled).bind(ids).fetch_all().await?;
            rows.iter().map(|row| Ok(row.id("id")?)).collect()
        })
        .await
    }

    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, StoreError> {
        self.read(async |c| order_search::orders(c, filter).await).await
    }
}

/// Returns the merchants that have due orders.
pub(super) async fn due_merchants<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
) -> Result<Vec<MerchantName>, StoreError> {
    let rows = c.query(E::STATEMENTS.orders.due_merchants).bind(now).fetch_all().await?;
    rows.iter().map(|row| Ok(row.merchant()?)).collect()
}

/// Returns how long it is until the next order becomes due.
pub(super) async fn next_due<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
) -> Result<Option<Duration>, StoreError> {
    let row = c.query(E::STATEMENTS.orders.next_due).bind(now).fetch_one().await?;
    Ok(row.opt_int("micros")?.map(from_micros))
}

/// Returns one order.
pub(super) async fn view<E: Engine>(
    c: &mut Connection<'_, E>,
    id: OrderId,
) -> Result<Option<OrderView>, StoreError> {
    let row = c.query(E::STATEMENTS.orders.order).bind(id).fetch_optional().await?;
    row.as_ref().map(order_search::order_view).transpose()
}
