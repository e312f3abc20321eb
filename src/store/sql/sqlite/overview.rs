//! Figures, each from an index only, or from few rows.

use crate::store::sql::OverviewSql;

pub(in crate::store) const OVERVIEW: OverviewSql = OverviewSql {
    backlogs: "
        SELECT merchant, sum(queued) AS queued, sum(due) AS due, sum(running) AS running,
            min(oldest_due) AS oldest_due, sum(delayed) AS delayed, min(delayed_since) AS delayed_since
        FROM (
            SELECT merchant, count(*) AS queued, count(*) FILTER (WHERE due_at <= $1) AS due, 0 AS running,
                min(due_at) AS oldest_due,
                count(*) FILTER (WHERE due_at > $1 AND first_claimed_at IS NOT NULL) AS delayed,
                min(first_claimed_at) FILTER (WHERE due_at > $1) AS delayed_since
            FROM orders INDEXED BY orders_due WHERE status = 'queued' GROUP BY merchant
            UNION ALL
            SELECT merchant, 0, 0, count(*), NULL, 0, min(first_claimed_at) FILTER (WHERE claim_number > 1)
            FROM orders INDEXED BY orders_running WHERE status = 'running' GROUP BY merchant
        ) AS b
        GROUP BY merchant ORDER BY merchant",
    // In each day of the index tokens_due, the first entry is the one that became due first.
    overview: "
        WITH RECURSIVE d (day) AS (
            SELECT min(expires_at / 86400000000) FROM tokens WHERE state = 'active' AND refresh_due_at IS NOT NULL
            UNION ALL
            SELECT (
                SELECT min(t.expires_at / 86400000000) FROM tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 > d.day)
            FROM d WHERE d.day IS NOT NULL
        )
        SELECT $2 AS now,
            (SELECT count(*) FROM workers WHERE ended_at IS NULL AND heartbeat_at >= $2 - $1) AS workers,
            (SELECT count(*) FROM exchanges WHERE outcome IS NULL) AS open_exchanges,
            (SELECT ended_at FROM keeper) AS swept_at,
            (SELECT min((
                SELECT min(t.refresh_due_at) FROM tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL AND t.expires_at / 86400000000 = d.day))
                FROM d) AS oldest_due_token",
    // By day, because the index begins with it.
    expiring_tokens: "
        SELECT count(*) AS tokens FROM tokens
        WHERE state = 'active' AND refresh_due_at IS NOT NULL AND expires_at / 86400000000 < ($2 + $1) / 86400000000",
    webhook_backlogs: "
        SELECT e.merchant, e.disabled_at IS NOT NULL AS disabled, count(w.due_at) AS pending,
            count(w.due_at) FILTER (WHERE e.disabled_at IS NULL AND w.due_at <= $1) AS due,
            min(w.due_at) FILTER (WHERE e.disabled_at IS NULL) AS oldest_due
        FROM webhook_endpoints e LEFT JOIN webhooks w ON w.merchant = e.merchant AND w.status = 'pending'
        GROUP BY e.merchant, e.disabled_at ORDER BY e.merchant",
    // Only what is not done has a row. The third attempt fails after half a minute or later.
    follow_up_backlogs: "
        SELECT merchant, count(*) FILTER (WHERE given_up_at IS NULL) AS waiting,
            count(*) FILTER (WHERE given_up_at IS NULL AND attempts > 0) AS failed, count(given_up_at) AS given_up,
            min(give_up_at) FILTER (WHERE given_up_at IS NULL) AS give_up_at,
            count(*) FILTER (WHERE given_up_at IS NOT NULL OR attempts >= 3) AS stuck,
            min(klarna_id || char(10) || coalesce(error, ''))
                FILTER (WHERE given_up_at IS NOT NULL OR attempts >= 3) AS example
        FROM follow_ups GROUP BY merchant ORDER BY merchant",
    // The first by `webhooks_failed`, the second by `webhooks_due`.
    webhook_counts: "
        SELECT merchant, sum(failed) AS failed, min(oldest_pending) AS oldest_pending FROM (
            SELECT merchant, count(*) AS failed, NULL AS oldest_pending FROM webhooks
            WHERE status = 'failed' AND kind <> 'webhook.test' GROUP BY merchant
            UNION ALL
            SELECT merchant, 0, min(occurred_at) FROM webhooks
            WHERE status = 'pending' AND kind <> 'webhook.test' GROUP BY merchant) AS c
        GROUP BY merchant ORDER BY merchant",
    // The words of the condition are those of the partial index `orders_held`.
    held_orders: "
        SELECT count(*) AS orders FROM orders
        WHERE status = 'failed' AND body IS NOT NULL
            AND substr(error, 1, 27) = '{\"code\":\"database_restored\"'",
};
