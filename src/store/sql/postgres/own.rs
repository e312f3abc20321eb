//! Statements that only PostgreSQL has, or that work differently on SQLite: claims, and writes that
//! many callers share.

use crate::store::sql::constants;

constants! {
// Claims one order of a user at a time until it has its token, so that a burst of one user takes one
// slot and not all. The users with running orders are collected once, so that each row of a long burst
// is compared with a hash table and not with the table of orders. If too many orders run for that,
// each row is checked with a subquery. OFFSET 0 prevents the planner from making it a join, which
// would read all running orders for each row.
CLAIM_ORDERS = "
    WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now),
    held AS MATERIALIZED (
        SELECT r.user_id FROM klarna_worker.orders r
        WHERE r.status = 'running' AND r.merchant = $1
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.cached_tokens k WHERE k.purpose_ref = r.id OFFSET 0)
        LIMIT 100
    ),
    due AS (
        SELECT o.id, o.user_id, o.due_at FROM klarna_worker.orders o
        WHERE o.status = 'queued' AND o.merchant = $1 AND o.due_at <= (SELECT now FROM t)
            AND o.due_at > coalesce((SELECT now FROM t) - $5 * interval '1 microsecond', '-infinity')
            AND o.user_id NOT IN (SELECT user_id FROM held)
            AND ((SELECT count(*) FROM held) < 100 OR NOT EXISTS (
                SELECT 1 FROM klarna_worker.orders r
                WHERE r.status = 'running' AND r.merchant = $1 AND r.user_id = o.user_id
                    AND NOT EXISTS (SELECT 1 FROM klarna_worker.cached_tokens k WHERE k.purpose_ref = r.id)
                OFFSET 0))
        ORDER BY o.due_at, o.id LIMIT $2
        FOR UPDATE OF o SKIP LOCKED
    ),
    first AS (SELECT DISTINCT ON (user_id) id FROM due ORDER BY user_id, due_at, id)
    UPDATE klarna_worker.orders o SET status = 'running', worker = $3, claim_number = o.claim_number + 1,
        first_claimed_at = coalesce(o.first_claimed_at, t.now)
    FROM first, t WHERE o.id = first.id
    RETURNING o.id, o.merchant, o.user_id, o.body, o.target, o.prefill, o.attempts, o.claim_number, o.first_claimed_at,
        o.deadline_at, o.possible_duplicate, o.error, o.unchecked, o.accepted_at, o.due_at, o.trace, t.now";
// The same as `orders.submitted` for many orders. For a single one, this would take twice as long,
// because PostgreSQL plans a statement with arrays each time. A row that somebody else has locked is
// left out.
ALL_SUBMITTED = "
    WITH ended AS (
        UPDATE klarna_worker.orders o SET status = 'submitted', worker = NULL,
            ended_at = coalesce($4, clock_timestamp()), attempts = o.attempts + 1, klarna_id = s.klarna_id,
            result = s.result, correlation_id = s.correlation_id, token_outcome = s.token_outcome,
            prefilled = s.prefilled, target = s.target, error = NULL
        FROM (
            SELECT a.* FROM klarna_worker.orders r
            JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
                AS a (id, worker, claim_number, klarna_id, result, correlation_id, token_outcome, prefilled, target)
                ON r.id = a.id AND r.worker = a.worker AND r.claim_number = a.claim_number
            FOR NO KEY UPDATE OF r SKIP LOCKED) s
        WHERE o.id = s.id
        RETURNING o.id, o.claim_number
    ),
    cached AS (DELETE FROM klarna_worker.cached_tokens k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, claim_number, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
// The orders of those claims that hold: an end that was not written although its claim holds met a
// locked row.
HELD_CLAIMS = "
    SELECT o.id, o.claim_number FROM klarna_worker.orders o
    JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS a (id, worker, claim_number)
        ON o.id = a.id AND o.worker = a.worker AND o.claim_number = a.claim_number";
// Inserts any number of intents, and records of any number of orders that their create call is about
// to be sent. It also counts a heartbeat of the worker, at most once a second, so that a new intent never
// looks orphaned, and nobody takes the order before it is sent. It does not wait for an order's row that is locked: the order asks again.
ANNOUNCE = "
    WITH t AS MATERIALIZED (SELECT coalesce($8, clock_timestamp()) AS now),
    heartbeat AS (
        UPDATE klarna_worker.workers SET heartbeat_at = (SELECT now FROM t), beats = beats + 1
        WHERE id = ANY($7::uuid[] || $10::uuid[]) AND ended_at IS NULL
            AND heartbeat_at NOT BETWEEN (SELECT now FROM t) - interval '1 second' AND (SELECT now FROM t)
    ),
    created AS (
        UPDATE klarna_worker.orders o SET sent_claim = o.claim_number
        FROM (
            SELECT r.id FROM klarna_worker.orders r
            JOIN unnest($9::uuid[], $10::uuid[], $11::bigint[]) AS a (id, worker, claim_number)
                ON r.id = a.id AND r.worker = a.worker AND r.claim_number = a.claim_number
            FOR UPDATE OF r SKIP LOCKED) free
        WHERE o.id = free.id
        RETURNING o.id
    ),
    intended AS (
    INSERT INTO klarna_worker.exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at)
    SELECT i.id, i.token_id, i.generation, i.presentation, i.purpose, i.purpose_ref, i.holder, (SELECT now FROM t)
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::uuid[], $7::uuid[])
        AS i (id, token_id, generation, presentation, purpose, purpose_ref, holder)
    WHERE EXISTS (
            SELECT 1 FROM klarna_worker.tokens k
            WHERE k.id = i.token_id AND k.generation = i.generation AND k.state = 'active')
        AND EXISTS (SELECT 1 FROM klarna_worker.workers w WHERE w.id = i.holder AND w.ended_at IS NULL)
    ON CONFLICT DO NOTHING
    RETURNING id
    )
    SELECT id FROM intended UNION ALL SELECT id FROM created";
// Stores a successor together with its hash, the cached tokens of an order or a vend and the end of the intent,
// and records that the order's create call is about to be sent. Only if this database knows the
// exchange: after a restore, another exchange may have used the same generation.
STORE_SUCCESSOR = "
    WITH stored AS (
        UPDATE klarna_worker.tokens SET generation = generation + 1, state = 'active', reason = NULL, sealed = $4,
            provider = $14,
            issued_at = $5, expires_at = $6, last_exchange = $3, refresh_due_at = $8,
            refresh_due_generation = CASE WHEN $8::timestamptz IS NOT NULL THEN generation + 1 END, refresh_failures = 0,
            refresh_note = NULL,
            last_seen_at = CASE WHEN $10::uuid IS NOT NULL THEN coalesce($7, clock_timestamp()) ELSE last_seen_at END,
            updated_at = coalesce($7, clock_timestamp())
        WHERE id = $1 AND generation = $2
            AND EXISTS (SELECT 1 FROM klarna_worker.exchanges x WHERE x.id = $3 AND x.token_id = $1)
        RETURNING id, grant_generation
    ),
    known AS (
        INSERT INTO klarna_worker.known_tokens (token_id, hash, seen_at)
        SELECT id, $9, $5 FROM stored ON CONFLICT DO NOTHING
    ),
    cached AS (
        INSERT INTO klarna_worker.cached_tokens (purpose_ref, token_id, grant_generation, sealed, received_at, good_until)
        SELECT $10, id, grant_generation, $11, $12, $13 FROM stored
        WHERE $10 IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.orders o WHERE o.id = $10 AND o.ended_at IS NOT NULL)
        ON CONFLICT (purpose_ref) DO UPDATE SET token_id = excluded.token_id,
            grant_generation = excluded.grant_generation, sealed = excluded.sealed,
            received_at = excluded.received_at, good_until = excluded.good_until
    ),
    closed AS (
        UPDATE klarna_worker.exchanges SET outcome = 'rotated', travelling = false,
            closed_at = coalesce($7, clock_timestamp())
        WHERE id = $3 AND outcome IS NULL AND EXISTS (SELECT 1 FROM stored)
    ),
    announced AS (
        UPDATE klarna_worker.orders o SET sent_claim = o.claim_number
        FROM (
            SELECT id FROM klarna_worker.orders WHERE id = $10 AND worker = $15 AND claim_number = $16
            FOR UPDATE SKIP LOCKED) free
        WHERE o.id = free.id AND EXISTS (SELECT 1 FROM stored)
        RETURNING o.id
    )
    SELECT id, EXISTS (SELECT 1 FROM announced) AS announced FROM stored";
// Stores any number of subjects. A row that somebody else has locked is left to the user's next order.
NOTE_SUBJECTS = "
    UPDATE klarna_worker.tokens t SET subject = s.subject
    FROM (
        SELECT r.id, a.subject FROM klarna_worker.tokens r
        JOIN unnest($1::text[], $2::text[], $3::bytea[]) AS a (merchant, user_id, subject)
            ON r.merchant = a.merchant AND r.user_id = a.user_id
        WHERE r.subject IS NULL AND r.state <> 'forgotten'
        FOR NO KEY UPDATE OF r SKIP LOCKED) s
    WHERE t.id = s.id";
}
