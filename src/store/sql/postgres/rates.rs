//! Rates that all processes share.

use crate::store::sql::RatesSql;

pub(in crate::store) const RATES: RatesSql = RatesSql {
    // After a crash of the server, the last calls may be forgotten. Nobody waits for its disk.
    begin: "
        INSERT INTO klarna_worker.rates (merchant, endpoint, due_at)
        SELECT $1, $2, coalesce($3, clock_timestamp()) FROM set_config('synchronous_commit', 'off', true)
        ON CONFLICT (merchant, endpoint) DO NOTHING",
    lock: "
        SELECT due_at, coalesce($3, clock_timestamp()) AS now FROM klarna_worker.rates
        WHERE merchant = $1 AND endpoint = $2
        FOR UPDATE",
    lease: "
        UPDATE klarna_worker.rates SET due_at = $3 WHERE merchant = $1 AND endpoint = $2",
};
