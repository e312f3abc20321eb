//! The pages.

use crate::store::statements;

statements! {
// Searches have the same nine parameters each. Ids are picked by an index first, and only their rows are read.
SEARCH_ALL = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM klarna_worker.orders
    WHERE id < $4 AND id >= $8 AND ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR true) AND ($7::text IS NULL OR token_outcome = $7)
        AND ($6::text IS NULL OR true) AND ($9::boolean OR true)
    ORDER BY id DESC LIMIT $5";
SEARCH_STATUS = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM klarna_worker.orders WHERE id IN (
        SELECT id FROM klarna_worker.orders
        WHERE status = $1 AND id < $4 AND id >= $8 AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR true) AND ($7::text IS NULL OR token_outcome = $7)
            AND ($6::text IS NULL OR true) AND ($9::boolean OR true)
        ORDER BY id DESC LIMIT $5)
    ORDER BY id DESC";
SEARCH_ERROR = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM klarna_worker.orders
    WHERE error IS NOT NULL AND ($1::text IS NULL OR status = $1) AND id < $4 AND id >= $8 AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR true) AND ($7::text IS NULL OR token_outcome = $7)
        AND error::json ->> 'code' = $6 AND ($9::boolean OR true)
    ORDER BY id DESC LIMIT $5";
SEARCH_USER = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM klarna_worker.orders
    WHERE merchant = $2 AND user_id = $3 AND id < $4 AND id >= $8 AND ($1::text IS NULL OR status = $1) AND ($7::text IS NULL OR token_outcome = $7)
        AND ($6::text IS NULL OR error::json ->> 'code' = $6) AND (NOT $9::boolean OR possible_duplicate)
    ORDER BY id DESC LIMIT $5";
SEARCH_DUPLICATES = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM klarna_worker.orders
    WHERE possible_duplicate AND id < $4 AND id >= $8 AND ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR true) AND ($7::text IS NULL OR token_outcome = $7)
        AND ($6::text IS NULL OR error::json ->> 'code' = $6) AND ($9::boolean OR true)
    ORDER BY id DESC LIMIT $5";
ARRIVALS = "
    SELECT b.slot - 1 AS slot, s.status, o.token_outcome, o.orders
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS b (begins, ends, slot)
        CROSS JOIN unnest(ARRAY['queued', 'running', 'submitted', 'failed', 'cancelled']) AS s (status)
        CROSS JOIN LATERAL (
            SELECT o.token_outcome, count(*) AS orders FROM klarna_worker.orders o
            WHERE o.status = s.status AND o.id >= b.begins AND o.id < b.ends
                AND ($3::text IS NULL OR o.merchant = $3)
            GROUP BY o.token_outcome) AS o
    ORDER BY 1, 2, 3";
PASSAGES = "
    SELECT accepted_at, due_at, first_claimed_at, ended_at FROM klarna_worker.orders WHERE id IN (
        SELECT id FROM klarna_worker.orders WHERE status = 'submitted' AND ($1::text IS NULL OR merchant = $1)
        ORDER BY id DESC LIMIT $2)";
STORY = "
    SELECT first_claimed_at, body IS NOT NULL AS has_body FROM klarna_worker.orders WHERE id = $1";
ATTEMPTS = "
    SELECT a.ended_at, a.lost, a.error, w.name AS worker
    FROM klarna_worker.order_attempts a LEFT JOIN klarna_worker.workers w ON w.id = a.worker
    WHERE a.order_id = $1 ORDER BY a.seq";
WORKERS = "
    SELECT name, started_at, beat_at,
        beat_at >= coalesce($2, clock_timestamp()) - $1 * interval '1 microsecond' AS alive FROM klarna_worker.workers
    WHERE ended_at IS NULL ORDER BY name, started_at LIMIT 200";
}
