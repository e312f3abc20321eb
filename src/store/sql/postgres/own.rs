//! Statements that only PostgreSQL has, or that work differently on SQLite: claims, and writes that
//! many callers share.

use crate::store::sql::constants;

// What two statements have in common.
macro_rules! note_subjects {
    ($merchants:literal, $users:literal, $subjects:literal) => {
        concat!(
            "
    UPDATE klarna_worker.tokens t SET subject = s.subject
    FROM (
        SELECT r.id, a.subject FROM unnest(",
            $merchants, "::text[], ", $users, "::text[], ", $subjects,
            "::bytea[]) AS a (merchant, user_id, subject)
        CROSS JOIN LATERAL (
            SELECT k.id FROM klarna_worker.tokens k
            WHERE k.merchant = a.merchant AND k.user_id = a.user_id AND k.subject IS NULL AND k.state <> 'forgotten'
            FOR NO KEY UPDATE SKIP LOCKED) r) s
    WHERE t.id = s.id"
        )
    };
}

macro_rules! all_submitted {
    () => {
        "ended AS (
        UPDATE klarna_worker.orders o SET status = 'submitted', worker = NULL,
            ended_at = coalesce($4, clock_timestamp()), attempts = o.attempts + 1, klarna_id = s.klarna_id,
            result = s.result, correlation_id = s.correlation_id, token_outcome = s.token_outcome,
            prefilled = s.prefilled, target = s.target, error = NULL
        FROM (
            SELECT a.* FROM klarna_worker.orders r
            JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[])
                AS a (id, worker, claim_number, klarna_id, result, correlation_id, token_outcome, prefilled, target)
                ON r.id = a.id AND r.worker = a.worker AND r.claim_number = a.claim_number
            FOR NO KEY UPDATE OF r SKIP LOCKED) s
        WHERE o.id = s.id
        RETURNING o.id, o.claim_number, o.user_id, o.ended_at
    ),
    cached AS (DELETE FROM klarna_worker.cached_tokens k USING ended WHERE k.purpose_ref = ended.id),
    told AS MATERIALIZED (
        SELECT pg_notify('klarna_worker_settled', string_agg(id::text, ' '))
        FROM (SELECT id, (row_number() OVER () - 1) / 200 AS message FROM ended) e GROUP BY message
    )
    SELECT id, claim_number, user_id, ended_at, (SELECT count(*) FROM told) FROM ended"
    };
}

constants! {
// Claims one order of a user at a time until it has its token, so that a burst of one user takes
// one slot and not all. The users with running orders are collected once, so that each row of a
// long burst is compared with a hash table and not with the table of orders. If too many orders run
// for that, each row is checked with a subquery. OFFSET 0 prevents the planner from making it a
// join, which would read all running orders for each row.
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
        first_claimed_at = coalesce(o.first_claimed_at, t.now), first_due_at = coalesce(o.first_due_at, o.due_at)
    FROM first, t WHERE o.id = first.id
    RETURNING o.id, o.merchant, o.user_id, o.body, o.version, o.target, o.prefill, o.attempts, o.claim_number,
        o.token_waited, o.waits, o.deadline_at, o.possible_duplicate, o.error, o.unchecked, o.accepted_at, o.due_at,
        o.first_due_at, o.trace, t.now,
        EXISTS (SELECT 1 FROM klarna_worker.tokens k
            WHERE k.merchant = o.merchant AND k.user_id = o.user_id AND k.state <> 'forgotten') AS has_token";
// The result of one order.
SUBMITTED = "
    WITH ended AS (
        UPDATE klarna_worker.orders SET status = 'submitted', worker = NULL, ended_at = coalesce($4, clock_timestamp()),
            attempts = attempts + 1, klarna_id = $5, result = $6, correlation_id = $7, token_outcome = $8,
            prefilled = $9, target = $10, error = NULL
        WHERE id = (
            SELECT id FROM klarna_worker.orders WHERE id = $1 AND worker = $2 AND claim_number = $3
            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING id, user_id, ended_at
    ),
    cached AS (DELETE FROM klarna_worker.cached_tokens k USING ended WHERE k.purpose_ref = ended.id)
    SELECT user_id, ended_at, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
// The same for many orders. Behind a pooler, PostgreSQL plans it each time, so a single order has
// its own statement, unless the shopper of a new user is noted with it. A row that somebody else
// has locked is left out. One message names many orders, at most 200, because it has room for 8,000
// bytes.
ALL_SUBMITTED = concat!("
    WITH ", all_submitted!());
// The same, together with NOTE_SUBJECTS, so that both take one round trip and one commit.
ALL_SUBMITTED_AND_NOTED = concat!("
    WITH noted AS (", note_subjects!("$11", "$12", "$13"), "
    ),
    ", all_submitted!());
// The orders of those claims that hold: an end or an announcement that was not written although its
// claim holds met a locked row.
HELD_CLAIMS = "
    SELECT o.id, o.claim_number FROM klarna_worker.orders o
    JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS a (id, worker, claim_number)
        ON o.id = a.id AND o.worker = a.worker AND o.claim_number = a.claim_number";
// Inserts any number of intents, and records of any number of orders that their create call is
// about to be sent. Returns what was written: the exchange of an intent, or an order with the
// number of its claim. It also counts a heartbeat of the worker, at most once a second, so that a
// new intent never looks orphaned, and nobody takes the order before it is sent. It does not wait
// for a locked row of an order.
ANNOUNCE = "
    WITH t AS MATERIALIZED (SELECT coalesce($8, clock_timestamp()) AS now),
    heartbeat AS (
        UPDATE klarna_worker.workers SET heartbeat_at = (SELECT now FROM t), heartbeats = heartbeats + 1
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
        RETURNING o.id, o.claim_number
    ),
    intended AS (
    INSERT INTO klarna_worker.exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder,
        opened_at)
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
    SELECT id, NULL::bigint AS claim_number FROM intended UNION ALL SELECT id, claim_number FROM created";
// Claims any number of tokens. Tries each lock and never waits for it. Returns for each token a row
// for each presentation of its present generation, latest first, or a single row if there is none;
// `place` is its place among the parameters. Each token is looked up by itself, so that the plan is
// the same however many there are.
CLAIM_TOKENS = "
    SELECT a.place, c.*
    FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS a (merchant, user_id, provider, place)
    CROSS JOIN LATERAL (
        WITH t AS MATERIALIZED (
            SELECT *, pg_try_advisory_xact_lock(hashtextextended('klarna_worker.token/' || id::text, 0)) AS claimed,
                coalesce($4, clock_timestamp()) AS now
            FROM klarna_worker.tokens WHERE merchant = a.merchant AND user_id = a.user_id
        )
        SELECT t.id, t.claimed, t.generation, t.grant_generation, t.state, t.reason, t.sealed, t.provider,
            coalesce(p.proven, false) AS proven, p.probe_at, p.probes, t.issued_at, t.expires_at, t.subject,
            CASE WHEN t.refresh_due_generation = t.generation THEN t.refresh_due_at END AS refresh_due_at, t.now,
            EXISTS (
                SELECT 1 FROM klarna_worker.exchanges x
                WHERE x.token_id = t.id AND x.generation >= t.grant_generation
                    AND x.outcome = 'no_answer') AS answer_lost,
            e.id AS exchange, e.presentation, e.outcome, e.travelling, e.closed_at, e.holder,
            CASE WHEN w.ended_at IS NULL THEN w.heartbeats END AS holder_heartbeats
        FROM t LEFT JOIN klarna_worker.exchanges e ON e.token_id = t.id AND e.generation = t.generation
            LEFT JOIN klarna_worker.workers w ON w.id = e.holder
            LEFT JOIN klarna_worker.providers p ON p.merchant = t.merchant AND p.provider = a.provider
    ) c
    ORDER BY a.place, c.presentation DESC";
// Locks tokens again after the commit that freed their locks. One that another session has locked
// meanwhile is left out: its intent is committed.
LOCK_AGAIN = "
    SELECT pg_try_advisory_xact_lock(hashtextextended('klarna_worker.token/' || id::text, 0)) AS locked
    FROM unnest($1::bigint[]) AS held (id)";
// Locks the rows of tokens that no other session has locked.
LOCK_FREE_TOKENS = "
    SELECT id FROM klarna_worker.tokens WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED";
// Locks the row of a token, and waits for it.
LOCK_TOKEN = "
    SELECT id FROM klarna_worker.tokens WHERE id = $1 FOR NO KEY UPDATE";
// Stores any number of successors, each together with its hash, the cached tokens of an order or a
// vend and the end of the intent, and records that the order's create call is about to be sent. A
// row that somebody else has locked is left out. Only if this database knows the exchange: after a
// restore, another exchange may have used the same generation. An open intent is one without
// `closed_at`: the table has a check for this. With a condition on the outcome, the planner would
// read the index of all open intents for each row, with the entries of those that were closed since
// the last vacuum.
STORE_SUCCESSORS = "
    WITH ends AS MATERIALIZED (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::bytea[], $5::timestamptz[], $6::timestamptz[],
            $8::timestamptz[], $9::bytea[], $10::uuid[], $11::bytea[], $12::timestamptz[], $13::timestamptz[],
            $14::bytea[], $15::uuid[], $16::bigint[])
            AS e (token_id, generation, exchange, sealed, issued_at, expires_at, refresh_due_at, hash, purpose_ref,
                cached, received_at, good_until, provider, worker, claim_number)
    ),
    free AS MATERIALIZED (
        SELECT e.* FROM ends e CROSS JOIN LATERAL (
            SELECT r.id FROM klarna_worker.tokens r
            WHERE r.id = e.token_id AND r.generation = e.generation
                AND EXISTS (SELECT 1 FROM klarna_worker.exchanges x WHERE x.id = e.exchange AND x.token_id = r.id)
            FOR NO KEY UPDATE OF r SKIP LOCKED) r
    ),
    stored AS (
        UPDATE klarna_worker.tokens t SET generation = t.generation + 1, state = 'active', reason = NULL,
            sealed = f.sealed, provider = f.provider, issued_at = f.issued_at, expires_at = f.expires_at,
            last_exchange = f.exchange, refresh_due_at = f.refresh_due_at,
            refresh_due_generation = CASE WHEN f.refresh_due_at IS NOT NULL THEN t.generation + 1 END,
            refresh_failures = 0, refresh_note = NULL,
            last_seen_at = CASE
                WHEN f.purpose_ref IS NOT NULL THEN coalesce($7, clock_timestamp()) ELSE t.last_seen_at END,
            updated_at = coalesce($7, clock_timestamp())
        FROM free f
        WHERE t.id = f.token_id AND t.generation = f.generation
        RETURNING t.id, t.grant_generation, f.exchange, f.hash, f.issued_at AS came_at, f.purpose_ref, f.cached,
            f.received_at, f.good_until, f.provider, f.worker, f.claim_number
    ),
    known AS (
        INSERT INTO klarna_worker.known_tokens (token_id, hash, seen_at)
        SELECT id, hash, came_at FROM stored ON CONFLICT DO NOTHING
    ),
    cached AS (
        INSERT INTO klarna_worker.cached_tokens (purpose_ref, token_id, grant_generation, provider, sealed, received_at,
            good_until)
        SELECT s.purpose_ref, s.id, s.grant_generation, s.provider, s.cached, s.received_at, s.good_until FROM stored s
        WHERE s.purpose_ref IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.orders o WHERE o.id = s.purpose_ref AND o.ended_at IS NOT NULL)
        ON CONFLICT (purpose_ref) DO UPDATE SET token_id = excluded.token_id,
            grant_generation = excluded.grant_generation, provider = excluded.provider, sealed = excluded.sealed,
            received_at = excluded.received_at, good_until = excluded.good_until
    ),
    closed AS (
        UPDATE klarna_worker.exchanges x SET outcome = 'rotated', travelling = false,
            closed_at = coalesce($7, clock_timestamp())
        FROM stored s WHERE x.id = s.exchange AND x.closed_at IS NULL
    ),
    announced AS (
        UPDATE klarna_worker.orders o SET sent_claim = o.claim_number
        FROM (
            SELECT r.id FROM stored s JOIN klarna_worker.orders r
                ON r.id = s.purpose_ref AND r.worker = s.worker AND r.claim_number = s.claim_number
            FOR UPDATE OF r SKIP LOCKED) free
        WHERE o.id = free.id
        RETURNING o.id
    )
    SELECT s.exchange, EXISTS (SELECT 1 FROM announced a WHERE a.id = s.purpose_ref) AS announced FROM stored s";
// Stores any number of subjects. A row that somebody else has locked is left to the user's next
// order. Each row is looked up by itself, as in CLAIM_TOKENS.
NOTE_SUBJECTS = note_subjects!("$1", "$2", "$3");
}
