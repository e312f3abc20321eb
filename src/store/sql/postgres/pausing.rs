//! What operators order.

use crate::store::sql::PausingSql;

pub(in crate::store) const PAUSING: PausingSql = PausingSql {
    pauses: "
        WITH t AS MATERIALIZED (SELECT coalesce($1, clock_timestamp()) AS now)
        SELECT p.merchant, p.kind, p.reason, p.paused_by, p.paused_at, p.ends_at, t.now AS read_at
        FROM klarna_worker.pauses p, t WHERE p.ends_at IS NULL OR p.ends_at > t.now
        ORDER BY p.merchant, p.kind",
    pause: "
        WITH t AS MATERIALIZED (SELECT coalesce($6, clock_timestamp()) AS now),
        paused AS (
            INSERT INTO klarna_worker.pauses AS p (merchant, kind, reason, paused_by, paused_at, ends_at)
            SELECT $1, $2, $3, $4, t.now, t.now + $5 * interval '1 microsecond' FROM t
            ON CONFLICT (merchant, kind) DO UPDATE SET reason = excluded.reason, paused_by = excluded.paused_by,
                paused_at = CASE WHEN p.ends_at <= excluded.paused_at THEN excluded.paused_at ELSE p.paused_at END,
                ends_at = excluded.ends_at
            RETURNING merchant, kind, reason, paused_by, paused_at, ends_at
        )
        SELECT paused.*, (SELECT now FROM t) AS read_at, pg_notify('klarna_worker_pauses', '')::text FROM paused",
    // One that is over by time, or with $4 in any case.
    keep_past: "
        INSERT INTO klarna_worker.past_pauses (merchant, kind, reason, paused_by, paused_at, ended_at)
        SELECT p.merchant, p.kind, p.reason, p.paused_by, p.paused_at, least(p.ends_at, t.now)
        FROM klarna_worker.pauses p, (SELECT coalesce($3, clock_timestamp()) AS now) t
        WHERE p.merchant = $1 AND p.kind = $2 AND ($4 OR p.ends_at <= t.now) FOR UPDATE OF p",
    resume: "
        WITH ended AS (
            DELETE FROM klarna_worker.pauses WHERE merchant = $1 AND kind = $2 RETURNING ends_at
        )
        SELECT ends_at IS NULL OR ends_at > coalesce($3, clock_timestamp()) AS was_active,
            pg_notify('klarna_worker_pauses', '')::text
        FROM ended",
    probe: "
        INSERT INTO klarna_worker.probes AS p (merchant, endpoint, asked_at)
        VALUES ($1, $2, coalesce($3, clock_timestamp()))
        ON CONFLICT (merchant, endpoint) DO UPDATE SET asked_at = excluded.asked_at
        RETURNING asked_at",
    // The time of an order may be ahead, if the clock was set back since.
    probes: "
        WITH t AS MATERIALIZED (SELECT coalesce($2, clock_timestamp()) AS now)
        SELECT p.merchant, p.endpoint, p.asked_at FROM klarna_worker.probes p, t
        WHERE p.asked_at > t.now - $1 * interval '1 microsecond' AND p.asked_at <= t.now + interval '10 seconds'
        ORDER BY p.merchant, p.endpoint",
    // A row that somebody else has locked is about to change anyway.
    bring_orders_forward: "
        WITH t AS MATERIALIZED (SELECT coalesce($2, clock_timestamp()) AS now),
        waiting AS (
            SELECT o.id FROM klarna_worker.orders o
            WHERE o.merchant = $1 AND o.status = 'queued' AND o.due_at > (SELECT now FROM t)
                AND o.first_claimed_at IS NOT NULL
            ORDER BY o.due_at LIMIT $3
            FOR NO KEY UPDATE OF o SKIP LOCKED
        ),
        forward AS (
            UPDATE klarna_worker.orders o SET due_at = t.now FROM waiting, t WHERE o.id = waiting.id RETURNING o.id
        )
        SELECT id, pg_notify('klarna_worker_due', '')::text FROM forward",
};
