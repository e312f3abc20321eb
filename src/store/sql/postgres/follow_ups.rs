//! Calls to Klarna about orders that exist.

use crate::store::sql::FollowUpsSql;

pub(in crate::store) const FOLLOW_UPS: FollowUpsSql = FollowUpsSql {
    // One that comes again while the first is worked on changes nothing. One that was given up
    // begins anew.
    record: "
        INSERT INTO klarna_worker.follow_ups AS f (kind, merchant, klarna_id, recorded_at, due_at, give_up_at)
        VALUES ($5, $1, $2, coalesce($3, clock_timestamp()), coalesce($3, clock_timestamp()),
            coalesce($3, clock_timestamp()) + $4 * interval '1 microsecond')
        ON CONFLICT (merchant, klarna_id, kind) DO UPDATE
            SET due_at = excluded.due_at, give_up_at = excluded.give_up_at, attempts = 0, given_up_at = NULL
            WHERE f.given_up_at IS NOT NULL",
    failing_of_order: "
        SELECT f.kind, f.attempts, f.error, f.due_at, f.given_up_at
        FROM klarna_worker.orders o JOIN klarna_worker.follow_ups f ON f.merchant = o.merchant
            AND f.klarna_id = o.klarna_id
        WHERE o.id = $1 AND f.attempts > 0 ORDER BY f.kind",
    // The orders of a user that may still be paid.
    record_aborts: "
        INSERT INTO klarna_worker.follow_ups (kind, merchant, klarna_id, recorded_at, due_at, give_up_at)
        SELECT 'abort', o.merchant, o.klarna_id, t.now, t.now, t.now + $4 * interval '1 microsecond'
        FROM klarna_worker.orders o, (SELECT coalesce($3, clock_timestamp()) AS now) t
        WHERE o.merchant = $1 AND o.user_id = $2 AND o.status = 'submitted' AND o.target = 'checkout'
            AND o.klarna_id IS NOT NULL AND o.ended_at > t.now - 2 * $4 * interval '1 microsecond'
            AND (o.session_phase IS NULL OR o.session_phase = 'open')
        ON CONFLICT DO NOTHING",
    // An order that takes no result of the claim $3 any more: it has ended, and may be erased, or
    // its body was changed since. Another claim may have got the same id just now.
    unwanted: "
        SELECT merchant FROM klarna_worker.orders
        WHERE id = $1 AND (ended_at IS NOT NULL OR $3 <= changed_claim) AND klarna_id IS DISTINCT FROM $2",
    due_merchants: "
        SELECT DISTINCT merchant FROM klarna_worker.follow_ups
        WHERE due_at <= coalesce($1, clock_timestamp()) AND given_up_at IS NULL",
    claim: "
        WITH t AS MATERIALIZED (SELECT coalesce($3, clock_timestamp()) AS now),
        due AS (
            SELECT p.klarna_id, p.kind FROM klarna_worker.follow_ups p
            WHERE p.merchant = $1 AND p.due_at <= (SELECT now FROM t) AND p.given_up_at IS NULL
            ORDER BY p.due_at LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE klarna_worker.follow_ups p SET due_at = t.now + $4 * interval '1 microsecond',
            claim_number = p.claim_number + 1
        FROM due, t WHERE p.merchant = $1 AND p.klarna_id = due.klarna_id AND p.kind = due.kind
        RETURNING p.kind, p.merchant, p.klarna_id, p.claim_number, p.attempts, p.recorded_at",
    again: "
        UPDATE klarna_worker.follow_ups SET attempts = attempts + 1,
            due_at = coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond', error = $7
        WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3 AND kind = $6
            AND coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond' < give_up_at",
    // What may be paid is not forgotten, if it is about an order of ours.
    give_up: "
        UPDATE klarna_worker.follow_ups
        SET attempts = attempts + 1, given_up_at = coalesce($4, clock_timestamp()), error = $6
        WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3 AND kind = $5 AND kind IN ('push', 'read')
            AND EXISTS (
                SELECT 1 FROM klarna_worker.orders o
                WHERE o.merchant = $1 AND o.klarna_id = $2 AND o.target = 'checkout')",
    has_given_up: "
        SELECT 1 AS one FROM klarna_worker.follow_ups WHERE merchant = $1 AND given_up_at IS NOT NULL LIMIT 1",
    renew: "
        UPDATE klarna_worker.follow_ups SET due_at = coalesce($2, clock_timestamp()),
            give_up_at = coalesce($2, clock_timestamp()) + $3 * interval '1 microsecond', attempts = 0,
            given_up_at = NULL
        WHERE merchant = $1 AND given_up_at IS NOT NULL",
    done: "
        DELETE FROM klarna_worker.follow_ups WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3
            AND kind = $4",
    note_acknowledged: "
        UPDATE klarna_worker.orders SET acknowledged_at = coalesce(acknowledged_at, $2, clock_timestamp())
        WHERE id = $1",
    lapsed: "
        DELETE FROM klarna_worker.follow_ups
        WHERE merchant = $1 AND give_up_at < coalesce($2, clock_timestamp())
            AND due_at < coalesce($2, clock_timestamp()) AND given_up_at IS NULL",
    // `order_search.rs` adds the merchant. OFFSET 0 keeps the order of the two steps: few
    // follow-ups fail.
    orders_failing: "
        SELECT o.id FROM klarna_worker.follow_ups f CROSS JOIN LATERAL (
            SELECT id FROM klarna_worker.orders WHERE merchant = f.merchant AND klarna_id = f.klarna_id OFFSET 0) o
        WHERE f.attempts > 0",
    orders_given_up: "
        SELECT o.id FROM klarna_worker.follow_ups f CROSS JOIN LATERAL (
            SELECT id FROM klarna_worker.orders WHERE merchant = f.merchant AND klarna_id = f.klarna_id OFFSET 0) o
        WHERE f.given_up_at IS NOT NULL",
};
