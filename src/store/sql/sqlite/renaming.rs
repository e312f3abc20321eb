//! Renaming a user.

use crate::store::sql::RenamingSql;

pub(in crate::store) const RENAMING: RenamingSql = RenamingSql {
    // An order may ask for its token while it runs, unless its access token stays good for long
    // enough.
    lock_open_orders: "
        SELECT o.status = 'running' AND NOT EXISTS (
            SELECT 1 FROM cached_tokens k WHERE k.purpose_ref = o.id AND k.good_until > $3 + $4) AS asks
        FROM orders o WHERE o.merchant = $1 AND o.user_id = $2 AND o.ended_at IS NULL",
    token: "
        UPDATE tokens SET user_id = $2, subject = NULL WHERE id = $1",
    known: "
        UPDATE known_tokens SET token_id = $2,
            seen_at = min(seen_at, coalesce((SELECT max(k.seen_at) FROM known_tokens k WHERE k.token_id = $2), seen_at))
        WHERE token_id = $1",
    open_orders: "
        UPDATE orders SET user_id = $3 WHERE merchant = $1 AND user_id = $2 AND ended_at IS NULL",
    ended_orders: "
        UPDATE orders SET user_id = $3 WHERE id IN (
            SELECT id FROM orders WHERE merchant = $1 AND user_id = $2 AND ended_at IS NOT NULL ORDER BY id LIMIT $4)",
    webhooks: "
        UPDATE webhooks SET user_id = $3 WHERE seq IN (
            SELECT seq FROM webhooks WHERE merchant = $1 AND user_id = $2 ORDER BY seq LIMIT $4)",
};
