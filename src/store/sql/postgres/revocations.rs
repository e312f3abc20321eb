//! Revocations of forgotten tokens.

use crate::store::sql::RevocationsSql;

pub(in crate::store) const REVOCATIONS: RevocationsSql = RevocationsSql {
    record: "
        INSERT INTO klarna_worker.revocations (token_id, generation, merchant, provider, sealed, asked_at, due_at,
            give_up_at)
        SELECT k.id, k.generation, k.merchant, k.provider, k.sealed, t.now, t.now, t.now + $4 * interval '1 microsecond'
        FROM klarna_worker.tokens k, (SELECT coalesce($3, clock_timestamp()) AS now) t
        WHERE k.merchant = $1 AND k.user_id = $2 AND k.sealed IS NOT NULL
        ON CONFLICT DO NOTHING",
    // An exchange was in flight while its token was forgotten. A forgetting before it was of an
    // older generation: the user has signed in since.
    record_successor: "
        INSERT INTO klarna_worker.revocations (token_id, generation, merchant, provider, sealed, asked_at, due_at,
            give_up_at)
        SELECT r.token_id, $2, r.merchant, $3, $4, r.asked_at, coalesce($5, clock_timestamp()), r.give_up_at
        FROM klarna_worker.revocations r WHERE r.token_id = $1 AND r.generation + 1 >= $2
        ORDER BY r.generation DESC LIMIT 1
        ON CONFLICT DO NOTHING",
    due_merchants: "
        SELECT DISTINCT merchant FROM klarna_worker.revocations WHERE due_at <= coalesce($1, clock_timestamp())",
    // While an exchange of the token is in flight, its successor may still come.
    claim: "
        WITH t AS MATERIALIZED (SELECT coalesce($3, clock_timestamp()) AS now),
        due AS (
            SELECT r.token_id, r.generation FROM klarna_worker.revocations r
            WHERE r.merchant = $1 AND r.due_at <= (SELECT now FROM t)
                AND (r.asked_at <= (SELECT now FROM t) - $5 * interval '1 microsecond' OR NOT EXISTS (
                    SELECT 1 FROM klarna_worker.exchanges e
                    WHERE e.token_id = r.token_id AND e.generation >= r.generation - 1 AND e.outcome IS NULL))
            ORDER BY r.due_at LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE klarna_worker.revocations r SET due_at = t.now + $4 * interval '1 microsecond',
            claim_number = r.claim_number + 1
        FROM due, t WHERE r.token_id = due.token_id AND r.generation = due.generation
        RETURNING r.token_id AS id, r.generation, r.merchant, r.provider, r.sealed, r.claim_number, r.attempts",
    again: "
        UPDATE klarna_worker.revocations SET attempts = attempts + 1,
            due_at = coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond'
        WHERE token_id = $1 AND generation = $2 AND claim_number = $3
            AND coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond' < give_up_at",
    done: "
        DELETE FROM klarna_worker.revocations WHERE token_id = $1 AND generation = $2 AND claim_number = $3",
    lapsed: "
        DELETE FROM klarna_worker.revocations
        WHERE merchant = $1 AND give_up_at < coalesce($2, clock_timestamp())
            AND due_at < coalesce($2, clock_timestamp())",
};
