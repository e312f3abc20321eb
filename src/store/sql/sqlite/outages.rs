//! Outages.

use crate::store::sql::OutagesSql;

pub(in crate::store) const OUTAGES: OutagesSql = OutagesSql {
    reopen: "
        UPDATE outages SET until = NULL
        WHERE seq = (SELECT max(seq) FROM outages WHERE merchant = $1 AND endpoint = $2) AND until > min($3 - $4, $5)",
    begin: "
        INSERT INTO outages (merchant, endpoint, cause, since) VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant, endpoint) WHERE until IS NULL DO NOTHING",
    end: "
        UPDATE outages SET until = $3 WHERE merchant = $1 AND endpoint = $2 AND until IS NULL",
    end_lost: "
        UPDATE outages SET until = max(since, coalesce((
            SELECT max(workers.heartbeat_at) FROM workers, json_each(workers.breakers) b
            WHERE b.value ->> 'state' <> 'closed' AND b.value ->> 'merchant' = outages.merchant
                AND b.value ->> 'endpoint' = outages.endpoint), $1))
        WHERE until IS NULL AND NOT EXISTS (
            SELECT 1 FROM workers, json_each(workers.breakers) b
            WHERE workers.ended_at IS NULL AND b.value ->> 'state' <> 'closed'
                AND (workers.id, workers.heartbeats) NOT IN (SELECT unhex(value ->> 'id'), value ->> 'heartbeats'
                    FROM json_each($2))
                AND b.value ->> 'merchant' = outages.merchant AND b.value ->> 'endpoint' = outages.endpoint)",
    outages: "
        SELECT merchant, endpoint, cause, since, until FROM outages
        WHERE $1 IS NULL OR merchant IN (SELECT value FROM json_each($1))
        ORDER BY seq DESC LIMIT $2",
};
