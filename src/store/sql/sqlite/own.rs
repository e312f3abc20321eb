//! Statements that only SQLite has, or that work differently on PostgreSQL.

use crate::store::sql::constants;

constants! {
VERSION = "SELECT sqlite_version() AS version";
JOURNAL_MODE = "PRAGMA journal_mode";
// Whether there is a table of the migrations that were run.
HAS_MIGRATIONS = "
    SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'klarna_worker_migrations'";
APPLIED_MIGRATIONS = "SELECT version, checksum FROM klarna_worker_migrations WHERE success";
// Selects one order of a user at a time until it has its token, so that a burst of one user takes
// one slot and not all. The users with running orders are selected once, not for each row of a
// burst.
CLAIMABLE_ORDERS = "
    SELECT id, min(due_at) FROM (
        SELECT o.id, o.user_id, o.due_at FROM orders o
        WHERE o.status = 'queued' AND o.merchant = $1 AND o.due_at <= $3 AND o.due_at > coalesce($3 - $4, 0)
            AND o.user_id NOT IN (
                SELECT r.user_id FROM orders r
                WHERE r.status = 'running' AND r.merchant = $1
                    AND NOT EXISTS (SELECT 1 FROM cached_tokens k WHERE k.purpose_ref = r.id))
        ORDER BY o.due_at, o.id LIMIT $2)
    GROUP BY user_id";
// Checks the conditions again: a reading connection selected the orders, and their rows may have
// changed since.
CLAIM_ORDERS = "
    UPDATE orders AS o SET status = 'running', worker = $2, claim_number = claim_number + 1,
        first_claimed_at = coalesce(first_claimed_at, $3), first_due_at = coalesce(first_due_at, due_at)
    WHERE o.id IN (SELECT unhex(value) FROM json_each($1)) AND o.status = 'queued' AND o.due_at <= $3
        AND NOT EXISTS (
            SELECT 1 FROM orders r
            WHERE r.status = 'running' AND r.merchant = o.merchant AND r.user_id = o.user_id
                AND NOT EXISTS (SELECT 1 FROM cached_tokens k WHERE k.purpose_ref = r.id))
    RETURNING id, merchant, user_id, body, version, target, prefill, attempts, claim_number, token_waited, waits,
        deadline_at, possible_duplicate, error, unchecked, accepted_at, due_at, first_due_at, trace, $3 AS now,
        EXISTS (SELECT 1 FROM tokens k
            WHERE k.merchant = orders.merchant AND k.user_id = orders.user_id AND k.state <> 'forgotten') AS has_token";
// Returns a row for each presentation of the present generation, latest first, or a single row if
// there is none.
CLAIM_TOKEN = "
    SELECT t.id, true AS claimed, t.generation, t.grant_generation, t.state, t.reason, t.sealed, t.provider,
        coalesce(p.proven, 0) AS proven, p.probe_at, p.probes, t.issued_at, t.expires_at, t.subject,
        CASE WHEN t.refresh_due_generation = t.generation THEN t.refresh_due_at END AS refresh_due_at, $3 AS now,
        EXISTS (
            SELECT 1 FROM exchanges a
            WHERE a.token_id = t.id AND a.generation >= t.grant_generation AND a.outcome = 'no_answer') AS answer_lost,
        e.id AS exchange, e.presentation, e.outcome, e.travelling, e.closed_at, e.holder,
        CASE WHEN w.ended_at IS NULL THEN w.heartbeats END AS holder_heartbeats
    FROM tokens t LEFT JOIN exchanges e ON e.token_id = t.id AND e.generation = t.generation
        LEFT JOIN workers w ON w.id = e.holder
        LEFT JOIN providers p ON p.merchant = t.merchant AND p.provider = $4
    WHERE t.merchant = $1 AND t.user_id = $2
    ORDER BY e.presentation DESC";
// The following statements write many rows. `multi_row.rs` repeats `(?, …)`, and fills up with
// nulls, which match no row. With OR ROLLBACK, SQLite need not keep what it would undo of the
// statement alone.
INTEND = "
    WITH i (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at) AS (
        VALUES (?, ?, ?, ?, ?, ?, ?, ?))
    INSERT OR ROLLBACK INTO exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at)
    SELECT i.id, i.token_id, i.generation, i.presentation, i.purpose, i.purpose_ref, i.holder, i.opened_at FROM i
    WHERE EXISTS (
            SELECT 1 FROM tokens t WHERE t.id = i.token_id AND t.generation = i.generation AND t.state = 'active')
        AND EXISTS (SELECT 1 FROM workers w WHERE w.id = i.holder AND w.ended_at IS NULL)
    ON CONFLICT DO NOTHING
    RETURNING id";
// `+` keeps the planner from the index of all running orders, here and below.
ANNOUNCE = "
    WITH a (id, worker, claim_number) AS (VALUES (?, ?, ?))
    UPDATE OR ROLLBACK orders SET sent_claim = orders.claim_number FROM a
    WHERE orders.id = a.id AND orders.worker = a.worker AND orders.claim_number = a.claim_number
        AND +orders.status = 'running'
    RETURNING id, claim_number";
// A new intent must not look orphaned, and nobody may take an order between its announcement and
// the call. For both, a heartbeat of the last second is enough.
HEARTBEATS = "
    WITH a (worker, now) AS (VALUES (?, ?))
    UPDATE OR ROLLBACK workers SET heartbeat_at = a.now, heartbeats = workers.heartbeats + 1 FROM a
    WHERE workers.id = a.worker AND workers.ended_at IS NULL
        AND workers.heartbeat_at NOT BETWEEN a.now - 1000000 AND a.now";
// Only if this database knows the exchange: after a restore, another exchange may have used the
// same generation.
STORE_SUCCESSORS = "
    WITH s (token_id, generation, exchange, sealed, provider, issued_at, expires_at, refresh_due_at, is_used, now) AS (
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
    UPDATE OR ROLLBACK tokens SET generation = tokens.generation + 1, state = 'active', reason = NULL,
        sealed = s.sealed, provider = s.provider, issued_at = s.issued_at, expires_at = s.expires_at,
        last_exchange = s.exchange, refresh_due_at = s.refresh_due_at,
        refresh_due_generation = CASE WHEN s.refresh_due_at IS NOT NULL THEN tokens.generation + 1 END,
        refresh_failures = 0, refresh_note = NULL,
        last_seen_at = CASE WHEN s.is_used THEN s.now ELSE tokens.last_seen_at END, updated_at = s.now
    FROM s
    WHERE tokens.id = s.token_id AND tokens.generation = s.generation
        AND EXISTS (SELECT 1 FROM exchanges x WHERE x.id = s.exchange AND x.token_id = s.token_id)
    RETURNING last_exchange AS id, false AS announced";
// What follows successors: each row asks whether the token's row has the successor of this
// exchange.
KNOW_SUCCESSORS = "
    WITH s (token_id, generation, exchange, hash, came_at) AS (VALUES (?, ?, ?, ?, ?))
    INSERT OR ROLLBACK INTO known_tokens (token_id, hash, seen_at)
    SELECT t.id, s.hash, s.came_at FROM s CROSS JOIN tokens t
    WHERE t.id = s.token_id AND t.generation = s.generation + 1 AND t.last_exchange = s.exchange
    ON CONFLICT DO NOTHING";
REPLACE_CACHED = "
    WITH s (token_id, generation, exchange, purpose_ref) AS (VALUES (?, ?, ?, ?))
    DELETE FROM cached_tokens WHERE purpose_ref IN (
        SELECT s.purpose_ref FROM s CROSS JOIN tokens t
        WHERE t.id = s.token_id AND t.generation = s.generation + 1 AND t.last_exchange = s.exchange)";
// Not for an order that has ended meanwhile, because nobody would delete it. Not of an exchange
// that this database does not know: its grant may be another one.
CACHE = "
    WITH s (token_id, generation, exchange, purpose_ref, provider, sealed, received_at, good_until) AS (
        VALUES (?, ?, ?, ?, ?, ?, ?, ?))
    INSERT OR ROLLBACK INTO cached_tokens (purpose_ref, token_id, grant_generation, provider, sealed, received_at,
        good_until)
    SELECT s.purpose_ref, t.id, t.grant_generation, s.provider, s.sealed, s.received_at, s.good_until
    FROM s CROSS JOIN tokens t
    WHERE t.id = s.token_id AND t.generation = s.generation + 1 AND t.last_exchange = s.exchange
        AND s.purpose_ref IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = s.purpose_ref AND o.ended_at IS NOT NULL)
        AND EXISTS (SELECT 1 FROM exchanges x WHERE x.id = s.exchange AND x.token_id = t.id)
    ON CONFLICT DO NOTHING";
CLOSE_ROTATED = "
    WITH s (token_id, generation, exchange, now) AS (VALUES (?, ?, ?, ?))
    UPDATE OR ROLLBACK exchanges SET outcome = 'rotated', travelling = false, closed_at = s.now, cause = NULL
    FROM s CROSS JOIN tokens t
    WHERE exchanges.id = s.exchange AND exchanges.outcome IS NULL
        AND t.id = s.token_id AND t.generation = s.generation + 1 AND t.last_exchange = s.exchange";
ANNOUNCE_STORED = "
    WITH s (token_id, generation, exchange, id, worker, claim_number) AS (VALUES (?, ?, ?, ?, ?, ?))
    UPDATE OR ROLLBACK orders SET sent_claim = orders.claim_number FROM s CROSS JOIN tokens t
    WHERE orders.id = s.id AND orders.worker = s.worker AND orders.claim_number = s.claim_number
        AND +orders.status = 'running'
        AND t.id = s.token_id AND t.generation = s.generation + 1 AND t.last_exchange = s.exchange
    RETURNING id, true AS announced";
// The results of submitted orders. DELETE_CACHED follows it.
ALL_SUBMITTED = "
    WITH r (id, worker, claim_number, ended_at, klarna_id, result, correlation_id, token_outcome, prefilled,
        target) AS (
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
    UPDATE OR ROLLBACK orders SET status = 'submitted', worker = NULL, ended_at = r.ended_at,
        attempts = orders.attempts + 1, klarna_id = r.klarna_id, result = r.result, correlation_id = r.correlation_id,
        token_outcome = r.token_outcome, prefilled = r.prefilled, target = r.target, error = NULL
    FROM r
    WHERE orders.id = r.id AND orders.worker = r.worker AND orders.claim_number = r.claim_number
        AND +orders.status = 'running'
    RETURNING id, claim_number, user_id, ended_at";
DELETE_CACHED = "
    WITH r (id) AS (VALUES (?))
    DELETE FROM cached_tokens WHERE purpose_ref IN (
        SELECT r.id FROM r CROSS JOIN orders o WHERE o.id = r.id AND o.ended_at IS NOT NULL)";
NOTE_SUBJECTS = "
    WITH n (merchant, user_id, subject) AS (VALUES (?, ?, ?))
    UPDATE OR ROLLBACK tokens SET subject = n.subject FROM n
    WHERE tokens.merchant = n.merchant AND tokens.user_id = n.user_id AND tokens.subject IS NULL
        AND tokens.state <> 'forgotten'";
}
