//! Every statement is prepared against its engine, which finds wrong columns, tables and types.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _, SqliteConnection};
use test_support::postgres::TestDatabase;

use super::engine::Engine;
use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::{OrderFilter, migrations, order_search, sql};
use crate::order::{FollowUpState, OrderId, Status, Target, TokenOutcome};

mod growth;
mod plans;

async fn sqlite_with_tables() -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrations::migrator(migrations::SQLITE, "klarna_worker_migrations").run(&mut connection).await.unwrap();
    connection
}

async fn postgres_with_tables() -> (TestDatabase, PgConnection) {
    let database = TestDatabase::create().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    connection.execute("CREATE SCHEMA klarna_worker").await.unwrap();
    migrations::migrator(migrations::POSTGRES, "klarna_worker.migrations")
        .run(&mut connection)
        .await
        .unwrap();
    (database, connection)
}

#[tokio::test]
async fn sqlite_accepts_every_statement() {
    let mut connection = sqlite_with_tables().await;
    let mut refused = Vec::new();
    for (name, statement) in statements::<Sqlite>(sql::sqlite::OWN) {
        if let Err(error) = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await {
            refused.push(format!("{name}: {error}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[tokio::test]
async fn postgresql_accepts_every_statement() {
    let (database, mut connection) = postgres_with_tables().await;
    let mut refused = Vec::new();
    for (name, statement) in statements::<Postgres>(sql::postgres::OWN) {
        if let Err(error) = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await {
            refused.push(format!("{name}: {error}"));
        }
    }
    connection.close().await.unwrap();
    database.remove().await;
    assert!(refused.is_empty(), "{refused:#?}");
}

const TOKENS: u64 = 100_000;
/// Microseconds between two tokens' ends.
const EVERY_US: u64 = 60 * 86_400 * 1_000_000 / TOKENS;

/// Returns all statements of an engine with their names.
fn statements<E: Engine>(own: &[&[(&'static str, &'static str)]]) -> Vec<(&'static str, &'static str)> {
    [E::STATEMENTS.all(), own.concat()].concat()
}

/// Returns the statement with this name.
fn statement(statements: &[(&'static str, &'static str)], wanted: &str) -> &'static str {
    statements.iter().find(|(name, _)| *name == wanted).unwrap().1
}

/// Returns the steps of a statement's plan on SQLite, a line for each.
async fn sqlite_plan(connection: &mut SqliteConnection, statement: &str) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(AssertSqlSafe(explain)).fetch_all(connection).await.unwrap();
    plan.into_iter().map(|(.., step)| step).collect::<Vec<_>>().join("\n")
}

/// Tokens that expire evenly over sixty days, and the plans of a sweep's queries.
#[tokio::test]
async fn sqlite_finds_what_is_due_by_its_index() {
    let mut connection = sqlite_with_tables().await;
    let fill = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {TOKENS})
         INSERT INTO tokens (merchant, user_id, generation, grant_generation, state, sealed, provider, issued_at, expires_at,
             refresh_due_at, refresh_due_generation, last_seen_at, updated_at)
         SELECT 'shop', 'u-' || i, 1, 1, 'active', x'00', x'00', 0, i * {EVERY_US}, i * {EVERY_US} - 2000000000000, 1, 0, 0 FROM n;
         ANALYZE"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
    for (name, uses) in [
        ("keeper.next_due_day", "SEARCH t USING INDEX tokens_due (<expr>>?)"),
        (
            "keeper.due_of_day",
            "SEARCH tokens USING INDEX tokens_due (<expr>=? AND refresh_due_at>? AND refresh_due_at<?)",
        ),
        (
            "keeper.count_due",
            "SEARCH t USING INDEX tokens_due (<expr>=? AND refresh_due_at>? AND refresh_due_at<?)",
        ),
        ("overview.overview", "INDEX tokens_due (<expr>=?"),
        ("overview.expiring_tokens", "SEARCH tokens USING INDEX tokens_due (<expr><?)"),
        ("keeper.undated_tokens", "USING INDEX tokens_undated"),
        ("keeper.forget_idle", "USING INDEX tokens_seen"),
    ] {
        let plan =
            sqlite_plan(&mut connection, statement(&statements::<Sqlite>(sql::sqlite::OWN), name)).await;
        assert!(plan.contains(uses), "{name}: {plan}");
        assert!(!plan.contains("SCAN tokens\n") && !plan.ends_with("SCAN tokens"), "{name}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{name}: {plan}");
    }
}

#[tokio::test]
async fn postgresql_finds_what_is_due_by_its_index() {
    let (database, mut connection) = postgres_with_tables().await;
    let fill = format!(
        "INSERT INTO klarna_worker.tokens (merchant, user_id, generation, grant_generation, state, sealed, provider, issued_at,
             expires_at, refresh_due_at, refresh_due_generation, last_seen_at, updated_at)
         SELECT 'shop', 'u-' || i, 1, 1, 'active', '', '', now(), now() + i * interval '{EVERY_US} us',
             now() + i * interval '{EVERY_US} us' - interval '25 days', 1, now(), now()
         FROM generate_series(1, {TOKENS}) AS i"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
    sqlx::raw_sql("VACUUM ANALYZE klarna_worker.tokens").execute(&mut connection).await.unwrap();
    for (name, arguments, uses) in [
        ("keeper.next_due_day", "now(), 0", "tokens_due"),
        (
            "keeper.due_of_day",
            "(now()::date - DATE '1970-01-01' + 10), now(), 'epoch', 0, NULL, 200, '[]'",
            "Index Scan using tokens_due",
        ),
        ("keeper.count_due", "now()", "tokens_due"),
        ("overview.overview", "10000000, now()", "tokens_due"),
        ("overview.expiring_tokens", "864000000000, now()", "tokens_due"),
        ("keeper.undated_tokens", "0, 1000", "tokens_undated"),
        ("keeper.forget_idle", "1000000, 500, NULL", "tokens_seen"),
    ] {
        let prepare =
            format!("PREPARE plan AS {}", statement(&statements::<Postgres>(sql::postgres::OWN), name));
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE plan ({arguments})");
        let plan: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan = plan.join("\n");
        sqlx::raw_sql("DEALLOCATE plan").execute(&mut connection).await.unwrap();
        assert!(plan.contains(uses), "{name}: {plan}");
        assert!(!plan.contains("Seq Scan on tokens"), "{name}: {plan}");
    }
    connection.close().await.unwrap();
    database.remove().await;
}

/// Not by `orders_outcome`, which has an entry for each order of the backlog.
#[tokio::test]
async fn sqlite_finds_what_waits_without_reading_the_backlog() {
    let mut connection = sqlite_with_tables().await;
    for (name, indexes) in [
        ("orders.due_merchants", ["orders_due", "orders_due"]),
        ("orders.next_due", ["orders_next", "orders_next"]),
        ("orders.insert_order", ["orders_due", "orders_running"]),
        ("CLAIMABLE_ORDERS", ["orders_due", "orders_running"]),
        ("overview.backlogs", ["orders_due", "orders_running"]),
    ] {
        let plan =
            sqlite_plan(&mut connection, statement(&statements::<Sqlite>(sql::sqlite::OWN), name)).await;
        assert!(indexes.iter().all(|index| plan.contains(index)), "{name}: {plan}");
        assert!(!plan.contains("orders_outcome"), "{name}: {plan}");
    }
}

#[tokio::test]
async fn postgresql_finds_what_waits_without_what_has_ended() {
    let (database, mut connection) = postgres_with_tables().await;
    // Half have ended and come before the waiting ones, so that a random row is likely to have
    // ended.
    let fill = "
        INSERT INTO klarna_worker.orders (id, merchant, user_id, digest, body, status, accepted_at, due_at, deadline_at, ended_at)
        SELECT gen_random_uuid(), 'shop', 'u-' || i, '', '{}', CASE WHEN i > 5000 THEN 'queued' ELSE 'submitted' END,
            now(), now(), now(), CASE WHEN i <= 5000 THEN now() END
        FROM generate_series(1, 10000) AS i;
        INSERT INTO klarna_worker.webhook_endpoints (merchant, fingerprint) VALUES ('shop', '');
        INSERT INTO klarna_worker.webhooks (id, merchant, user_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at)
        SELECT gen_random_uuid(), 'shop', 'u-' || i, 'order.submitted', '{}',
            CASE WHEN i > 5000 THEN 'pending' ELSE 'delivered' END, now(), now(), now(), CASE WHEN i <= 5000 THEN now() END
        FROM generate_series(1, 10000) AS i";
    sqlx::raw_sql(fill).execute(&mut connection).await.unwrap();
    // As after a few executions, when PostgreSQL uses generic plans.
    let prepared =
        "ANALYZE klarna_worker.orders, klarna_worker.webhooks; SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(prepared).execute(&mut connection).await.unwrap();
    for (name, arguments, table, index) in [
        ("orders.due_merchants", "NULL", "orders", "orders_due"),
        ("orders.next_due", "NULL", "orders", "orders_next"),
        ("dashboard.queued_deadlines", "'shop', '[0, 1]', 10000", "orders", "orders_due"),
        (
            "orders.insert_order",
            "gen_random_uuid(), 'shop', 'u', NULL, '', '{}', NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, gen_random_uuid(), NULL",
            "orders",
            "orders_due",
        ),
        ("CLAIM_ORDERS", "'shop', 20, gen_random_uuid(), NULL, NULL", "orders", "orders_due"),
        ("webhooks.due_webhook_merchants", "NULL", "webhooks", "webhooks_due"),
        ("webhooks.claim_webhooks", "'shop', 8, 1, NULL", "webhooks", "webhooks_due"),
    ] {
        let prepare =
            format!("PREPARE plan AS {}", statement(&statements::<Postgres>(sql::postgres::OWN), name));
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE plan ({arguments})");
        let plan: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan = plan.join("\n");
        sqlx::raw_sql("DEALLOCATE plan").execute(&mut connection).await.unwrap();
        assert!(plan.contains(&format!("using {index} ")), "{name}: {plan}");
        assert!(!plan.contains(&format!("Seq Scan on {table} ")), "{name}: {plan}");
    }
    connection.close().await.unwrap();
    database.remove().await;
}

/// A ledger of one user with many answers.
const LONG_LEDGER: &str = "
    INSERT INTO SCHEMA.exchanges (id, token_id, generation, presentation, purpose, holder, opened_at, closed_at, travelling,
        outcome)
    SELECT ID, 1, i, 1, 'order', ID, NOW, NOW, false, 'rotated' FROM NUMBERS";

#[tokio::test]
async fn sqlite_looks_for_lost_answers_past_all_others() {
    let mut connection = sqlite_with_tables().await;
    let fill = LONG_LEDGER.replace("SCHEMA.", "").replace("ID", "randomblob(16)").replace("NOW", "0");
    let numbers =
        "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n)";
    sqlx::raw_sql(AssertSqlSafe(fill.replace("NUMBERS", numbers))).execute(&mut connection).await.unwrap();
    let claim = statement(&statements::<Sqlite>(sql::sqlite::OWN), "CLAIM_TOKEN");
    let plan = sqlite_plan(&mut connection, claim).await;
    assert!(
        plan.contains("USING COVERING INDEX exchanges_no_answer (token_id=? AND generation>?)")
            || plan.contains("USING INDEX exchanges_no_answer (token_id=? AND generation>?)"),
        "{plan}"
    );
}

#[tokio::test]
async fn postgresql_looks_for_lost_answers_past_all_others() {
    let (database, mut connection) = postgres_with_tables().await;
    let fill = LONG_LEDGER
        .replace("SCHEMA", "klarna_worker")
        .replace("ID", "gen_random_uuid()")
        .replace("NOW", "now()");
    let fill = fill.replace("NUMBERS", "generate_series(1, 2000) AS i");
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
    let analyzed = "ANALYZE klarna_worker.exchanges; SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(analyzed).execute(&mut connection).await.unwrap();
    let claim = statement(&statements::<Postgres>(sql::postgres::OWN), "CLAIM_TOKENS");
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE plan AS {claim}"))).execute(&mut connection).await.unwrap();
    let plan: Vec<String> =
        sqlx::query_scalar("EXPLAIN EXECUTE plan (ARRAY['shop'], ARRAY['u'], ARRAY[''::bytea], NULL)")
            .persistent(false)
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("exchanges_no_answer"), "{plan}");
    connection.close().await.unwrap();
    database.remove().await;
}

/// Frequent queries of takeovers, outbox, retention, erasure and pages, each with the index that it
/// must use.
const LOOKUPS: [(&str, &str, &str); 18] = [
    ("orders.running_of_worker", "'00000000-0000-0000-0000-000000000000'", "orders_running"),
    ("tokens.users_of_state", "'shop', 'uncertain', 'u', 50", "tokens_state"),
    ("webhooks.claim_webhooks", "'shop', 8, 1, NULL", "webhooks_due"),
    ("webhooks.due_webhook_merchants", "NULL", "webhooks_due"),
    ("upkeep.wipe_bodies", "1, 500, NULL", "orders_wipe"),
    ("upkeep.delete_orders", "1, 500, NULL, '00000000-0000-7000-8000-000000000000'", "orders_pkey"),
    ("upkeep.delete_webhooks", "1, 500, NULL", "webhooks_ended"),
    ("erasure.orders", "'shop', 'u', 'e', 500", "orders_user"),
    ("erasure.webhooks", "'shop', 'u'", "webhooks_user"),
    ("dashboard.latency_samples", "NULL, 1000", "orders_outcome"),
    ("dashboard.waiting_codes", "NULL, 'epoch'", "orders_waiting"),
    ("dashboard.refused_merchants", "NULL", "orders_waiting"),
    ("dashboard.failed_codes", "NULL, 'epoch'", "orders_failed"),
    ("dashboard.queued_deadlines", "'shop', '[0, 1]', 10000", "orders_due"),
    ("dashboard.changes_of_order", "'o'", "audit_log_object"),
    ("dashboard.attempts", "'00000000-0000-0000-0000-000000000000'", "order_attempts_order"),
    ("follow_ups.failing_of_order", "'00000000-0000-0000-0000-000000000000'", "follow_ups_"),
    ("order_admin.retry_follow_ups", "'{}', NULL, 1", "follow_ups_"),
];

/// Lists of orders, each with the values of its first statement and the index that it must use:
/// `only` if the ids must be found without reading a row.
fn lists() -> Vec<(OrderFilter, &'static str, &'static str)> {
    let any = || OrderFilter { limit: 51, ..OrderFilter::default() };
    let failed = || OrderFilter { status: Some(Status::Failed), ..any() };
    let last = OrderId::from(uuid::Uuid::nil());
    let mut lists = vec![
        (any(), "51", "orders_pkey"),
        (
            OrderFilter { before: Some(last), ..any() },
            "'00000000-0000-0000-0000-000000000000', 51",
            "orders_pkey",
        ),
        (failed(), "'failed', 51", "orders_outcome"),
        (
            OrderFilter { merchant: Some("shop".into()), token: Some(TokenOutcome::Cached), ..failed() },
            "'failed', 'shop', 'cached', 51",
            "only orders_outcome",
        ),
        (
            OrderFilter { target: Some(Target::Payments), ..any() },
            "'queued', 'payments', 51",
            "only orders_outcome",
        ),
        (OrderFilter { errors: vec!["bad".into()], ..any() }, "'bad', 51", "orders_error"),
        (
            OrderFilter { merchant: Some("shop".into()), user: Some("u".into()), ..any() },
            "'shop', 'u', 51",
            "orders_user",
        ),
        (OrderFilter { user: Some("u".into()), ..any() }, "'u', 51", "orders_user"),
        (OrderFilter { duplicates: Some(true), ..any() }, "51", "orders_duplicate"),
    ];
    // The follow-ups first, then their orders.
    for (state, of_follow_ups) in
        [(FollowUpState::Failing, "follow_ups_failing"), (FollowUpState::GivenUp, "follow_ups_given_up")]
    {
        let of_any = || OrderFilter { follow_ups: Some(state), ..any() };
        let of_shop =
            || OrderFilter { merchant: Some("shop".into()), status: Some(Status::Submitted), ..of_any() };
        for index in [of_follow_ups, "orders_klarna_id", "orders_pkey"] {
            lists.push((of_any(), "51", index));
            lists.push((of_shop(), "'submitted', 'shop', 51", index));
        }
    }
    // A search by name uses the index of each column that may have the name.
    for index in
        ["orders_user", "orders_idempotency", "orders_reference1", "orders_reference2", "orders_klarna_id"]
    {
        let named = || OrderFilter { name: Some("a".into()), ..any() };
        lists.push((named(), "'a', 51, 'a', 'a', 51, 'a', 51, 'a', 51", index));
        let of_shop = OrderFilter { merchant: Some("shop".into()), status: Some(Status::Failed), ..named() };
        let values = "'a', 'failed', 'shop', 51, 'a', 'failed', 'shop', 'a', 'failed', 'shop', 51, \
             'a', 'failed', 'shop', 51, 'a', 'failed', 'shop', 51";
        lists.push((of_shop, values, index));
    }
    let id = "00000000-0000-0000-0000-000000000000";
    let by_id = OrderFilter { name: Some(id.into()), ..any() };
    let values = "'ID', 51, 'ID', 'ID', 51, 'ID', 51, 'ID', 51, 'ID', 51".replace("ID", id);
    lists.push((by_id, values.leak(), "orders_pkey"));
    lists
}

#[tokio::test]
async fn sqlite_has_an_index_for_what_is_looked_for() {
    let mut connection = sqlite_with_tables().await;
    let lookups = LOOKUPS
        .map(|(name, _, index)| (statement(&statements::<Sqlite>(sql::sqlite::OWN), name).to_owned(), index));
    for (statement, index) in lookups
        .into_iter()
        .chain(lists().into_iter().map(|(of, _, index)| (order_search::text::<Sqlite>(&of), index)))
    {
        let plan = sqlite_plan(&mut connection, &statement).await;
        let index =
            index.replace("orders_pkey", "sqlite_autoindex_orders_1").replace("only ", "COVERING INDEX ");
        assert!(plan.contains(&index) && !plan.contains("TEMP B-TREE FOR ORDER"), "{statement}: {plan}");
    }
}

#[tokio::test]
async fn postgresql_has_an_index_for_what_is_looked_for() {
    let (database, mut connection) = postgres_with_tables().await;
    // The tables are empty, so this tests only whether the index can be used.
    connection
        .execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        .await
        .unwrap();
    let lookups = LOOKUPS.map(|(name, values, index)| {
        (statement(&statements::<Postgres>(sql::postgres::OWN), name).to_owned(), values, index)
    });
    let lists =
        lists().into_iter().map(|(of, values, index)| (order_search::text::<Postgres>(&of), values, index));
    for (statement, values, index) in lookups.into_iter().chain(lists) {
        let prepare = format!("PREPARE plan AS {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE plan ({values})");
        let plan: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan = plan.join("\n");
        sqlx::raw_sql("DEALLOCATE plan").execute(&mut connection).await.unwrap();
        let (only, index) = index.strip_prefix("only ").map_or((false, index), |index| (true, index));
        assert!(plan.contains(&format!("using {index}")), "{statement}: {plan}");
        assert!(!only || plan.contains("Index Only Scan"), "{statement}: {plan}");
    }
    connection.close().await.unwrap();
    database.remove().await;
}
