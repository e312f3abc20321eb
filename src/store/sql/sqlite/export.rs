//! The export of a user's data.

use crate::store::sql::ExportSql;

pub(in crate::store) const EXPORT: ExportSql = ExportSql {
    // Without the result, which is for the shopper's browser.
    orders: "
        SELECT id, merchant, user_id, supersedes, superseded_by, target, version, status, accepted_at, due_at,
            deadline_at, ended_at, attempts, token_outcome, prefilled, possible_duplicate, klarna_id, NULL AS result,
            session, correlation_id, error, idempotency_key, body, merchant_reference1, merchant_reference2,
            order_amount, purchase_currency
        FROM orders
        WHERE merchant = $1 AND user_id = $2 AND ($3 IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4",
    attempts: "
        SELECT order_id, ended_at, lost, error FROM order_attempts
        WHERE order_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY order_id, seq",
    webhooks: "
        SELECT seq, id, kind, data, status, occurred_at, ended_at, attempts, error
        FROM webhooks
        WHERE merchant = $1 AND user_id = $2 AND ($3 IS NULL OR seq < $3)
        ORDER BY seq DESC LIMIT $4",
};
