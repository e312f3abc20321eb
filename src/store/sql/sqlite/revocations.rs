//! Revocations of forgotten tokens.

use crate::store::sql::RevocationsSql;

pub(in crate::store) const REVOCATIONS: RevocationsSql = RevocationsSql {
    record: "
        INSERT INTO revocations (token_id, generation, merchant, provider, sealed, asked_at, due_at, give_up_at)
        SELECT id, generation, merchant, provider, sealed, $3, $3, $3 + $4 FROM tokens
        WHERE merchant = $1 AND user_id = $2 AND sealed IS NOT NULL
        ON CONFLICT DO NOTHING",
    // An exchange was in flight while its token was forgotten. A forgetting before it was of an
    // older generation: the user has signed in since.
    record_successor: "
        INSERT INTO revocations (token_id, generation, merchant, provider, sealed, asked_at, due_at, give_up_at)
        SELECT r.token_id, $2, r.merchant, $3, $4, r.asked_at, $5, r.give_up_at
        FROM revocations r WHERE r.token_id = $1 AND r.generation + 1 >= $2
        ORDER BY r.generation DESC LIMIT 1
        ON CONFLICT DO NOTHING",
    due_merchants: "
        SELECT DISTINCT merchant FROM revocations WHERE due_at <= $1",
    // While an exchange of the token is in flight, its successor may still come.
    claim: "
        UPDATE revocations SET due_at = $3 + $4, claim_number = claim_number + 1
        WHERE (token_id, generation) IN (
            SELECT r.token_id, r.generation FROM revocations r
            WHERE r.merchant = $1 AND r.due_at <= $3
                AND (r.asked_at <= $3 - $5 OR NOT EXISTS (
                    SELECT 1 FROM exchanges e
                    WHERE e.token_id = r.token_id AND e.generation >= r.generation - 1 AND e.outcome IS NULL))
            ORDER BY r.due_at LIMIT $2)
        RETURNING token_id AS id, generation, merchant, provider, sealed, claim_number, attempts",
    again: "
        UPDATE revocations SET attempts = attempts + 1, due_at = $4 + $5
        WHERE token_id = $1 AND generation = $2 AND claim_number = $3 AND $4 + $5 < give_up_at",
    done: "
        DELETE FROM revocations WHERE token_id = $1 AND generation = $2 AND claim_number = $3",
    lapsed: "
        DELETE FROM revocations WHERE merchant = $1 AND give_up_at < $2 AND due_at < $2",
};
