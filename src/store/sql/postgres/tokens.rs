//! Tokens and the ledger.

use crate::store::sql::TokensSql;

pub(in crate::store) const TOKENS: TokensSql = TokensSql {
    ensure_token: "
        INSERT INTO klarna_worker.tokens (merchant, user_id, generation, grant_generation, state, updated_at)
        VALUES ($1, $2, 0, 0, 'forgotten', coalesce($3, clock_timestamp()))
        ON CONFLICT (merchant, user_id) DO NOTHING",
    lock_token: "
        SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at
        FROM klarna_worker.tokens WHERE merchant = $1 AND user_id = $2 FOR UPDATE",
    // Each provider that was adopted as the same one as $1, however often.
    same_providers: "
        WITH RECURSIVE same (provider) AS (
            SELECT $1::bytea
            UNION
            SELECT CASE a.provider WHEN s.provider THEN a.adopted ELSE a.provider END
            FROM same s JOIN klarna_worker.adopted_providers a ON s.provider IN (a.provider, a.adopted)
        )
        SELECT provider FROM same WHERE provider <> $1",
    holder: "
        SELECT t.id, t.merchant, t.user_id FROM klarna_worker.known_tokens k
        JOIN klarna_worker.tokens t ON t.id = k.token_id
        WHERE k.hash = $1",
    register: "
        UPDATE klarna_worker.tokens SET generation = generation + 1, grant_generation = generation + 1,
            state = 'active', reason = NULL, sealed = $2, provider = $8, signed_in_at = $9, issued_at = $3,
            expires_at = $4, last_exchange = NULL, refresh_due_at = $6, refresh_due_generation = generation + 1,
            refresh_failures = 0, refresh_note = $7, last_seen_at = greatest(last_seen_at, $3),
            updated_at = coalesce($5, clock_timestamp())
        WHERE id = $1
        RETURNING id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at",
    // A row that was made for a token that was refused.
    drop_unused: "
        DELETE FROM klarna_worker.tokens WHERE id = $1 AND generation = 0 AND state = 'forgotten'",
    know: "
        INSERT INTO klarna_worker.known_tokens (token_id, hash, seen_at)
        VALUES ($1, $2, coalesce($3, clock_timestamp()))
        ON CONFLICT DO NOTHING",
    forget: "
        UPDATE klarna_worker.tokens SET generation = generation + 1, state = 'forgotten', reason = NULL, sealed = NULL,
            signed_in_at = NULL, issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL,
            refresh_due_at = NULL, refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL,
            updated_at = coalesce($3, clock_timestamp())
        WHERE merchant = $1 AND user_id = $2 AND state <> 'forgotten'
        RETURNING id",
    forget_cached: "
        DELETE FROM klarna_worker.cached_tokens WHERE token_id = $1",
    token: "
        SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at
        FROM klarna_worker.tokens WHERE merchant = $1 AND user_id = $2",
    tokens: "
        SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at
        FROM klarna_worker.tokens
        WHERE ($1::text IS NULL AND state <> 'forgotten' OR state = $1) AND ($2::text IS NULL OR merchant = $2)
            AND ($3::text IS NULL OR (merchant, user_id) > ($3, $4))
            AND ($6::bigint IS NULL OR state = 'active'
                AND expires_at <= coalesce($7, clock_timestamp()) + $6 * interval '1 microsecond')
        ORDER BY merchant, user_id LIMIT $5",
    // Of any state but `active`, which most users have: `tokens_state` is an index of the others.
    users_of_state: "
        SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at
        FROM klarna_worker.tokens
        WHERE merchant = $1 AND state = $2 AND state <> 'active' AND ($3::text IS NULL OR user_id > $3)
        ORDER BY user_id LIMIT $4",
    // The same of all merchants. Those few are sorted.
    all_users_of_state: "
        SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at
        FROM klarna_worker.tokens
        WHERE state = $1 AND state <> 'active' AND ($2::text IS NULL OR (merchant, user_id) > ($2, $3))
        ORDER BY merchant, user_id LIMIT $4",
    // $2 is 'active'. By the names of users, because most are.
    active_users: "
        SELECT id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at
        FROM klarna_worker.tokens
        WHERE merchant = $1 AND state = $2 AND ($3::text IS NULL OR user_id > $3)
        ORDER BY user_id LIMIT $4",
    ledger: "
        SELECT e.id, e.generation, e.presentation, e.purpose, e.purpose_ref, e.opened_at, e.closed_at, e.outcome,
            e.cause, w.name AS worker
        FROM klarna_worker.tokens t JOIN klarna_worker.exchanges e ON e.token_id = t.id
            LEFT JOIN klarna_worker.workers w ON w.id = e.holder
        WHERE t.merchant = $1 AND t.user_id = $2
            AND ($3::bigint IS NULL OR (e.generation, e.presentation) < ($3, $4))
        ORDER BY e.generation DESC, e.presentation DESC LIMIT $5",
    void_intent: "
        INSERT INTO klarna_worker.exchanges
            (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
        VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, clock_timestamp()), coalesce($8, clock_timestamp()),
            'not_sent')
        ON CONFLICT (id) DO UPDATE SET outcome = 'not_sent', closed_at = excluded.closed_at
        WHERE exchanges.outcome IS NULL",
    open_intents: "
        SELECT t.merchant, e.id, e.token_id, e.generation, e.presentation, e.purpose, e.purpose_ref, e.holder
        FROM klarna_worker.exchanges e JOIN klarna_worker.tokens t ON t.id = e.token_id
        WHERE e.holder = $1 AND e.outcome IS NULL",
    is_intended: "
        SELECT id FROM klarna_worker.exchanges WHERE id = $2 AND token_id = $1",
    last_came: "
        SELECT max(seen_at) AS came_at FROM klarna_worker.known_tokens WHERE token_id = $1",
    store_ahead: "
        UPDATE klarna_worker.tokens SET generation = $2,
            grant_generation = CASE WHEN state = 'forgotten' THEN $2 ELSE grant_generation END, state = 'active',
            reason = NULL, sealed = $4, provider = $10, issued_at = $5, expires_at = $6, last_exchange = $3,
            refresh_due_at = $8, refresh_due_generation = CASE WHEN $8::timestamptz IS NOT NULL THEN $2 END,
            refresh_failures = 0, refresh_note = NULL,
            last_seen_at = CASE WHEN $9 THEN coalesce($7, clock_timestamp()) ELSE last_seen_at END,
            updated_at = coalesce($7, clock_timestamp())
        WHERE id = $1",
    stored_before: "
        SELECT id FROM klarna_worker.tokens WHERE id = $1 AND last_exchange = $2
        UNION ALL
        SELECT token_id FROM klarna_worker.exchanges WHERE id = $2 AND outcome = 'rotated'",
    // Not for an order that has ended meanwhile, because nobody would delete it.
    cache: "
        INSERT INTO klarna_worker.cached_tokens (purpose_ref, token_id, grant_generation, provider, sealed, received_at,
            good_until)
        SELECT $1, id, grant_generation, $7, $4, $5, $6 FROM klarna_worker.tokens WHERE id = $2 AND generation = $3
            AND NOT EXISTS (SELECT 1 FROM klarna_worker.orders o WHERE o.id = $1 AND o.ended_at IS NOT NULL)
        ON CONFLICT (purpose_ref) DO UPDATE SET token_id = excluded.token_id,
            grant_generation = excluded.grant_generation, provider = excluded.provider, sealed = excluded.sealed,
            received_at = excluded.received_at, good_until = excluded.good_until",
    still_good: "
        UPDATE klarna_worker.tokens SET state = 'active', refresh_due_generation = NULL,
            updated_at = coalesce($3, clock_timestamp())
        WHERE id = $1 AND generation = $2 AND state = 'uncertain'",
    // Here and below, an open intent is one without `closed_at`: see STORE_SUCCESSORS in `own.rs`.
    dead: "
        UPDATE klarna_worker.tokens SET state = 'reauth_required', reason = $4, refresh_due_at = NULL,
            updated_at = coalesce($5, clock_timestamp())
        WHERE id = $1 AND generation = $2 AND state IN ('active', 'uncertain')
            AND EXISTS (SELECT 1 FROM klarna_worker.exchanges WHERE id = $3 AND closed_at IS NULL)",
    rejected_by: "
        UPDATE klarna_worker.exchanges SET provider = $2 WHERE id = $1",
    hold: "
        UPDATE klarna_worker.tokens SET state = 'uncertain', refresh_due_at = NULL,
            updated_at = coalesce($4, clock_timestamp())
        WHERE id = $1 AND generation = $2 AND state = 'active'
            AND EXISTS (SELECT 1 FROM klarna_worker.exchanges WHERE id = $3 AND closed_at IS NULL)",
    // It is unknown whether the token was spent. Making it due lets the keeper find out if no order
    // does.
    replay_due: "
        UPDATE klarna_worker.tokens SET refresh_due_at = least(refresh_due_at, coalesce($4, clock_timestamp())),
            refresh_note = 'no_answer'
        WHERE id = $1 AND generation = $2 AND state = 'active'
            AND EXISTS (SELECT 1 FROM klarna_worker.exchanges WHERE id = $3 AND closed_at IS NULL)",
    seen: "
        UPDATE klarna_worker.tokens SET last_seen_at = coalesce($3, clock_timestamp())
        WHERE id = $1 AND generation = $2 AND state <> 'forgotten'",
    state_of_generation: "
        SELECT state FROM klarna_worker.tokens WHERE id = $1 AND generation = $2",
    close: "
        UPDATE klarna_worker.exchanges SET outcome = $2, travelling = $3, closed_at = coalesce($4, clock_timestamp()),
            cause = $5
        WHERE id = $1 AND closed_at IS NULL",
    // Of the order's user alone, whose name may have changed since a worker claimed the order.
    cached: "
        SELECT k.purpose_ref, k.token_id, k.grant_generation, k.sealed, k.received_at, k.good_until, t.subject,
            coalesce($5, clock_timestamp()) AS now
        FROM klarna_worker.cached_tokens k JOIN klarna_worker.tokens t ON t.id = k.token_id
        WHERE k.purpose_ref = $1 AND t.merchant = $2
            AND t.user_id = coalesce((SELECT o.user_id FROM klarna_worker.orders o WHERE o.id = $1), $3)
            AND k.provider = $4",
    // Of the present grant alone: an earlier one may be that of another shopper.
    newest_cached: "
        SELECT k.purpose_ref, k.token_id, k.grant_generation, k.sealed, k.received_at, k.good_until, t.subject,
            coalesce($4, clock_timestamp()) AS now
        FROM klarna_worker.tokens t JOIN klarna_worker.cached_tokens k ON k.token_id = t.id
        WHERE t.merchant = $1 AND t.user_id = $2 AND t.provider = $3 AND t.state IN ('active', 'uncertain')
            AND k.grant_generation = t.grant_generation
            AND k.provider = $3
        ORDER BY k.good_until DESC LIMIT 1",
    delete_cached: "
        DELETE FROM klarna_worker.cached_tokens WHERE purpose_ref = $1",
    delete_expired: "
        DELETE FROM klarna_worker.cached_tokens WHERE good_until < coalesce($1, clock_timestamp())",
    last_token: "
        SELECT coalesce(max(id), 0) AS last FROM klarna_worker.tokens",
};
