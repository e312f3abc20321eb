//! Orders.

use crate::store::sql::OrdersSql;

pub(in crate::store) const ORDERS: OrdersSql = OrdersSql {
    // Claims the order for the worker $18, if that is given, the order is due, and a claim would
    // take it: no order of the merchant waits before it, and none of the user runs without having
    // its token.
    insert_order: "
        WITH c (worker) AS MATERIALIZED (
            SELECT CASE WHEN $18 IS NOT NULL AND coalesce($8, $11) <= $11
                AND NOT EXISTS (
                    SELECT 1 FROM orders o WHERE o.status = 'queued' AND o.merchant = $2 AND o.due_at <= $11)
                AND NOT EXISTS (
                    SELECT 1 FROM orders r WHERE r.status = 'running' AND r.merchant = $2 AND r.user_id = $3
                        AND NOT EXISTS (SELECT 1 FROM cached_tokens k WHERE k.purpose_ref = r.id))
                THEN $18 END
        )
        INSERT INTO orders
            (id, merchant, user_id, idempotency_key, digest, body, prefill, accepted_at, due_at, deadline_at, trace,
            target, merchant_reference1, merchant_reference2, order_amount, purchase_currency, status, worker,
            claim_number, first_claimed_at, first_due_at, supersedes)
        SELECT $1, $2, $3, $4, $5, $6, $7, $11, max($11, coalesce($8, $11)),
            coalesce($9, max($11, coalesce($8, $11)) + $10), $12, $13, $14, $15, $16, $17,
            CASE WHEN c.worker IS NULL THEN 'queued' ELSE 'running' END, c.worker,
            CASE WHEN c.worker IS NULL THEN 0 ELSE 1 END, CASE WHEN c.worker IS NOT NULL THEN $11 END,
            CASE WHEN c.worker IS NOT NULL THEN $11 END, $19
        FROM c WHERE true
        ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL AND superseded_by IS NULL DO NOTHING
        RETURNING id, merchant, user_id, supersedes, superseded_by, target, version, status, accepted_at, due_at,
            deadline_at, ended_at, attempts, token_outcome, prefilled, possible_duplicate, klarna_id, result, session,
            correlation_id, error, idempotency_key, merchant_reference1, merchant_reference2, order_amount,
            purchase_currency",
    order_by_key: "
        SELECT id, digest FROM orders WHERE merchant = $1 AND idempotency_key = $2 AND superseded_by IS NULL",
    // An order that nobody can pay any more gives its key to a new one. One that is paid keeps it.
    supersede: "
        UPDATE orders SET superseded_by = $3
        WHERE merchant = $1 AND idempotency_key = $2 AND superseded_by IS NULL AND ended_at IS NOT NULL
            AND session_phase IS NOT 'completed' AND (session_phase = 'ended' OR body IS NULL AND result IS NULL)
        RETURNING id",
    // Without `INDEXED BY`, SQLite prefers orders_outcome here and below, and reads the whole
    // backlog.
    due_merchants: "
        WITH RECURSIVE m (merchant) AS (
            SELECT min(merchant) FROM orders INDEXED BY orders_due WHERE status = 'queued'
            UNION ALL
            SELECT (
                SELECT min(o.merchant) FROM orders o INDEXED BY orders_due
                WHERE o.status = 'queued' AND o.merchant > m.merchant)
            FROM m WHERE m.merchant IS NOT NULL
        )
        SELECT merchant FROM m WHERE EXISTS (
            SELECT 1 FROM orders o INDEXED BY orders_due
            WHERE o.status = 'queued' AND o.merchant = m.merchant AND o.due_at <= $1)",
    next_due: "
        SELECT min(due_at) - $1 AS micros FROM orders INDEXED BY orders_next
        WHERE status = 'queued' AND due_at > $1",
    give_back: "
        UPDATE orders SET status = 'queued', worker = NULL
        WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'",
    running_of_worker: "
        SELECT id, claim_number FROM orders INDEXED BY orders_running WHERE worker = $1 AND status = 'running'",
    // Two statements: the cached tokens of an order that has ended are deleted.
    failed: "
        UPDATE orders SET status = 'failed', worker = NULL, ended_at = $4, attempts = attempts + $8, error = $5,
            token_outcome = $6, prefilled = $7
        WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
        RETURNING user_id, ended_at;
        DELETE FROM cached_tokens WHERE purpose_ref = $1
            AND EXISTS (SELECT 1 FROM orders WHERE id = $1 AND ended_at IS NOT NULL)",
    retry: "
        UPDATE orders SET status = 'queued', worker = NULL, attempts = attempts + 1,
            due_at = min($4 + $5, deadline_at),
            error = $6, possible_duplicate = possible_duplicate OR $7, token_waited = token_waited + $8
        WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
        RETURNING user_id, ended_at",
    snooze: "
        UPDATE orders SET status = 'queued', worker = NULL,
            due_at = min($4 + $5, deadline_at),
            error = coalesce($6, error), token_waited = token_waited + $7, waits = coalesce($8, waits)
        WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
        RETURNING user_id, ended_at",
    announce: "
        UPDATE orders SET sent_claim = claim_number
        WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
        RETURNING id",
    // A result whose claim was lost. If a later claim is about to send the order, that one's result
    // counts. So it does if the body was changed since. The order may have been sent by a later
    // claim that is over; otherwise it is as it was before this one.
    submitted_late: "
        UPDATE orders SET status = 'submitted', worker = NULL, ended_at = $4, attempts = attempts + 1, klarna_id = $5,
            result = $6, correlation_id = $7, token_outcome = $8, prefilled = $9, target = $10, error = NULL,
            possible_duplicate = CASE
                WHEN sent_claim = $3 AND (worker IS NULL OR worker = $2 OR claim_number > $3) THEN $11 ELSE 1 END
        WHERE id = $1 AND (status = 'queued' OR status = 'running' AND NOT coalesce(sent_claim = claim_number, 0))
            AND ($3 > changed_claim OR changed_claim IS NULL)
        RETURNING id",
    is_submitted_as: "
        SELECT id FROM orders WHERE id = $1 AND klarna_id = $2 AND status = 'submitted'",
    // Whether the order may take such a result at another time: it has not ended, so a later claim
    // is about to send it, or has just ended without a result.
    may_take_late: "
        SELECT id FROM orders
        WHERE id = $1 AND ended_at IS NULL AND ($2 > changed_claim OR changed_claim IS NULL)",
    order: "
        SELECT id, merchant, user_id, supersedes, superseded_by, target, version, status, accepted_at, due_at,
            deadline_at, ended_at, attempts, token_outcome, prefilled, possible_duplicate, klarna_id, result, session,
            correlation_id, error, idempotency_key, merchant_reference1, merchant_reference2, order_amount,
            purchase_currency
        FROM orders WHERE id = $1",
    settled: "
        SELECT id FROM orders WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND ended_at IS NOT NULL",
    // `order_search.rs` adds the conditions.
    orders: "
        SELECT id, merchant, user_id, supersedes, superseded_by, target, version, status, accepted_at, due_at,
            deadline_at, ended_at, attempts, token_outcome, prefilled, possible_duplicate, klarna_id, NULL AS result,
            session, correlation_id, error, idempotency_key, merchant_reference1, merchant_reference2, order_amount,
            purchase_currency
        FROM orders",
    order_ids: "
        SELECT id FROM orders",
    count_orders: "
        SELECT count(*) AS orders, count(body) AS with_body FROM orders",
    order_codes: "
        SELECT coalesce(iif(json_valid(error), error ->> '$.code', NULL), 'unreadable') AS code, possible_duplicate
        FROM orders",
};
