//! Keys. An encrypted value begins with its key's name.

use crate::store::sql::KeysSql;

pub(in crate::store) const KEYS: KeysSql = KeysSql {
    known_keys: "
        SELECT name, fingerprint FROM keys",
    note_key: "
        INSERT INTO keys (name, fingerprint, noted_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING",
    sealed: "
        SELECT
            (SELECT count(*) FROM revocations WHERE substr(sealed, 1, length($1)) = $1) AS revoked,
            (SELECT count(*) FROM cached_tokens WHERE substr(sealed, 1, length($1)) = $1) AS cached,
            (SELECT count(*) FROM installation WHERE substr(hash_key, 1, length($1)) = $1) AS hash_key",
    sealed_tokens: "
        SELECT count(*) AS tokens FROM tokens
        WHERE id > $2 AND id <= $3 AND substr(sealed, 1, length($1)) = $1",
    sealed_otherwise: "
        SELECT id, merchant, generation, provider, sealed FROM tokens
        WHERE id > $2 AND id <= $4 AND sealed IS NOT NULL AND substr(sealed, 1, length($1)) <> $1
        ORDER BY id LIMIT $3",
    cached_otherwise: "
        SELECT k.purpose_ref, t.merchant, k.token_id, k.grant_generation, k.provider, k.sealed
        FROM cached_tokens k JOIN tokens t ON t.id = k.token_id
        WHERE k.purpose_ref > $2 AND substr(k.sealed, 1, length($1)) <> $1
        ORDER BY k.purpose_ref LIMIT $3",
    reseal_token: "
        UPDATE tokens SET sealed = $3 WHERE id = $1 AND sealed = $2",
    reseal_cached: "
        UPDATE cached_tokens SET sealed = $3 WHERE purpose_ref = $1 AND sealed = $2",
    reseal_hash_key: "
        UPDATE installation SET hash_key = $2 WHERE hash_key = $1",
};
