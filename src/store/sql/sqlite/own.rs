//! Statements that only SQLite has, or that work differently on PostgreSQL.

use crate::store::sql::constants;

constants! {
VERSION = "SELECT sqlite_version() AS version";
JOURNAL_MODE = "PRAGMA journal_mode";
// Selects one order of a user at a time until it has its token, so that a burst of one user takes one
// slot and not all. The users with running orders are selected once, not for each row of a burst.
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
    RETURNING id, merchant, user_id, body, version, target, prefill, attempts, claim_number, token_waited, waits, deadline_at,
        possible_duplicate, error, unchecked, accepted_at, due_at, first_due_at, trace, $3 AS now,
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
INTEND = "
    INSERT INTO exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8
    WHERE EXISTS (SELECT 1 FROM tokens WHERE id = $2 AND generation = $3 AND state = 'active')
        AND EXISTS (SELECT 1 FROM workers WHERE id = $7 AND ended_at IS NULL)
    ON CONFLICT DO NOTHING";
// Only if this database knows the exchange: after a restore, another exchange may have used the same
// generation.
STORE_SUCCESSOR = "
    UPDATE tokens SET generation = generation + 1, state = 'active', reason = NULL, sealed = $4,
        provider = $10,
        issued_at = $5, expires_at = $6, last_exchange = $3, refresh_due_at = $8,
        refresh_due_generation = CASE WHEN $8 IS NOT NULL THEN generation + 1 END, refresh_failures = 0,
        refresh_note = NULL, last_seen_at = CASE WHEN $9 THEN $7 ELSE last_seen_at END, updated_at = $7
    WHERE id = $1 AND generation = $2
        AND EXISTS (SELECT 1 FROM exchanges x WHERE x.id = $3 AND x.token_id = $1)";
NOTE_SUBJECT = "
    UPDATE tokens SET subject = $3
    WHERE merchant = $1 AND user_id = $2 AND subject IS NULL AND state <> 'forgotten'";
}
