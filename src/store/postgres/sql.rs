//! Every statement for PostgreSQL. `now` parameters are null in service: the database's clock counts, read when the
//! statement runs (`clock_timestamp()`), not when its transaction began.

use super::super::statements;

statements! {
// Orders
INSERT_ORDER = "
    WITH t AS (SELECT coalesce($11, clock_timestamp()) AS now),
    inserted AS (
        INSERT INTO klarna_worker.orders
            (id, merchant, user_id, idempotency_key, digest, body, prefill, accepted_at, due_at, deadline_at, trace)
        SELECT $1, $2, $3, $4, $5, $6, $7, t.now, greatest(t.now, $8),
            coalesce($9, greatest(t.now, $8) + $10 * interval '1 microsecond'), $12
        FROM t
        ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id
    )
    SELECT id, pg_notify('klarna_worker_due', '')::text FROM inserted";
ORDER_BY_KEY = "
    SELECT id, digest FROM klarna_worker.orders WHERE merchant = $1 AND idempotency_key = $2";
DUE_MERCHANTS = "
    WITH RECURSIVE m (merchant) AS (
        SELECT min(merchant) FROM klarna_worker.orders WHERE status = 'queued'
        UNION ALL
        SELECT (SELECT min(o.merchant) FROM klarna_worker.orders o WHERE o.status = 'queued' AND o.merchant > m.merchant)
        FROM m WHERE m.merchant IS NOT NULL
    )
    SELECT merchant FROM m WHERE EXISTS (
        SELECT 1 FROM klarna_worker.orders o
        WHERE o.status = 'queued' AND o.merchant = m.merchant AND o.due_at <= coalesce($1, clock_timestamp()))";
NEXT_DUE = "
    WITH t AS MATERIALIZED (SELECT coalesce($1, clock_timestamp()) AS now)
    SELECT (extract(epoch FROM min(o.due_at) - (SELECT now FROM t)) * 1000000)::bigint AS micros
    FROM klarna_worker.orders o WHERE o.status = 'queued' AND o.due_at > (SELECT now FROM t)";
// Of one user one order at a time until it has its token: a burst of one user takes one place, not all. OFFSET 0 keeps the
// question from becoming a join, which would go through all running orders for each row.
CLAIM_ORDERS = "
    WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now),
    due AS (
        SELECT o.id, o.user_id, o.due_at FROM klarna_worker.orders o
        WHERE o.status = 'queued' AND o.merchant = $1 AND o.due_at <= (SELECT now FROM t)
            AND o.due_at > coalesce((SELECT now FROM t) - $5 * interval '1 microsecond', '-infinity')
            AND NOT EXISTS (
                SELECT 1 FROM klarna_worker.orders r
                WHERE r.status = 'running' AND r.merchant = $1 AND r.user_id = o.user_id
                    AND NOT EXISTS (SELECT 1 FROM klarna_worker.kept k WHERE k.purpose_ref = r.id)
                OFFSET 0)
        ORDER BY o.due_at, o.id LIMIT $2
        FOR UPDATE OF o SKIP LOCKED
    ),
    first AS (SELECT DISTINCT ON (user_id) id FROM due ORDER BY user_id, due_at, id)
    UPDATE klarna_worker.orders o SET status = 'running', worker = $3, claim_number = o.claim_number + 1,
        first_claimed_at = coalesce(o.first_claimed_at, t.now)
    FROM first, t WHERE o.id = first.id
    RETURNING o.id, o.merchant, o.user_id, o.body, o.prefill, o.attempts, o.claim_number, o.first_claimed_at,
        o.deadline_at, o.possible_duplicate, o.error, o.unchecked, o.accepted_at, o.due_at, o.trace, t.now";
// Here and below a row with a worker runs, as the table checks. Were its status asked for too, the planner would take the index
// of all running rows for the best way to one of them.
GIVE_BACK = "
    UPDATE klarna_worker.orders SET status = 'queued', worker = NULL
    WHERE id = $1 AND worker = $2 AND claim_number = $3";
RUNNING_OF_WORKER = "
    SELECT id, claim_number FROM klarna_worker.orders WHERE worker = $1 AND status = 'running'";
SUBMITTED = "
    WITH ended AS (
        UPDATE klarna_worker.orders SET status = 'submitted', worker = NULL, ended_at = coalesce($4, clock_timestamp()),
            attempts = attempts + 1, klarna_order_id = $5, html_snippet = $6, correlation_id = $7, token_outcome = $8,
            prefilled = $9, error = NULL
        WHERE id = $1 AND worker = $2 AND claim_number = $3
        RETURNING id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
// SUBMITTED for many.
ALL_SUBMITTED = "
    WITH ended AS (
        UPDATE klarna_worker.orders o SET status = 'submitted', worker = NULL,
            ended_at = coalesce($4, clock_timestamp()), attempts = o.attempts + 1, klarna_order_id = s.klarna_order_id,
            html_snippet = s.html_snippet, correlation_id = s.correlation_id, token_outcome = s.token_outcome,
            prefilled = s.prefilled, error = NULL
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
            AS s (id, worker, claim_number, klarna_order_id, html_snippet, correlation_id, token_outcome, prefilled)
        WHERE o.id = s.id AND o.worker = s.worker AND o.claim_number = s.claim_number
        RETURNING o.id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
FAILED = "
    WITH ended AS (
        UPDATE klarna_worker.orders SET status = 'failed', worker = NULL, ended_at = coalesce($4, clock_timestamp()),
            attempts = attempts + 1, error = $5, token_outcome = $6
        WHERE id = $1 AND worker = $2 AND claim_number = $3
        RETURNING id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
RETRY = "
    UPDATE klarna_worker.orders SET status = 'queued', worker = NULL, attempts = attempts + 1,
        due_at = least(coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond', deadline_at),
        error = $6, possible_duplicate = possible_duplicate OR $7
    WHERE id = $1 AND worker = $2 AND claim_number = $3
    RETURNING id";
SNOOZE = "
    UPDATE klarna_worker.orders SET status = 'queued', worker = NULL,
        due_at = least(coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond', deadline_at),
        error = coalesce($6, error)
    WHERE id = $1 AND worker = $2 AND claim_number = $3
    RETURNING id";
ORDER = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, html_snippet, correlation_id, error
    FROM klarna_worker.orders WHERE id = $1";
SETTLED = "
    SELECT id FROM klarna_worker.orders WHERE id = ANY($1) AND ended_at IS NOT NULL";
ORDERS = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM klarna_worker.orders
    WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR user_id = $3)
        AND ($4::uuid IS NULL OR id < $4)
        AND ($6::text IS NULL OR error::json ->> 'code' = $6)
        AND ($7::timestamptz IS NULL OR accepted_at >= $7) AND ($8::timestamptz IS NULL OR accepted_at < $8)
    ORDER BY id DESC LIMIT $5";

// Steering
PICK_ORDERS = "
    SELECT id FROM klarna_worker.orders
    WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR user_id = $3)
        AND ($4::uuid IS NULL OR id < $4)
        AND ($6::text IS NULL OR error::json ->> 'code' = $6)
        AND ($7::timestamptz IS NULL OR accepted_at >= $7) AND ($8::timestamptz IS NULL OR accepted_at < $8)
        AND body IS NOT NULL
    ORDER BY id DESC LIMIT $5";
COUNT_ORDERS = "
    SELECT count(*) AS orders FROM klarna_worker.orders
    WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR merchant = $2) AND ($3::text IS NULL OR user_id = $3)
        AND ($4::uuid IS NULL OR id < $4)
        AND ($6::text IS NULL OR error::json ->> 'code' = $6)
        AND ($7::timestamptz IS NULL OR accepted_at >= $7) AND ($8::timestamptz IS NULL OR accepted_at < $8)
        AND body IS NOT NULL AND $5::bigint >= 0";
BODY_GONE = "
    SELECT id FROM klarna_worker.orders WHERE id = $1 AND status = 'failed' AND body IS NULL";
CANCEL = "
    WITH ended AS (
        UPDATE klarna_worker.orders SET status = 'cancelled', ended_at = coalesce($2, clock_timestamp())
        WHERE id = ANY($1) AND status = 'queued'
        RETURNING id
    ),
    kept AS (DELETE FROM klarna_worker.kept k USING ended WHERE k.purpose_ref = ended.id)
    SELECT id, pg_notify('klarna_worker_settled', id::text)::text FROM ended";
// As if it had just come in, but for what Klarna may know of it. What was kept went with its end.
AGAIN = "
    WITH t AS (SELECT coalesce($2, clock_timestamp()) AS now),
    again AS (
        UPDATE klarna_worker.orders SET status = 'queued', ended_at = NULL, due_at = t.now,
            deadline_at = t.now + $3 * interval '1 microsecond', first_claimed_at = NULL, attempts = 0, lost_workers = 0,
            token_outcome = NULL, error = NULL
        FROM t WHERE id = ANY($1) AND status = 'failed' AND body IS NOT NULL
        RETURNING id
    )
    SELECT id, pg_notify('klarna_worker_due', '')::text FROM again";

// Tokens
ENSURE_TOKEN = "
    INSERT INTO klarna_worker.tokens (merchant, user_id, generation, grant_generation, state, updated_at)
    VALUES ($1, $2, 0, 0, 'forgotten', coalesce($3, clock_timestamp()))
    ON CONFLICT (merchant, user_id) DO NOTHING";
LOCK_TOKEN = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM klarna_worker.tokens WHERE merchant = $1 AND user_id = $2 FOR UPDATE";
IS_KNOWN = "
    SELECT token_id FROM klarna_worker.known_tokens WHERE token_id = $1 AND hash = $2";
REGISTER = "
    UPDATE klarna_worker.tokens SET generation = generation + 1, grant_generation = generation + 1, state = 'active',
        reason = NULL, sealed = $2, issued_at = $3, expires_at = $4, last_exchange = NULL, refresh_due_at = $6,
        refresh_due_generation = generation + 1, refresh_failures = 0, refresh_note = $7,
        last_seen_at = greatest(last_seen_at, $3), updated_at = coalesce($5, clock_timestamp())
    WHERE id = $1
    RETURNING id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at";
KNOW = "
    INSERT INTO klarna_worker.known_tokens (token_id, hash, seen_at) VALUES ($1, $2, coalesce($3, clock_timestamp()))
    ON CONFLICT DO NOTHING";
FORGET = "
    UPDATE klarna_worker.tokens SET generation = generation + 1, state = 'forgotten', reason = NULL, sealed = NULL,
        issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL, refresh_due_at = NULL,
        refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL, updated_at = coalesce($3, clock_timestamp())
    WHERE merchant = $1 AND user_id = $2 AND state <> 'forgotten'
    RETURNING id";
FORGET_KEPT = "
    DELETE FROM klarna_worker.kept WHERE token_id = $1";
// Active again, it has no due date of its generation until the keeper plans one.
RESOLVE = "
    UPDATE klarna_worker.tokens SET state = $3, reason = $4, refresh_due_at = NULL, refresh_due_generation = NULL,
        updated_at = coalesce($5, clock_timestamp())
    WHERE merchant = $1 AND user_id = $2 AND state = 'uncertain'
    RETURNING id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at";
TOKEN = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM klarna_worker.tokens WHERE merchant = $1 AND user_id = $2";
TOKENS = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM klarna_worker.tokens
    WHERE ($1::text IS NULL AND state <> 'forgotten' OR state = $1) AND ($2::text IS NULL OR merchant = $2)
        AND ($3::text IS NULL OR (merchant, user_id) > ($3, $4))
        AND ($6::bigint IS NULL OR state = 'active'
            AND expires_at <= coalesce($7, clock_timestamp()) + $6 * interval '1 microsecond')
    ORDER BY merchant, user_id LIMIT $5";
USERS_OF_STATE = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM klarna_worker.tokens
    WHERE merchant = $1 AND state = $2 AND ($3::text IS NULL OR user_id > $3)
    ORDER BY user_id LIMIT $4";
LEDGER = "
    SELECT e.id, e.generation, e.presentation, e.purpose, e.purpose_ref, e.opened_at, e.closed_at, e.outcome,
        w.name AS worker
    FROM klarna_worker.tokens t JOIN klarna_worker.exchanges e ON e.token_id = t.id
        LEFT JOIN klarna_worker.workers w ON w.id = e.holder
    WHERE t.merchant = $1 AND t.user_id = $2
        AND ($3::bigint IS NULL OR (e.generation, e.presentation) < ($3, $4))
    ORDER BY e.generation DESC, e.presentation DESC LIMIT $5";
// Tried, never waited for: a claim must not keep a connection from others, nor block sign-in. A row for each presentation
// of the present generation, latest first, and one where there is none.
CLAIM = "
    WITH t AS MATERIALIZED (
        SELECT *, pg_try_advisory_xact_lock(hashtextextended('klarna_worker.token/' || id::text, 0)) AS claimed,
            coalesce($3, clock_timestamp()) AS now
        FROM klarna_worker.tokens WHERE merchant = $1 AND user_id = $2
    )
    SELECT t.id, t.claimed, t.generation, t.state, t.reason, t.sealed, t.issued_at, t.expires_at, t.subject,
        CASE WHEN t.refresh_due_generation = t.generation THEN t.refresh_due_at END AS refresh_due_at, t.now,
        EXISTS (
            SELECT 1 FROM klarna_worker.exchanges a
            WHERE a.token_id = t.id AND a.generation >= t.grant_generation AND a.outcome = 'no_answer') AS answer_lost,
        e.id AS exchange, e.presentation, e.outcome, e.travelling, e.closed_at, e.holder,
        CASE WHEN w.ended_at IS NULL
            THEN (extract(epoch FROM t.now - w.beat_at) * 1000000)::bigint END AS holder_silent
    FROM t LEFT JOIN klarna_worker.exchanges e ON e.token_id = t.id AND e.generation = t.generation
        LEFT JOIN klarna_worker.workers w ON w.id = e.holder
    ORDER BY e.presentation DESC";
// Any number of them. The holder's beat goes with it, so that a fresh intent never looks orphaned; once a second is enough.
INTEND = "
    WITH t AS MATERIALIZED (SELECT coalesce($8, clock_timestamp()) AS now),
    beat AS (
        UPDATE klarna_worker.workers SET beat_at = (SELECT now FROM t)
        WHERE id = ANY($7) AND ended_at IS NULL AND beat_at < (SELECT now FROM t) - interval '1 second'
    )
    INSERT INTO klarna_worker.exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at)
    SELECT i.id, i.token_id, i.generation, i.presentation, i.purpose, i.purpose_ref, i.holder, (SELECT now FROM t)
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::uuid[], $7::uuid[])
        AS i (id, token_id, generation, presentation, purpose, purpose_ref, holder)
    WHERE EXISTS (
            SELECT 1 FROM klarna_worker.tokens k
            WHERE k.id = i.token_id AND k.generation = i.generation AND k.state = 'active')
        AND EXISTS (SELECT 1 FROM klarna_worker.workers w WHERE w.id = i.holder AND w.ended_at IS NULL)
    ON CONFLICT DO NOTHING
    RETURNING id";
VOID_INTENT = "
    INSERT INTO klarna_worker.exchanges
        (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
    VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, clock_timestamp()), coalesce($8, clock_timestamp()), 'not_sent')
    ON CONFLICT (id) DO UPDATE SET outcome = 'not_sent', closed_at = excluded.closed_at
    WHERE exchanges.outcome IS NULL";
OPEN_INTENTS = "
    SELECT t.merchant, e.id, e.token_id, e.generation, e.presentation, e.purpose, e.purpose_ref, e.holder
    FROM klarna_worker.exchanges e JOIN klarna_worker.tokens t ON t.id = e.token_id
    WHERE e.holder = $1 AND e.outcome IS NULL";
STORE_SUCCESSOR = "
    UPDATE klarna_worker.tokens SET generation = generation + 1, state = 'active', reason = NULL, sealed = $4,
        issued_at = $5, expires_at = $6, last_exchange = $3, refresh_due_at = $8,
        refresh_due_generation = CASE WHEN $8::timestamptz IS NOT NULL THEN generation + 1 END, refresh_failures = 0,
        refresh_note = NULL, last_seen_at = CASE WHEN $9 THEN coalesce($7, clock_timestamp()) ELSE last_seen_at END,
        updated_at = coalesce($7, clock_timestamp())
    WHERE id = $1 AND generation = $2";
STORED_BEFORE = "
    SELECT id FROM klarna_worker.tokens WHERE id = $1 AND last_exchange = $2
    UNION ALL
    SELECT token_id FROM klarna_worker.exchanges WHERE id = $2 AND outcome = 'rotated'";
// Not for an order that went out meanwhile: nobody would delete it.
KEEP = "
    INSERT INTO klarna_worker.kept (purpose_ref, token_id, sealed, received_at, good_until)
    SELECT $1, id, $4, $5, $6 FROM klarna_worker.tokens WHERE id = $2 AND generation = $3
        AND NOT EXISTS (SELECT 1 FROM klarna_worker.orders o WHERE o.id = $1 AND o.ended_at IS NOT NULL)
    ON CONFLICT (purpose_ref) DO UPDATE SET token_id = excluded.token_id, sealed = excluded.sealed,
        received_at = excluded.received_at, good_until = excluded.good_until";
STILL_GOOD = "
    UPDATE klarna_worker.tokens SET state = 'active', refresh_due_generation = NULL,
        updated_at = coalesce($3, clock_timestamp())
    WHERE id = $1 AND generation = $2 AND state = 'uncertain'";
DEAD = "
    UPDATE klarna_worker.tokens SET state = 'reauth_required', reason = $4, refresh_due_at = NULL,
        updated_at = coalesce($5, clock_timestamp())
    WHERE id = $1 AND generation = $2 AND state IN ('active', 'uncertain')
        AND EXISTS (SELECT 1 FROM klarna_worker.exchanges WHERE id = $3 AND outcome IS NULL)";
HOLD = "
    UPDATE klarna_worker.tokens SET state = 'uncertain', refresh_due_at = NULL, updated_at = coalesce($4, clock_timestamp())
    WHERE id = $1 AND generation = $2 AND state = 'active'
        AND EXISTS (SELECT 1 FROM klarna_worker.exchanges WHERE id = $3 AND outcome IS NULL)";
// Nobody knows whether the token was spent, and the keeper finds out where no order does.
REPLAY_DUE = "
    UPDATE klarna_worker.tokens SET refresh_due_at = least(refresh_due_at, coalesce($4, clock_timestamp())),
        refresh_note = 'no_answer'
    WHERE id = $1 AND generation = $2 AND state = 'active'
        AND EXISTS (SELECT 1 FROM klarna_worker.exchanges WHERE id = $3 AND outcome IS NULL)";
SEEN = "
    UPDATE klarna_worker.tokens SET last_seen_at = coalesce($3, clock_timestamp())
    WHERE id = $1 AND generation = $2 AND state <> 'forgotten'";
GENERATION = "
    SELECT generation FROM klarna_worker.tokens WHERE id = $1";
STATE_OF_GENERATION = "
    SELECT state FROM klarna_worker.tokens WHERE id = $1 AND generation = $2";
CLOSE = "
    UPDATE klarna_worker.exchanges SET outcome = $2, travelling = $3, closed_at = coalesce($4, clock_timestamp())
    WHERE id = $1 AND outcome IS NULL";
// STORE_SUCCESSOR, KNOW, KEEP and CLOSE in one, for a row that is as it was claimed.
ROTATE = "
    WITH stored AS (
        UPDATE klarna_worker.tokens SET generation = generation + 1, sealed = $4, issued_at = $5, expires_at = $6,
            last_exchange = $3, refresh_due_at = $8,
            refresh_due_generation = CASE WHEN $8::timestamptz IS NOT NULL THEN generation + 1 END, refresh_failures = 0,
            refresh_note = NULL,
            last_seen_at = CASE WHEN $10::uuid IS NOT NULL THEN coalesce($7, clock_timestamp()) ELSE last_seen_at END,
            updated_at = coalesce($7, clock_timestamp())
        WHERE id = $1 AND generation = $2 AND state = 'active'
        RETURNING id
    ),
    known AS (
        INSERT INTO klarna_worker.known_tokens (token_id, hash, seen_at)
        SELECT id, $9, coalesce($7, clock_timestamp()) FROM stored ON CONFLICT DO NOTHING
    ),
    kept AS (
        INSERT INTO klarna_worker.kept (purpose_ref, token_id, sealed, received_at, good_until)
        SELECT $10, id, $11, $12, $13 FROM stored
        WHERE $10 IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.orders o WHERE o.id = $10 AND o.ended_at IS NOT NULL)
        ON CONFLICT (purpose_ref) DO UPDATE SET token_id = excluded.token_id, sealed = excluded.sealed,
            received_at = excluded.received_at, good_until = excluded.good_until
    ),
    closed AS (
        UPDATE klarna_worker.exchanges SET outcome = 'rotated', travelling = false,
            closed_at = coalesce($7, clock_timestamp())
        WHERE id = $3 AND outcome IS NULL AND EXISTS (SELECT 1 FROM stored)
    )
    SELECT id FROM stored";
KEPT = "
    SELECT k.sealed, k.received_at, k.good_until, t.subject, coalesce($2, clock_timestamp()) AS now
    FROM klarna_worker.kept k JOIN klarna_worker.tokens t ON t.id = k.token_id WHERE k.purpose_ref = $1";
DELETE_KEPT = "
    DELETE FROM klarna_worker.kept WHERE purpose_ref = $1";
DELETE_LAPSED = "
    DELETE FROM klarna_worker.kept WHERE good_until < coalesce($1, clock_timestamp())";
NOTE_SUBJECT = "
    UPDATE klarna_worker.tokens SET subject = $3
    WHERE merchant = $1 AND user_id = $2 AND subject IS NULL AND state <> 'forgotten'";
NOTE_SUBJECTS = "
    UPDATE klarna_worker.tokens t SET subject = s.subject
    FROM unnest($1::text[], $2::text[], $3::bytea[]) AS s (merchant, user_id, subject)
    WHERE t.merchant = s.merchant AND t.user_id = s.user_id AND t.subject IS NULL AND t.state <> 'forgotten'";

// Keeper. The day of expiry is written as the index tokens_due has it.
NOW = "
    SELECT coalesce($1, clock_timestamp()) AS now";
UNDATED_TOKENS = "
    SELECT id, merchant, user_id, generation, expires_at FROM klarna_worker.tokens
    WHERE state = 'active' AND refresh_due_generation IS DISTINCT FROM generation AND id > $1
    ORDER BY id LIMIT $2";
PLANNED_TOKENS = "
    SELECT id, merchant, user_id, generation, expires_at FROM klarna_worker.tokens
    WHERE state = 'active' AND (refresh_note IS NULL OR refresh_note = 'idle') AND id > $1
    ORDER BY id LIMIT $2";
SET_DUE_DATES = "
    UPDATE klarna_worker.tokens t SET refresh_due_at = timestamptz 'epoch' + p.due * interval '1 microsecond',
        refresh_due_generation = t.generation, refresh_failures = 0, refresh_note = NULL,
        last_seen_at = coalesce(t.last_seen_at, t.updated_at)
    FROM json_to_recordset($1::json) AS p (id bigint, generation bigint, due bigint)
    WHERE t.id = p.id AND t.generation = p.generation AND t.state = 'active'
        AND (t.refresh_due_generation IS DISTINCT FROM t.generation OR t.refresh_note IS NULL OR t.refresh_note = 'idle')";
BRING_FORWARD = "
    UPDATE klarna_worker.tokens SET refresh_due_at = least(refresh_due_at, coalesce($2, clock_timestamp())),
        refresh_due_generation = generation, refresh_note = 'no_answer'
    WHERE state = 'active' AND id IN (
        SELECT e.token_id FROM klarna_worker.exchanges e
            JOIN klarna_worker.tokens t ON t.id = e.token_id AND t.generation = e.generation
            LEFT JOIN klarna_worker.workers w ON w.id = e.holder
        WHERE e.outcome IS NULL AND (w.id IS NULL OR w.ended_at IS NOT NULL
            OR w.beat_at < coalesce($2, clock_timestamp()) - $1 * interval '1 microsecond'))";
NEXT_DUE_DAY = "
    WITH RECURSIVE d (day) AS (
        SELECT min((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens
        WHERE state = 'active' AND refresh_due_at IS NOT NULL
            AND (expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' > $2
        UNION ALL
        SELECT (
            SELECT min((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' > d.day)
        FROM d WHERE d.day IS NOT NULL
    )
    SELECT day::bigint AS day FROM d WHERE EXISTS (
        SELECT 1 FROM klarna_worker.tokens t
        WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
            AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' = d.day AND t.refresh_due_at <= $1)
    LIMIT 1";
DUE_OF_DAY = "
    SELECT id, merchant, user_id, generation, issued_at, expires_at, refresh_due_at, refresh_failures, last_seen_at
    FROM klarna_worker.tokens
    WHERE state = 'active' AND refresh_due_at IS NOT NULL
        AND (expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' = $1 AND refresh_due_at <= $2
        AND (refresh_due_at, id) > ($3, $4) AND refresh_due_generation = generation
        AND ($5::text IS NULL OR merchant = $5)
    ORDER BY refresh_due_at, id LIMIT $6";
COUNT_DUE = "
    WITH RECURSIVE d (day) AS (
        SELECT min((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens
        WHERE state = 'active' AND refresh_due_at IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' > d.day)
        FROM d WHERE d.day IS NOT NULL
    )
    SELECT coalesce(sum((
        SELECT count(*) FROM klarna_worker.tokens t
        WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
            AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' = d.day AND t.refresh_due_at <= $1)), 0)::bigint
        AS tokens
    FROM d WHERE d.day IS NOT NULL";
POSTPONE = "
    UPDATE klarna_worker.tokens SET refresh_due_at = $3, refresh_failures = $4, refresh_note = $5
    WHERE id = $1 AND generation = $2 AND state = 'active'";
FORGET_IDLE = "
    UPDATE klarna_worker.tokens SET generation = generation + 1, state = 'forgotten', reason = NULL, sealed = NULL,
        issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL, refresh_due_at = NULL,
        refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL, updated_at = coalesce($3, clock_timestamp())
    WHERE state <> 'forgotten' AND coalesce(last_seen_at, updated_at) < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond'
        AND id IN (
            SELECT id FROM klarna_worker.tokens
            WHERE state <> 'forgotten'
                AND coalesce(last_seen_at, updated_at) < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond'
            ORDER BY coalesce(last_seen_at, updated_at) LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING id";
TOKEN_COUNTS = "
    SELECT state, reason, CASE WHEN state <> 'active' THEN NULL WHEN expires_at <= coalesce($2, clock_timestamp()) THEN -1
            ELSE floor(extract(epoch FROM expires_at - coalesce($2, clock_timestamp())) / 86400)::bigint END AS days,
        count(*) AS tokens
    FROM klarna_worker.tokens WHERE $1::text IS NULL OR merchant = $1
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
TAKE_SWEEP = "
    UPDATE klarna_worker.keeper SET holder = $1, began_at = coalesce($3, clock_timestamp()),
        leased_until = coalesce($3, clock_timestamp()) + $2 * interval '1 microsecond'
    WHERE holder IS NULL OR holder = $1 OR leased_until < coalesce($3, clock_timestamp())
        OR NOT EXISTS (SELECT 1 FROM klarna_worker.workers w WHERE w.id = keeper.holder AND w.ended_at IS NULL)";
RENEW_SWEEP = "
    UPDATE klarna_worker.keeper SET leased_until = coalesce($3, clock_timestamp()) + $2 * interval '1 microsecond'
    WHERE holder = $1";
END_SWEEP = "
    UPDATE klarna_worker.keeper SET holder = NULL, leased_until = NULL,
        ended_at = CASE WHEN $2 THEN coalesce($3, clock_timestamp()) ELSE ended_at END
    WHERE holder = $1";
LAST_SWEEP = "
    SELECT k.ended_at, w.name FROM klarna_worker.keeper k LEFT JOIN klarna_worker.workers w ON w.id = k.holder";

// Workers
BEGIN_WORKER = "
    INSERT INTO klarna_worker.workers (id, instance, name, started_at, beat_at)
    VALUES ($1, $2, $3, coalesce($4, clock_timestamp()), coalesce($4, clock_timestamp()))
    ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, ended_at = NULL";
END_EARLIER = "
    UPDATE klarna_worker.workers SET ended_at = coalesce($3, clock_timestamp())
    WHERE instance = $1 AND id <> $2 AND ended_at IS NULL";
BEAT = "
    UPDATE klarna_worker.workers SET beat_at = coalesce($2, clock_timestamp()) WHERE id = $1 AND ended_at IS NULL
    RETURNING beat_at";
END_WORKER = "
    UPDATE klarna_worker.workers SET ended_at = coalesce($2, clock_timestamp()) WHERE id = $1 AND ended_at IS NULL";
// A worker that is written down as gone, or silent for too long. The fifth that an order loses ends it.
REAP = "
    UPDATE klarna_worker.orders SET worker = NULL, lost_workers = lost_workers + 1, possible_duplicate = true,
        status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
        ended_at = CASE WHEN lost_workers >= 4 THEN coalesce($2, clock_timestamp()) END,
        due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE coalesce($2, clock_timestamp()) END,
        error = CASE WHEN lost_workers >= 4 THEN $3 ELSE error END
    WHERE status = 'running' AND EXISTS (
        SELECT 1 FROM klarna_worker.workers w WHERE w.id = orders.worker AND (w.ended_at IS NOT NULL
            OR w.beat_at < coalesce($2, clock_timestamp()) - $1 * interval '1 microsecond'))
    RETURNING id, status";
LOSE_ORDER = "
    UPDATE klarna_worker.orders SET worker = NULL, lost_workers = lost_workers + 1, possible_duplicate = true,
        status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
        ended_at = CASE WHEN lost_workers >= 4 THEN coalesce($4, clock_timestamp()) END,
        due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE coalesce($4, clock_timestamp()) END,
        error = CASE WHEN lost_workers >= 4 THEN $5 ELSE error END
    WHERE status = 'running' AND id = $1 AND worker = $2 AND claim_number = $3
    RETURNING id, status";

// Webhooks. Triggers fill the outbox: see the migrations.
PUBLISH_DEADLINE = "
    UPDATE klarna_worker.installation SET order_deadline_micros = $1 WHERE order_deadline_micros <> $1";
PUBLISH_ENDPOINT = "
    INSERT INTO klarna_worker.webhook_endpoints AS e (merchant, fingerprint) VALUES ($1, $2)
    ON CONFLICT (merchant) DO UPDATE SET fingerprint = excluded.fingerprint, failing_since = NULL, disabled_at = NULL,
        disabled_why = NULL
    WHERE e.fingerprint <> excluded.fingerprint";
WITHDRAW_ENDPOINT = "
    DELETE FROM klarna_worker.webhook_endpoints WHERE merchant = $1";
DUE_WEBHOOK_MERCHANTS = "
    SELECT e.merchant FROM klarna_worker.webhook_endpoints e
    WHERE e.disabled_at IS NULL AND EXISTS (
        SELECT 1 FROM klarna_worker.webhooks w
        WHERE w.status = 'pending' AND w.merchant = e.merchant AND w.due_at <= coalesce($1, clock_timestamp()))
    ORDER BY e.merchant";
NEXT_WEBHOOK_DUE = "
    WITH t AS MATERIALIZED (SELECT coalesce($1, clock_timestamp()) AS now)
    SELECT (extract(epoch FROM min((
        SELECT min(w.due_at) FROM klarna_worker.webhooks w
        WHERE w.status = 'pending' AND w.merchant = e.merchant AND w.due_at > (SELECT now FROM t)))
        - (SELECT now FROM t)) * 1000000)::bigint AS micros
    FROM klarna_worker.webhook_endpoints e WHERE e.disabled_at IS NULL";
CLAIM_WEBHOOKS = "
    WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now),
    due AS (
        SELECT seq FROM klarna_worker.webhooks
        WHERE status = 'pending' AND merchant = $1 AND due_at <= (SELECT now FROM t)
        ORDER BY due_at LIMIT $2
        FOR UPDATE SKIP LOCKED
    )
    UPDATE klarna_worker.webhooks w SET due_at = t.now + $3 * interval '1 microsecond', claim_number = w.claim_number + 1
    FROM due, t WHERE w.seq = due.seq
    RETURNING w.id, w.claim_number, w.merchant, w.kind, w.data, w.occurred_at, w.attempts, w.order_id,
        (SELECT o.trace FROM klarna_worker.orders o WHERE o.id = w.order_id) AS trace";
GIVE_BACK_WEBHOOK = "
    UPDATE klarna_worker.webhooks SET due_at = coalesce($3, clock_timestamp())
    WHERE id = $1 AND claim_number = $2 AND status = 'pending'";
WEBHOOK_DELIVERED = "
    UPDATE klarna_worker.webhooks SET status = 'delivered', ended_at = coalesce($3, clock_timestamp()),
        attempts = attempts + 1, error = NULL
    WHERE id = $1 AND claim_number = $2 AND status = 'pending'
    RETURNING merchant, status";
// The last attempt is the last whose turn comes before the event's time is over.
WEBHOOK_RETRY = "
    WITH t AS MATERIALIZED (
        SELECT coalesce($3, clock_timestamp()) AS now,
            coalesce($3, clock_timestamp()) + $4 * interval '1 microsecond' AS next)
    UPDATE klarna_worker.webhooks w SET attempts = w.attempts + 1, error = $5, due_at = t.next,
        status = CASE WHEN t.next > w.give_up_at THEN 'failed' ELSE 'pending' END,
        ended_at = CASE WHEN t.next > w.give_up_at THEN t.now END
    FROM t WHERE w.id = $1 AND w.claim_number = $2 AND w.status = 'pending'
    RETURNING w.merchant, w.status";
ENDPOINT_WELL = "
    UPDATE klarna_worker.webhook_endpoints SET failing_since = NULL WHERE merchant = $1 AND failing_since IS NOT NULL";
// Where it wants no more ($2), or an event ran out of its time ($3) and none got through for two days.
ENDPOINT_FAILING = "
    WITH t AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now)
    UPDATE klarna_worker.webhook_endpoints e SET failing_since = coalesce(e.failing_since, t.now),
        disabled_at = CASE WHEN $2 OR $3 AND e.failing_since <= t.now - interval '2 days' THEN t.now END,
        disabled_why = CASE WHEN $2 THEN 'gone' WHEN $3 AND e.failing_since <= t.now - interval '2 days' THEN 'failing' END
    FROM t WHERE e.merchant = $1 AND e.disabled_at IS NULL
        AND ($2 OR e.failing_since IS NULL OR $3 AND e.failing_since <= t.now - interval '2 days')
    RETURNING e.disabled_why";
WEBHOOKS = "
    SELECT w.id, w.merchant, w.user_id, w.order_id, w.kind, w.status, w.occurred_at, w.due_at, w.ended_at, w.attempts,
        w.error, e.disabled_at
    FROM klarna_worker.webhooks w LEFT JOIN klarna_worker.webhook_endpoints e ON e.merchant = w.merchant
    WHERE ($1::uuid IS NULL OR w.id = $1) AND ($2::text IS NULL OR w.merchant = $2)
        AND ($3::text IS NULL OR w.user_id = $3) AND ($4::text IS NULL OR w.status = $4)
        AND ($5::text IS NULL OR w.kind = $5)
        AND ($6::bigint IS NULL OR w.occurred_at > coalesce($7, clock_timestamp()) - $6 * interval '1 microsecond')
        AND ($8::uuid IS NULL OR w.seq < (SELECT b.seq FROM klarna_worker.webhooks b WHERE b.id = $8))
    ORDER BY w.seq DESC LIMIT $9";
RESEND_WEBHOOKS = "
    WITH t AS MATERIALIZED (SELECT coalesce($7, clock_timestamp()) AS now)
    UPDATE klarna_worker.webhooks w SET status = 'pending', ended_at = NULL, attempts = 0, due_at = t.now,
        give_up_at = t.now + interval '3 days', claim_number = w.claim_number + 1
    FROM t
    WHERE ($1::uuid IS NULL OR w.id = $1) AND ($2::text IS NULL OR w.merchant = $2)
        AND ($3::text IS NULL OR w.user_id = $3) AND ($4::text IS NULL OR w.status = $4)
        AND ($5::text IS NULL OR w.kind = $5)
        AND ($6::bigint IS NULL OR w.occurred_at > t.now - $6 * interval '1 microsecond')
    RETURNING w.merchant";
ENABLE_ENDPOINT = "
    UPDATE klarna_worker.webhook_endpoints SET failing_since = NULL, disabled_at = NULL, disabled_why = NULL
    WHERE merchant = $1";
ENDPOINTS = "
    SELECT merchant, failing_since, disabled_at, disabled_why FROM klarna_worker.webhook_endpoints ORDER BY merchant";

// Upkeep. Two at once pass over each other's rows.
WIPE_BODIES = "
    UPDATE klarna_worker.orders SET body = NULL, html_snippet = NULL WHERE id IN (
        SELECT id FROM klarna_worker.orders
        WHERE ended_at < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond'
            AND (body IS NOT NULL OR html_snippet IS NOT NULL)
        ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
// By id, which sorts by time: $4 is the first of those too young to have ended so long ago.
DELETE_ORDERS = "
    DELETE FROM klarna_worker.orders WHERE id IN (
        SELECT id FROM klarna_worker.orders
        WHERE id < $4 AND ended_at < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond'
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)";
DELETE_WEBHOOKS = "
    DELETE FROM klarna_worker.webhooks WHERE seq IN (
        SELECT seq FROM klarna_worker.webhooks
        WHERE ended_at < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond'
        ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
DELETE_WORKERS = "
    DELETE FROM klarna_worker.workers WHERE id IN (
        SELECT w.id FROM klarna_worker.workers w
        WHERE coalesce(w.ended_at, w.beat_at) < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond'
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.orders o WHERE o.status = 'running' AND o.worker = w.id)
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.exchanges e WHERE e.outcome IS NULL AND e.holder = w.id)
        LIMIT $2 FOR UPDATE SKIP LOCKED)";
EXPIRE_WEBHOOKS = "
    UPDATE klarna_worker.webhooks SET status = 'failed', ended_at = coalesce($2, clock_timestamp()),
        error = coalesce(error, 'its time was over before it could be sent')
    WHERE seq IN (
        SELECT w.seq FROM klarna_worker.webhooks w
            LEFT JOIN klarna_worker.webhook_endpoints e ON e.merchant = w.merchant
        WHERE w.status = 'pending' AND w.give_up_at < coalesce($2, clock_timestamp())
            AND (e.merchant IS NULL OR e.disabled_at IS NOT NULL)
        LIMIT $1 FOR UPDATE OF w SKIP LOCKED)";
LEDGER_STEP = "
    SELECT id FROM (SELECT id FROM klarna_worker.exchanges WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS step
    ORDER BY id DESC LIMIT 1";
// A token's generation only grows: what is behind the previous one stays behind it.
DELETE_LEDGER = "
    DELETE FROM klarna_worker.exchanges e
    WHERE e.id > $1 AND e.id <= $2 AND e.closed_at < coalesce($4, clock_timestamp()) - $3 * interval '1 microsecond'
        AND NOT EXISTS (
            SELECT 1 FROM klarna_worker.tokens t WHERE t.id = e.token_id AND e.generation >= t.generation - 1)";
KNOWN_STEP = "
    SELECT id FROM (SELECT id FROM klarna_worker.tokens WHERE id > $1 ORDER BY id LIMIT $2) AS step
    ORDER BY id DESC LIMIT 1";
// The current token's hash was seen when it was issued, or later.
DELETE_KNOWN = "
    DELETE FROM klarna_worker.known_tokens k USING klarna_worker.tokens t
    WHERE t.id = k.token_id AND k.token_id > $1 AND k.token_id <= $2
        AND k.seen_at < coalesce($4, clock_timestamp()) - $3 * interval '1 microsecond'
        AND (t.issued_at IS NULL OR k.seen_at < t.issued_at - interval '1 day')";
// Erasure. As FORGET, tombstones included.
ERASE_TOKEN = "
    UPDATE klarna_worker.tokens SET user_id = $3, generation = generation + 1, state = 'forgotten', reason = NULL,
        sealed = NULL, issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL, refresh_due_at = NULL,
        refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL, updated_at = coalesce($4, clock_timestamp())
    WHERE merchant = $1 AND user_id = $2
    RETURNING id";
ERASE_KNOWN = "
    DELETE FROM klarna_worker.known_tokens WHERE token_id = $1";
// The new claim number keeps a worker's late result out.
ERASE_OPEN_ORDERS = "
    UPDATE klarna_worker.orders SET status = 'cancelled', worker = NULL, claim_number = claim_number + 1,
        ended_at = coalesce($3, clock_timestamp()), error = $4
    WHERE merchant = $1 AND user_id = $2 AND status IN ('queued', 'running')
    RETURNING id, pg_notify('klarna_worker_settled', id::text)::text";
// The idempotency key is the shop's word for something of the user's, and the digest could confirm a guess.
ERASE_ORDERS = "
    UPDATE klarna_worker.orders SET user_id = $3, idempotency_key = NULL, digest = '', body = NULL, html_snippet = NULL,
        klarna_order_id = NULL, correlation_id = NULL, trace = NULL, prefilled = NULL, error = CASE WHEN error IS NOT NULL
            THEN json_build_object('code', error::json ->> 'code', 'message', 'erased with the user''s data')::text END
    WHERE id IN (
        SELECT id FROM klarna_worker.orders
        WHERE merchant = $1 AND user_id = $2 AND ended_at IS NOT NULL LIMIT $4 FOR UPDATE)";
ERASE_WEBHOOKS = "
    DELETE FROM klarna_worker.webhooks WHERE merchant = $1 AND user_id = $2";

// Looking on: each from an index alone.
BACKLOGS = "
    SELECT merchant, sum(queued)::bigint AS queued, sum(due)::bigint AS due, sum(running)::bigint AS running,
        min(oldest_due) AS oldest_due
    FROM (
        SELECT merchant, count(*) AS queued, count(*) FILTER (WHERE due_at <= coalesce($1, clock_timestamp())) AS due, 0 AS running,
            min(due_at) AS oldest_due
        FROM klarna_worker.orders WHERE status = 'queued' GROUP BY merchant
        UNION ALL
        SELECT merchant, 0, 0, count(*), NULL FROM klarna_worker.orders WHERE status = 'running' GROUP BY merchant
    ) AS b
    GROUP BY merchant ORDER BY merchant";
// The first entry of each day of the index tokens_due is the one that fell due first.
OVERVIEW = "
    WITH RECURSIVE d (day) AS (
        SELECT min(((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01')) FROM klarna_worker.tokens WHERE state = 'active' AND refresh_due_at IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min(((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01')) FROM klarna_worker.tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND ((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') > d.day)
        FROM d WHERE d.day IS NOT NULL
    )
    SELECT coalesce($2, clock_timestamp()) AS now,
        (SELECT count(*) FROM klarna_worker.workers WHERE ended_at IS NULL AND beat_at >= coalesce($2, clock_timestamp()) - make_interval(secs => $1 / 1000000.0)) AS workers,
        (SELECT count(*) FROM klarna_worker.exchanges WHERE outcome IS NULL) AS open_exchanges,
        (SELECT ended_at FROM klarna_worker.keeper) AS swept_at,
        (SELECT min((
            SELECT min(t.refresh_due_at) FROM klarna_worker.tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND ((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') = d.day)) FROM d) AS oldest_due_token";
// By day: the index begins with it.
LAPSING_TOKENS = "
    SELECT count(*) AS tokens FROM klarna_worker.tokens
    WHERE state = 'active' AND refresh_due_at IS NOT NULL AND ((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01')
        < (SELECT ((coalesce($2, clock_timestamp()) + $1 * interval '1 microsecond') AT TIME ZONE 'UTC')::date - DATE '1970-01-01')";
WEBHOOK_BACKLOGS = "
    SELECT e.merchant, e.disabled_at IS NOT NULL AS disabled, count(w.due_at) AS pending,
        count(w.due_at) FILTER (WHERE e.disabled_at IS NULL AND w.due_at <= coalesce($1, clock_timestamp())) AS due,
        min(w.due_at) FILTER (WHERE e.disabled_at IS NULL) AS oldest_due
    FROM klarna_worker.webhook_endpoints e
        LEFT JOIN klarna_worker.webhooks w ON w.merchant = e.merchant AND w.status = 'pending'
    GROUP BY e.merchant, e.disabled_at ORDER BY e.merchant";
// And these from many rows.
WEBHOOK_TALLY = "
    SELECT merchant, count(*) FILTER (WHERE status = 'failed') AS failed,
        min(occurred_at) FILTER (WHERE status = 'pending') AS oldest_pending
    FROM klarna_worker.webhooks WHERE status <> 'delivered' GROUP BY merchant ORDER BY merchant";
HELD_ORDERS = "
    SELECT count(*) AS orders FROM klarna_worker.orders
    WHERE status = 'failed' AND body IS NOT NULL AND error::json ->> 'code' = 'database_restored'";

// Pages.
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

// Keys. What is sealed begins with its key's name.
KNOWN_KEYS = "
    SELECT name, fingerprint FROM klarna_worker.keys";
NOTE_KEY = "
    INSERT INTO klarna_worker.keys (name, fingerprint, noted_at) VALUES ($1, $2, coalesce($3, clock_timestamp()))
    ON CONFLICT DO NOTHING";
SEALED = "
    SELECT
        (SELECT count(*) FROM klarna_worker.tokens WHERE substring(sealed FROM 1 FOR length($1::bytea)) = $1) AS tokens,
        (SELECT count(*) FROM klarna_worker.kept WHERE substring(sealed FROM 1 FOR length($1::bytea)) = $1) AS kept,
        (SELECT count(*) FROM klarna_worker.installation WHERE substring(hash_key FROM 1 FOR length($1::bytea)) = $1) AS hash_key";
SEALED_OTHERWISE = "
    SELECT id, merchant, user_id, sealed FROM klarna_worker.tokens
    WHERE id > $2 AND sealed IS NOT NULL AND substring(sealed FROM 1 FOR length($1::bytea)) <> $1
    ORDER BY id LIMIT $3";
KEPT_OTHERWISE = "
    SELECT purpose_ref, sealed FROM klarna_worker.kept
    WHERE purpose_ref > $2 AND substring(sealed FROM 1 FOR length($1::bytea)) <> $1
    ORDER BY purpose_ref LIMIT $3";
RESEAL_TOKEN = "
    UPDATE klarna_worker.tokens SET sealed = $3 WHERE id = $1 AND sealed = $2";
RESEAL_KEPT = "
    UPDATE klarna_worker.kept SET sealed = $3 WHERE purpose_ref = $1 AND sealed = $2";
RESEAL_HASH_KEY = "
    UPDATE klarna_worker.installation SET hash_key = $2 WHERE hash_key = $1";

// Installation
INSTALLATION = "
    SELECT name, minimum_program::bigint AS minimum_program, hash_key FROM klarna_worker.installation";
FOUND_INSTALLATION = "
    INSERT INTO klarna_worker.installation (name, minimum_program, hash_key, created_at)
    VALUES ($1, 1, $2, coalesce($3, clock_timestamp())) ON CONFLICT DO NOTHING";
HEALTH = "SELECT 1::bigint AS one";

// Measuring: both are the whole server's, so that nothing else may write beside a measurement.
COUNTERS = "
    SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS wal_bytes,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS transactions";
INSPECT = "
    SELECT current_setting('server_version') AS version, clock_timestamp() AS now, pg_is_in_recovery() AS standby,
        current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS durable,
        (SELECT count(*) FROM pg_stat_replication WHERE current_setting('synchronous_standby_names') = '')
            AS asynchronous_standbys,
        current_setting('max_connections')::bigint AS max_connections";
BACKEND = "SELECT pg_backend_pid()::bigint AS pid";

// A restored database
REMEMBERS = "
    SELECT EXISTS (SELECT 1 FROM klarna_worker.workers WHERE id = $1 AND beat_at >= $2)
        OR EXISTS (SELECT 1 FROM klarna_worker.installation WHERE created_at >= $2 OR restored_at >= $2)
        OR ($2 < coalesce($4, clock_timestamp()) - $3 * interval '1 microsecond' AND NOT EXISTS (SELECT 1 FROM klarna_worker.workers WHERE id = $1)) AS remembers";
LIVING = "
    SELECT name FROM klarna_worker.workers WHERE ended_at IS NULL AND beat_at >= coalesce($2, clock_timestamp()) - $1 * interval '1 microsecond' ORDER BY name";
DOUBT_TOKENS = "
    UPDATE klarna_worker.tokens SET state = 'uncertain', updated_at = coalesce($3, clock_timestamp())
    WHERE id IN (SELECT id FROM klarna_worker.tokens WHERE id > $1 AND state = 'active' ORDER BY id LIMIT $2) AND state = 'active'
    RETURNING id";
HOLD_ORDERS = "
    UPDATE klarna_worker.orders SET status = 'failed', worker = NULL, ended_at = coalesce($2, clock_timestamp()), error = $3, possible_duplicate = true
    WHERE id IN (SELECT id FROM klarna_worker.orders WHERE ended_at IS NULL ORDER BY id LIMIT $1) AND ended_at IS NULL
    RETURNING id";
DECLARE_RESTORED = "
    UPDATE klarna_worker.installation SET restored_at = coalesce($1, clock_timestamp())";
}
