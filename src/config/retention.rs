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
    /// The ledger of exchanges, hashes of former tokens, starts of processes, past pauses and
    /// outages.
    pub ledger: Duration,
    /// Rows of the audit log; at least 30 days.
    pub audit: Duration,
}

impl Retention {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            bodies: reader.lasting("retention.bodies", 2 * DAY),
            orders: reader.lasting("retention.orders", 30 * DAY),
            ledger: reader.lasting("retention.ledger", 90 * DAY),
            audit: audit(reader),
        }
    }
}

/// The database deletes no younger rows, whoever asks.
const LEAST_AUDIT: Duration = Duration::from_hours(30 * 24);

fn audit(reader: &mut Reader) -> Duration {
    let audit = reader.get_or("retention.audit", 400 * DAY);
    if audit < LEAST_AUDIT {
        reader.fault("retention.audit", "shorter than 30 days", "write \"30d\" or more");
    }
    audit
}
