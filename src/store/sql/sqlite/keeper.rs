//! The keeper. The day of expiry is written exactly as in the index `tokens_due`.

use crate::store::sql::KeeperSql;

pub(in crate::store) const KEEPER: KeeperSql = KeeperSql {
    now: "
        SELECT $1 AS now",
    undated_tokens: "
        SELECT id, merchant, user_id, generation, expires_at FROM tokens
        WHERE state = 'active' AND refresh_due_generation IS NOT generation AND id > $1
        ORDER BY id LIMIT $2",
    planned_tokens: "
        SELECT id, merchant, user_id, generation, expires_at FROM tokens
        WHERE state = 'active' AND (refresh_note IS NULL OR refresh_note = 'idle') AND id > $1
        ORDER BY id LIMIT $2",
    set_due_dates: "
        UPDATE tokens SET refresh_due_at = p.due, refresh_due_generation = tokens.generation, refresh_failures = 0,
            refresh_note = NULL, last_seen_at = coalesce(last_seen_at, updated_at)
        FROM (
            SELECT value ->> 'id' AS id, value ->> 'generation' AS generation, value ->> 'due' AS due FROM json_each($1)
        ) AS p
        WHERE tokens.id = p.id AND tokens.generation = p.generation AND state = 'active'
            AND (refresh_due_generation IS NOT tokens.generation OR refresh_note IS NULL OR refresh_note = 'idle')",
    bring_forward: "
        UPDATE tokens SET refresh_due_at = min(coalesce(refresh_due_at, $2), $2), refresh_due_generation = generation,
            refresh_note = 'no_answer'
        WHERE state = 'active' AND id IN (
            SELECT e.token_id FROM exchanges e JOIN tokens t ON t.id = e.token_id AND t.generation = e.generation
                LEFT JOIN workers w ON w.id = e.holder
            WHERE e.outcome IS NULL AND (w.id IS NULL OR w.ended_at IS NOT NULL
                OR (w.id, w.heartbeats) IN (SELECT unhex(value ->> 'id'), value ->> 'heartbeats' FROM json_each($1))))",
    next_due_day: "
        WITH RECURSIVE d (day) AS (
            SELECT min(expires_at / 86400000000) FROM tokens
            WHERE state = 'active' AND refresh_due_at IS NOT NULL AND expires_at / 86400000000 > $2
            UNION ALL
            SELECT (
                SELECT min(t.expires_at / 86400000000) FROM tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 > d.day)
            FROM d WHERE d.day IS NOT NULL
        )
        SELECT day FROM d WHERE EXISTS (
            SELECT 1 FROM tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 = d.day
                AND t.refresh_due_at <= $1)
        LIMIT 1",
    // The merchant is no condition: a page would read without end past the tokens of the others.
    due_of_day: "
        SELECT id, merchant, user_id, generation, issued_at, expires_at, refresh_due_at, refresh_failures,
            last_seen_at, ($5 IS NULL OR merchant = $5)
                AND merchant NOT IN (SELECT value FROM json_each($7)) AS wanted
        FROM tokens
        WHERE state = 'active' AND refresh_due_at IS NOT NULL AND expires_at / 86400000000 = $1 AND refresh_due_at <= $2
            AND (refresh_due_at, id) > ($3, $4) AND refresh_due_generation = generation
        ORDER BY refresh_due_at, id LIMIT $6",
    count_due: "
        WITH RECURSIVE d (day) AS (
            SELECT min(expires_at / 86400000000) FROM tokens WHERE state = 'active' AND refresh_due_at IS NOT NULL
            UNION ALL
            SELECT (
                SELECT min(t.expires_at / 86400000000) FROM tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 > d.day)
            FROM d WHERE d.day IS NOT NULL
        )
        SELECT coalesce(sum((
            SELECT count(*) FROM tokens t
            WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 = d.day
                AND t.refresh_due_at <= $1)), 0) AS tokens
        FROM d WHERE d.day IS NOT NULL",
    postpone: "
        UPDATE tokens SET refresh_due_at = $3, refresh_failures = $4, refresh_note = $5
        WHERE id = $1 AND generation = $2 AND state = 'active'",
    forget_idle: "
        UPDATE tokens SET generation = generation + 1, state = 'forgotten', reason = NULL, sealed = NULL,
            signed_in_at = NULL, issued_at = NULL, expires_at = NULL, last_exchange = NULL, subject = NULL,
            refresh_due_at = NULL, refresh_failures = 0, refresh_note = NULL, last_seen_at = NULL, updated_at = $3
        WHERE id IN (
            SELECT id FROM tokens WHERE state <> 'forgotten' AND coalesce(last_seen_at, updated_at) < $3 - $1
            ORDER BY coalesce(last_seen_at, updated_at) LIMIT $2)
        RETURNING id",
    token_counts: "
        SELECT state, reason, CASE WHEN state <> 'active' THEN NULL WHEN expires_at <= $2 THEN -1
                ELSE (expires_at - $2) / 86400000000 END AS days,
            count(*) AS tokens
        FROM tokens WHERE id > $3 AND id <= $4 AND ($1 IS NULL OR merchant = $1)
        GROUP BY 1, 2, 3",
    take_sweep: "
        UPDATE keeper SET holder = $1, began_at = $3, leased_until = $3 + $2
        WHERE holder IS NULL OR holder = $1 OR leased_until < $3 OR leased_until > $3 + $2
            OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = keeper.holder AND w.ended_at IS NULL)",
    renew_sweep: "
        UPDATE keeper SET leased_until = $3 + $2 WHERE holder = $1",
    end_sweep: "
        UPDATE keeper SET holder = NULL, leased_until = NULL, ended_at = CASE WHEN $2 THEN $3 ELSE ended_at END
        WHERE holder = $1",
    last_sweep: "
        SELECT k.ended_at, w.name FROM keeper k LEFT JOIN workers w ON w.id = k.holder",
};
