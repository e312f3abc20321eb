//! Erasure of a user.

use crate::store::sql::ErasureSql;

pub(in crate::store) const ERASURE: ErasureSql = ErasureSql {
    token: "
        UPDATE klarna_worker.tokens SET user_id = $3, generation = generation + 1, state = 'forgotten', reason = NULL,
            sealed = NULL, signed_in_at = NULL, issued_at = NULL, expires_at = NULL, last_exchange = NULL,
            subject = NULL, refresh_due_at = NULL, refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL,
            updated_at = coalesce($4, clock_timestamp())
        WHERE merchant = $1 AND user_id = $2
        RETURNING id",
    known: "
        DELETE FROM klarna_worker.known_tokens WHERE token_id = $1",
    // The new claim number keeps a worker's late result out.
    open_orders: "
        UPDATE klarna_worker.orders SET status = 'cancelled', worker = NULL, claim_number = claim_number + 1,
            ended_at = coalesce($3, clock_timestamp()), error = $4
        WHERE merchant = $1 AND user_id = $2 AND status IN ('queued', 'running')
        RETURNING id, pg_notify('klarna_worker_settled', id::text)::text",
    // Idempotency key and references may identify the user, and the digest could confirm a guess of
    // the body.
    orders: "
        UPDATE klarna_worker.orders SET user_id = $3, idempotency_key = NULL, digest = '', body = NULL, result = NULL,
            klarna_id = NULL, session = NULL, correlation_id = NULL, trace = NULL, prefilled = NULL, waits = NULL,
            merchant_reference1 = NULL, merchant_reference2 = NULL, order_amount = NULL, purchase_currency = NULL,
            error = CASE WHEN error IS NOT NULL
                THEN json_build_object('code', error::json ->> 'code', 'message', 'erased with the user''s data')::text
            END
        WHERE id IN (
            SELECT id FROM klarna_worker.orders
            WHERE merchant = $1 AND user_id = $2 AND ended_at IS NOT NULL LIMIT $4 FOR UPDATE)",
    webhooks: "
        DELETE FROM klarna_worker.webhooks WHERE merchant = $1 AND user_id = $2",
};
