use crate::store::sql::DashboardSql;

pub(in crate::store) const DASHBOARD: DashboardSql = DashboardSql {
    // All searches have the same nine parameters. An index selects the ids first, and only their
    // rows are read.
    outcome_buckets: "
        SELECT b.slot - 1 AS slot, s.status, o.token_outcome, o.orders
        FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS b (begins, ends, slot)
            CROSS JOIN unnest(ARRAY['queued', 'running', 'submitted', 'failed', 'cancelled']) AS s (status)
            CROSS JOIN LATERAL (
                SELECT o.token_outcome, count(*) AS orders FROM klarna_worker.orders o
                WHERE o.status = s.status AND o.id >= b.begins AND o.id < b.ends
                    AND ($3::text IS NULL OR o.merchant = $3)
                GROUP BY o.token_outcome) AS o
        ORDER BY 1, 2, 3",
    latency_samples: "
        SELECT due_at, first_due_at, first_claimed_at, ended_at FROM klarna_worker.orders WHERE id IN (
            SELECT id FROM klarna_worker.orders WHERE status = 'submitted' AND ($1::text IS NULL OR merchant = $1)
            ORDER BY id DESC LIMIT $2)",
    // The words of the conditions are those of the partial indexes. An error that cannot be read
    // must not break the overview.
    waiting_codes: "
        SELECT code, count(*) AS orders, min(accepted_at) AS oldest
        FROM (
            SELECT coalesce(substring(error FROM '\"code\" ?: ?\"([^\"]*)\"'), 'unreadable') AS code, accepted_at
            FROM klarna_worker.orders
            WHERE status = 'queued' AND error IS NOT NULL AND ($1::text IS NULL OR merchant = $1) AND accepted_at <= $2
            ORDER BY id LIMIT 10000) AS o
        GROUP BY code",
    refused_merchants: "
        SELECT merchant, count(*) AS orders, min(accepted_at) AS oldest, max(error) AS error
        FROM (
            SELECT merchant, accepted_at, error FROM klarna_worker.orders
            WHERE status = 'queued' AND error IS NOT NULL AND ($1::text IS NULL OR merchant = $1)
            ORDER BY id LIMIT 10000) AS o
        WHERE substring(error FROM '\"code\" ?: ?\"([^\"]*)\"') = 'klarna_refused_merchant'
        GROUP BY merchant ORDER BY merchant",
    failed_codes: "
        SELECT code, count(*) AS orders, min(accepted_at) AS oldest
        FROM (
            SELECT coalesce(substring(error FROM '\"code\" ?: ?\"([^\"]*)\"'), 'unreadable') AS code, accepted_at
            FROM klarna_worker.orders
            WHERE status = 'failed' AND ended_at >= $2 AND ($1::text IS NULL OR merchant = $1)
            ORDER BY ended_at DESC LIMIT 10000) AS o
        GROUP BY code",
    // A push that is still to be read.
    order_history: "
        SELECT o.first_claimed_at, o.waits, o.completed_at, o.acknowledged_at, o.session_read_at,
            o.body IS NOT NULL AS has_body, coalesce(o.pushed_at, (
                SELECT f.recorded_at FROM klarna_worker.follow_ups f
                WHERE f.merchant = o.merchant AND f.klarna_id = o.klarna_id AND f.kind = 'push')) AS pushed_at
        FROM klarna_worker.orders o WHERE o.id = $1",
    attempts: "
        SELECT a.ended_at, a.lost, a.error, w.name AS worker
        FROM klarna_worker.order_attempts a LEFT JOIN klarna_worker.workers w ON w.id = a.worker
        WHERE a.order_id = $1 ORDER BY a.seq",
    changes_of_order: "
        SELECT happened_at, actor, action FROM klarna_worker.audit_log
        WHERE left(object, 100) = left($1, 100) AND object = $1
            AND action IN ('order.retry', 'order.cancel', 'order.update') AND outcome = 'done'
        ORDER BY id DESC LIMIT 100",
    // While the order had not ended.
    pauses_of_order: "
        WITH t AS MATERIALIZED (SELECT coalesce($2, clock_timestamp()) AS now)
        SELECT p.merchant, p.kind, p.reason, p.paused_by, p.paused_at, p.ends_at, t.now AS read_at
        FROM t, klarna_worker.orders o JOIN (
            SELECT merchant, kind, reason, paused_by, paused_at, ended_at AS ends_at FROM klarna_worker.past_pauses
            UNION ALL SELECT merchant, kind, reason, paused_by, paused_at, ends_at FROM klarna_worker.pauses) AS p
            ON p.merchant IN ('', o.merchant) AND (p.ends_at IS NULL OR p.ends_at > o.accepted_at)
        WHERE o.id = $1 AND p.kind IN ('orders', 'exchanges') AND p.paused_at < coalesce(o.ended_at, t.now)
        ORDER BY p.paused_at LIMIT 100",
    workers: "
        SELECT id, name, started_at, heartbeat_at, breakers, facts,
            heartbeat_at >= coalesce($2, clock_timestamp()) - $1 * interval '1 microsecond' AS alive
            FROM klarna_worker.workers
        WHERE ended_at IS NULL ORDER BY name, started_at LIMIT 200",
    // A range of one merchant, or else PostgreSQL reads the orders of all merchants by
    // `orders_next`. $2: times in microseconds, as JSON. A slot has the deadlines before its time,
    // and not before the one before.
    queued_deadlines: "
        SELECT width_bucket(deadline_at, ARRAY(
            SELECT timestamptz 'epoch' + value::bigint * interval '1 microsecond'
            FROM json_array_elements_text($2::json)
        ))::bigint AS slot, count(*) AS orders
        FROM (
            SELECT deadline_at FROM klarna_worker.orders
            WHERE status = 'queued' AND merchant >= (SELECT $1::text) AND merchant <= (SELECT $1::text)
            ORDER BY merchant, due_at, id LIMIT $3) AS q
        GROUP BY 1",
};
