//! Outages.

use crate::store::sql::OutagesSql;

pub(in crate::store) const OUTAGES: OutagesSql = OutagesSql {
    // One that ended after this breaker had opened is the same, however long ago that was: this
    // process was away.
    reopen: "
        UPDATE klarna_worker.outages SET until = NULL
        WHERE seq = (SELECT max(seq) FROM klarna_worker.outages WHERE merchant = $1 AND endpoint = $2)
            AND until > least(coalesce($3, clock_timestamp()) - $4 * interval '1 microsecond', $5)",
    begin: "
        INSERT INTO klarna_worker.outages (merchant, endpoint, cause, since) VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant, endpoint) WHERE until IS NULL DO NOTHING",
    end: "
        UPDATE klarna_worker.outages SET until = coalesce($3, clock_timestamp())
        WHERE merchant = $1 AND endpoint = $2 AND until IS NULL",
    end_lost: "
        UPDATE klarna_worker.outages o SET until = greatest(o.since, coalesce((
            SELECT max(w.heartbeat_at) FROM klarna_worker.workers w, jsonb_array_elements(w.breakers::jsonb) b
            WHERE b ->> 'state' <> 'closed' AND b ->> 'merchant' = o.merchant AND b ->> 'endpoint' = o.endpoint),
            $1, clock_timestamp()))
        WHERE o.until IS NULL AND NOT EXISTS (
            SELECT 1 FROM klarna_worker.workers w, jsonb_array_elements(w.breakers::jsonb) b
            WHERE w.ended_at IS NULL
                AND (w.id, w.heartbeats) NOT IN (SELECT id, heartbeats
                    FROM json_to_recordset($2::json) AS s (id uuid, heartbeats bigint))
                AND b ->> 'state' <> 'closed' AND b ->> 'merchant' = o.merchant AND b ->> 'endpoint' = o.endpoint)",
    outages: "
        SELECT merchant, endpoint, cause, since, until FROM klarna_worker.outages
        WHERE $1::text IS NULL OR merchant IN (SELECT jsonb_array_elements_text($1::jsonb))
        ORDER BY seq DESC LIMIT $2",
};
