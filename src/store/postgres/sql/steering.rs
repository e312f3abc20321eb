//! Steering.

use crate::store::statements;

statements! {
PICK_ORDERS = "
    SELECT id FROM klarna_worker.orders
    WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR user_id = $3)
        AND ($4::uuid IS NULL OR id < $4)
        AND ($6::text IS NULL OR error::json ->> 'code' = $6)
        AND ($7::timestamptz IS NULL OR accepted_at >= $7) AND ($8::timestamptz IS NULL OR accepted_at < $8)
        AND body IS NOT NULL
    ORDER BY id DESC LIMIT $5";
COUNT_ORDERS = "
    SELECT count(*) AS orders FROM klarna_worker.orders
    WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR user_id = $3)
        AND ($4::uuid IS NULL OR id < $4)
        AND ($6::text IS NULL OR error::json ->> 'code' = $6)
        AND ($7::timestamptz IS NULL OR accepted_at >= $7) AND ($8::timestamptz IS NULL OR accepted_at < $8)
        AND body IS NOT NULL AND $5::bigint >= 0";
BODY_GONE = "
    SELECT id FROM klarna_worker.orders WHERE id = $1 AND status = 'failed' AND body IS NULL";
CANCEL = "
    WITH ended AS (
        UPDATE klarna_worker.orders SET status = 'cancelled', ended_at = coalesce($2, clock_timestamp())
        WHERE id = ANY($1) AND status = 'queued'
        RETURNING id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
// As if it had just come in, but for what Klarna may know of it. What was kept went with its end.
AGAIN = "
    WITH t AS (SELECT coalesce($2, clock_timestamp()) AS now),
    again AS (
        UPDATE klarna_worker.orders SET status = 'queued', ended_at = NULL, due_at = t.now,
            deadline_at = t.now + $3 * interval '1 microsecond', first_claimed_at = NULL, attempts = 0, lost_workers = 0,
            token_outcome = NULL, error = NULL
        FROM t WHERE id = ANY($1) AND status = 'failed' AND body IS NOT NULL
        RETURNING id
    )
    SELECT id, pg_notify('klarna_worker_due', '')::text FROM again";
}
