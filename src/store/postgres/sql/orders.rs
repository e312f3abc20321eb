//! Orders.

use crate::store::statements;

statements! {
INSERT_ORDER = "
    WITH t AS (SELECT coalesce($11, clock_timestamp()) AS now),
    inserted AS (
        INSERT INTO klarna_worker.orders
            (id, merchant, user_id, idempotency_key, digest, body, prefill, accepted_at, due_at, deadline_at, trace)
        SELECT $1, $2, $3, $4, $5, $6, $7, t.now, greatest(t.now, $8),
            coalesce($9, greatest(t.now, $8) + $10 * interval '1 microsecond'), $12
        FROM t
        ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id
    )
    SELECT id, pg_notify('klarna_worker_due', '')::text FROM inserted";
ORDER_BY_KEY = "
    SELECT id, digest FROM klarna_worker.orders WHERE merchant = $1 AND idempotency_key = $2";
// The first that is due, by its index's own order: were it asked whether any is, the planner would look for one among all
// orders of all times, and first meet those that have ended.
DUE_MERCHANTS = "
    WITH RECURSIVE m (merchant) AS (
        SELECT min(merchant) FROM klarna_worker.orders WHERE status = 'queued'
        UNION ALL
        SELECT (SELECT min(o.merchant) FROM klarna_worker.orders o WHERE o.status = 'queued' AND o.merchant > m.merchant)
        FROM m WHERE m.merchant IS NOT NULL
    )
    SELECT merchant FROM m WHERE merchant IS NOT NULL AND (
        SELECT o.due_at FROM klarna_worker.orders o WHERE o.status = 'queued' AND o.merchant = m.merchant
        ORDER BY o.due_at, o.id LIMIT 1) <= coalesce($1, clock_timestamp())";
NEXT_DUE = "
    WITH t AS MATERIALIZED (SELECT coalesce($1, clock_timestamp()) AS now)
    SELECT (extract(epoch FROM min(o.due_at) - (SELECT now FROM t)) * 1000000)::bigint AS micros
    FROM klarna_worker.orders o WHERE o.status = 'queued' AND o.due_at > (SELECT now FROM t)";
// Of one user one order at a time until it has its token: a burst of one user takes one place, not all. Whose orders run is
// gathered once, so that a look past a long burst asks a hash and not the table about each of its rows; where more run than are
// worth gathering, rows are asked one by one. OFFSET 0 keeps that question from becoming a join, which would go through all
// running orders for each row.
CLAIM_ORDERS = "
    WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now),
    held AS MATERIALIZED (
        SELECT r.user_id FROM klarna_worker.orders r
        WHERE r.status = 'running' AND r.merchant = $1
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.kept k WHERE k.purpose_ref = r.id OFFSET 0)
        LIMIT 100
    ),
    due AS (
        SELECT o.id, o.user_id, o.due_at FROM klarna_worker.orders o
        WHERE o.status = 'queued' AND o.merchant = $1 AND o.due_at <= (SELECT now FROM t)
            AND o.due_at > coalesce((SELECT now FROM t) - $5 * interval '1 microsecond', '-infinity')
            AND o.user_id NOT IN (SELECT user_id FROM held)
            AND ((SELECT count(*) FROM held) < 100 OR NOT EXISTS (
                SELECT 1 FROM klarna_worker.orders r
                WHERE r.status = 'running' AND r.merchant = $1 AND r.user_id = o.user_id
                    AND NOT EXISTS (SELECT 1 FROM klarna_worker.kept k WHERE k.purpose_ref = r.id)
                OFFSET 0))
        ORDER BY o.due_at, o.id LIMIT $2
        FOR UPDATE OF o SKIP LOCKED
    ),
    first AS (SELECT DISTINCT ON (user_id) id FROM due ORDER BY user_id, due_at, id)
    UPDATE klarna_worker.orders o SET status = 'running', worker = $3, claim_number = o.claim_number + 1,
        first_claimed_at = coalesce(o.first_claimed_at, t.now)
    FROM first, t WHERE o.id = first.id
    RETURNING o.id, o.merchant, o.user_id, o.body, o.prefill, o.attempts, o.claim_number, o.first_claimed_at,
        o.deadline_at, o.possible_duplicate, o.error, o.unchecked, o.accepted_at, o.due_at, o.trace, t.now";
// Here and below a row with a worker runs, as the table checks. Were its status asked for too, the planner would take the index
// of all running rows for the best way to one of them.
GIVE_BACK = "
    UPDATE klarna_worker.orders SET status = 'queued', worker = NULL
    WHERE id = $1 AND worker = $2 AND claim_number = $3";
RUNNING_OF_WORKER = "
    SELECT id, claim_number FROM klarna_worker.orders WHERE worker = $1 AND status = 'running'";
SUBMITTED = "
    WITH ended AS (
        UPDATE klarna_worker.orders SET status = 'submitted', worker = NULL, ended_at = coalesce($4, clock_timestamp()),
            attempts = attempts + 1, klarna_order_id = $5, html_snippet = $6, correlation_id = $7, token_outcome = $8,
            prefilled = $9, error = NULL
        WHERE id = $1 AND worker = $2 AND claim_number = $3
        RETURNING id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
// SUBMITTED for many.
ALL_SUBMITTED = "
    WITH ended AS (
        UPDATE klarna_worker.orders o SET status = 'submitted', worker = NULL,
            ended_at = coalesce($4, clock_timestamp()), attempts = o.attempts + 1, klarna_order_id = s.klarna_order_id,
            html_snippet = s.html_snippet, correlation_id = s.correlation_id, token_outcome = s.token_outcome,
            prefilled = s.prefilled, error = NULL
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
            AS s (id, worker, claim_number, klarna_order_id, html_snippet, correlation_id, token_outcome, prefilled)
        WHERE o.id = s.id AND o.worker = s.worker AND o.claim_number = s.claim_number
        RETURNING o.id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
FAILED = "
    WITH ended AS (
        UPDATE klarna_worker.orders SET status = 'failed', worker = NULL, ended_at = coalesce($4, clock_timestamp()),
            attempts = attempts + 1, error = $5, token_outcome = $6
        WHERE id = $1 AND worker = $2 AND claim_number = $3
        RETURNING id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
RETRY = "
    UPDATE klarna_worker.orders SET status = 'queued', worker = NULL, attempts = attempts + 1,
        due_at = least(coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond', deadline_at),
        error = $6, possible_duplicate = possible_duplicate OR $7
    WHERE id = $1 AND worker = $2 AND claim_number = $3
    RETURNING id";
SNOOZE = "
    UPDATE klarna_worker.orders SET status = 'queued', worker = NULL,
        due_at = least(coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond', deadline_at),
        error = coalesce($6, error)
    WHERE id = $1 AND worker = $2 AND claim_number = $3
    RETURNING id";
ORDER = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, html_snippet, correlation_id, error
    FROM klarna_worker.orders WHERE id = $1";
SETTLED = "
    SELECT id FROM klarna_worker.orders WHERE id = ANY($1) AND ended_at IS NOT NULL";
// What `search.rs` makes a list of, with its conditions.
ORDERS = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM klarna_worker.orders";
ORDER_IDS = "
    SELECT id FROM klarna_worker.orders";
COUNT_ORDERS = "
    SELECT count(*) AS orders FROM klarna_worker.orders";
}

/// The code of an order's error, for such a condition.
pub(in crate::store) const ERROR_CODE: &str = "error::json ->> 'code'";
