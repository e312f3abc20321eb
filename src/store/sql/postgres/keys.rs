//! Keys. An encrypted value begins with its key's name.

use crate::store::sql::KeysSql;

pub(in crate::store) const KEYS: KeysSql = KeysSql {
    known_keys: "
        SELECT name, fingerprint FROM klarna_worker.keys",
    note_key: "
        INSERT INTO klarna_worker.keys (name, fingerprint, noted_at) VALUES ($1, $2, coalesce($3, clock_timestamp()))
        ON CONFLICT DO NOTHING",
    sealed: "
        SELECT
            (SELECT count(*) FROM klarna_worker.revocations
                WHERE substring(sealed FROM 1 FOR length($1::bytea)) = $1) AS revoked,
            (SELECT count(*) FROM klarna_worker.cached_tokens
                WHERE substring(sealed FROM 1 FOR length($1::bytea)) = $1) AS cached,
            (SELECT count(*) FROM klarna_worker.installation
                WHERE substring(hash_key FROM 1 FOR length($1::bytea)) = $1) AS hash_key",
    sealed_tokens: "
        SELECT count(*) AS tokens FROM klarna_worker.tokens
        WHERE id > $2 AND id <= $3 AND substring(sealed FROM 1 FOR length($1::bytea)) = $1",
    sealed_otherwise: "
        SELECT id, merchant, generation, provider, sealed FROM klarna_worker.tokens
        WHERE id > $2 AND id <= $4 AND sealed IS NOT NULL AND substring(sealed FROM 1 FOR length($1::bytea)) <> $1
        ORDER BY id LIMIT $3",
    cached_otherwise: "
        SELECT k.purpose_ref, t.merchant, k.token_id, k.grant_generation, k.provider, k.sealed
        FROM klarna_worker.cached_tokens k JOIN klarna_worker.tokens t ON t.id = k.token_id
        WHERE k.purpose_ref > $2 AND substring(k.sealed FROM 1 FOR length($1::bytea)) <> $1
        ORDER BY k.purpose_ref LIMIT $3",
    reseal_token: "
        UPDATE klarna_worker.tokens SET sealed = $3 WHERE id = $1 AND sealed = $2",
    reseal_cached: "
        UPDATE klarna_worker.cached_tokens SET sealed = $3 WHERE purpose_ref = $1 AND sealed = $2",
    reseal_hash_key: "
        UPDATE klarna_worker.installation SET hash_key = $2 WHERE hash_key = $1",
};
