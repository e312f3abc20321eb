use crate::store::sql::RestoreSql;

pub(in crate::store) const RESTORE: RestoreSql = RestoreSql {
    remembers: "
        SELECT EXISTS (SELECT 1 FROM workers WHERE id = $1 AND heartbeats >= $5)
            OR EXISTS (SELECT 1 FROM installation WHERE created_at >= $2 OR restored_at >= $2)
            OR ($2 < $4 - $3 AND NOT EXISTS (SELECT 1 FROM workers WHERE id = $1)) AS remembers",
    left_open: "
        SELECT max(w.heartbeat_at) AS heartbeat_at FROM workers w
        WHERE w.ended_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM workers o WHERE o.instance = $1)
            AND coalesce(w.instance <> $2, true)
            AND NOT EXISTS (SELECT 1 FROM workers e WHERE e.ended_at > w.heartbeat_at + $3)
            AND NOT EXISTS (SELECT 1 FROM installation WHERE restored_at >= w.heartbeat_at)",
    last_end: "
        SELECT max(p.ended_at) AS ended_at FROM workers p
        WHERE NOT EXISTS (SELECT 1 FROM workers q WHERE q.instance = $1)
            AND NOT EXISTS (SELECT 1 FROM installation WHERE restored_at >= p.ended_at)",
    doubt_tokens: "
        UPDATE tokens SET state = 'uncertain', updated_at = $3
        WHERE id IN (SELECT id FROM tokens WHERE id > $1 AND state = 'active' ORDER BY id LIMIT $2) AND state = 'active'
        RETURNING id",
    hold_orders: "
        UPDATE orders SET status = 'failed', worker = NULL, ended_at = $2, error = $3, possible_duplicate = true
        WHERE ended_at IS NULL AND id IN (
            SELECT id FROM orders WHERE status = 'queued' UNION ALL SELECT id FROM orders WHERE status = 'running'
            LIMIT $1)
        RETURNING id",
    declare_restored: "
        UPDATE installation SET restored_at = $1",
};
