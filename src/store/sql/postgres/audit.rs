//! The audit log.

use crate::store::sql::AuditSql;

pub(in crate::store) const AUDIT: AuditSql = AuditSql {
    // $1: the rows as JSON, with times in microseconds and bytes in hexadecimal. Rows that an
    // attempt with an unknown outcome has stored stay as they are.
    append: "
        INSERT INTO klarna_worker.audit_log (chain, number, happened_at, actor, action, outcome, request_id, merchant,
            user_hash, object, joined_id, previous_at, previous_hash, hash)
        SELECT r.chain, r.number, timestamptz 'epoch' + r.happened_at * interval '1 microsecond', r.actor, r.action,
            r.outcome, r.request_id, r.merchant, decode(r.user_hash, 'hex'), r.object, r.joined_id,
            timestamptz 'epoch' + r.previous_at * interval '1 microsecond', decode(r.previous_hash, 'hex'),
            decode(r.hash, 'hex')
        FROM json_to_recordset($1::json) AS r (chain uuid, number bigint, happened_at bigint, actor text, action text,
            outcome text, request_id text, merchant text, user_hash text, object text, joined_id bigint,
            previous_at bigint, previous_hash text, hash text)
        ORDER BY r.number
        ON CONFLICT (chain, number) DO NOTHING",
    newest: "
        SELECT id, happened_at, hash FROM klarna_worker.audit_log ORDER BY id DESC LIMIT 1",
    row_hash: "
        SELECT hash FROM klarna_worker.audit_log WHERE id = $1",
    // The program leaves out "or it is absent" for user, outcome and object, so that their indexes
    // are used.
    list: "
        SELECT id, chain, number, happened_at, actor, action, outcome, request_id, merchant, user_hash, object,
            joined_id, previous_at, previous_hash, hash
        FROM klarna_worker.audit_log
        WHERE ($1::timestamptz IS NULL OR happened_at >= $1) AND ($2::text IS NULL OR actor = $2)
            AND ($3::text IS NULL OR action = $3) AND ($4::text IS NULL OR merchant = $4)
            AND ($5::bytea IS NULL OR user_hash = $5) AND ($6::text IS NULL OR outcome = $6)
            AND ($7::text IS NULL OR left(object, 100) = left($7, 100) AND object = $7)
            AND ($8::bigint IS NULL OR id < $8)
        ORDER BY id DESC LIMIT $9",
    in_chains: "
        SELECT id, chain, number, happened_at, actor, action, outcome, request_id, merchant, user_hash, object,
            joined_id, previous_at, previous_hash, hash
        FROM klarna_worker.audit_log
        WHERE (chain, number) > ($1, $2)
        ORDER BY chain, number LIMIT $3",
    has_before: "
        SELECT EXISTS (SELECT 1 FROM klarna_worker.audit_log WHERE happened_at < $1) AS found",
    // In the order of each chain, so that what is left of a chain is whole.
    prune: "
        DELETE FROM klarna_worker.audit_log WHERE id IN (
            SELECT id FROM klarna_worker.audit_log WHERE happened_at < $1
            ORDER BY happened_at, chain, number LIMIT $2)",
};
