//! Webhooks. Triggers fill the outbox; see the migrations.

use crate::store::sql::WebhooksSql;

pub(in crate::store) const WEBHOOKS: WebhooksSql = WebhooksSql {
    publish_deadline: "
        UPDATE installation SET order_deadline_micros = $1 WHERE order_deadline_micros <> $1",
    publish_endpoint: "
        INSERT INTO webhook_endpoints (merchant, fingerprint) VALUES ($1, $2)
        ON CONFLICT (merchant) DO UPDATE SET fingerprint = excluded.fingerprint, failing_since = NULL,
            disabled_at = NULL, disabled_why = NULL
        WHERE webhook_endpoints.fingerprint <> excluded.fingerprint",
    remove_endpoint: "
        DELETE FROM webhook_endpoints WHERE merchant = $1",
    due_webhook_merchants: "
        SELECT e.merchant FROM webhook_endpoints e
        WHERE e.disabled_at IS NULL AND EXISTS (
            SELECT 1 FROM webhooks w
            WHERE w.status = 'pending' AND w.merchant = e.merchant AND w.due_at <= $1)
        ORDER BY e.merchant",
    next_webhook_due: "
        SELECT min((
            SELECT min(w.due_at) FROM webhooks w WHERE w.status = 'pending' AND w.merchant = e.merchant
                AND w.due_at > $1))
            - $1 AS micros
        FROM webhook_endpoints e WHERE e.disabled_at IS NULL",
    // With the cast, SQLite finds the order by its key. A column in RETURNING has no affinity, so
    // that it would read all orders.
    claim_webhooks: "
        UPDATE webhooks SET due_at = $4 + $3, claim_number = claim_number + 1
        WHERE seq IN (
            SELECT seq FROM webhooks WHERE status = 'pending' AND merchant = $1 AND due_at <= $4 ORDER BY due_at
            LIMIT $2)
        RETURNING seq, id, claim_number, merchant, kind, data, occurred_at, attempts, order_id,
            (SELECT o.trace FROM orders o WHERE o.id = CAST(webhooks.order_id AS BLOB)) AS trace",
    // Here and below, a pending event is one that has not ended; the table has a check for this.
    // With a condition on the status, the planner would choose the index of all pending events.
    give_back_webhook: "
        UPDATE webhooks SET due_at = $3
        WHERE id = $1 AND claim_number = $2 AND ended_at IS NULL",
    webhook_delivered: "
        UPDATE webhooks SET status = 'delivered', ended_at = $3,
            attempts = attempts + 1, error = NULL
        WHERE id = $1 AND claim_number = $2 AND ended_at IS NULL
        RETURNING merchant, status",
    // The last attempt is the last one that is due before the event's time ends.
    webhook_retry: "
        UPDATE webhooks SET attempts = attempts + 1, error = $5, due_at = $3 + $4,
            status = CASE WHEN $3 + $4 > give_up_at THEN 'failed' ELSE 'pending' END,
            ended_at = CASE WHEN $3 + $4 > give_up_at THEN $3 END
        WHERE id = $1 AND claim_number = $2 AND ended_at IS NULL
        RETURNING merchant, status",
    endpoint_well: "
        UPDATE webhook_endpoints SET failing_since = NULL WHERE merchant = $1 AND failing_since IS NOT NULL",
    // If the endpoint wants no more ($2), or an event ran out of time ($3) and none was delivered
    // for two days.
    endpoint_failing: "
        UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, $4),
            disabled_at = CASE WHEN $2 OR $3 AND failing_since <= $4 - 172800000000 THEN $4 END,
            disabled_why = CASE WHEN $2 THEN 'gone' WHEN $3 AND failing_since <= $4 - 172800000000 THEN 'failing' END
        WHERE merchant = $1 AND disabled_at IS NULL
            AND ($2 OR failing_since IS NULL OR $3 AND failing_since <= $4 - 172800000000)
        RETURNING disabled_why",
    // `narrowed` removes the choice from each condition that has a value.
    webhooks: "
        SELECT w.id, w.merchant, w.user_id, w.order_id, w.kind, w.status, w.occurred_at, w.due_at, w.ended_at,
            w.attempts, w.error, e.disabled_at
        FROM webhooks w LEFT JOIN webhook_endpoints e ON e.merchant = w.merchant
        WHERE ($1 IS NULL OR w.id = $1) AND ($2 IS NULL OR w.merchant = $2)
            AND ($3 IS NULL OR w.user_id = $3) AND ($4 IS NULL OR w.status = $4)
            AND ($5 IS NULL OR w.kind = $5)
            AND ($6 IS NULL OR w.occurred_at >= $6)
            AND ($7 IS NULL OR w.seq < (SELECT b.seq FROM webhooks b WHERE b.id = $7))
        ORDER BY w.seq DESC LIMIT $8",
    count_webhooks: "
        SELECT count(*) AS webhooks FROM webhooks w
        WHERE ($1 IS NULL OR w.id = $1) AND ($2 IS NULL OR w.merchant = $2) AND ($3 IS NULL OR w.user_id = $3)
            AND ($4 IS NULL OR w.status = $4) AND ($5 IS NULL OR w.kind = $5) AND ($6 IS NULL OR w.occurred_at >= $6)",
    resend_webhooks: "
        UPDATE webhooks SET status = 'pending', ended_at = NULL, attempts = 0, due_at = $9,
            give_up_at = CASE WHEN kind = 'webhook.test' THEN $9 ELSE $9 + 259200000000 END,
            claim_number = claim_number + 1
        WHERE seq IN (
            SELECT w.seq FROM webhooks w
            WHERE ($1 IS NULL OR w.id = $1) AND ($2 IS NULL OR w.merchant = $2) AND ($3 IS NULL OR w.user_id = $3)
                AND ($4 IS NULL OR w.status = $4) AND ($5 IS NULL OR w.kind = $5)
                AND ($6 IS NULL OR w.occurred_at >= $6)
                AND ($7 IS NULL OR w.seq < (SELECT b.seq FROM webhooks b WHERE b.id = $7))
            ORDER BY w.seq DESC LIMIT $8)
        RETURNING seq, id, merchant",
    enable_endpoint: "
        UPDATE webhook_endpoints SET failing_since = NULL, disabled_at = NULL, disabled_why = NULL
        WHERE merchant = $1",
    endpoints: "
        SELECT merchant, failing_since, disabled_at, disabled_why FROM webhook_endpoints ORDER BY merchant",
    note_answer: "
        INSERT INTO webhook_answers (merchant, webhook, kind, answered_at, status, took_micros, error)
        SELECT merchant, id, kind, $2, $3, $4, $5 FROM webhooks WHERE id = $1",
    forget_answers: "
        DELETE FROM webhook_answers WHERE seq IN (
            SELECT seq FROM webhook_answers WHERE merchant = $1 ORDER BY seq DESC LIMIT -1 OFFSET $2)",
    answers: "
        SELECT webhook, merchant, kind, answered_at, status, took_micros, error
        FROM webhook_answers WHERE merchant = $1 ORDER BY seq DESC LIMIT $2",
    // Its time is over at once, so that it is sent once.
    test: "
        INSERT INTO webhooks (id, merchant, user_id, kind, data, occurred_at, due_at, give_up_at)
        SELECT $1, merchant, '', 'webhook.test', $3, $4, $4, $4 FROM webhook_endpoints WHERE merchant = $2",
};
