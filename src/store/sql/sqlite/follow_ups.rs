//! Calls to Klarna about orders that exist.

use crate::store::sql::FollowUpsSql;

pub(in crate::store) const FOLLOW_UPS: FollowUpsSql = FollowUpsSql {
    // One that comes again while the first is worked on changes nothing. One that was given up
    // begins anew.
    record: "
        INSERT INTO follow_ups AS f (kind, merchant, klarna_id, recorded_at, due_at, give_up_at)
        VALUES ($5, $1, $2, $3, $3, $3 + $4)
        ON CONFLICT (merchant, klarna_id, kind) DO UPDATE
            SET due_at = excluded.due_at, give_up_at = excluded.give_up_at, attempts = 0, given_up_at = NULL
            WHERE f.given_up_at IS NOT NULL",
    failing_of_order: "
        SELECT f.kind, f.attempts, f.error, f.due_at, f.given_up_at
        FROM orders o JOIN follow_ups f ON f.merchant = o.merchant AND f.klarna_id = o.klarna_id
        WHERE o.id = $1 AND f.attempts > 0 ORDER BY f.kind",
    // The orders of a user that may still be paid.
    record_aborts: "
        INSERT INTO follow_ups (kind, merchant, klarna_id, recorded_at, due_at, give_up_at)
        SELECT 'abort', merchant, klarna_id, $3, $3, $3 + $4 FROM orders
        WHERE merchant = $1 AND user_id = $2 AND status = 'submitted' AND target = 'checkout'
            AND klarna_id IS NOT NULL AND ended_at > $3 - 2 * $4
            AND (session_phase IS NULL OR session_phase = 'open')
        ON CONFLICT DO NOTHING",
    // An order that takes no result of the claim $3 any more: it has ended, and may be erased, or
    // its body was changed since.
    unwanted: "
        SELECT merchant FROM orders
        WHERE id = $1 AND (ended_at IS NOT NULL OR $3 <= changed_claim) AND klarna_id IS NOT $2",
    due_merchants: "
        SELECT DISTINCT merchant FROM follow_ups WHERE due_at <= $1 AND given_up_at IS NULL",
    claim: "
        UPDATE follow_ups SET due_at = $3 + $4, claim_number = claim_number + 1
        WHERE merchant = $1 AND (klarna_id, kind) IN (
            SELECT klarna_id, kind FROM follow_ups WHERE merchant = $1 AND due_at <= $3 AND given_up_at IS NULL
            ORDER BY due_at LIMIT $2)
        RETURNING kind, merchant, klarna_id, claim_number, attempts, recorded_at",
    again: "
        UPDATE follow_ups SET attempts = attempts + 1,
            due_at = $4 + $5, error = $7
        WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3 AND kind = $6
            AND $4 + $5 < give_up_at",
    // What may be paid is not forgotten, if it is about an order of ours.
    give_up: "
        UPDATE follow_ups SET attempts = attempts + 1, given_up_at = $4, error = $6
        WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3 AND kind = $5 AND kind IN ('push', 'read')
            AND EXISTS (SELECT 1 FROM orders o WHERE o.merchant = $1 AND o.klarna_id = $2 AND o.target = 'checkout')",
    has_given_up: "
        SELECT 1 AS one FROM follow_ups WHERE merchant = $1 AND given_up_at IS NOT NULL LIMIT 1",
    renew: "
        UPDATE follow_ups SET due_at = $2, give_up_at = $2 + $3, attempts = 0, given_up_at = NULL
        WHERE merchant = $1 AND given_up_at IS NOT NULL",
    done: "
        DELETE FROM follow_ups WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3 AND kind = $4",
    note_acknowledged: "
        UPDATE orders SET acknowledged_at = coalesce(acknowledged_at, $2) WHERE id = $1",
    lapsed: "
        DELETE FROM follow_ups WHERE merchant = $1 AND give_up_at < $2 AND due_at < $2 AND given_up_at IS NULL",
    // `order_search.rs` adds the merchant. CROSS JOIN keeps the order of the two steps, because few
    // follow-ups fail, and the plus sign keeps away from indexes with the merchant.
    orders_failing: "
        SELECT o.id FROM follow_ups f CROSS JOIN orders o ON +o.merchant = f.merchant AND o.klarna_id = f.klarna_id
        WHERE f.attempts > 0",
    orders_given_up: "
        SELECT o.id FROM follow_ups f CROSS JOIN orders o ON +o.merchant = f.merchant AND o.klarna_id = f.klarna_id
        WHERE f.given_up_at IS NOT NULL",
};
