//! Steering.

use crate::store::statements;

statements! {
PICK_ORDERS = "
    SELECT id FROM orders
    WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR user_id = $3)
        AND ($4 IS NULL OR id < $4)
        AND ($6 IS NULL OR error ->> '$.code' = $6) AND ($7 IS NULL OR accepted_at >= $7)
        AND ($8 IS NULL OR accepted_at < $8)
        AND body IS NOT NULL
    ORDER BY id DESC LIMIT $5";
COUNT_ORDERS = "
    SELECT count(*) AS orders FROM orders
    WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR user_id = $3)
        AND ($4 IS NULL OR id < $4)
        AND ($6 IS NULL OR error ->> '$.code' = $6) AND ($7 IS NULL OR accepted_at >= $7)
        AND ($8 IS NULL OR accepted_at < $8)
        AND body IS NOT NULL AND $5 >= 0";
BODY_GONE = "
    SELECT id FROM orders WHERE id = $1 AND status = 'failed' AND body IS NULL";
CANCEL = "
    UPDATE orders SET status = 'cancelled', ended_at = $2
    WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND status = 'queued'
    RETURNING id";
// As if it had just come in, but for what Klarna may know of it. What was kept went with its end.
AGAIN = "
    UPDATE orders SET status = 'queued', ended_at = NULL, due_at = $2, deadline_at = $2 + $3, first_claimed_at = NULL,
        attempts = 0, lost_workers = 0, token_outcome = NULL, error = NULL
    WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND status = 'failed' AND body IS NOT NULL
    RETURNING id";
}
