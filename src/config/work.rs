//! `[checkout]` and `[queue]`

use std::time::Duration;

use super::number;
use super::reader::Reader;

/// How orders are submitted.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The time-out of a call that creates an order. Klarna answers within 30 s, if only with a
    /// 504.
    pub timeout: Duration,
}

/// How orders are processed.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Orders running at once in this process.
    pub concurrency: usize,
    /// How long after its acceptance an order is still tried.
    pub order_deadline: Duration,
    /// How long a worker must be silent before others reclaim its orders.
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
