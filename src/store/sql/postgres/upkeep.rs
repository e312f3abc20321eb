//! Deletion. Concurrent statements skip each other's rows. The clock changes while a statement
//! runs, so an index is searched only for a time that a subquery reads once. Without it, all
//! entries of the index would be compared with the clock.

use crate::store::sql::UpkeepSql;

pub(in crate::store) const UPKEEP: UpkeepSql = UpkeepSql {
    wipe_bodies: "
        UPDATE klarna_worker.orders SET body = NULL, result = NULL WHERE id IN (
            SELECT id FROM klarna_worker.orders
            WHERE ended_at < (SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
                AND (body IS NOT NULL OR result IS NOT NULL)
            ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    // By id, which sorts by time: $4 is the first id that is too young.
    delete_orders: "
        DELETE FROM klarna_worker.orders WHERE id IN (
            SELECT id FROM klarna_worker.orders
            WHERE id < $4 AND ended_at < (SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
            ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)",
    delete_webhooks: "
        DELETE FROM klarna_worker.webhooks WHERE seq IN (
            SELECT seq FROM klarna_worker.webhooks
            WHERE ended_at < (SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
            ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    delete_follow_ups: "
        DELETE FROM klarna_worker.follow_ups WHERE (merchant, klarna_id, kind) IN (
            SELECT merchant, klarna_id, kind FROM klarna_worker.follow_ups
            WHERE given_up_at < (SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
            LIMIT $2)",
    delete_workers: "
        DELETE FROM klarna_worker.workers WHERE id IN (
            SELECT w.id FROM klarna_worker.workers w
            WHERE coalesce(w.ended_at, w.heartbeat_at) < (
                SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
                AND NOT EXISTS (SELECT 1 FROM klarna_worker.orders o WHERE o.status = 'running' AND o.worker = w.id)
                AND NOT EXISTS (SELECT 1 FROM klarna_worker.exchanges e WHERE e.outcome IS NULL AND e.holder = w.id)
            LIMIT $2 FOR UPDATE SKIP LOCKED)",
    delete_past_pauses: "
        DELETE FROM klarna_worker.past_pauses WHERE seq IN (
            SELECT seq FROM klarna_worker.past_pauses
            WHERE ended_at < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond' LIMIT $2)",
    delete_over_pauses: "
        DELETE FROM klarna_worker.pauses WHERE (merchant, kind) IN (
            SELECT merchant, kind FROM klarna_worker.pauses
            WHERE ends_at < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond' LIMIT $2
            FOR UPDATE SKIP LOCKED)",
    delete_outages: "
        DELETE FROM klarna_worker.outages WHERE seq IN (
            SELECT seq FROM klarna_worker.outages
            WHERE until < coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond' LIMIT $2)",
    wipe_tokens: "
        UPDATE klarna_worker.tokens SET sealed = NULL WHERE state = 'reauth_required' AND id IN (
            SELECT id FROM klarna_worker.tokens
            WHERE state = 'reauth_required' AND sealed IS NOT NULL
                AND updated_at < (SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
            ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    // An endpoint that is not among those of the settings ($3) may be another process's, which has
    // a day more to send the event.
    expire_webhooks: "
        UPDATE klarna_worker.webhooks SET status = 'failed', ended_at = coalesce($2, clock_timestamp()),
            error = coalesce(error, 'its time was over before it could be sent')
        WHERE seq IN (
            SELECT w.seq FROM klarna_worker.webhooks w
                LEFT JOIN klarna_worker.webhook_endpoints e ON e.merchant = w.merchant
            WHERE w.status = 'pending' AND w.give_up_at < coalesce($2, clock_timestamp())
                AND (e.merchant IS NULL OR e.disabled_at IS NOT NULL
                    OR w.give_up_at < coalesce($2, clock_timestamp()) - interval '1 day'
                        AND w.merchant NOT IN (SELECT value FROM json_array_elements_text($3::json)))
            LIMIT $1 FOR UPDATE OF w SKIP LOCKED)
        RETURNING merchant",
    ledger_step: "
        SELECT id FROM (SELECT id FROM klarna_worker.exchanges WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS step
        ORDER BY id DESC LIMIT 1",
    // A token's generation only grows, so a row that is older than the previous generation stays
    // so.
    delete_ledger: "
        DELETE FROM klarna_worker.exchanges e
        WHERE e.id > $1 AND e.id <= $2 AND e.closed_at < coalesce($4, clock_timestamp()) - $3 * interval '1 microsecond'
            AND NOT EXISTS (
                SELECT 1 FROM klarna_worker.tokens t WHERE t.id = e.token_id AND e.generation >= t.generation - 1)",
    known_step: "
        SELECT id FROM (SELECT id FROM klarna_worker.tokens WHERE id > $1 ORDER BY id LIMIT $2) AS step
        ORDER BY id DESC LIMIT 1",
    // The hash of the current token was seen when the token was issued, or later.
    delete_known: "
        DELETE FROM klarna_worker.known_tokens k USING klarna_worker.tokens t
        WHERE t.id = k.token_id AND k.token_id > $1 AND k.token_id <= $2
            AND k.seen_at < coalesce($4, clock_timestamp()) - $3 * interval '1 microsecond'
            AND (t.issued_at IS NULL OR k.seen_at < t.issued_at - interval '1 day')",
};
