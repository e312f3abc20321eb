//! Changes of orders' bodies, and what Klarna says of submitted orders.

use crate::store::sql::SessionsSql;

pub(in crate::store) const SESSIONS: SessionsSql = SessionsSql {
    // Retention has removed the result of an old order, and it must not come back. Nothing reopens
    // what is completed or ended; only an ended one may turn out to have been completed.
    note: "
        WITH t AS MATERIALIZED (SELECT coalesce($6, clock_timestamp()) AS now),
        noted AS (
            UPDATE klarna_worker.orders SET session_phase = $3, session = $4, session_read_at = t.now,
                result = CASE WHEN body IS NULL THEN NULL ELSE coalesce($5, result) END,
                pushed_at = coalesce(pushed_at, $7),
                completed_at = CASE WHEN $3 = 'completed' THEN coalesce(completed_at, t.now) ELSE completed_at END
            FROM t WHERE id = $1 AND klarna_id = $2 AND status = 'submitted'
                AND (session_phase IS NULL OR session_phase IN ('open', $3)
                    OR session_phase = 'ended' AND $3 = 'completed')
            RETURNING id
        )
        SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM noted",
    // A result of an earlier claim is of the earlier body.
    replace_body: "
        UPDATE klarna_worker.orders SET body = $3, version = version + 1, changed_claim = claim_number,
            merchant_reference1 = $4, merchant_reference2 = $5, order_amount = $6, purchase_currency = $7
        WHERE id = $1 AND ($2::bigint IS NULL OR version = $2) AND status = 'queued' AND body IS NOT NULL
        RETURNING id",
    begin_update: "
        UPDATE klarna_worker.orders SET update_until = coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond',
            update_claim = update_claim + 1
        WHERE id = $1 AND ($2::bigint IS NULL OR version = $2) AND status = 'submitted' AND body IS NOT NULL
            AND klarna_id = $3 AND (session_phase IS NULL OR session_phase = 'open')
            AND (update_until IS NULL OR update_until <= coalesce($4, clock_timestamp()))
        RETURNING update_claim",
    // Retention may have removed body and result meanwhile. They must not come back.
    end_update: "
        WITH t AS MATERIALIZED (SELECT coalesce($7, clock_timestamp()) AS now)
        UPDATE klarna_worker.orders SET version = version + 1, update_until = NULL,
            body = CASE WHEN body IS NULL THEN NULL ELSE $3 END,
            merchant_reference1 = $8, merchant_reference2 = $9, order_amount = $10, purchase_currency = $11,
            result = CASE WHEN body IS NULL THEN NULL ELSE coalesce($4, result) END,
            session_phase = coalesce($5, session_phase), session = coalesce($6, session),
            session_read_at = CASE WHEN $6::text IS NULL THEN session_read_at ELSE t.now END,
            completed_at = CASE WHEN $5 = 'completed' THEN coalesce(completed_at, t.now) ELSE completed_at END
        FROM t WHERE id = $1 AND update_claim = $2 AND status = 'submitted' AND klarna_id IS NOT NULL
        RETURNING id",
    release_update: "
        UPDATE klarna_worker.orders SET update_until = NULL WHERE id = $1 AND update_claim = $2",
    changeable: "
        SELECT body, (extract(epoch FROM update_until - coalesce($2, clock_timestamp())) * 1000000)::bigint AS wait
        FROM klarna_worker.orders WHERE id = $1",
    // An order that Klarna created for one of ours, by our reference.
    by_klarna_id: "
        SELECT id FROM klarna_worker.orders WHERE merchant = $1 AND klarna_id = $2 AND target = 'checkout'",
    is_of_merchant: "
        SELECT klarna_id FROM klarna_worker.orders WHERE id = $1 AND merchant = $2 AND status = 'submitted'
            AND target = 'checkout'",
};
