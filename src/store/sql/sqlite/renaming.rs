//! Renaming a user.

use crate::store::sql::RenamingSql;

pub(in crate::store) const RENAMING: RenamingSql = RenamingSql {
    // An order without its token may ask for it while it runs.
    lock_open_orders: "
        SELECT o.status = 'running' AND NOT EXISTS (
            SELECT 1 FROM cached_tokens k WHERE k.purpose_ref = o.id) AS asks
        FROM orders o WHERE o.merchant = $1 AND o.user_id = $2 AND o.ended_at IS NULL",
    token: "
        UPDATE tokens SET user_id = $2, subject = NULL WHERE id = $1",
    known: "
        UPDATE known_tokens SET token_id = $2 WHERE token_id = $1",
    orders: "
        UPDATE orders SET user_id = $3 WHERE merchant = $1 AND user_id = $2",
    webhooks: "
        UPDATE webhooks SET user_id = $3 WHERE merchant = $1 AND user_id = $2",
};
