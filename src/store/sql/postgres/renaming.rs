//! Renaming a user.

use crate::store::sql::RenamingSql;

pub(in crate::store) const RENAMING: RenamingSql = RenamingSql {
    // An order may ask for its token while it runs, unless its access token stays good for long
    // enough.
    lock_open_orders: "
        SELECT o.status = 'running' AND NOT EXISTS (
            SELECT 1 FROM klarna_worker.cached_tokens k WHERE k.purpose_ref = o.id
                AND k.good_until > coalesce($3, clock_timestamp()) + $4 * interval '1 microsecond') AS asks
        FROM klarna_worker.orders o WHERE o.merchant = $1 AND o.user_id = $2 AND o.ended_at IS NULL FOR UPDATE OF o",
    token: "
        UPDATE klarna_worker.tokens SET user_id = $2, subject = NULL WHERE id = $1",
    known: "
        UPDATE klarna_worker.known_tokens SET token_id = $2,
            seen_at = least(seen_at, (SELECT max(k.seen_at) FROM klarna_worker.known_tokens k WHERE k.token_id = $2))
        WHERE token_id = $1",
    open_orders: "
        UPDATE klarna_worker.orders SET user_id = $3 WHERE merchant = $1 AND user_id = $2 AND ended_at IS NULL",
    ended_orders: "
        UPDATE klarna_worker.orders SET user_id = $3 WHERE id IN (
            SELECT id FROM klarna_worker.orders
            WHERE merchant = $1 AND user_id = $2 AND ended_at IS NOT NULL ORDER BY id LIMIT $4 FOR UPDATE)",
    webhooks: "
        UPDATE klarna_worker.webhooks SET user_id = $3 WHERE seq IN (
            SELECT seq FROM klarna_worker.webhooks
            WHERE merchant = $1 AND user_id = $2 ORDER BY seq LIMIT $4 FOR UPDATE)",
};
