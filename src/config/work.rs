//! `[checkout]` and `[queue]`

use std::time::Duration;

use super::number;
use super::reader::Reader;

/// How orders are submitted.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The longest that one create-order call may take; Klarna answers within 30 s, if with a 504.
    pub timeout: Duration,
}

/// How orders are worked off.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Orders running at once in this process.
    pub concurrency: usize,
    /// How long after its acceptance an order is still tried.
    pub order_deadline: Duration,
    /// The silence after which a worker's orders are taken over.
    pub worker_lost_after: Duration,
}

impl Checkout {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { timeout: reader.lasting("checkout.timeout", Duration::from_secs(30)) }
    }
}

impl Queue {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            concurrency: number(reader.within("queue.concurrency", 64, &(1..=10_000))),
            order_deadline: reader.lasting("queue.order_deadline", Duration::from_mins(10)),
            worker_lost_after: reader.lasting("queue.worker_lost_after", Duration::from_secs(10)),
        }
    }
}
