use crate::store::sql::RestoreSql;

pub(in crate::store) const RESTORE: RestoreSql = RestoreSql {
    remembers: "
        SELECT EXISTS (SELECT 1 FROM klarna_worker.workers WHERE id = $1 AND heartbeats >= $5)
            OR EXISTS (SELECT 1 FROM klarna_worker.installation WHERE created_at >= $2 OR restored_at >= $2)
            OR ($2 < coalesce($4, clock_timestamp()) - $3 * interval '1 microsecond'
                AND NOT EXISTS (SELECT 1 FROM klarna_worker.workers WHERE id = $1)) AS remembers",
    left_open: "
        SELECT max(w.heartbeat_at) AS heartbeat_at FROM klarna_worker.workers w
        WHERE w.ended_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.workers o WHERE o.instance = $1)
            AND coalesce(w.instance <> $2, true)
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.workers e
                WHERE e.ended_at > w.heartbeat_at + $3 * interval '1 microsecond')
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.installation WHERE restored_at >= w.heartbeat_at)",
    last_end: "
        SELECT max(p.ended_at) AS ended_at FROM klarna_worker.workers p
        WHERE NOT EXISTS (SELECT 1 FROM klarna_worker.workers q WHERE q.instance = $1)
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.installation WHERE restored_at >= p.ended_at)",
    doubt_tokens: "
        UPDATE klarna_worker.tokens SET state = 'uncertain', updated_at = coalesce($3, clock_timestamp())
        WHERE id IN (SELECT id FROM klarna_worker.tokens WHERE id > $1 AND state = 'active' ORDER BY id LIMIT $2)
            AND state = 'active'
        RETURNING id",
    hold_orders: "
        UPDATE klarna_worker.orders SET status = 'failed', worker = NULL, ended_at = coalesce($2, clock_timestamp()),
            error = $3, possible_duplicate = true
        WHERE ended_at IS NULL AND id IN (
            SELECT id FROM klarna_worker.orders WHERE status = 'queued'
            UNION ALL SELECT id FROM klarna_worker.orders WHERE status = 'running'
            LIMIT $1)
        RETURNING id",
    declare_restored: "
        UPDATE klarna_worker.installation SET restored_at = coalesce($1, clock_timestamp())",
};
