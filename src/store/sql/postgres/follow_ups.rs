//! Calls to Klarna about orders that exist.

use crate::store::sql::FollowUpsSql;

pub(in crate::store) const FOLLOW_UPS: FollowUpsSql = FollowUpsSql {
    // One that comes again while the first is worked on changes nothing.
    record: "
        INSERT INTO klarna_worker.follow_ups (kind, merchant, klarna_id, due_at, give_up_at)
        VALUES ($5, $1, $2, coalesce($3, clock_timestamp()), coalesce($3, clock_timestamp()) + $4 * interval '1 microsecond')
        ON CONFLICT DO NOTHING",
    // The orders of a user that may still be paid.
    record_aborts: "
        INSERT INTO klarna_worker.follow_ups (kind, merchant, klarna_id, due_at, give_up_at)
        SELECT 'abort', o.merchant, o.klarna_id, t.now, t.now + $4 * interval '1 microsecond'
        FROM klarna_worker.orders o, (SELECT coalesce($3, clock_timestamp()) AS now) t
        WHERE o.merchant = $1 AND o.user_id = $2 AND o.status = 'submitted' AND o.target = 'checkout'
            AND o.klarna_id IS NOT NULL AND o.ended_at > t.now - 2 * $4 * interval '1 microsecond'
            AND (o.session_phase IS NULL OR o.session_phase = 'open')
        ON CONFLICT DO NOTHING",
    // An order that takes no result of the claim $3 any more: it has ended, and may be erased, or its body was
    // changed since. Another claim may have got the same id just now.
    unwanted: "
        SELECT merchant FROM klarna_worker.orders
        WHERE id = $1 AND (ended_at IS NOT NULL OR $3 <= changed_claim) AND klarna_id IS DISTINCT FROM $2",
    due_merchants: "
        SELECT DISTINCT merchant FROM klarna_worker.follow_ups WHERE due_at <= coalesce($1, clock_timestamp())",
    claim: "
        WITH t AS MATERIALIZED (SELECT coalesce($3, clock_timestamp()) AS now),
        due AS (
            SELECT p.klarna_id, p.kind FROM klarna_worker.follow_ups p
            WHERE p.merchant = $1 AND p.due_at <= (SELECT now FROM t)
            ORDER BY p.due_at LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE klarna_worker.follow_ups p SET due_at = t.now + $4 * interval '1 microsecond', claim_number = p.claim_number + 1
        FROM due, t WHERE p.merchant = $1 AND p.klarna_id = due.klarna_id AND p.kind = due.kind
        RETURNING p.kind, p.merchant, p.klarna_id, p.claim_number, p.attempts",
    again: "
        UPDATE klarna_worker.follow_ups SET attempts = attempts + 1,
            due_at = coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond'
        WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3 AND kind = $6
            AND coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond' < give_up_at",
    done: "
        DELETE FROM klarna_worker.follow_ups WHERE merchant = $1 AND klarna_id = $2 AND claim_number = $3 AND kind = $4",
    lapsed: "
        DELETE FROM klarna_worker.follow_ups
        WHERE merchant = $1 AND give_up_at < coalesce($2, clock_timestamp())
            AND due_at < coalesce($2, clock_timestamp())",
};
