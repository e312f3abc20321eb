//! The audit log.

use crate::store::sql::AuditSql;

pub(in crate::store) const AUDIT: AuditSql = AuditSql {
    // $1: the rows as JSON, with times in microseconds and bytes in hexadecimal. Rows that an
    // attempt with an unknown outcome has stored stay as they are: a trigger refuses to insert them
    // again.
    append: "
        INSERT INTO audit_log (chain, number, happened_at, actor, action, outcome, request_id, merchant, user_hash,
            object, joined_id, previous_at, previous_hash, hash)
        SELECT unhex(value ->> 'chain', '-'), value ->> 'number', value ->> 'happened_at', value ->> 'actor',
            value ->> 'action', value ->> 'outcome', value ->> 'request_id', value ->> 'merchant',
            unhex(value ->> 'user_hash'), value ->> 'object', value ->> 'joined_id', value ->> 'previous_at',
            unhex(value ->> 'previous_hash'), unhex(value ->> 'hash')
        FROM json_each($1)
        WHERE NOT EXISTS (SELECT 1 FROM audit_log
            WHERE chain = unhex(value ->> 'chain', '-') AND number = value ->> 'number')
        ORDER BY value ->> 'number'",
    newest: "
        SELECT id, happened_at, hash FROM audit_log ORDER BY id DESC LIMIT 1",
    row_hash: "
        SELECT hash FROM audit_log WHERE id = $1",
    // The program leaves out "or it is absent" for user, outcome and object, so that their indexes
    // are used.
    list: "
        SELECT id, chain, number, happened_at, actor, action, outcome, request_id, merchant, user_hash, object,
            joined_id, previous_at, previous_hash, hash
        FROM audit_log
        WHERE ($1 IS NULL OR happened_at >= $1) AND ($2 IS NULL OR actor = $2) AND ($3 IS NULL OR action = $3)
            AND ($4 IS NULL OR merchant = $4) AND ($5 IS NULL OR user_hash = $5) AND ($6 IS NULL OR outcome = $6)
            AND ($7 IS NULL OR object = $7) AND ($8 IS NULL OR id < $8)
        ORDER BY id DESC LIMIT $9",
    in_chains: "
        SELECT id, chain, number, happened_at, actor, action, outcome, request_id, merchant, user_hash, object,
            joined_id, previous_at, previous_hash, hash
        FROM audit_log
        WHERE (chain, number) > ($1, $2)
        ORDER BY chain, number LIMIT $3",
    has_before: "
        SELECT EXISTS (SELECT 1 FROM audit_log WHERE happened_at < $1) AS found",
    // In the order of each chain, so that what is left of a chain is whole.
    prune: "
        DELETE FROM audit_log WHERE id IN (
            SELECT id FROM audit_log WHERE happened_at < $1 ORDER BY happened_at, chain, number LIMIT $2)",
};
