//! Every statement for SQLite. Times are microseconds since 1970; the program's clock is the database's, since both are
//! on one machine.

use super::super::statements;

statements! {
// Orders
INSERT_ORDER = "
    INSERT INTO orders
        (id, merchant, user_id, idempotency_key, digest, body, prefill, accepted_at, due_at, deadline_at, trace)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $11, max($11, coalesce($8, $11)),
        coalesce($9, max($11, coalesce($8, $11)) + $10), $12)
    ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id";
ORDER_BY_KEY = "
    SELECT id, digest FROM orders WHERE merchant = $1 AND idempotency_key = $2";
DUE_MERCHANTS = "
    WITH RECURSIVE m (merchant) AS (
        SELECT min(merchant) FROM orders WHERE status = 'queued'
        UNION ALL
        SELECT (SELECT min(o.merchant) FROM orders o WHERE o.status = 'queued' AND o.merchant > m.merchant)
        FROM m WHERE m.merchant IS NOT NULL
    )
    SELECT merchant FROM m WHERE EXISTS (
        SELECT 1 FROM orders o
        WHERE o.status = 'queued' AND o.merchant = m.merchant AND o.due_at <= $1)";
NEXT_DUE = "
    SELECT min(due_at) - $1 AS micros FROM orders WHERE status = 'queued' AND due_at > $1";
// Of one user one order at a time until it has its token: a burst of one user takes one place, not all.
CLAIM_ORDERS = "
    UPDATE orders SET status = 'running', worker = $3, claim_number = claim_number + 1,
        first_claimed_at = coalesce(first_claimed_at, $4)
    WHERE id IN (
        SELECT id FROM (
            SELECT id, min(due_at) FROM (
                SELECT o.id, o.user_id, o.due_at FROM orders o
                WHERE o.status = 'queued' AND o.merchant = $1 AND o.due_at <= $4 AND o.due_at > coalesce($4 - $5, 0)
                    AND NOT EXISTS (
                        SELECT 1 FROM orders r
                        WHERE r.status = 'running' AND r.merchant = $1 AND r.user_id = o.user_id
                            AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.purpose_ref = r.id))
                ORDER BY o.due_at, o.id LIMIT $2)
            GROUP BY user_id))
    RETURNING id, merchant, user_id, body, prefill, attempts, claim_number, first_claimed_at, deadline_at,
        possible_duplicate, error, unchecked, accepted_at, due_at, trace, $4 AS now";
GIVE_BACK = "
    UPDATE orders SET status = 'queued', worker = NULL
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'";
RUNNING_OF_WORKER = "
    SELECT id, claim_number FROM orders WHERE worker = $1 AND status = 'running'";
SUBMITTED = "
    UPDATE orders SET status = 'submitted', worker = NULL, ended_at = $4, attempts = attempts + 1, klarna_order_id = $5,
        html_snippet = $6, correlation_id = $7, token_outcome = $8, prefilled = $9, error = NULL
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
FAILED = "
    UPDATE orders SET status = 'failed', worker = NULL, ended_at = $4, attempts = attempts + 1, error = $5,
        token_outcome = $6
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
RETRY = "
    UPDATE orders SET status = 'queued', worker = NULL, attempts = attempts + 1,
        due_at = min($4 + $5, deadline_at),
        error = $6, possible_duplicate = possible_duplicate OR $7
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
SNOOZE = "
    UPDATE orders SET status = 'queued', worker = NULL,
        due_at = min($4 + $5, deadline_at),
        error = coalesce($6, error)
    WHERE id = $1 AND worker = $2 AND claim_number = $3 AND status = 'running'
    RETURNING id";
ORDER = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, html_snippet, correlation_id, error
    FROM orders WHERE id = $1";
SETTLED = "
    SELECT id FROM orders WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND ended_at IS NOT NULL";
ORDERS = "
    SELECT id, merchant, user_id, status, accepted_at, due_at, deadline_at, ended_at, attempts, token_outcome, prefilled,
        possible_duplicate, klarna_order_id, NULL AS html_snippet, correlation_id, error
    FROM orders
    WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR user_id = $3)
        AND ($4 IS NULL OR id < $4)
        AND ($6 IS NULL OR error ->> '$.code' = $6) AND ($7 IS NULL OR accepted_at >= $7)
        AND ($8 IS NULL OR accepted_at < $8)
    ORDER BY id DESC LIMIT $5";

// Steering
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

// Tokens
ENSURE_TOKEN = "
    INSERT INTO tokens (merchant, user_id, generation, grant_generation, state, updated_at)
    VALUES ($1, $2, 0, 0, 'forgotten', $3)
    ON CONFLICT (merchant, user_id) DO NOTHING";
LOCK_TOKEN = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM tokens WHERE merchant = $1 AND user_id = $2";
IS_KNOWN = "
    SELECT token_id FROM known_tokens WHERE token_id = $1 AND hash = $2";
REGISTER = "
    UPDATE tokens SET generation = generation + 1, grant_generation = generation + 1, state = 'active',
        reason = NULL, sealed = $2, issued_at = $3, expires_at = $4, last_exchange = NULL, refresh_due_at = $6,
        refresh_due_generation = generation + 1, refresh_failures = 0, refresh_note = $7,
        last_seen_at = max(coalesce(last_seen_at, $3), $3), updated_at = $5
    WHERE id = $1
    RETURNING id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at";
KNOW = "
    INSERT INTO known_tokens (token_id, hash, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
FORGET = "
    UPDATE tokens SET generation = generation + 1, state = 'forgotten', reason = NULL, sealed = NULL,
        issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL, refresh_due_at = NULL,
        refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL, updated_at = $3
    WHERE merchant = $1 AND user_id = $2 AND state <> 'forgotten'
    RETURNING id";
FORGET_KEPT = "
    DELETE FROM kept WHERE token_id = $1";
// Active again, it has no due date of its generation until the keeper plans one.
RESOLVE = "
    UPDATE tokens SET state = $3, reason = $4, refresh_due_at = NULL, refresh_due_generation = NULL,
        updated_at = $5
    WHERE merchant = $1 AND user_id = $2 AND state = 'uncertain'
    RETURNING id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at";
TOKEN = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM tokens WHERE merchant = $1 AND user_id = $2";
TOKENS = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM tokens
    WHERE ($1 IS NULL AND state <> 'forgotten' OR state = $1) AND ($2 IS NULL OR merchant = $2)
        AND ($3 IS NULL OR (merchant, user_id) > ($3, $4))
        AND ($6 IS NULL OR state = 'active' AND expires_at <= $7 + $6)
    ORDER BY merchant, user_id LIMIT $5";
USERS_OF_STATE = "
    SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
        refresh_failures, refresh_note, last_seen_at, updated_at
    FROM tokens
    WHERE merchant = $1 AND state = $2 AND ($3 IS NULL OR user_id > $3)
    ORDER BY user_id LIMIT $4";
LEDGER = "
    SELECT e.id, e.generation, e.presentation, e.purpose, e.purpose_ref, e.opened_at, e.closed_at, e.outcome,
        w.name AS worker
    FROM tokens t JOIN exchanges e ON e.token_id = t.id
        LEFT JOIN workers w ON w.id = e.holder
    WHERE t.merchant = $1 AND t.user_id = $2
        AND ($3 IS NULL OR (e.generation, e.presentation) < ($3, $4))
    ORDER BY e.generation DESC, e.presentation DESC LIMIT $5";
// A row for each presentation of the present generation, latest first, and one where there is none.
CLAIM = "
    SELECT t.id, true AS claimed, t.generation, t.state, t.reason, t.sealed, t.issued_at, t.expires_at, t.subject,
        CASE WHEN t.refresh_due_generation = t.generation THEN t.refresh_due_at END AS refresh_due_at, $3 AS now,
        EXISTS (
            SELECT 1 FROM exchanges a
            WHERE a.token_id = t.id AND a.generation >= t.grant_generation AND a.outcome = 'no_answer') AS answer_lost,
        e.id AS exchange, e.presentation, e.outcome, e.travelling, e.closed_at, e.holder,
        CASE WHEN w.ended_at IS NULL THEN $3 - w.beat_at END AS holder_silent
    FROM tokens t LEFT JOIN exchanges e ON e.token_id = t.id AND e.generation = t.generation
        LEFT JOIN workers w ON w.id = e.holder
    WHERE t.merchant = $1 AND t.user_id = $2
    ORDER BY e.presentation DESC";
INTEND = "
    INSERT INTO exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8
    WHERE EXISTS (SELECT 1 FROM tokens WHERE id = $2 AND generation = $3 AND state = 'active')
        AND EXISTS (SELECT 1 FROM workers WHERE id = $7 AND ended_at IS NULL)
    ON CONFLICT DO NOTHING";
VOID_INTENT = "
    INSERT INTO exchanges
        (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 'not_sent')
    ON CONFLICT (id) DO UPDATE SET outcome = 'not_sent', closed_at = excluded.closed_at
    WHERE exchanges.outcome IS NULL";
OPEN_INTENTS = "
    SELECT t.merchant, e.id, e.token_id, e.generation, e.presentation, e.purpose, e.purpose_ref, e.holder
    FROM exchanges e JOIN tokens t ON t.id = e.token_id WHERE e.holder = $1 AND e.outcome IS NULL";
STORE_SUCCESSOR = "
    UPDATE tokens SET generation = generation + 1, state = 'active', reason = NULL, sealed = $4,
        issued_at = $5, expires_at = $6, last_exchange = $3, refresh_due_at = $8,
        refresh_due_generation = CASE WHEN $8 IS NOT NULL THEN generation + 1 END, refresh_failures = 0,
        refresh_note = NULL, last_seen_at = CASE WHEN $9 THEN $7 ELSE last_seen_at END, updated_at = $7
    WHERE id = $1 AND generation = $2";
STORED_BEFORE = "
    SELECT id FROM tokens WHERE id = $1 AND last_exchange = $2
    UNION ALL
    SELECT token_id FROM exchanges WHERE id = $2 AND outcome = 'rotated'";
// Not for an order that went out meanwhile: nobody would delete it.
KEEP = "
    INSERT INTO kept (purpose_ref, token_id, sealed, received_at, good_until)
    SELECT $1, id, $4, $5, $6 FROM tokens WHERE id = $2 AND generation = $3
        AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = $1 AND o.ended_at IS NOT NULL)
    ON CONFLICT (purpose_ref) DO UPDATE SET token_id = excluded.token_id, sealed = excluded.sealed,
        received_at = excluded.received_at, good_until = excluded.good_until";
STILL_GOOD = "
    UPDATE tokens SET state = 'active', refresh_due_generation = NULL, updated_at = $3
    WHERE id = $1 AND generation = $2 AND state = 'uncertain'";
DEAD = "
    UPDATE tokens SET state = 'reauth_required', reason = $4, refresh_due_at = NULL, updated_at = $5
    WHERE id = $1 AND generation = $2 AND state IN ('active', 'uncertain')
        AND EXISTS (SELECT 1 FROM exchanges WHERE id = $3 AND outcome IS NULL)";
HOLD = "
    UPDATE tokens SET state = 'uncertain', refresh_due_at = NULL, updated_at = $4
    WHERE id = $1 AND generation = $2 AND state = 'active'
        AND EXISTS (SELECT 1 FROM exchanges WHERE id = $3 AND outcome IS NULL)";
// Nobody knows whether the token was spent, and the keeper finds out where no order does.
REPLAY_DUE = "
    UPDATE tokens SET refresh_due_at = min(coalesce(refresh_due_at, $4), $4), refresh_note = 'no_answer'
    WHERE id = $1 AND generation = $2 AND state = 'active'
        AND EXISTS (SELECT 1 FROM exchanges WHERE id = $3 AND outcome IS NULL)";
SEEN = "
    UPDATE tokens SET last_seen_at = $3 WHERE id = $1 AND generation = $2 AND state <> 'forgotten'";
GENERATION = "
    SELECT generation FROM tokens WHERE id = $1";
STATE_OF_GENERATION = "
    SELECT state FROM tokens WHERE id = $1 AND generation = $2";
CLOSE = "
    UPDATE exchanges SET outcome = $2, travelling = $3, closed_at = $4
    WHERE id = $1 AND outcome IS NULL";
KEPT = "
    SELECT k.sealed, k.received_at, k.good_until, t.subject, $2 AS now
    FROM kept k JOIN tokens t ON t.id = k.token_id WHERE k.purpose_ref = $1";
DELETE_KEPT = "
    DELETE FROM kept WHERE purpose_ref = $1";
DELETE_LAPSED = "
    DELETE FROM kept WHERE good_until < $1";
NOTE_SUBJECT = "
    UPDATE tokens SET subject = $3
    WHERE merchant = $1 AND user_id = $2 AND subject IS NULL AND state <> 'forgotten'";

// Keeper. The day of expiry is written as the index tokens_due has it.
NOW = "
    SELECT $1 AS now";
UNDATED_TOKENS = "
    SELECT id, merchant, user_id, generation, expires_at FROM tokens
    WHERE state = 'active' AND refresh_due_generation IS NOT generation AND id > $1
    ORDER BY id LIMIT $2";
PLANNED_TOKENS = "
    SELECT id, merchant, user_id, generation, expires_at FROM tokens
    WHERE state = 'active' AND (refresh_note IS NULL OR refresh_note = 'idle') AND id > $1
    ORDER BY id LIMIT $2";
SET_DUE_DATES = "
    UPDATE tokens SET refresh_due_at = p.due, refresh_due_generation = tokens.generation, refresh_failures = 0,
        refresh_note = NULL, last_seen_at = coalesce(last_seen_at, updated_at)
    FROM (
        SELECT value ->> 'id' AS id, value ->> 'generation' AS generation, value ->> 'due' AS due FROM json_each($1)
    ) AS p
    WHERE tokens.id = p.id AND tokens.generation = p.generation AND state = 'active'
        AND (refresh_due_generation IS NOT tokens.generation OR refresh_note IS NULL OR refresh_note = 'idle')";
BRING_FORWARD = "
    UPDATE tokens SET refresh_due_at = min(coalesce(refresh_due_at, $2), $2), refresh_due_generation = generation,
        refresh_note = 'no_answer'
    WHERE state = 'active' AND id IN (
        SELECT e.token_id FROM exchanges e JOIN tokens t ON t.id = e.token_id AND t.generation = e.generation
            LEFT JOIN workers w ON w.id = e.holder
        WHERE e.outcome IS NULL AND (w.id IS NULL OR w.ended_at IS NOT NULL OR w.beat_at < $2 - $1))";
NEXT_DUE_DAY = "
    WITH RECURSIVE d (day) AS (
        SELECT min(expires_at / 86400000000) FROM tokens
        WHERE state = 'active' AND refresh_due_at IS NOT NULL AND expires_at / 86400000000 > $2
        UNION ALL
        SELECT (
            SELECT min(t.expires_at / 86400000000) FROM tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 > d.day)
        FROM d WHERE d.day IS NOT NULL
    )
    SELECT day FROM d WHERE EXISTS (
        SELECT 1 FROM tokens t
        WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 = d.day
            AND t.refresh_due_at <= $1)
    LIMIT 1";
DUE_OF_DAY = "
    SELECT id, merchant, user_id, generation, issued_at, expires_at, refresh_due_at, refresh_failures, last_seen_at
    FROM tokens
    WHERE state = 'active' AND refresh_due_at IS NOT NULL AND expires_at / 86400000000 = $1 AND refresh_due_at <= $2
        AND (refresh_due_at, id) > ($3, $4) AND refresh_due_generation = generation
        AND ($5 IS NULL OR merchant = $5)
    ORDER BY refresh_due_at, id LIMIT $6";
COUNT_DUE = "
    WITH RECURSIVE d (day) AS (
        SELECT min(expires_at / 86400000000) FROM tokens WHERE state = 'active' AND refresh_due_at IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min(t.expires_at / 86400000000) FROM tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 > d.day)
        FROM d WHERE d.day IS NOT NULL
    )
    SELECT coalesce(sum((
        SELECT count(*) FROM tokens t
        WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 = d.day
            AND t.refresh_due_at <= $1)), 0) AS tokens
    FROM d WHERE d.day IS NOT NULL";
POSTPONE = "
    UPDATE tokens SET refresh_due_at = $3, refresh_failures = $4, refresh_note = $5
    WHERE id = $1 AND generation = $2 AND state = 'active'";
FORGET_IDLE = "
    UPDATE tokens SET generation = generation + 1, state = 'forgotten', reason = NULL, sealed = NULL, issued_at = NULL,
        expires_at = NULL, last_exchange = NULL, subject = NULL, refresh_due_at = NULL, refresh_failures = 0,
        refresh_note = NULL, last_seen_at = NULL, updated_at = $3
    WHERE id IN (
        SELECT id FROM tokens WHERE state <> 'forgotten' AND coalesce(last_seen_at, updated_at) < $3 - $1
        ORDER BY coalesce(last_seen_at, updated_at) LIMIT $2)
    RETURNING id";
TOKEN_COUNTS = "
    SELECT state, reason, CASE WHEN state <> 'active' THEN NULL WHEN expires_at <= $2 THEN -1
            ELSE (expires_at - $2) / 86400000000 END AS days,
        count(*) AS tokens
    FROM tokens WHERE $1 IS NULL OR merchant = $1
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
TAKE_SWEEP = "
    UPDATE keeper SET holder = $1, began_at = $3, leased_until = $3 + $2
    WHERE holder IS NULL OR holder = $1 OR leased_until < $3
        OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = keeper.holder AND w.ended_at IS NULL)";
RENEW_SWEEP = "
    UPDATE keeper SET leased_until = $3 + $2 WHERE holder = $1";
END_SWEEP = "
    UPDATE keeper SET holder = NULL, leased_until = NULL, ended_at = CASE WHEN $2 THEN $3 ELSE ended_at END
    WHERE holder = $1";
LAST_SWEEP = "
    SELECT k.ended_at, w.name FROM keeper k LEFT JOIN workers w ON w.id = k.holder";

// Workers
BEGIN_WORKER = "
    INSERT INTO workers (id, instance, name, started_at, beat_at)
    VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, ended_at = NULL";
END_EARLIER = "
    UPDATE workers SET ended_at = $3
    WHERE instance = $1 AND id <> $2 AND ended_at IS NULL";
BEAT = "
    UPDATE workers SET beat_at = $2 WHERE id = $1 AND ended_at IS NULL
    RETURNING beat_at";
END_WORKER = "
    UPDATE workers SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
// A worker that is written down as gone, or silent for too long. The fifth that an order loses ends it.
REAP = "
    UPDATE orders SET worker = NULL, lost_workers = lost_workers + 1, possible_duplicate = 1,
        status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
        ended_at = CASE WHEN lost_workers >= 4 THEN $2 END,
        due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE $2 END,
        error = CASE WHEN lost_workers >= 4 THEN $3 ELSE error END
    WHERE status = 'running' AND EXISTS (
        SELECT 1 FROM workers w WHERE w.id = orders.worker AND (w.ended_at IS NOT NULL
            OR w.beat_at < $2 - $1))
    RETURNING id, status";
LOSE_ORDER = "
    UPDATE orders SET worker = NULL, lost_workers = lost_workers + 1, possible_duplicate = 1,
        status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
        ended_at = CASE WHEN lost_workers >= 4 THEN $4 END,
        due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE $4 END,
        error = CASE WHEN lost_workers >= 4 THEN $5 ELSE error END
    WHERE status = 'running' AND id = $1 AND worker = $2 AND claim_number = $3
    RETURNING id, status";

// Webhooks. Triggers fill the outbox: see the migrations.
PUBLISH_DEADLINE = "
    UPDATE installation SET order_deadline_micros = $1 WHERE order_deadline_micros <> $1";
PUBLISH_ENDPOINT = "
    INSERT INTO webhook_endpoints (merchant, fingerprint) VALUES ($1, $2)
    ON CONFLICT (merchant) DO UPDATE SET fingerprint = excluded.fingerprint, failing_since = NULL, disabled_at = NULL,
        disabled_why = NULL
    WHERE webhook_endpoints.fingerprint <> excluded.fingerprint";
WITHDRAW_ENDPOINT = "
    DELETE FROM webhook_endpoints WHERE merchant = $1";
DUE_WEBHOOK_MERCHANTS = "
    SELECT e.merchant FROM webhook_endpoints e
    WHERE e.disabled_at IS NULL AND EXISTS (
        SELECT 1 FROM webhooks w
        WHERE w.status = 'pending' AND w.merchant = e.merchant AND w.due_at <= $1)
    ORDER BY e.merchant";
NEXT_WEBHOOK_DUE = "
    SELECT min((
        SELECT min(w.due_at) FROM webhooks w WHERE w.status = 'pending' AND w.merchant = e.merchant AND w.due_at > $1))
        - $1 AS micros
    FROM webhook_endpoints e WHERE e.disabled_at IS NULL";
CLAIM_WEBHOOKS = "
    UPDATE webhooks SET due_at = $4 + $3, claim_number = claim_number + 1
    WHERE seq IN (
        SELECT seq FROM webhooks WHERE status = 'pending' AND merchant = $1 AND due_at <= $4 ORDER BY due_at LIMIT $2)
    RETURNING id, claim_number, merchant, kind, data, occurred_at, attempts, order_id,
        (SELECT o.trace FROM orders o WHERE o.id = webhooks.order_id) AS trace";
GIVE_BACK_WEBHOOK = "
    UPDATE webhooks SET due_at = $3
    WHERE id = $1 AND claim_number = $2 AND status = 'pending'";
WEBHOOK_DELIVERED = "
    UPDATE webhooks SET status = 'delivered', ended_at = $3,
        attempts = attempts + 1, error = NULL
    WHERE id = $1 AND claim_number = $2 AND status = 'pending'
    RETURNING merchant, status";
// The last attempt is the last whose turn comes before the event's time is over.
WEBHOOK_RETRY = "
    UPDATE webhooks SET attempts = attempts + 1, error = $5, due_at = $3 + $4,
        status = CASE WHEN $3 + $4 > give_up_at THEN 'failed' ELSE 'pending' END,
        ended_at = CASE WHEN $3 + $4 > give_up_at THEN $3 END
    WHERE id = $1 AND claim_number = $2 AND status = 'pending'
    RETURNING merchant, status";
ENDPOINT_WELL = "
    UPDATE webhook_endpoints SET failing_since = NULL WHERE merchant = $1 AND failing_since IS NOT NULL";
// Where it wants no more ($2), or an event ran out of its time ($3) and none got through for two days.
ENDPOINT_FAILING = "
    UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, $4),
        disabled_at = CASE WHEN $2 OR $3 AND failing_since <= $4 - 172800000000 THEN $4 END,
        disabled_why = CASE WHEN $2 THEN 'gone' WHEN $3 AND failing_since <= $4 - 172800000000 THEN 'failing' END
    WHERE merchant = $1 AND disabled_at IS NULL
        AND ($2 OR failing_since IS NULL OR $3 AND failing_since <= $4 - 172800000000)
    RETURNING disabled_why";
WEBHOOKS = "
    SELECT w.id, w.merchant, w.user_id, w.order_id, w.kind, w.status, w.occurred_at, w.due_at, w.ended_at, w.attempts,
        w.error, e.disabled_at
    FROM webhooks w LEFT JOIN webhook_endpoints e ON e.merchant = w.merchant
    WHERE ($1 IS NULL OR w.id = $1) AND ($2 IS NULL OR w.merchant = $2)
        AND ($3 IS NULL OR w.user_id = $3) AND ($4 IS NULL OR w.status = $4)
        AND ($5 IS NULL OR w.kind = $5)
        AND ($6 IS NULL OR w.occurred_at > $7 - $6)
        AND ($8 IS NULL OR w.seq < (SELECT b.seq FROM webhooks b WHERE b.id = $8))
    ORDER BY w.seq DESC LIMIT $9";
RESEND_WEBHOOKS = "
    UPDATE webhooks SET status = 'pending', ended_at = NULL, attempts = 0, due_at = $7, give_up_at = $7 + 259200000000,
        claim_number = claim_number + 1
    WHERE ($1 IS NULL OR id = $1) AND ($2 IS NULL OR merchant = $2) AND ($3 IS NULL OR user_id = $3)
        AND ($4 IS NULL OR status = $4) AND ($5 IS NULL OR kind = $5) AND ($6 IS NULL OR occurred_at > $7 - $6)
    RETURNING merchant";
ENABLE_ENDPOINT = "
    UPDATE webhook_endpoints SET failing_since = NULL, disabled_at = NULL, disabled_why = NULL
    WHERE merchant = $1";
ENDPOINTS = "
    SELECT merchant, failing_since, disabled_at, disabled_why FROM webhook_endpoints ORDER BY merchant";

// Upkeep.
WIPE_BODIES = "
    UPDATE orders SET body = NULL, html_snippet = NULL WHERE id IN (
        SELECT id FROM orders
        WHERE ended_at < $3 - $1
            AND (body IS NOT NULL OR html_snippet IS NOT NULL)
        ORDER BY ended_at LIMIT $2)";
// By id, which sorts by time: $4 is the first of those too young to have ended so long ago.
DELETE_ORDERS = "
    DELETE FROM orders WHERE id IN (
        SELECT id FROM orders
        WHERE id < $4 AND ended_at < $3 - $1
        ORDER BY id LIMIT $2)";
DELETE_WEBHOOKS = "
    DELETE FROM webhooks WHERE seq IN (
        SELECT seq FROM webhooks
        WHERE ended_at < $3 - $1
        ORDER BY ended_at LIMIT $2)";
DELETE_WORKERS = "
    DELETE FROM workers WHERE id IN (
        SELECT w.id FROM workers w
        WHERE coalesce(w.ended_at, w.beat_at) < $3 - $1
            AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.status = 'running' AND o.worker = w.id)
            AND NOT EXISTS (SELECT 1 FROM exchanges e WHERE e.outcome IS NULL AND e.holder = w.id)
        LIMIT $2)";
EXPIRE_WEBHOOKS = "
    UPDATE webhooks SET status = 'failed', ended_at = $2,
        error = coalesce(error, 'its time was over before it could be sent')
    WHERE seq IN (
        SELECT w.seq FROM webhooks w
            LEFT JOIN webhook_endpoints e ON e.merchant = w.merchant
        WHERE w.status = 'pending' AND w.give_up_at < $2
            AND (e.merchant IS NULL OR e.disabled_at IS NOT NULL)
        LIMIT $1)";
LEDGER_STEP = "
    SELECT id FROM (SELECT id FROM exchanges WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS step
    ORDER BY id DESC LIMIT 1";
// A token's generation only grows: what is behind the previous one stays behind it.
DELETE_LEDGER = "
    DELETE FROM exchanges
    WHERE id > $1 AND id <= $2 AND closed_at < $4 - $3
        AND NOT EXISTS (
            SELECT 1 FROM tokens t WHERE t.id = exchanges.token_id AND exchanges.generation >= t.generation - 1)";
KNOWN_STEP = "
    SELECT id FROM (SELECT id FROM tokens WHERE id > $1 ORDER BY id LIMIT $2) AS step
    ORDER BY id DESC LIMIT 1";
// The current token's hash was seen when it was issued, or later.
DELETE_KNOWN = "
    DELETE FROM known_tokens
    WHERE token_id > $1 AND token_id <= $2 AND seen_at < $4 - $3 AND NOT EXISTS (
        SELECT 1 FROM tokens t WHERE t.id = known_tokens.token_id AND seen_at >= t.issued_at - 86400000000)";
// Erasure. As FORGET, tombstones included.
ERASE_TOKEN = "
    UPDATE tokens SET user_id = $3, generation = generation + 1, state = 'forgotten', reason = NULL,
        sealed = NULL, issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL, refresh_due_at = NULL,
        refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL, updated_at = $4
    WHERE merchant = $1 AND user_id = $2
    RETURNING id";
ERASE_KNOWN = "
    DELETE FROM known_tokens WHERE token_id = $1";
// The new claim number keeps a worker's late result out.
ERASE_OPEN_ORDERS = "
    UPDATE orders SET status = 'cancelled', worker = NULL, claim_number = claim_number + 1,
        ended_at = $3, error = $4
    WHERE merchant = $1 AND user_id = $2 AND status IN ('queued', 'running')
    RETURNING id";
// The idempotency key is the shop's word for something of the user's, and the digest could confirm a guess.
ERASE_ORDERS = "
    UPDATE orders SET user_id = $3, idempotency_key = NULL, digest = x'', body = NULL, html_snippet = NULL,
        klarna_order_id = NULL, correlation_id = NULL, trace = NULL, prefilled = NULL, error = CASE WHEN error IS NOT NULL
            THEN json_object('code', error ->> 'code', 'message', 'erased with the user''s data') END
    WHERE id IN (
        SELECT id FROM orders
        WHERE merchant = $1 AND user_id = $2 AND ended_at IS NOT NULL LIMIT $4)";
ERASE_WEBHOOKS = "
    DELETE FROM webhooks WHERE merchant = $1 AND user_id = $2";

// Looking on: each from an index alone.
BACKLOGS = "
    SELECT merchant, sum(queued) AS queued, sum(due) AS due, sum(running) AS running,
        min(oldest_due) AS oldest_due
    FROM (
        SELECT merchant, count(*) AS queued, count(*) FILTER (WHERE due_at <= $1) AS due, 0 AS running,
            min(due_at) AS oldest_due
        FROM orders WHERE status = 'queued' GROUP BY merchant
        UNION ALL
        SELECT merchant, 0, 0, count(*), NULL FROM orders WHERE status = 'running' GROUP BY merchant
    ) AS b
    GROUP BY merchant ORDER BY merchant";
// The first entry of each day of the index tokens_due is the one that fell due first.
OVERVIEW = "
    WITH RECURSIVE d (day) AS (
        SELECT min(expires_at / 86400000000) FROM tokens WHERE state = 'active' AND refresh_due_at IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min(t.expires_at / 86400000000) FROM tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 > d.day)
        FROM d WHERE d.day IS NOT NULL
    )
    SELECT $2 AS now,
        (SELECT count(*) FROM workers WHERE ended_at IS NULL AND beat_at >= $2 - $1) AS workers,
        (SELECT count(*) FROM exchanges WHERE outcome IS NULL) AS open_exchanges,
        (SELECT ended_at FROM keeper) AS swept_at,
        (SELECT min((
            SELECT min(t.refresh_due_at) FROM tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 = d.day)) FROM d) AS oldest_due_token";
// By day: the index begins with it.
LAPSING_TOKENS = "
    SELECT count(*) AS tokens FROM tokens
    WHERE state = 'active' AND refresh_due_at IS NOT NULL AND expires_at / 86400000000 < ($2 + $1) / 86400000000";
WEBHOOK_BACKLOGS = "
    SELECT e.merchant, e.disabled_at IS NOT NULL AS disabled, count(w.due_at) AS pending,
        count(w.due_at) FILTER (WHERE e.disabled_at IS NULL AND w.due_at <= $1) AS due,
        min(w.due_at) FILTER (WHERE e.disabled_at IS NULL) AS oldest_due
    FROM webhook_endpoints e LEFT JOIN webhooks w ON w.merchant = e.merchant AND w.status = 'pending'
    GROUP BY e.merchant, e.disabled_at ORDER BY e.merchant";
// And these from many rows.
WEBHOOK_TALLY = "
    SELECT merchant, count(*) FILTER (WHERE status = 'failed') AS failed,
        min(occurred_at) FILTER (WHERE status = 'pending') AS oldest_pending
    FROM webhooks WHERE status <> 'delivered' GROUP BY merchant ORDER BY merchant";
HELD_ORDERS = "
    SELECT count(*) AS orders FROM orders
    WHERE status = 'failed' AND body IS NOT NULL AND error ->> 'code' = 'database_restored'";

// Pages.
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

// Keys. What is sealed begins with its key's name.
KNOWN_KEYS = "
    SELECT name, fingerprint FROM keys";
NOTE_KEY = "
    INSERT INTO keys (name, fingerprint, noted_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
SEALED = "
    SELECT
        (SELECT count(*) FROM tokens WHERE substr(sealed, 1, length($1)) = $1) AS tokens,
        (SELECT count(*) FROM kept WHERE substr(sealed, 1, length($1)) = $1) AS kept,
        (SELECT count(*) FROM installation WHERE substr(hash_key, 1, length($1)) = $1) AS hash_key";
SEALED_OTHERWISE = "
    SELECT id, merchant, user_id, sealed FROM tokens
    WHERE id > $2 AND sealed IS NOT NULL AND substr(sealed, 1, length($1)) <> $1
    ORDER BY id LIMIT $3";
KEPT_OTHERWISE = "
    SELECT purpose_ref, sealed FROM kept
    WHERE purpose_ref > $2 AND substr(sealed, 1, length($1)) <> $1
    ORDER BY purpose_ref LIMIT $3";
RESEAL_TOKEN = "
    UPDATE tokens SET sealed = $3 WHERE id = $1 AND sealed = $2";
RESEAL_KEPT = "
    UPDATE kept SET sealed = $3 WHERE purpose_ref = $1 AND sealed = $2";
RESEAL_HASH_KEY = "
    UPDATE installation SET hash_key = $2 WHERE hash_key = $1";

// Installation
INSTALLATION = "
    SELECT name, minimum_program AS minimum_program, hash_key FROM installation";
FOUND_INSTALLATION = "
    INSERT INTO installation (name, minimum_program, hash_key, created_at)
    VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING";
HEALTH = "SELECT 1 AS one";
VERSION = "SELECT sqlite_version() AS version";
JOURNAL_MODE = "PRAGMA journal_mode";

// A restored database
REMEMBERS = "
    SELECT EXISTS (SELECT 1 FROM workers WHERE id = $1 AND beat_at >= $2)
        OR EXISTS (SELECT 1 FROM installation WHERE created_at >= $2 OR restored_at >= $2)
        OR ($2 < $4 - $3 AND NOT EXISTS (SELECT 1 FROM workers WHERE id = $1)) AS remembers";
LIVING = "
    SELECT name FROM workers WHERE ended_at IS NULL AND beat_at >= $2 - $1 ORDER BY name";
DOUBT_TOKENS = "
    UPDATE tokens SET state = 'uncertain', updated_at = $3
    WHERE id IN (SELECT id FROM tokens WHERE id > $1 AND state = 'active' ORDER BY id LIMIT $2) AND state = 'active'
    RETURNING id";
HOLD_ORDERS = "
    UPDATE orders SET status = 'failed', worker = NULL, ended_at = $2, error = $3, possible_duplicate = true
    WHERE id IN (SELECT id FROM orders WHERE ended_at IS NULL ORDER BY id LIMIT $1) AND ended_at IS NULL
    RETURNING id";
DECLARE_RESTORED = "
    UPDATE installation SET restored_at = $1";
}
