//! Rates that all processes share.

use crate::store::sql::RatesSql;

pub(in crate::store) const RATES: RatesSql = RatesSql {
    begin: "
        INSERT INTO klarna_worker.rates (merchant, endpoint, due_at) VALUES ($1, $2, coalesce($3, clock_timestamp()))
        ON CONFLICT (merchant, endpoint) DO NOTHING",
    lock: "
        SELECT due_at, coalesce($3, clock_timestamp()) AS now FROM klarna_worker.rates
        WHERE merchant = $1 AND endpoint = $2
        FOR UPDATE",
    lease: "
        UPDATE klarna_worker.rates SET due_at = $3 WHERE merchant = $1 AND endpoint = $2",
};
