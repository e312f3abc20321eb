use crate::store::sql::DashboardSql;

pub(in crate::store) const DASHBOARD: DashboardSql = DashboardSql {
    // All searches have the same nine parameters. An index selects the ids first, and only their
    // rows are read.
    outcome_buckets: "
        SELECT b.key AS slot, o.status, o.token_outcome, count(*) AS orders
        FROM json_each($1) b CROSS JOIN json_each($2) e CROSS JOIN
            json_each('[\"queued\",\"running\",\"submitted\",\"failed\",\"cancelled\"]') s CROSS JOIN orders o
        WHERE e.key = b.key AND o.status = s.value AND o.id >= unhex(b.value) AND o.id < unhex(e.value)
            AND ($3 IS NULL OR o.merchant = $3)
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    latency_samples: "
        SELECT due_at, first_due_at, first_claimed_at, ended_at FROM orders WHERE id IN (
            SELECT id FROM orders WHERE status = 'submitted' AND ($1 IS NULL OR merchant = $1) ORDER BY id DESC
            LIMIT $2)",
    // The words of the conditions are those of the partial indexes. An error that cannot be read
    // must not break the overview.
    waiting_codes: "
        SELECT code, count(*) AS orders, min(accepted_at) AS oldest
        FROM (
            SELECT coalesce(iif(json_valid(error), error ->> '$.code', NULL), 'unreadable') AS code, accepted_at
            FROM orders INDEXED BY orders_waiting
            WHERE status = 'queued' AND error IS NOT NULL AND ($1 IS NULL OR merchant = $1) AND accepted_at <= $2
            ORDER BY id LIMIT 10000) AS o
        GROUP BY code",
    refused_merchants: "
        SELECT merchant, count(*) AS orders, min(accepted_at) AS oldest, max(error) AS error
        FROM (
            SELECT merchant, accepted_at, error FROM orders INDEXED BY orders_waiting
            WHERE status = 'queued' AND error IS NOT NULL AND ($1 IS NULL OR merchant = $1)
            ORDER BY id LIMIT 10000) AS o
        WHERE iif(json_valid(error), error ->> '$.code', NULL) = 'klarna_refused_merchant'
        GROUP BY merchant ORDER BY merchant",
    failed_codes: "
        SELECT code, count(*) AS orders, min(accepted_at) AS oldest
        FROM (
            SELECT coalesce(iif(json_valid(error), error ->> '$.code', NULL), 'unreadable') AS code, accepted_at
            FROM orders INDEXED BY orders_failed
            WHERE status = 'failed' AND ended_at >= $2 AND ($1 IS NULL OR merchant = $1)
            ORDER BY ended_at DESC LIMIT 10000) AS o
        GROUP BY code",
    // A push that is still to be read.
    order_history: "
        SELECT o.first_claimed_at, o.waits, o.completed_at, o.acknowledged_at, o.session_read_at,
            o.body IS NOT NULL AS has_body, coalesce(o.pushed_at, (
                SELECT f.recorded_at FROM follow_ups f
                WHERE f.merchant = o.merchant AND f.klarna_id = o.klarna_id AND f.kind = 'push')) AS pushed_at
        FROM orders o WHERE o.id = $1",
    attempts: "
        SELECT a.ended_at, a.lost, a.error, w.name AS worker
        FROM order_attempts a LEFT JOIN workers w ON w.id = a.worker
        WHERE a.order_id = $1 ORDER BY a.seq",
    changes_of_order: "
        SELECT happened_at, actor, action FROM audit_log
        WHERE object = $1 AND action IN ('order.retry', 'order.cancel', 'order.update') AND outcome = 'done'
        ORDER BY id DESC LIMIT 100",
    // While the order had not ended.
    pauses_of_order: "
        SELECT p.merchant, p.kind, p.reason, p.paused_by, p.paused_at, p.ends_at, $2 AS read_at
        FROM orders o JOIN (
            SELECT merchant, kind, reason, paused_by, paused_at, ended_at AS ends_at FROM past_pauses
            UNION ALL SELECT merchant, kind, reason, paused_by, paused_at, ends_at FROM pauses) AS p
            ON p.merchant IN ('', o.merchant) AND p.paused_at < coalesce(o.ended_at, $2)
                AND (p.ends_at IS NULL OR p.ends_at > o.accepted_at)
        WHERE o.id = $1 AND p.kind IN ('orders', 'exchanges')
        ORDER BY p.paused_at LIMIT 100",
    workers: "
        SELECT id, name, started_at, heartbeat_at, breakers, facts, heartbeat_at >= $2 - $1 AS alive FROM workers
        WHERE ended_at IS NULL ORDER BY name, started_at LIMIT 200",
    // $2: times in microseconds, as JSON. A slot has the deadlines before its time, and not before
    // the one before.
    queued_deadlines: "
        SELECT (SELECT count(*) FROM json_each($2) AS j WHERE j.value <= q.deadline_at) AS slot, count(*) AS orders
        FROM (
            SELECT deadline_at FROM orders INDEXED BY orders_due WHERE status = 'queued' AND merchant = $1
            ORDER BY due_at, id LIMIT $3) AS q
        GROUP BY 1",
};
