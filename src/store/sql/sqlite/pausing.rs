//! What operators order.

use crate::store::sql::PausingSql;

pub(in crate::store) const PAUSING: PausingSql = PausingSql {
    pauses: "
        SELECT merchant, kind, reason, paused_by, paused_at, ends_at, $1 AS read_at
        FROM pauses WHERE ends_at IS NULL OR ends_at > $1
        ORDER BY merchant, kind",
    pause: "
        INSERT INTO pauses (merchant, kind, reason, paused_by, paused_at, ends_at)
        VALUES ($1, $2, $3, $4, $6, $6 + $5)
        ON CONFLICT (merchant, kind) DO UPDATE SET reason = excluded.reason, paused_by = excluded.paused_by,
            paused_at = CASE WHEN ends_at <= excluded.paused_at THEN excluded.paused_at ELSE paused_at END,
            ends_at = excluded.ends_at
        RETURNING merchant, kind, reason, paused_by, paused_at, ends_at, $6 AS read_at",
    // One that is over by time, or with $4 in any case.
    keep_past: "
        INSERT INTO past_pauses (merchant, kind, reason, paused_by, paused_at, ended_at)
        SELECT merchant, kind, reason, paused_by, paused_at, min(coalesce(ends_at, $3), $3) FROM pauses
        WHERE merchant = $1 AND kind = $2 AND ($4 OR ends_at <= $3)",
    resume: "
        DELETE FROM pauses WHERE merchant = $1 AND kind = $2
        RETURNING ends_at IS NULL OR ends_at > $3 AS was_active",
    probe: "
        INSERT INTO probes (merchant, endpoint, asked_at) VALUES ($1, $2, $3)
        ON CONFLICT (merchant, endpoint) DO UPDATE SET asked_at = excluded.asked_at
        RETURNING asked_at",
    // The time of an order may be ahead, if the clock was set back since.
    probes: "
        SELECT merchant, endpoint, asked_at FROM probes
        WHERE asked_at > $2 - $1 AND asked_at <= $2 + 10000000
        ORDER BY merchant, endpoint",
    bring_orders_forward: "
        UPDATE orders SET due_at = $2 WHERE id IN (
            SELECT id FROM orders
            WHERE merchant = $1 AND status = 'queued' AND due_at > $2 AND first_claimed_at IS NOT NULL
            ORDER BY due_at LIMIT $3)
        RETURNING id",
};
