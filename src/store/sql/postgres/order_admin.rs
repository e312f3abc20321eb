use crate::store::sql::OrderAdminSql;

pub(in crate::store) const ORDER_ADMIN: OrderAdminSql = OrderAdminSql {
    body_gone: "
        SELECT id FROM klarna_worker.orders WHERE id = $1 AND status = 'failed' AND body IS NULL",
    unchanged: "
        SELECT status, body IS NOT NULL AS has_body, count(*) AS orders FROM klarna_worker.orders
        WHERE id = ANY($1)
        GROUP BY 1, 2 ORDER BY 1, 2",
    cancel: "
        WITH ended AS (
            UPDATE klarna_worker.orders SET status = 'cancelled', ended_at = coalesce($2, clock_timestamp())
            WHERE id = ANY($1) AND status = 'queued'
            RETURNING id
        ),
        cached AS (DELETE FROM klarna_worker.cached_tokens k USING ended WHERE k.purpose_ref = ended.id)
        SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended",
    // As if the order had just been accepted, except for `possible_duplicate`. Its cached tokens
    // were deleted when it ended.
    again: "
        WITH t AS (SELECT coalesce($2, clock_timestamp()) AS now),
        again AS (
            UPDATE klarna_worker.orders SET status = 'queued', ended_at = NULL, due_at = t.now,
                deadline_at = t.now + $3 * interval '1 microsecond', first_claimed_at = NULL,
                first_due_at = NULL, token_waited = 0, attempts = 0,
                lost_workers = 0, token_outcome = NULL, prefilled = NULL, error = NULL
            FROM t WHERE id = ANY($1) AND status = 'failed' AND body IS NOT NULL
            RETURNING id
        )
        SELECT id, pg_notify('klarna_worker_due', '')::text FROM again",
    // One that is being tried is tried once more, so that what was mended meanwhile counts: it
    // loses its claim. A row that somebody else holds is left alone.
    retry_follow_ups: "
        WITH t AS (SELECT coalesce($2, clock_timestamp()) AS now),
        failing AS MATERIALIZED (
            SELECT o.id, f.merchant, f.klarna_id, f.kind
            FROM klarna_worker.orders o
                JOIN klarna_worker.follow_ups f ON f.merchant = o.merchant AND f.klarna_id = o.klarna_id
            WHERE o.id = ANY($1) AND o.status = 'submitted' AND f.attempts > 0
            FOR UPDATE OF f SKIP LOCKED
        )
        UPDATE klarna_worker.follow_ups f SET due_at = t.now, give_up_at = t.now + $3 * interval '1 microsecond',
            attempts = 0, given_up_at = NULL, claim_number = f.claim_number + 1
        FROM failing, t WHERE f.merchant = failing.merchant AND f.klarna_id = failing.klarna_id
            AND f.kind = failing.kind
        RETURNING failing.id",
};
