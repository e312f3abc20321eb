//! Webhooks. Triggers fill the outbox; see the migrations.

use crate::store::sql::WebhooksSql;

pub(in crate::store) const WEBHOOKS: WebhooksSql = WebhooksSql {
    publish_deadline: "
        UPDATE klarna_worker.installation SET order_deadline_micros = $1 WHERE order_deadline_micros <> $1",
    publish_endpoint: "
        INSERT INTO klarna_worker.webhook_endpoints AS e (merchant, fingerprint) VALUES ($1, $2)
        ON CONFLICT (merchant) DO UPDATE SET fingerprint = excluded.fingerprint, failing_since = NULL,
            disabled_at = NULL, disabled_why = NULL
        WHERE e.fingerprint <> excluded.fingerprint",
    remove_endpoint: "
        DELETE FROM klarna_worker.webhook_endpoints WHERE merchant = $1",
    // Like DUE_MERCHANTS.
    due_webhook_merchants: "
        SELECT e.merchant FROM klarna_worker.webhook_endpoints e
        WHERE e.disabled_at IS NULL AND (
            SELECT w.due_at FROM klarna_worker.webhooks w WHERE w.status = 'pending' AND w.merchant = e.merchant
            ORDER BY w.due_at LIMIT 1) <= coalesce($1, clock_timestamp())
        ORDER BY e.merchant",
    next_webhook_due: "
        WITH t AS MATERIALIZED (SELECT coalesce($1, clock_timestamp()) AS now)
        SELECT (extract(epoch FROM min((
            SELECT min(w.due_at) FROM klarna_worker.webhooks w
            WHERE w.status = 'pending' AND w.merchant = e.merchant AND w.due_at > (SELECT now FROM t)))
            - (SELECT now FROM t)) * 1000000)::bigint AS micros
        FROM klarna_worker.webhook_endpoints e WHERE e.disabled_at IS NULL",
    // The claimed rows as an array: for a join, a generic plan expects a tenth of all pending rows,
    // and scans the table.
    claim_webhooks: "
        WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now),
        due AS (
            SELECT seq FROM klarna_worker.webhooks
            WHERE status = 'pending' AND merchant = $1 AND due_at <= (SELECT now FROM t)
            ORDER BY due_at LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE klarna_worker.webhooks w SET due_at = t.now + $3 * interval '1 microsecond',
            claim_number = w.claim_number + 1
        FROM t WHERE w.seq = ANY (ARRAY(SELECT seq FROM due))
        RETURNING w.seq, w.id, w.claim_number, w.merchant, w.kind, w.data, w.occurred_at, w.attempts, w.order_id,
            (SELECT o.trace FROM klarna_worker.orders o WHERE o.id = w.order_id) AS trace",
    // Here and below, a pending event is one that has not ended; the table has a check for this.
    // With a condition on the status, the planner would choose the index of all pending events.
    give_back_webhook: "
        UPDATE klarna_worker.webhooks SET due_at = coalesce($3, clock_timestamp())
        WHERE id = $1 AND claim_number = $2 AND ended_at IS NULL",
    webhook_delivered: "
        UPDATE klarna_worker.webhooks SET status = 'delivered', ended_at = coalesce($3, clock_timestamp()),
            attempts = attempts + 1, error = NULL
        WHERE id = $1 AND claim_number = $2 AND ended_at IS NULL
        RETURNING merchant, status",
    // The last attempt is the last one that is due before the event's time ends.
    webhook_retry: "
        WITH t AS MATERIALIZED (
            SELECT coalesce($3, clock_timestamp()) AS now,
                coalesce($3, clock_timestamp()) + $4 * interval '1 microsecond' AS next)
        UPDATE klarna_worker.webhooks w SET attempts = w.attempts + 1, error = $5, due_at = t.next,
            status = CASE WHEN t.next > w.give_up_at THEN 'failed' ELSE 'pending' END,
            ended_at = CASE WHEN t.next > w.give_up_at THEN t.now END
        FROM t WHERE w.id = $1 AND w.claim_number = $2 AND w.ended_at IS NULL
        RETURNING w.merchant, w.status",
    endpoint_well: "
        UPDATE klarna_worker.webhook_endpoints SET failing_since = NULL WHERE merchant = $1
            AND failing_since IS NOT NULL",
    // If the endpoint wants no more ($2), or an event ran out of time ($3) and none was delivered
    // for two days.
    endpoint_failing: "
        WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now)
        UPDATE klarna_worker.webhook_endpoints e SET failing_since = coalesce(e.failing_since, t.now),
            disabled_at = CASE WHEN $2 OR $3 AND e.failing_since <= t.now - interval '2 days' THEN t.now END,
            disabled_why = CASE WHEN $2 THEN 'gone'
                WHEN $3 AND e.failing_since <= t.now - interval '2 days' THEN 'failing' END
        FROM t WHERE e.merchant = $1 AND e.disabled_at IS NULL
            AND ($2 OR e.failing_since IS NULL OR $3 AND e.failing_since <= t.now - interval '2 days')
        RETURNING e.disabled_why",
    // `narrowed` removes the choice from each condition that has a value.
    webhooks: "
        SELECT w.id, w.merchant, w.user_id, w.order_id, w.kind, w.status, w.occurred_at, w.due_at, w.ended_at,
            w.attempts, w.error, e.disabled_at
        FROM klarna_worker.webhooks w LEFT JOIN klarna_worker.webhook_endpoints e ON e.merchant = w.merchant
        WHERE ($1::uuid IS NULL OR w.id = $1) AND ($2::text IS NULL OR w.merchant = $2)
            AND ($3::text IS NULL OR w.user_id = $3) AND ($4::text IS NULL OR w.status = $4)
            AND ($5::text IS NULL OR w.kind = $5)
            AND ($6::timestamptz IS NULL OR w.occurred_at >= $6)
            AND ($7::uuid IS NULL OR w.seq < (SELECT b.seq FROM klarna_worker.webhooks b WHERE b.id = $7))
        ORDER BY w.seq DESC LIMIT $8",
    count_webhooks: "
        SELECT count(*) AS webhooks FROM klarna_worker.webhooks w
        WHERE ($1::uuid IS NULL OR w.id = $1) AND ($2::text IS NULL OR w.merchant = $2)
            AND ($3::text IS NULL OR w.user_id = $3) AND ($4::text IS NULL OR w.status = $4)
            AND ($5::text IS NULL OR w.kind = $5)
            AND ($6::timestamptz IS NULL OR w.occurred_at >= $6)",
    resend_webhooks: "
        WITH t AS MATERIALIZED (SELECT coalesce($9, clock_timestamp()) AS now),
        chosen AS MATERIALIZED (
            SELECT w.seq FROM klarna_worker.webhooks w
            WHERE ($1::uuid IS NULL OR w.id = $1) AND ($2::text IS NULL OR w.merchant = $2)
                AND ($3::text IS NULL OR w.user_id = $3) AND ($4::text IS NULL OR w.status = $4)
                AND ($5::text IS NULL OR w.kind = $5)
                AND ($6::timestamptz IS NULL OR w.occurred_at >= $6)
                AND ($7::uuid IS NULL OR w.seq < (SELECT b.seq FROM klarna_worker.webhooks b WHERE b.id = $7))
            ORDER BY w.seq DESC LIMIT $8
            FOR UPDATE
        )
        UPDATE klarna_worker.webhooks w SET status = 'pending', ended_at = NULL, attempts = 0, due_at = t.now,
            give_up_at = CASE WHEN w.kind = 'webhook.test' THEN t.now ELSE t.now + interval '3 days' END,
            claim_number = w.claim_number + 1
        FROM t, chosen WHERE w.seq = chosen.seq
        RETURNING w.seq, w.id, w.merchant",
    enable_endpoint: "
        UPDATE klarna_worker.webhook_endpoints SET failing_since = NULL, disabled_at = NULL, disabled_why = NULL
        WHERE merchant = $1",
    endpoints: "
        SELECT merchant, failing_since, disabled_at, disabled_why FROM klarna_worker.webhook_endpoints
        ORDER BY merchant",
    note_answer: "
        INSERT INTO klarna_worker.webhook_answers (merchant, webhook, kind, answered_at, status, took_micros, error)
        SELECT w.merchant, w.id, w.kind, coalesce($2, clock_timestamp()), $3, $4, $5
        FROM klarna_worker.webhooks w WHERE w.id = $1",
    // Those that another attempt is about to delete are left to it.
    forget_answers: "
        DELETE FROM klarna_worker.webhook_answers WHERE seq IN (
            SELECT a.seq FROM klarna_worker.webhook_answers a WHERE a.seq IN (
                SELECT seq FROM klarna_worker.webhook_answers WHERE merchant = $1 ORDER BY seq DESC OFFSET $2)
            FOR UPDATE OF a SKIP LOCKED)",
    answers: "
        SELECT webhook, merchant, kind, answered_at, status, took_micros, error
        FROM klarna_worker.webhook_answers WHERE merchant = $1 ORDER BY seq DESC LIMIT $2",
    // Its time is over at once, so that it is sent once.
    test: "
        WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now)
        INSERT INTO klarna_worker.webhooks (id, merchant, user_id, kind, data, occurred_at, due_at, give_up_at)
        SELECT $1, e.merchant, '', 'webhook.test', $3, t.now, t.now, t.now
        FROM klarna_worker.webhook_endpoints e, t WHERE e.merchant = $2",
};
