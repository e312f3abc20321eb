//! Deletion.

use crate::store::sql::UpkeepSql;

pub(in crate::store) const UPKEEP: UpkeepSql = UpkeepSql {
    wipe_bodies: "
        UPDATE orders SET body = NULL, result = NULL WHERE id IN (
            SELECT id FROM orders
            WHERE ended_at < $3 - $1
                AND (body IS NOT NULL OR result IS NOT NULL)
            ORDER BY ended_at LIMIT $2)",
    // By id, which sorts by time: $4 is the first id that is too young.
    delete_orders: "
        DELETE FROM orders WHERE id IN (
            SELECT id FROM orders
            WHERE id < $4 AND ended_at < $3 - $1
            ORDER BY id LIMIT $2)",
    delete_webhooks: "
        DELETE FROM webhooks WHERE seq IN (
            SELECT seq FROM webhooks
            WHERE ended_at < $3 - $1
            ORDER BY ended_at LIMIT $2)",
    delete_follow_ups: "
        DELETE FROM follow_ups WHERE (merchant, klarna_id, kind) IN (
            SELECT merchant, klarna_id, kind FROM follow_ups
            WHERE given_up_at < $3 - $1
            LIMIT $2)",
    delete_workers: "
        DELETE FROM workers WHERE id IN (
            SELECT w.id FROM workers w
            WHERE coalesce(w.ended_at, w.heartbeat_at) < $3 - $1
                AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.status = 'running' AND o.worker = w.id)
                AND NOT EXISTS (SELECT 1 FROM exchanges e WHERE e.outcome IS NULL AND e.holder = w.id)
            LIMIT $2)",
    delete_past_pauses: "
        DELETE FROM past_pauses WHERE seq IN (SELECT seq FROM past_pauses WHERE ended_at < $3 - $1 LIMIT $2)",
    delete_over_pauses: "
        DELETE FROM pauses WHERE (merchant, kind) IN (SELECT merchant, kind FROM pauses WHERE ends_at < $3 - $1
            LIMIT $2)",
    delete_outages: "
        DELETE FROM outages WHERE seq IN (
            SELECT seq FROM outages
            WHERE until < $3 - $1 LIMIT $2)",
    wipe_tokens: "
        UPDATE tokens SET sealed = NULL WHERE state = 'reauth_required' AND id IN (
            SELECT id FROM tokens
            WHERE state = 'reauth_required' AND sealed IS NOT NULL
                AND updated_at < $3 - $1
            ORDER BY updated_at LIMIT $2)",
    // An endpoint that is not among those of the settings ($3) may be another process's, which has
    // a day more to send the event.
    expire_webhooks: "
        UPDATE webhooks SET status = 'failed', ended_at = $2,
            error = coalesce(error, 'its time was over before it could be sent')
        WHERE seq IN (
            SELECT w.seq FROM webhooks w
                LEFT JOIN webhook_endpoints e ON e.merchant = w.merchant
            WHERE w.status = 'pending' AND w.give_up_at < $2
                AND (e.merchant IS NULL OR e.disabled_at IS NOT NULL
                    OR w.give_up_at < $2 - 86400000000 AND w.merchant NOT IN (SELECT value FROM json_each($3)))
            LIMIT $1)
        RETURNING merchant",
    ledger_step: "
        SELECT id FROM (SELECT id FROM exchanges WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS step
        ORDER BY id DESC LIMIT 1",
    // A token's generation only grows, so a row that is older than the previous generation stays
    // so.
    delete_ledger: "
        DELETE FROM exchanges
        WHERE id > $1 AND id <= $2 AND closed_at < $4 - $3
            AND NOT EXISTS (
                SELECT 1 FROM tokens t WHERE t.id = exchanges.token_id AND exchanges.generation >= t.generation - 1)",
    known_step: "
        SELECT id FROM (SELECT id FROM tokens WHERE id > $1 ORDER BY id LIMIT $2) AS step
        ORDER BY id DESC LIMIT 1",
    // The hash of the current token was seen when the token was issued, or later.
    delete_known: "
        DELETE FROM known_tokens
        WHERE token_id > $1 AND token_id <= $2 AND seen_at < $4 - $3 AND NOT EXISTS (
            SELECT 1 FROM tokens t WHERE t.id = known_tokens.token_id AND seen_at >= t.issued_at - 86400000000)",
};
