//! Every statement is prepared against its engine, which finds a wrong column, table or type before a shop does.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _, SqliteConnection};

use self::server::TestDatabase;
use super::{postgres, sqlite};

#[path = "../../tests/support/postgres.rs"]
mod server;

#[tokio::test]
async fn sqlite_accepts_every_statement() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::migrate!("migrations/sqlite").run(&mut connection).await.unwrap();
    let mut refused = Vec::new();
    for (name, statement) in sqlite::STATEMENTS {
        if let Err(error) = connection.prepare(AssertSqlSafe(*statement).into_sql_str()).await {
            refused.push(format!("{name}: {error}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[tokio::test]
async fn postgresql_accepts_every_statement() {
    let database = TestDatabase::create().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    connection.execute("CREATE SCHEMA klarna_worker").await.unwrap();
    sqlx::migrate!("migrations/postgres").run(&mut connection).await.unwrap();
    let mut refused = Vec::new();
    for (name, statement) in postgres::STATEMENTS {
        if let Err(error) = connection.prepare(AssertSqlSafe(*statement).into_sql_str()).await {
            refused.push(format!("{name}: {error}"));
        }
    }
    connection.close().await.unwrap();
    database.remove().await;
    assert!(refused.is_empty(), "{refused:#?}");
}
