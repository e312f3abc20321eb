//! Orders.

use crate::store::sql::OrdersSql;

pub(in crate::store) const ORDERS: OrdersSql = OrdersSql {
    // Claims the order for the worker $18, if that is given, the order is due, and a claim would
    // take it: no order of the merchant waits before it, and none of the user runs without having
    // its token. The first expression names what is often null, so that no plan for one order looks
    // cheaper than the plan for all, and the statement is planned once.
    insert_order: "
        WITH t AS MATERIALIZED (
            SELECT coalesce($11, clock_timestamp()) AS now, $2::text AS merchant, $3::text AS user_id,
                $8::timestamptz AS not_before, $18::uuid AS worker),
        c AS MATERIALIZED (
            SELECT CASE WHEN t.worker IS NOT NULL AND coalesce(t.not_before <= t.now, true)
                AND coalesce((
                    SELECT o.due_at > t.now FROM klarna_worker.orders o WHERE o.status = 'queued'
                        AND o.merchant = t.merchant
                    ORDER BY o.due_at, o.id LIMIT 1), true)
                AND NOT EXISTS (
                    SELECT 1 FROM klarna_worker.orders r
                    WHERE r.status = 'running' AND r.merchant = t.merchant AND r.user_id = t.user_id
                        AND NOT EXISTS (SELECT 1 FROM klarna_worker.cached_tokens k
                            WHERE k.purpose_ref = r.id OFFSET 0))
                THEN t.worker END AS worker
            FROM t
        ),
        inserted AS (
            INSERT INTO klarna_worker.orders
                (id, merchant, user_id, idempotency_key, digest, body, prefill, accepted_at, due_at, deadline_at, trace,
                target, merchant_reference1, merchant_reference2, order_amount, purchase_currency, status, worker,
                claim_number, first_claimed_at, first_due_at, supersedes)
            SELECT $1, t.merchant, t.user_id, $4, $5, $6, $7, t.now, greatest(t.now, t.not_before),
                coalesce($9, greatest(t.now, t.not_before) + $10 * interval '1 microsecond'), $12,
                $13, $14, $15, $16, $17,
                CASE WHEN c.worker IS NULL THEN 'queued' ELSE 'running' END, c.worker,
                CASE WHEN c.worker IS NULL THEN 0 ELSE 1 END, CASE WHEN c.worker IS NOT NULL THEN t.now END,
                CASE WHEN c.worker IS NOT NULL THEN t.now END, $19
            FROM t, c
            ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL
                AND superseded_by IS NULL DO NOTHING
            RETURNING id, merchant, user_id, supersedes, superseded_by, target, version, status, accepted_at, due_at,
                deadline_at, ended_at, attempts, token_outcome, prefilled, possible_duplicate, klarna_id, result,
                session, correlation_id, error, idempotency_key, merchant_reference1, merchant_reference2, order_amount,
                purchase_currency
        )
        SELECT *, CASE WHEN status = 'queued' THEN pg_notify('klarna_worker_due', '')::text END AS notified
        FROM inserted",
    order_by_key: "
        SELECT id, digest FROM klarna_worker.orders WHERE merchant = $1 AND idempotency_key = $2
            AND superseded_by IS NULL",
    // An order that nobody can pay any more gives its key to a new one. One that is paid keeps it.
    supersede: "
        UPDATE klarna_worker.orders SET superseded_by = $3
        WHERE merchant = $1 AND idempotency_key = $2 AND superseded_by IS NULL AND ended_at IS NOT NULL
            AND session_phase IS DISTINCT FROM 'completed'
            AND (session_phase = 'ended' OR body IS NULL AND result IS NULL)
        RETURNING id",
    // Reads the first entry of the index of due orders. With EXISTS, the planner would search the
    // table, and would read ended orders first.
    due_merchants: "
        WITH RECURSIVE m (merchant) AS (
            SELECT min(merchant) FROM klarna_worker.orders WHERE status = 'queued'
            UNION ALL
            SELECT (SELECT min(o.merchant) FROM klarna_worker.orders o WHERE o.status = 'queued'
                AND o.merchant > m.merchant)
            FROM m WHERE m.merchant IS NOT NULL
        )
        SELECT merchant FROM m WHERE merchant IS NOT NULL AND (
            SELECT o.due_at FROM klarna_worker.orders o WHERE o.status = 'queued' AND o.merchant = m.merchant
            ORDER BY o.due_at, o.id LIMIT 1) <= coalesce($1, clock_timestamp())",
    next_due: "
        WITH t AS MATERIALIZED (SELECT coalesce($1, clock_timestamp()) AS now)
        SELECT (extract(epoch FROM min(o.due_at) - (SELECT now FROM t)) * 1000000)::bigint AS micros
        FROM klarna_worker.orders o WHERE o.status = 'queued' AND o.due_at > (SELECT now FROM t)",
    // Here and below, a row with a worker is running; the table has a check for this. With a
    // condition on the status, the planner would choose the index of all running rows. A row that
    // somebody else has locked is not waited for: the others would wait too.
    give_back: "
        UPDATE klarna_worker.orders SET status = 'queued', worker = NULL
        WHERE id = (
            SELECT id FROM klarna_worker.orders WHERE id = $1 AND worker = $2 AND claim_number = $3
            FOR NO KEY UPDATE SKIP LOCKED)",
    running_of_worker: "
        SELECT id, claim_number FROM klarna_worker.orders WHERE worker = $1 AND status = 'running'",
    // The end of an attempt waits for no row that somebody else has locked: it is written again
    // later.
    failed: "
        WITH ended AS (
            UPDATE klarna_worker.orders SET status = 'failed', worker = NULL,
                ended_at = coalesce($4, clock_timestamp()), attempts = attempts + $8, error = $5, token_outcome = $6,
                prefilled = $7
            WHERE id = (
                SELECT id FROM klarna_worker.orders WHERE id = $1 AND worker = $2 AND claim_number = $3
                FOR NO KEY UPDATE SKIP LOCKED)
            RETURNING id, user_id, ended_at
        ),
        cached AS (DELETE FROM klarna_worker.cached_tokens k USING ended WHERE k.purpose_ref = ended.id)
        SELECT user_id, ended_at, pg_notify('klarna_worker_settled', id::text)::text FROM ended",
    retry: "
        UPDATE klarna_worker.orders SET status = 'queued', worker = NULL, attempts = attempts + 1,
            due_at = least(coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond', deadline_at),
            error = $6, possible_duplicate = possible_duplicate OR $7, token_waited = token_waited + $8
        WHERE id = (
            SELECT id FROM klarna_worker.orders WHERE id = $1 AND worker = $2 AND claim_number = $3
            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING user_id, ended_at",
    snooze: "
        UPDATE klarna_worker.orders SET status = 'queued', worker = NULL,
            due_at = least(coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond', deadline_at),
            error = coalesce($6, error), token_waited = token_waited + $7, waits = coalesce($8, waits)
        WHERE id = (
            SELECT id FROM klarna_worker.orders WHERE id = $1 AND worker = $2 AND claim_number = $3
            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING user_id, ended_at",
    // A row that somebody else has locked is not waited for: the order asks again.
    announce: "
        UPDATE klarna_worker.orders o SET sent_claim = o.claim_number
        FROM (
            SELECT id FROM klarna_worker.orders WHERE id = $1 AND worker = $2 AND claim_number = $3
            FOR UPDATE SKIP LOCKED) free
        WHERE o.id = free.id
        RETURNING o.id",
    // A result whose claim was lost. If a later claim is about to send the order, that one's result
    // counts. So it does if the body was changed since. The order may have been sent by a later
    // claim that is over; otherwise it is as it was before this one.
    submitted_late: "
        WITH ended AS (
            UPDATE klarna_worker.orders SET status = 'submitted', worker = NULL,
                ended_at = coalesce($4, clock_timestamp()), attempts = attempts + 1, klarna_id = $5, result = $6,
                correlation_id = $7, token_outcome = $8, prefilled = $9, target = $10, error = NULL,
                possible_duplicate = CASE
                    WHEN sent_claim = $3 AND (worker IS NULL OR worker = $2 OR claim_number > $3) THEN $11 ELSE true END
            WHERE id = $1 AND (status = 'queued'
                OR status = 'running' AND NOT coalesce(sent_claim = claim_number, false))
                AND ($3 > changed_claim OR changed_claim IS NULL)
            RETURNING id
        ),
        cached AS (DELETE FROM klarna_worker.cached_tokens k USING ended WHERE k.purpose_ref = ended.id)
        SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended",
    is_submitted_as: "
        SELECT id FROM klarna_worker.orders WHERE id = $1 AND klarna_id = $2 AND status = 'submitted'",
    // Whether the order may take such a result at another time: it has not ended, so a later claim
    // is about to send it, or has just ended without a result.
    may_take_late: "
        SELECT id FROM klarna_worker.orders
        WHERE id = $1 AND ended_at IS NULL AND ($2 > changed_claim OR changed_claim IS NULL)",
    order: "
        SELECT id, merchant, user_id, supersedes, superseded_by, target, version, status, accepted_at, due_at,
            deadline_at, ended_at, attempts, token_outcome, prefilled, possible_duplicate, klarna_id, result, session,
            correlation_id, error, idempotency_key, merchant_reference1, merchant_reference2, order_amount,
            purchase_currency
        FROM klarna_worker.orders WHERE id = $1",
    settled: "
        SELECT id FROM klarna_worker.orders WHERE id = ANY($1) AND ended_at IS NOT NULL",
    // `order_search.rs` adds the conditions.
    orders: "
        SELECT id, merchant, user_id, supersedes, superseded_by, target, version, status, accepted_at, due_at,
            deadline_at, ended_at, attempts, token_outcome, prefilled, possible_duplicate, klarna_id, NULL AS result,
            session, correlation_id, error, idempotency_key, merchant_reference1, merchant_reference2, order_amount,
            purchase_currency
        FROM klarna_worker.orders",
    order_ids: "
        SELECT id FROM klarna_worker.orders",
    count_orders: "
        SELECT count(*) AS orders, count(body) AS with_body FROM klarna_worker.orders",
    order_codes: "
        SELECT coalesce(substring(error FROM '\"code\" ?: ?\"([^\"]*)\"'), 'unreadable') AS code, possible_duplicate
        FROM klarna_worker.orders",
};
