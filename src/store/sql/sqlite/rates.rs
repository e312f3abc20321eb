//! Rates that all processes share. One process serves a file, so nothing but tests uses these.

use crate::store::sql::RatesSql;

pub(in crate::store) const RATES: RatesSql = RatesSql {
    begin: "
        INSERT INTO rates (merchant, endpoint, due_at) VALUES ($1, $2, $3)
        ON CONFLICT (merchant, endpoint) DO NOTHING",
    lock: "
        SELECT due_at, $3 AS now FROM rates WHERE merchant = $1 AND endpoint = $2",
    lease: "
        UPDATE rates SET due_at = $3 WHERE merchant = $1 AND endpoint = $2",
};
