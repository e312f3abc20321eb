//! Which statements read the whole of a table that grows: with a hundred million rows, they take
//! longer than a statement may.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::Value;
use sqlx::{Connection as _, Executor as _};

use super::{plans, postgres_with_tables, sqlite_plan, sqlite_with_tables, statement, statements};
use crate::order::Status;
use crate::store::audit::listed;
use crate::store::engine::Engine;
use crate::store::postgres::Postgres;
use crate::store::sql;
use crate::store::sqlite::Sqlite;
use crate::store::webhooks::narrowed;
use crate::store::{
    AuditFilter, Beginning, OrderFilter, OrderName, WebhookFilter, WebhookStatus, order_search,
};

const GROWING: [&str; 7] =
    ["orders", "order_attempts", "webhooks", "tokens", "known_tokens", "exchanges", "audit_log"];

/// Partial indexes that have an entry for most rows all the same.
const LONG: [&str; 9] = [
    "orders_wipe",
    "tokens_due",
    "tokens_seen",
    "orders_idempotency",
    "orders_reference1",
    "orders_reference2",
    "orders_klarna_id",
    "webhooks_ended",
    "audit_log_object",
];

/// Statements that may. The lists begin with the newest, and read on while a rare filter finds
/// nothing; those of webhooks lose their choices (`narrowed`). Parts of statements get their
/// conditions later. What is found by day, or planned anew, has this plan only while the tables are
/// empty.
const WHOLE: [&str; 12] = [
    "audit.list",
    "keeper.set_due_dates",
    "keeper.count_due",
    "orders.orders",
    "orders.order_ids",
    "orders.count_orders",
    "orders.order_codes",
    "overview.overview",
    "tokens.tokens",
    "webhooks.webhooks",
    "webhooks.count_webhooks",
    "webhooks.resend_webhooks",
];

/// Whether a plan reads a whole table that grows, or a whole long index. The first rows of a list
/// are not.
fn reads_all(plan: &Value, short: &BTreeSet<String>, limited: bool) -> bool {
    let text = |member: &str| plan[member].as_str().unwrap_or_default();
    let limited = limited || text("Node Type") == "Limit";
    let index = text("Index Name");
    let whole_index = !index.is_empty() && plan["Index Cond"].is_null() && !short.contains(index);
    GROWING.contains(&text("Relation Name"))
        && (text("Node Type") == "Seq Scan" || whole_index && !(limited && plan["Filter"].is_null()))
        || plan["Plans"].as_array().into_iter().flatten().any(|inner| reads_all(inner, short, limited))
}

#[tokio::test]
async fn postgresql_reads_no_growing_table_as_a_whole() {
    let (database, mut connection) = postgres_with_tables().await;
    // The tables are empty, so this tests whether an index can be used.
    let settings = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_mergejoin = off;
        SET enable_hashjoin = off; SET plan_cache_mode = force_generic_plan";
    connection.execute(settings).await.unwrap();
    let partial = "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL";
    let partial: Vec<String> = sqlx::query_scalar(partial).fetch_all(&mut connection).await.unwrap();
    let short = partial.iter().map(|name| name.trim_start_matches("klarna_worker.").to_owned());
    let short = short.filter(|name| !LONG.contains(&name.as_str())).collect();
    let mut found = Vec::new();
    for (name, statement) in statements::<Postgres>(sql::postgres::OWN) {
        // What is not a query has no plan.
        if !statement.contains("klarna_worker.") {
            continue;
        }
        let plan = plans::generic_plan(&mut connection, statement, "(FORMAT JSON)").await;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        if reads_all(&plan[0]["Plan"], &short, false) {
            found.push(name);
        }
    }
    connection.close().await.unwrap();
    database.remove().await;
    found.sort_unstable();
    let mut expected = WHOLE;
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// The names of tables that grow in plans of SQLite, which are those of the statement.
const ALIASES: [&str; 6] = ["o", "w", "t", "k", "e", "x"];

/// Statements that may, on SQLite: lists and their parts, as above, the newest rows, and statements
/// in which such a name is that of a subquery, of the processes, of the webhook endpoints or of the
/// keeper's row.
const WHOLE_ON_SQLITE: [&str; 19] = [
    "orders.order_ids",
    "overview.webhook_backlogs",
    "providers.latest_answers",
    "tokens.tokens",
    "webhooks.due_webhook_merchants",
    "audit.newest",
    "audit.list",
    "dashboard.waiting_codes",
    "dashboard.failed_codes",
    "dashboard.refused_merchants",
    "keeper.last_sweep",
    "orders.orders",
    "orders.count_orders",
    "orders.order_codes",
    "webhooks.webhooks",
    "webhooks.count_webhooks",
    "webhooks.resend_webhooks",
    "restore.left_open",
    "upkeep.delete_workers",
];

#[tokio::test]
async fn sqlite_reads_no_growing_table_as_a_whole() {
    let mut connection = sqlite_with_tables().await;
    let partial = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'";
    let partial: Vec<String> = sqlx::query_scalar(partial).fetch_all(&mut connection).await.unwrap();
    let is_short = |index: &str| partial.iter().any(|name| name == index) && !LONG.contains(&index);
    let reads_all = |step: &str| {
        let Some(scan) = step.strip_prefix("SCAN ") else { return false };
        let (table, index) = scan.split_once(" USING ").unwrap_or((scan, ""));
        let index = index.trim_start_matches("COVERING ").trim_start_matches("INDEX ");
        (GROWING.contains(&table) || ALIASES.contains(&table)) && !is_short(index)
    };
    let mut found = Vec::new();
    for (name, statement) in statements::<Sqlite>(sql::sqlite::OWN) {
        let plan = sqlite_plan(&mut connection, statement).await;
        if plan.lines().any(reads_all) {
            found.push(name);
        }
    }
    found.sort_unstable();
    let mut expected = WHOLE_ON_SQLITE;
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// Filters of webhooks, each with the index that must answer it.
fn filters() -> Vec<(WebhookFilter, &'static str)> {
    let any = WebhookFilter::default;
    let of = |status| WebhookFilter { status: Some(status), ..any() };
    vec![
        (WebhookFilter { user: Some("u-7".into()), ..any() }, "webhooks_user"),
        (WebhookFilter { merchant: Some("shop".into()), user: Some("u-7".into()), ..any() }, "webhooks_user"),
        (of(WebhookStatus::Failed), "webhooks_failed"),
    ]
}

const FILTERED: [&str; 3] = ["webhooks.webhooks", "webhooks.count_webhooks", "webhooks.resend_webhooks"];

/// Of many events, some are pending and few have failed.
const MANY_EVENTS: &str = "
    INSERT INTO klarna_worker.webhooks (id, merchant, user_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at)
    SELECT gen_random_uuid(), 'shop', 'u-' || i, 'order.submitted', '{}',
        CASE WHEN i % 500 = 3 THEN 'failed' WHEN i % 50 = 7 THEN 'pending' ELSE 'delivered' END, now(), now(), now(),
        CASE WHEN i % 50 <> 7 THEN now() END
    FROM generate_series(1, 20000) AS i";

#[tokio::test]
async fn sqlite_finds_webhooks_by_the_index_of_a_filter() {
    let mut connection = sqlite_with_tables().await;
    for (filter, index) in filters() {
        for name in FILTERED {
            let text = narrowed(statement(&statements::<Sqlite>(sql::sqlite::OWN), name), &filter);
            let plan = sqlite_plan(&mut connection, &text).await;
            assert!(plan.contains(index), "{name}, {index}: {plan}\n{text}");
        }
    }
}

#[tokio::test]
async fn postgresql_finds_webhooks_by_the_index_of_a_filter() {
    let (database, mut connection) = postgres_with_tables().await;
    connection.execute(MANY_EVENTS).await.unwrap();
    let analyzed = "ANALYZE klarna_worker.webhooks; SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(analyzed).execute(&mut connection).await.unwrap();
    for (filter, index) in filters() {
        for name in FILTERED {
            let text = narrowed(statement(&statements::<Postgres>(sql::postgres::OWN), name), &filter);
            let plan = plans::generic_plan(&mut connection, &text, "").await;
            assert!(plan.contains(index), "{name}, {index}: {plan}\n{text}");
        }
    }
    connection.close().await.unwrap();
    database.remove().await;
}

/// Filters of the audit log, each with the index that must answer it.
fn audited() -> [(AuditFilter, &'static str); 6] {
    let any = || AuditFilter { limit: 51, ..AuditFilter::default() };
    let refused = || AuditFilter { outcome: Some("refused".into()), ..any() };
    [
        (any(), "audit_log_pkey"),
        (AuditFilter { outcome: Some("done".into()), ..any() }, "audit_log_pkey"),
        (refused(), "audit_log_undone"),
        (AuditFilter { object: Some("o-7".into()), ..any() }, "audit_log_object"),
        (AuditFilter { object: Some("o-7".into()), ..refused() }, "audit_log_object"),
        (AuditFilter { user_hash: Some(vec![7; 32]), ..refused() }, "audit_log_user"),
    ]
}

/// Of many rows, some were refused.
const MANY_ROWS: &str = "
    INSERT INTO klarna_worker.audit_log (chain, number, happened_at, actor, action, outcome, merchant, user_hash, object,
        previous_hash, hash)
    SELECT gen_random_uuid(), 1, now(), 'key:shop', 'order.submit', CASE WHEN i % 100 = 3 THEN 'refused' ELSE 'done' END,
        'shop', sha256((i % 5000)::text::bytea), 'o-' || i, sha256('a'), sha256('b')
    FROM generate_series(1, 20000) AS i";

#[tokio::test]
async fn sqlite_finds_rows_of_the_audit_log_by_the_index_of_a_filter() {
    let mut connection = sqlite_with_tables().await;
    let rows = MANY_ROWS
        .replace("klarna_worker.", "")
        .replace("gen_random_uuid()", "randomblob(16)")
        .replace("now()", "0")
        .replace("sha256((i % 5000)::text::bytea)", "CAST('user ' || (i % 5000) AS BLOB)")
        .replace("sha256('a'), sha256('b')", "randomblob(32), randomblob(32)")
        .replace("generate_series(1, 20000) AS i", "n");
    let fill = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) {rows}; ANALYZE"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
    let list = statement(&statements::<Sqlite>(sql::sqlite::OWN), "audit.list");
    for (filter, index) in audited() {
        let text = listed(list, &filter);
        let plan = sqlite_plan(&mut connection, &text).await;
        // By the primary key, the table is read from its end.
        let found = if index == "audit_log_pkey" { plan == "SCAN audit_log" } else { plan.contains(index) };
        assert!(found && !plan.contains("TEMP B-TREE"), "{index}: {plan}\n{text}");
    }
}

#[tokio::test]
async fn postgresql_finds_rows_of_the_audit_log_by_the_index_of_a_filter() {
    let (database, mut connection) = postgres_with_tables().await;
    connection.execute(MANY_ROWS).await.unwrap();
    connection.execute("ANALYZE klarna_worker.audit_log").await.unwrap();
    let list = statement(&statements::<Postgres>(sql::postgres::OWN), "audit.list");
    let given = |text: &Option<String>| text.as_ref().map_or("NULL".to_owned(), |text| format!("'{text}'"));
    for (filter, index) in audited() {
        let text = listed(list, &filter);
        let prepare = sqlx::AssertSqlSafe(format!("PREPARE plan AS {text}"));
        sqlx::raw_sql(prepare).execute(&mut connection).await.unwrap();
        let user = filter.user_hash.as_ref().map_or("NULL", |_| "sha256('7')");
        let (outcome, object) = (given(&filter.outcome), given(&filter.object));
        // With what is looked for, as PostgreSQL plans the first executions of a statement.
        let explain = sqlx::AssertSqlSafe(format!(
            "EXPLAIN EXECUTE plan (NULL, NULL, NULL, NULL, {user}, {outcome}, {object}, NULL, 51)"
        ));
        let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut connection).await.unwrap();
        let plan = plan.join("\n");
        connection.execute("DEALLOCATE plan").await.unwrap();
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{index}: {plan}\n{text}");
    }
    connection.close().await.unwrap();
    database.remove().await;
}

/// The indexes of what orders are found by.
const NAMED: [&str; 6] = [
    "orders_user",
    "orders_idempotency",
    "orders_reference1",
    "orders_reference2",
    "orders_klarna_id",
    "orders_pkey",
];

fn beginning(text: &str) -> OrderFilter {
    OrderFilter { name: Some(OrderName::Begins(Beginning::new(text))), limit: 51, ..OrderFilter::default() }
}

/// Searches by the beginning of a name, which may be that of an id too: each statement that pages
/// and API make of one.
fn searches<E: Engine>() -> Vec<String> {
    let of_shop = OrderFilter { merchant: Some("shop".into()), ..beginning("0000000a") };
    let filters = [
        beginning("0000000a"),
        OrderFilter { status: Some(Status::Failed), ..of_shop.clone() },
        OrderFilter { user: Some("u-1".into()), since: Some(DateTime::UNIX_EPOCH), ..of_shop },
    ];
    filters
        .iter()
        .flat_map(|filter| [order_search::text::<E>(filter), order_search::count_text::<E>(filter)])
        .collect()
}

/// Orders with all names.
const MANY_ORDERS: &str = "
    INSERT INTO klarna_worker.orders (id, merchant, user_id, idempotency_key, digest, status, accepted_at, due_at, deadline_at,
        ended_at, klarna_id, merchant_reference1, merchant_reference2)
    SELECT gen_random_uuid(), 'shop', 'u-' || i, 'key-' || i, '', CASE WHEN i % 100 = 3 THEN 'failed' ELSE 'submitted' END,
        now(), now(), now(), now(), 'k-' || i, 'WEB-' || i, 'b-' || i
    FROM generate_series(1, 20000) AS i";

#[tokio::test]
async fn sqlite_searches_beginnings_by_ranges_of_indexes() {
    let mut connection = sqlite_with_tables().await;
    let rows = MANY_ORDERS.replace("klarna_worker.", "").replace("gen_random_uuid()", "randomblob(16)");
    let rows = rows.replace("now()", "0").replace("generate_series(1, 20000) AS i", "n");
    let fill =
        format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) {rows}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
    // Few databases were ever analyzed.
    for analyze in ["", "ANALYZE"] {
        sqlx::raw_sql(analyze).execute(&mut connection).await.unwrap();
        for search in searches::<Sqlite>() {
            let plan = sqlite_plan(&mut connection, &search).await;
            for index in NAMED {
                let index = index.replace("orders_pkey", "sqlite_autoindex_orders_1");
                let ranges = plan.lines().any(|step| {
                    step.contains(&format!("INDEX {index} ("))
                        && step.contains(">? AND ")
                        && step.ends_with("<?)")
                });
                assert!(ranges, "{index}: {plan}\n{search}");
            }
            assert!(
                !plan.contains("SCAN orders") && !plan.contains("TEMP B-TREE FOR ORDER"),
                "{plan}\n{search}"
            );
        }
    }
}

#[tokio::test]
async fn postgresql_searches_beginnings_by_ranges_of_indexes() {
    let (database, mut connection) = postgres_with_tables().await;
    connection.execute(MANY_ORDERS).await.unwrap();
    let analyzed = "ANALYZE klarna_worker.orders; SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(analyzed).execute(&mut connection).await.unwrap();
    for search in searches::<Postgres>() {
        let text = plans::generic_plan(&mut connection, &search, "(FORMAT JSON)").await;
        let plan: Value = serde_json::from_str(&text).unwrap();
        let mut ranges = BTreeSet::new();
        note_ranges(&plan[0]["Plan"], &mut ranges);
        assert_eq!(ranges, BTreeSet::from(NAMED.map(str::to_owned)), "{text}\n{search}");
        assert!(!reads_all(&plan[0]["Plan"], &BTreeSet::new(), false), "{text}\n{search}");
    }
    connection.close().await.unwrap();
    database.remove().await;
}

/// Notes the indexes of which a plan reads a range alone.
fn note_ranges(plan: &Value, ranges: &mut BTreeSet<String>) {
    let condition = plan["Index Cond"].as_str().unwrap_or_default();
    if let Some(index) =
        plan["Index Name"].as_str().filter(|_| condition.contains(" >= ") && condition.contains(" <"))
    {
        ranges.insert(index.to_owned());
    }
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        note_ranges(inner, ranges);
    }
}
