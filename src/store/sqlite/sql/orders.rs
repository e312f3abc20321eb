//! Orders.

use crate::store::statements;

statements! {
INSERT_ORDER = "
    INSERT INTO orders
        (id, merchant, user_id, idempotency_key, digest, body, prefill, accepted_at, due_at, deadline_at, trace)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $11, max($11, coalesce($8, $11)),
        coalesce($9, max($11, coalesce($8, $11)) + $10), $12)
    ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id";
ORDER_BY_KEY = "
    SELECT id, digest FROM orders WHERE merchant = $1 AND idempotency_key = $2";
DUE_MERCHANTS = "
    WITH RECURSIVE m (merchant) AS (
        SELECT min(merchant) FROM orders WHERE status = 'queued'
        UNION ALL
        SELECT (SELECT min(o.merchant) FROM orders o WHERE o.status = 'queued' AND o.merchant > m.merchant)
        FROM m WHERE m.merchant IS NOT NULL
    )
    SELECT merchant FROM m WHERE EXISTS (
        SELECT 1 FROM orders o
        WHERE o.status = 'queued' AND o.merchant = m.merchant AND o.due_at <= $1)";
NEXT_DUE = "
    SELECT min(due_at) - $1 AS micros FROM orders WHERE status = 'queued' AND due_at > $1";
// Of one user one order at a time until it has its token: a burst of one user takes one place, not all. Whose orders run is
// asked once, not for each row of a burst.
CLAIMABLE_ORDERS = "
    SELECT id, min(due_at) FROM (
        SELECT o.id, o.user_id, o.due_at FROM orders o
        WHERE o.status = 'queued' AND o.merchant = $1 AND o.due_at <= $3 AND o.due_at > coalesce($3 - $4, 0)
            AND o.user_id NOT IN (
                SELECT r.user_id FROM orders r
                WHERE r.status = 'running' AND r.merchant = $1
                    AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.purpose_ref = r.id))
        ORDER BY o.due_at, o.id LIMIT $2)
    GROUP BY user_id";
// Asks again what was asked of each: a reader saw it, and somebody may have written since.
CLAIM_ORDERS = "
    UPDATE orders AS o SET status = 'running', worker = $2, claim_number = claim_number + 1,
        first_claimed_at = coalesce(first_claimed_at, $3)
    WHERE o.id IN (SELECT unhex(value) FROM json_each($1)) AND o.status = 'queued' AND o.due_at <= $3
        AND NOT EXISTS (
            SELECT 1 FROM orders r
            WHERE r.status = 'running' AND r.merchant = o.merchant AND r.user_id = o.user_id
                AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.purpose_ref = r.id))
    RETURNING id, merchant, user_id, body, prefill, attempts, claim_number, first_claimed_at, deadline_at,
        possible_duplicate, error, unchecked, accepted_at, due_at, trace, $3 AS now";
GIVE_BACK = "
    UPDATE orders SET status = 'queued', worker = NULL
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'";
RUNNING_OF_WORKER = "
    SELECT id, claim_number FROM orders WHERE worker = $1 AND status = 'running'";
SUBMITTED = "
    UPDATE orders SET status = 'submitted', worker = NULL, ended_at = $4, attempts = attempts + 1, klarna_order_id = $5,
        html_snippet = $6, correlation_id = $7, token_outcome = $8, prefilled = $9, error = NULL
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
FAILED = "
    UPDATE orders SET status = 'failed', worker = NULL, ended_at = $4, attempts = attempts + 1, error = $5,
        token_outcome = $6
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
RETRY = "
    UPDATE orders SET status = 'queued', worker = NULL, attempts = attempts + 1,
        due_at = min($4 + $5, deadline_at),
        error = $6, possible_duplicate = possible_duplicate OR $7
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
SNOOZE = "
    UPDATE orders SET status = 'queued', worker = NULL,
        due_at = min($4 + $5, deadline_at),
        error = coalesce($6, error)
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
ORDER = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, html_snippet, correlation_id, error
    FROM orders WHERE id = $1";
SETTLED = "
    SELECT id FROM orders WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND ended_at IS NOT NULL";
// What `search.rs` makes a list of, with its conditions.
ORDERS = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM orders";
ORDER_IDS = "
    SELECT id FROM orders";
COUNT_ORDERS = "
    SELECT count(*) AS orders FROM orders";
}

/// The code of an order's error, for such a condition.
pub(in crate::store) const ERROR_CODE: &str = "error ->> '$.code'";
