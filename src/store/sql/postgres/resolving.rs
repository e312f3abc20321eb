//! Operators' decisions about uncertain tokens. A token that is active again and not due at once
//! has no due date until the keeper plans one.

use crate::store::sql::ResolvingSql;

pub(in crate::store) const RESOLVING: ResolvingSql = ResolvingSql {
    resolve: "
        UPDATE klarna_worker.tokens SET state = $1, reason = $2,
            refresh_due_at = CASE WHEN $3 THEN coalesce($4, clock_timestamp()) END,
            refresh_due_generation = CASE WHEN $3 THEN generation END, refresh_failures = 0,
            refresh_note = CASE WHEN $3 THEN 'no_answer' END, updated_at = coalesce($4, clock_timestamp())
        WHERE merchant = $5 AND user_id = $6 AND state = 'uncertain'
        RETURNING id, merchant, user_id, state, reason, generation, issued_at, expires_at, refresh_due_at,
            refresh_failures, refresh_note, last_seen_at, signed_in_at, updated_at",
    count_uncertain: "
        SELECT count(*) AS tokens FROM klarna_worker.tokens
        WHERE state = 'uncertain' AND ($1::text IS NULL OR merchant = $1)
            AND ($2::timestamptz IS NULL OR updated_at < $2)",
    resolve_all: "
        UPDATE klarna_worker.tokens SET state = $1, reason = $2,
            refresh_due_at = CASE WHEN $3 THEN coalesce($4, clock_timestamp()) END,
            refresh_due_generation = CASE WHEN $3 THEN generation END, refresh_failures = 0,
            refresh_note = CASE WHEN $3 THEN 'no_answer' END, updated_at = coalesce($4, clock_timestamp())
        WHERE state = 'uncertain' AND id IN (
            SELECT id FROM klarna_worker.tokens
            WHERE state = 'uncertain' AND id > $7 AND ($5::text IS NULL OR merchant = $5)
                AND ($6::timestamptz IS NULL OR updated_at < $6)
            ORDER BY id LIMIT $8)
        RETURNING id",
    count_rejected: "
        SELECT count(*) AS tokens FROM klarna_worker.tokens
        WHERE state = 'reauth_required' AND reason IN ('rejected', 'expired') AND sealed IS NOT NULL
            AND ($1::text IS NULL OR merchant = $1) AND ($2::timestamptz IS NULL OR updated_at >= $2)",
    // The generation stays, and the next sweep plans a due date.
    retry_rejected: "
        UPDATE klarna_worker.tokens SET state = 'active', reason = NULL, refresh_due_at = NULL,
            refresh_due_generation = NULL, refresh_failures = 0, refresh_note = NULL,
            updated_at = coalesce($5, clock_timestamp())
        WHERE state = 'reauth_required' AND id IN (
            SELECT id FROM klarna_worker.tokens
            WHERE state = 'reauth_required' AND reason IN ('rejected', 'expired') AND sealed IS NOT NULL AND id > $3
                AND ($1::text IS NULL OR merchant = $1) AND ($2::timestamptz IS NULL OR updated_at >= $2)
            ORDER BY id LIMIT $4)
        RETURNING id",
    retry_rejected_token: "
        UPDATE klarna_worker.tokens SET state = 'active', reason = NULL, refresh_due_at = NULL,
            refresh_due_generation = NULL, refresh_failures = 0, refresh_note = NULL,
            updated_at = coalesce($3, clock_timestamp())
        WHERE merchant = $1 AND user_id = $2 AND state = 'reauth_required' AND reason IN ('rejected', 'expired')
            AND sealed IS NOT NULL",
};
