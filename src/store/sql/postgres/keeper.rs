//! The keeper. The day of expiry is written exactly as in the index `tokens_due`.

use crate::store::sql::KeeperSql;

pub(in crate::store) const KEEPER: KeeperSql = KeeperSql {
    now: "
        SELECT coalesce($1, clock_timestamp()) AS now",
    undated_tokens: "
        SELECT id, merchant, user_id, generation, expires_at FROM klarna_worker.tokens
        WHERE state = 'active' AND refresh_due_generation IS DISTINCT FROM generation AND id > $1
        ORDER BY id LIMIT $2",
    planned_tokens: "
        SELECT id, merchant, user_id, generation, expires_at FROM klarna_worker.tokens
        WHERE state = 'active' AND (refresh_note IS NULL OR refresh_note = 'idle') AND id > $1
        ORDER BY id LIMIT $2",
    set_due_dates: "
        UPDATE klarna_worker.tokens t SET refresh_due_at = timestamptz 'epoch' + p.due * interval '1 microsecond',
            refresh_due_generation = t.generation, refresh_failures = 0, refresh_note = NULL,
            last_seen_at = coalesce(t.last_seen_at, t.updated_at)
        FROM json_to_recordset($1::json) AS p (id bigint, generation bigint, due bigint)
        WHERE t.id = p.id AND t.generation = p.generation AND t.state = 'active'
            AND (t.refresh_due_generation IS DISTINCT FROM t.generation OR t.refresh_note IS NULL
                OR t.refresh_note = 'idle')",
    bring_forward: "
        UPDATE klarna_worker.tokens SET refresh_due_at = least(refresh_due_at, coalesce($2, clock_timestamp())),
            refresh_due_generation = generation, refresh_note = 'no_answer'
        WHERE state = 'active' AND id IN (
            SELECT e.token_id FROM klarna_worker.exchanges e
                JOIN klarna_worker.tokens t ON t.id = e.token_id AND t.generation = e.generation
                LEFT JOIN klarna_worker.workers w ON w.id = e.holder
            WHERE e.outcome IS NULL AND (w.id IS NULL OR w.ended_at IS NOT NULL
                OR (w.id, w.heartbeats) IN (SELECT id, heartbeats
                    FROM json_to_recordset($1::json) AS s (id uuid, heartbeats bigint))))",
    next_due_day: "
        WITH RECURSIVE d (day) AS (
            SELECT min((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens
            WHERE state = 'active' AND refresh_due_at IS NOT NULL
                AND (expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' > $2
            UNION ALL
            SELECT (
                SELECT min((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                    AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' > d.day)
            FROM d WHERE d.day IS NOT NULL
        )
        SELECT day::bigint AS day FROM d WHERE EXISTS (
            SELECT 1 FROM klarna_worker.tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' = d.day AND t.refresh_due_at <= $1)
        LIMIT 1",
    // The merchant is no condition: a page would read without end past the tokens of the others.
    due_of_day: "
        SELECT id, merchant, user_id, generation, issued_at, expires_at, refresh_due_at, refresh_failures,
            last_seen_at, ($5::text IS NULL OR merchant = $5)
                AND merchant NOT IN (SELECT value FROM json_array_elements_text($7::json)) AS wanted
        FROM klarna_worker.tokens
        WHERE state = 'active' AND refresh_due_at IS NOT NULL
            AND (expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' = $1 AND refresh_due_at <= $2
            AND (refresh_due_at, id) > ($3, $4) AND refresh_due_generation = generation
        ORDER BY refresh_due_at, id LIMIT $6",
    count_due: "
        WITH RECURSIVE d (day) AS (
            SELECT min((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens
            WHERE state = 'active' AND refresh_due_at IS NOT NULL
            UNION ALL
            SELECT (
                SELECT min((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') FROM klarna_worker.tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                    AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' > d.day)
            FROM d WHERE d.day IS NOT NULL
        )
        SELECT coalesce(sum((
            SELECT count(*) FROM klarna_worker.tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                AND (t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01' = d.day AND t.refresh_due_at <= $1)
            ), 0)::bigint
            AS tokens
        FROM d WHERE d.day IS NOT NULL",
    postpone: "
        UPDATE klarna_worker.tokens SET refresh_due_at = $3, refresh_failures = $4, refresh_note = $5
        WHERE id = $1 AND generation = $2 AND state = 'active'",
    forget_idle: "
        UPDATE klarna_worker.tokens SET generation = generation + 1, state = 'forgotten', reason = NULL, sealed = NULL,
            signed_in_at = NULL, issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL,
            refresh_due_at = NULL, refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL,
            updated_at = coalesce($3, clock_timestamp())
        WHERE state <> 'forgotten' AND coalesce(last_seen_at, updated_at) < (
                SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
            AND id IN (
                SELECT id FROM klarna_worker.tokens
                WHERE state <> 'forgotten'
                    AND coalesce(last_seen_at, updated_at) < (
                        SELECT coalesce($3, clock_timestamp()) - $1 * interval '1 microsecond')
                ORDER BY coalesce(last_seen_at, updated_at) LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id",
    token_counts: "
        SELECT state, reason,
            CASE WHEN state <> 'active' THEN NULL WHEN expires_at <= coalesce($2, clock_timestamp()) THEN -1
                ELSE floor(extract(epoch FROM expires_at - coalesce($2, clock_timestamp())) / 86400)::bigint
            END AS days,
            count(*) AS tokens
        FROM klarna_worker.tokens WHERE id > $3 AND id <= $4 AND ($1::text IS NULL OR merchant = $1)
        GROUP BY 1, 2, 3",
    take_sweep: "
        UPDATE klarna_worker.keeper SET holder = $1, began_at = coalesce($3, clock_timestamp()),
            leased_until = coalesce($3, clock_timestamp()) + $2 * interval '1 microsecond'
        WHERE holder IS NULL OR holder = $1 OR leased_until < coalesce($3, clock_timestamp())
            OR leased_until > coalesce($3, clock_timestamp()) + $2 * interval '1 microsecond'
            OR NOT EXISTS (SELECT 1 FROM klarna_worker.workers w WHERE w.id = keeper.holder AND w.ended_at IS NULL)",
    renew_sweep: "
        UPDATE klarna_worker.keeper SET leased_until = coalesce($3, clock_timestamp()) + $2 * interval '1 microsecond'
        WHERE holder = $1",
    end_sweep: "
        UPDATE klarna_worker.keeper SET holder = NULL, leased_until = NULL,
            ended_at = CASE WHEN $2 THEN coalesce($3, clock_timestamp()) ELSE ended_at END
        WHERE holder = $1",
    last_sweep: "
        SELECT k.ended_at, w.name FROM klarna_worker.keeper k LEFT JOIN klarna_worker.workers w ON w.id = k.holder",
};
