//! Rows by the hundred thousand, as years of work leave them, for measurements: written by the engine itself, since the ways
//! in would take hours.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, raw_sql};

use super::StoreError;

/// How much there is to be.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// Orders of the last week; one of a hundred failed, and one of a thousand is under way, each with what belongs to it.
    pub orders: u64,
    /// Users with a token, which lapse within sixty days; one of a thousand must sign in again, or is uncertain.
    pub tokens: u64,
}

/// `{orders}`, `{tokens}`, `{merchant}` and `{body}` stand for what is to be.
const SQLITE: &str = r#"
    BEGIN;
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {orders}),
    t AS (SELECT i, (CAST(unixepoch('subsec') * 1000 AS INTEGER) - ({orders} - i) * 604800000 / {orders}) AS ms,
        CASE WHEN i % 1000 = 7 THEN 'queued' WHEN i % 100 = 3 THEN 'failed' WHEN i % 500 = 9 THEN 'cancelled' ELSE 'submitted' END AS status
        FROM n)
    INSERT INTO orders (id, merchant, user_id, digest, body, status, accepted_at, due_at, deadline_at, first_claimed_at,
        ended_at, attempts, possible_duplicate, token_outcome, klarna_order_id, html_snippet, correlation_id, error)
    SELECT unhex(printf('%012x', ms) || '7' || substr(hex(randomblob(2)), 2) || 'A' || substr(hex(randomblob(8)), 2)),
        '{merchant}', 'u-' || (i % ({tokens} / 2 + 1)), x'00', '{body}', status, ms * 1000, ms * 1000, ms * 1000 + 600000000, ms * 1000 + 2000,
        CASE WHEN status <> 'queued' THEN ms * 1000 + 80000 + i % 40000 END, 1, i % 1000 = 5,
        CASE WHEN status IN ('submitted', 'failed') THEN CASE i % 10 WHEN 1 THEN 'not_registered' WHEN 2 THEN 'reauth_required' ELSE 'fresh' END END,
        CASE WHEN status = 'submitted' THEN hex(randomblob(16)) END, CASE WHEN status = 'submitted' THEN hex(randomblob(300)) END,
        hex(randomblob(16)),
        CASE WHEN status = 'failed' THEN '{"code":"' || iif(i % 1000 = 3, 'deadline_passed', 'klarna_refused_order') || '","message":"No."}' END
    FROM t;
    INSERT INTO order_attempts (order_id, ended_at, lost, error)
    SELECT id, ended_at, 0, error FROM orders WHERE status = 'failed';
    INSERT INTO webhooks (id, merchant, user_id, order_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at, attempts, error)
    SELECT randomblob(16), merchant, user_id, id, iif(status = 'failed', 'order.failed', 'order.submitted'), '{}', 'delivered',
        ended_at, ended_at, ended_at + 259200000000, ended_at + 50000, 1, NULL
    FROM orders WHERE status IN ('submitted', 'failed');
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {tokens}),
    t AS (SELECT i, CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now, CASE i % 1000 WHEN 1 THEN 'reauth_required' WHEN 2 THEN 'uncertain' ELSE 'active' END AS state FROM n)
    INSERT INTO tokens (merchant, user_id, generation, grant_generation, state, reason, sealed, issued_at, expires_at, updated_at,
        refresh_due_at, refresh_due_generation, last_seen_at)
    SELECT '{merchant}', 'u-' || i, 3, 1, state, iif(state = 'reauth_required', 'rejected', NULL), randomblob(200), now,
        now + i * 5184000000000 / {tokens}, now, iif(state = 'active', now + i * 5184000000000 / {tokens} - 1728000000000, NULL), 3, now
    FROM t;
    INSERT INTO exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
    SELECT randomblob(16), t.id, 3, row_number() OVER (PARTITION BY t.id), 'order', o.id, x'00', o.accepted_at, o.accepted_at + 40000, 'rotated'
    FROM orders o JOIN tokens t ON t.merchant = o.merchant AND t.user_id = o.user_id;
    COMMIT;
"#;

const POSTGRES: &str = r#"
    INSERT INTO klarna_worker.orders (id, merchant, user_id, digest, body, status, accepted_at, due_at, deadline_at, first_claimed_at,
        ended_at, attempts, possible_duplicate, token_outcome, klarna_order_id, html_snippet, correlation_id, error)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || 'a' || substr(md5(random()::text), 1, 15))::uuid,
        '{merchant}', 'u-' || (i % ({tokens} / 2 + 1)), '', '{body}', status, at, at, at + interval '10 min', at + interval '2 ms',
        CASE WHEN status <> 'queued' THEN at + (80 + i % 40) * interval '1 ms' END, 1, i % 1000 = 5,
        CASE WHEN status IN ('submitted', 'failed') THEN CASE i % 10 WHEN 1 THEN 'not_registered' WHEN 2 THEN 'reauth_required' ELSE 'fresh' END END,
        CASE WHEN status = 'submitted' THEN md5(random()::text) END, CASE WHEN status = 'submitted' THEN repeat(md5(random()::text), 18) END,
        md5(random()::text),
        CASE WHEN status = 'failed' THEN '{"code":"' || CASE WHEN i % 1000 = 3 THEN 'deadline_passed' ELSE 'klarna_refused_order' END || '","message":"No."}' END
    FROM (SELECT i, now() - ({orders} - i) * (interval '7 days' / {orders}) AS at,
        CASE WHEN i % 1000 = 7 THEN 'queued' WHEN i % 100 = 3 THEN 'failed' WHEN i % 500 = 9 THEN 'cancelled' ELSE 'submitted' END AS status
        FROM generate_series(0, {orders} - 1) AS i) AS t;
    INSERT INTO klarna_worker.order_attempts (order_id, ended_at, lost, error)
    SELECT id, ended_at, false, error FROM klarna_worker.orders WHERE status = 'failed';
    INSERT INTO klarna_worker.webhooks (id, merchant, user_id, order_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at, attempts)
    SELECT gen_random_uuid(), merchant, user_id, id, CASE status WHEN 'failed' THEN 'order.failed' ELSE 'order.submitted' END, '{}', 'delivered',
        ended_at, ended_at, ended_at + interval '3 days', ended_at + interval '50 ms', 1
    FROM klarna_worker.orders WHERE status IN ('submitted', 'failed') ORDER BY id;
    INSERT INTO klarna_worker.tokens (merchant, user_id, generation, grant_generation, state, reason, sealed, issued_at, expires_at, updated_at,
        refresh_due_at, refresh_due_generation, last_seen_at)
    SELECT '{merchant}', 'u-' || i, 3, 1, state, CASE WHEN state = 'reauth_required' THEN 'rejected' END, decode(repeat(md5(random()::text), 12), 'hex'), now(),
        now() + i * (interval '60 days' / {tokens}), now(), CASE WHEN state = 'active' THEN now() + i * (interval '60 days' / {tokens}) - interval '20 days' END, 3, now()
    FROM (SELECT i, CASE i % 1000 WHEN 1 THEN 'reauth_required' WHEN 2 THEN 'uncertain' ELSE 'active' END AS state FROM generate_series(0, {tokens} - 1) AS i) AS t;
    INSERT INTO klarna_worker.exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
    SELECT gen_random_uuid(), t.id, 3, row_number() OVER (PARTITION BY t.id), 'order', o.id, gen_random_uuid(), o.accepted_at, o.accepted_at + interval '40 ms', 'rotated'
    FROM klarna_worker.orders o JOIN klarna_worker.tokens t ON t.merchant = o.merchant AND t.user_id = o.user_id;
"#;

/// As the server's own upkeep leaves it.
const TIDY: &str = "VACUUM (ANALYZE)";

/// Fills a database that is migrated and empty. `body` is what each order has.
///
/// # Errors
/// Where the database refuses.
pub async fn fill(url: &SecretString, merchant: &str, body: &str, much: Fill) -> Result<(), StoreError> {
    let url = url.expose_secret();
    let unreadable = |error: sqlx::Error| StoreError::Location(error.to_string());
    let text = |template: &str| {
        let quoted = |text: &str| text.replace('\'', "''");
        let counts =
            template.replace("{orders}", &much.orders.to_string()).replace("{tokens}", &much.tokens.to_string());
        AssertSqlSafe(counts.replace("{merchant}", &quoted(merchant)).replace("{body}", &quoted(body)))
    };
    if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url).map_err(unreadable)?.disable_statement_logging();
        let mut connection = options.connect().await?;
        raw_sql(text(SQLITE)).execute(&mut connection).await?;
        return Ok(connection.close().await?);
    }
    let options = PgConnectOptions::from_str(url).map_err(unreadable)?.disable_statement_logging();
    let mut connection = options.connect().await?;
    raw_sql(text(POSTGRES)).execute(&mut connection).await?;
    raw_sql(TIDY).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
