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
                deadline_at = t.now + $3 * interval '1 microsecond', first_claimed_at = NULL, attempts = 0, lost_workers = 0,
                token_outcome = NULL, prefilled = NULL, error = NULL
            FROM t WHERE id = ANY($1) AND status = 'failed' AND body IS NOT NULL
            RETURNING id
        )
        SELECT id, pg_notify('klarna_worker_due', '')::text FROM again",
};
