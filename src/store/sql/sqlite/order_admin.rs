use crate::store::sql::OrderAdminSql;

pub(in crate::store) const ORDER_ADMIN: OrderAdminSql = OrderAdminSql {
    body_gone: "
        SELECT id FROM orders WHERE id = $1 AND status = 'failed' AND body IS NULL",
    unchanged: "
        SELECT status, body IS NOT NULL AS has_body, count(*) AS orders FROM orders
        WHERE id IN (SELECT unhex(value) FROM json_each($1))
        GROUP BY 1, 2 ORDER BY 1, 2",
    cancel: "
        UPDATE orders SET status = 'cancelled', ended_at = $2
        WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND status = 'queued'
        RETURNING id",
    // As if the order had just been accepted, except for `possible_duplicate`. Its cached tokens
    // were deleted when it ended.
    again: "
        UPDATE orders SET status = 'queued', ended_at = NULL, due_at = $2, deadline_at = $2 + $3,
            first_claimed_at = NULL, first_due_at = NULL, token_waited = 0, attempts = 0, lost_workers = 0,
            token_outcome = NULL, prefilled = NULL, error = NULL
        WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND status = 'failed' AND body IS NOT NULL
        RETURNING id",
    // One that is being tried is tried once more, so that what was mended meanwhile counts: it
    // loses its claim.
    retry_follow_ups: "
        UPDATE follow_ups SET due_at = $2, give_up_at = $2 + $3, attempts = 0, given_up_at = NULL,
            claim_number = claim_number + 1
        WHERE attempts > 0 AND (merchant, klarna_id) IN (
            SELECT merchant, klarna_id FROM orders
            WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND status = 'submitted')
        RETURNING (
            SELECT o.id FROM orders o
            WHERE +o.merchant = follow_ups.merchant AND o.klarna_id = follow_ups.klarna_id
                AND +o.status = 'submitted') AS id",
};
