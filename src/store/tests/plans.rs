//! Plans of the statements that every order needs.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use super::{postgres_with_tables, sqlite_plan, sqlite_with_tables, statement, statements};
use crate::store::postgres::{BY_KEY, Postgres};
use crate::store::sql;
use crate::store::sqlite::multi_row::for_rows;

fn postgres_statement(name: &str) -> &'static str {
    statement(&statements::<Postgres>(sql::postgres::OWN), name)
}

async fn prepare(connection: &mut PgConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE plan AS {text}"))).execute(connection).await.unwrap();
}

/// The plan of a statement for any arguments.
pub(super) async fn generic_plan(connection: &mut PgConnection, text: &str, options: &str) -> String {
    prepare(connection, text).await;
    let count = sqlx::query_scalar::<_, i32>(
        "SELECT coalesce(array_length(parameter_types, 1), 0) FROM pg_prepared_statements WHERE name = 'plan'",
    );
    let count = count.persistent(false).fetch_one(&mut *connection).await.unwrap();
    let nulls = vec!["NULL"; usize::try_from(count).unwrap()].join(", ");
    let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    let explain = AssertSqlSafe(format!("EXPLAIN {options} EXECUTE plan {arguments}"));
    let rows = sqlx::query(explain).persistent(false).fetch_all(&mut *connection).await.unwrap();
    // JSON has a type of its own.
    let plan: Vec<String> = rows.iter().map(|row| row.try_get_unchecked(0).unwrap()).collect();
    connection.execute("DEALLOCATE plan").await.unwrap();
    plan.join("\n")
}

/// A plan that is made while a table is empty stays until the table is analyzed.
#[tokio::test]
async fn postgresql_reads_rows_by_their_keys_however_few_there_are() {
    let (database, mut connection) = postgres_with_tables().await;
    connection.execute(BY_KEY).await.unwrap();
    for (name, indexes) in [
        ("STORE_SUCCESSORS", &["exchanges_pkey on exchanges x_1", "tokens_pkey", "orders_pkey"][..]),
        ("tokens.close", &["exchanges_pkey"]),
        ("tokens.dead", &["exchanges_pkey", "tokens_pkey"]),
        ("tokens.hold", &["exchanges_pkey", "tokens_pkey"]),
        ("tokens.replay_due", &["exchanges_pkey", "tokens_pkey"]),
        ("NOTE_SUBJECTS", &["tokens_merchant_user_id_key", "tokens_pkey"]),
        ("ANNOUNCE", &["orders_pkey", "tokens_pkey"]),
        ("ALL_SUBMITTED", &["orders_pkey", "cached_tokens_pkey"]),
        (
            "ALL_SUBMITTED_AND_NOTED",
            &["orders_pkey", "cached_tokens_pkey", "tokens_merchant_user_id_key", "tokens_pkey"],
        ),
        ("SUBMITTED", &["orders_pkey", "cached_tokens_pkey"]),
    ] {
        let plan = generic_plan(&mut connection, postgres_statement(name), "").await;
        for index in indexes {
            assert!(plan.contains(&format!("using {index}")), "{name}, {index}: {plan}");
        }
        // With the entries of what was closed since the last vacuum, for each row again.
        assert!(!plan.contains("exchanges_open") && !plan.contains("Seq Scan"), "{name}: {plan}");
    }
    connection.close().await.unwrap();
    database.remove().await;
}

/// An import begins with an empty table. An index by the state of tokens would read all users of a
/// merchant for each one.
#[tokio::test]
async fn postgresql_finds_a_user_by_name_in_an_empty_table() {
    let (database, mut connection) = postgres_with_tables().await;
    connection.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
    for name in ["tokens.lock_token", "tokens.token"] {
        let plan = generic_plan(&mut connection, postgres_statement(name), "").await;
        assert!(plan.contains("using tokens_merchant_user_id_key"), "{name}: {plan}");
    }
    connection.close().await.unwrap();
    database.remove().await;
}

/// Planning an insert takes as long as the insert.
#[tokio::test]
async fn postgresql_plans_the_insert_of_orders_once() {
    let (database, mut connection) = postgres_with_tables().await;
    prepare(&mut connection, postgres_statement("orders.insert_order")).await;
    for worker in ["NULL", "gen_random_uuid()"].repeat(3) {
        let execute = AssertSqlSafe(format!(
            "EXECUTE plan (gen_random_uuid(), 'shop', gen_random_uuid()::text, NULL, '', '{{}}', NULL, NULL, \
             NULL, 1, NULL, NULL, NULL, 'ref', NULL, 1, 'SEK', {worker}, NULL)"
        ));
        sqlx::raw_sql(execute).execute(&mut connection).await.unwrap();
    }
    let once = sqlx::query_scalar::<_, bool>(
        "SELECT generic_plans > 0 FROM pg_prepared_statements WHERE name = 'plan'",
    );
    assert!(once.persistent(false).fetch_one(&mut connection).await.unwrap());
    connection.close().await.unwrap();
    database.remove().await;
}

/// For sixteen rows, SQLite prefers other plans than for one.
#[tokio::test]
async fn sqlite_reads_rows_by_their_keys_however_many_there_are() {
    let mut connection = sqlite_with_tables().await;
    let many: Vec<_> = sql::sqlite::OWN.concat().into_iter().filter(|(_, text)| text.contains('?')).collect();
    assert!(!many.is_empty());
    for (name, text) in many {
        for rows in [1, 16] {
            let plan = sqlite_plan(&mut connection, &for_rows(text, rows)).await;
            for step in plan.lines().filter(|step| step.starts_with("SEARCH ")) {
                let by_key = step.contains("INTEGER PRIMARY KEY (rowid=?)")
                    || step.contains("INDEX sqlite_autoindex_");
                assert!(by_key, "{name}, {rows}: {plan}");
            }
            // The rows to be written, of which there are few.
            for step in plan.lines().filter_map(|step| step.strip_prefix("SCAN ")) {
                let given = step.len() == 1 || step.contains("CONSTANT ROW");
                assert!(given, "{name}, {rows}: {plan}");
            }
        }
    }
}
