//! `[retention]`

use std::time::Duration;

use super::reader::Reader;

const DAY: Duration = Duration::from_hours(24);

/// How long data is kept after it is no longer needed.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Body and result of an order.
    pub bodies: Duration,
    /// Orders, and events for webhooks.
    pub orders: Duration,
    /// The ledger of exchanges, hashes of former tokens, and starts of processes.
    pub ledger: Duration,
}

impl Retention {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            bodies: reader.lasting("retention.bodies", 2 * DAY),
            orders: reader.lasting("retention.orders", 30 * DAY),
            ledger: reader.lasting("retention.ledger", 90 * DAY),
        }
    }
}
