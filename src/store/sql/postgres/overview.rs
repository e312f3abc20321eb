//! Figures, each from an index only, or from few rows.

use crate::store::sql::OverviewSql;

pub(in crate::store) const OVERVIEW: OverviewSql = OverviewSql {
    backlogs: "
        SELECT merchant, sum(queued)::bigint AS queued, sum(due)::bigint AS due, sum(running)::bigint AS running,
            min(oldest_due) AS oldest_due, sum(delayed)::bigint AS delayed, min(delayed_since) AS delayed_since
        FROM (
            SELECT merchant, count(*) AS queued,
                count(*) FILTER (WHERE due_at <= coalesce($1, clock_timestamp())) AS due, 0 AS running,
                min(due_at) AS oldest_due,
                count(*) FILTER (WHERE due_at > coalesce($1, clock_timestamp())
                    AND first_claimed_at IS NOT NULL) AS delayed,
                min(first_claimed_at) FILTER (WHERE due_at > coalesce($1, clock_timestamp())) AS delayed_since
            FROM klarna_worker.orders WHERE status = 'queued' GROUP BY merchant
            UNION ALL
            SELECT merchant, 0, 0, count(*), NULL, 0, min(first_claimed_at) FILTER (WHERE claim_number > 1)
            FROM klarna_worker.orders WHERE status = 'running' GROUP BY merchant
        ) AS b
        GROUP BY merchant ORDER BY merchant",
    // In each day of the index tokens_due, the first entry is the one that became due first.
    overview: "
        WITH RECURSIVE d (day) AS (
            SELECT min(((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01')) FROM klarna_worker.tokens
            WHERE state = 'active' AND refresh_due_at IS NOT NULL
            UNION ALL
            SELECT (
                SELECT min(((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01')) FROM klarna_worker.tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                    AND ((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') > d.day)
            FROM d WHERE d.day IS NOT NULL
        )
        SELECT coalesce($2, clock_timestamp()) AS now,
            (SELECT count(*) FROM klarna_worker.workers WHERE ended_at IS NULL
                AND heartbeat_at >= coalesce($2, clock_timestamp()) - make_interval(secs => $1 / 1000000.0)) AS workers,
            (SELECT count(*) FROM klarna_worker.exchanges WHERE outcome IS NULL) AS open_exchanges,
            (SELECT ended_at FROM klarna_worker.keeper) AS swept_at,
            (SELECT min((
                SELECT min(t.refresh_due_at) FROM klarna_worker.tokens t
                WHERE t.state = 'active' AND t.refresh_due_at IS NOT NULL
                    AND ((t.expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') = d.day))
                FROM d) AS oldest_due_token",
    // By day, because the index begins with it.
    expiring_tokens: "
        SELECT count(*) AS tokens FROM klarna_worker.tokens
        WHERE state = 'active' AND refresh_due_at IS NOT NULL
            AND ((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') < (
                SELECT ((coalesce($2, clock_timestamp()) + $1 * interval '1 microsecond') AT TIME ZONE 'UTC')::date
                    - DATE '1970-01-01')",
    webhook_backlogs: "
        SELECT e.merchant, e.disabled_at IS NOT NULL AS disabled, count(w.due_at) AS pending,
            count(w.due_at) FILTER (WHERE e.disabled_at IS NULL AND w.due_at <= coalesce($1, clock_timestamp())) AS due,
            min(w.due_at) FILTER (WHERE e.disabled_at IS NULL) AS oldest_due
        FROM klarna_worker.webhook_endpoints e
            LEFT JOIN klarna_worker.webhooks w ON w.merchant = e.merchant AND w.status = 'pending'
        GROUP BY e.merchant, e.disabled_at ORDER BY e.merchant",
    // Only what is not done has a row. The third attempt fails after half a minute or later.
    follow_up_backlogs: "
        SELECT merchant, count(*) FILTER (WHERE given_up_at IS NULL) AS waiting,
            count(*) FILTER (WHERE given_up_at IS NULL AND attempts > 0) AS failed, count(given_up_at) AS given_up,
            min(give_up_at) FILTER (WHERE given_up_at IS NULL) AS give_up_at,
            count(*) FILTER (WHERE given_up_at IS NOT NULL OR attempts >= 3) AS stuck,
            min(klarna_id || chr(10) || coalesce(error, ''))
                FILTER (WHERE given_up_at IS NOT NULL OR attempts >= 3) AS example
        FROM klarna_worker.follow_ups GROUP BY merchant ORDER BY merchant",
    // The first by `webhooks_failed`, the second by `webhooks_due`.
    webhook_counts: "
        SELECT merchant, sum(failed)::bigint AS failed, min(oldest_pending) AS oldest_pending FROM (
            SELECT merchant, count(*) AS failed, NULL::timestamptz AS oldest_pending FROM klarna_worker.webhooks
            WHERE status = 'failed' AND kind <> 'webhook.test' GROUP BY merchant
            UNION ALL
            SELECT merchant, 0, min(occurred_at) FROM klarna_worker.webhooks
            WHERE status = 'pending' AND kind <> 'webhook.test' GROUP BY merchant) AS c
        GROUP BY merchant ORDER BY merchant",
    // The words of the condition are those of the partial index `orders_held`.
    held_orders: "
        SELECT count(*) AS orders FROM klarna_worker.orders
        WHERE status = 'failed' AND body IS NOT NULL
            AND substr(error, 1, 27) = '{\"code\":\"database_restored\"'",
};
