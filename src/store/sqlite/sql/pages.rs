//! The pages.

use crate::store::statements;

statements! {
// Searches have the same nine parameters each. Ids are picked by an index first, and only their rows are read.
SEARCH_ALL = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM orders
    WHERE id < $4 AND id >= $8 AND ($1 IS NULL OR status = $1) AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR true) AND ($7 IS NULL OR token_outcome = $7)
        AND ($6 IS NULL OR true) AND ($9 OR true)
    ORDER BY id DESC LIMIT $5";
SEARCH_STATUS = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM orders WHERE id IN (
        SELECT id FROM orders
        WHERE status = $1 AND id < $4 AND id >= $8 AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR true) AND ($7 IS NULL OR token_outcome = $7)
            AND ($6 IS NULL OR true) AND ($9 OR true)
        ORDER BY id DESC LIMIT $5)
    ORDER BY id DESC";
SEARCH_ERROR = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM orders
    WHERE error IS NOT NULL AND ($1 IS NULL OR status = $1) AND id < $4 AND id >= $8 AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR true) AND ($7 IS NULL OR token_outcome = $7)
        AND error ->> '$.code' = $6 AND ($9 OR true)
    ORDER BY id DESC LIMIT $5";
SEARCH_USER = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM orders
    WHERE merchant = $2 AND user_id = $3 AND id < $4 AND id >= $8 AND ($1 IS NULL OR status = $1) AND ($7 IS NULL OR token_outcome = $7)
        AND ($6 IS NULL OR error ->> '$.code' = $6) AND (NOT $9 OR possible_duplicate)
    ORDER BY id DESC LIMIT $5";
SEARCH_DUPLICATES = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM orders
    WHERE possible_duplicate AND id < $4 AND id >= $8 AND ($1 IS NULL OR status = $1) AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR true) AND ($7 IS NULL OR token_outcome = $7)
        AND ($6 IS NULL OR error ->> '$.code' = $6) AND ($9 OR true)
    ORDER BY id DESC LIMIT $5";
ARRIVALS = "
    SELECT b.key AS slot, o.status, o.token_outcome, count(*) AS orders
    FROM json_each($1) b CROSS JOIN json_each($2) e CROSS JOIN
        json_each('[\"queued\",\"running\",\"submitted\",\"failed\",\"cancelled\"]') s CROSS JOIN orders o
    WHERE e.key = b.key AND o.status = s.value AND o.id >= unhex(b.value) AND o.id < unhex(e.value)
        AND ($3 IS NULL OR o.merchant = $3)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
PASSAGES = "
    SELECT accepted_at, due_at, first_claimed_at, ended_at FROM orders WHERE id IN (
        SELECT id FROM orders WHERE status = 'submitted' AND ($1 IS NULL OR merchant = $1) ORDER BY id DESC LIMIT $2)";
STORY = "
    SELECT first_claimed_at, body IS NOT NULL AS has_body FROM orders WHERE id = $1";
ATTEMPTS = "
    SELECT a.ended_at, a.lost, a.error, w.name AS worker
    FROM order_attempts a LEFT JOIN workers w ON w.id = a.worker
    WHERE a.order_id = $1 ORDER BY a.seq";
WORKERS = "
    SELECT name, started_at, beat_at, beat_at >= $2 - $1 AS alive FROM workers
    WHERE ended_at IS NULL ORDER BY name, started_at LIMIT 200";
}
