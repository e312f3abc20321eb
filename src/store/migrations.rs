//! The migrations of both engines, and which programs may use a database.
//!
//! A schema change adds first and removes a release later, so that programs of two releases can run
//! side by side. CONTRIBUTING.md has the rules, and `tests/it/migrations.rs` checks new migrations
//! against them.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::StoreError;

/// A migration that is compiled into the program. Its file is `NNNN_name.sql`.
#[derive(Clone, Copy)]
pub(super) struct File {
    pub(super) number: i64,
    pub(super) name: &'static str,
    /// The text.
    pub(super) sql: &'static str,
}

/// Every file of `migrations/postgres`.
pub(super) const POSTGRES: &[File] =
    &[File { number: 1, name: "baseline", sql: include_str!("../../migrations/postgres/0001_baseline.sql") }];

/// Every file of `migrations/sqlite`.
pub(super) const SQLITE: &[File] =
    &[File { number: 1, name: "baseline", sql: include_str!("../../migrations/sqlite/0001_baseline.sql") }];

/// The level of this program. A release that stops using something that a later one removes raises
/// it by one. A migration that breaks older programs raises `minimum_program` in the database;
/// programs with a lower level do not start, and running ones end.
pub const PROGRAM_LEVEL: i64 = 1;

/// The lowest level of programs that can use the schema of this program's migrations: the highest
/// value that they set `minimum_program` to.
pub const OLDEST_PROGRAM: i64 = 1;

/// Returns sqlx's migrator for these files, which records in `table` the migrations that a database
/// has run. A database may also have migrations of newer programs.
pub(super) fn migrator(files: &[File], table: &'static str) -> Migrator {
    let mut migrator = Migrator::with_migrations(files.iter().map(migration).collect());
    migrator.dangerous_set_table_name(table);
    migrator.set_ignore_missing(true);
    migrator
}

/// Returns sqlx's form of a migration. With `-- no-transaction` as its first line, it runs outside
/// a transaction.
pub(super) fn migration(&File { number, name, sql }: &File) -> Migration {
    let no_tx = sql.starts_with("-- no-transaction");
    Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), no_tx)
}

/// Checks that this program may use a database that requires this level.
pub(super) fn check_level(needed: i64) -> Result<(), StoreError> {
    if needed > PROGRAM_LEVEL {
        return Err(StoreError::NeedsNewerProgram { needed, has: PROGRAM_LEVEL });
    }
    Ok(())
}

/// A migration that a database has run: its number, and sqlx's checksum of its text.
pub(super) type Applied = (i64, Vec<u8>);

/// Returns the migrations that a database has not run yet, in order.
///
/// # Errors
/// [`StoreError::OtherMigration`] if the database has run a different migration with one of these
/// numbers.
pub(super) fn pending<'a>(
    migrator: &'a Migrator,
    applied: &[Applied],
) -> Result<Vec<&'a Migration>, StoreError> {
    let mut pending = Vec::new();
    for migration in migrator.iter() {
        match applied.iter().find(|(number, _)| *number == migration.version) {
            None => pending.push(migration),
            Some((_, checksum)) if *checksum != *migration.checksum => {
                return Err(StoreError::OtherMigration(name(migration)));
            }
            Some(_) => {}
        }
    }
    Ok(pending)
}

/// Returns the names of the migrations that a database has not run yet.
pub(super) fn missing(migrator: &Migrator, applied: &[Applied]) -> Result<Vec<String>, StoreError> {
    Ok(pending(migrator, applied)?.into_iter().map(name).collect())
}

/// Returns the name of a migration's file.
pub(super) fn name(migration: &Migration) -> String {
    format!("{:04}_{}", migration.version, migration.description)
}

/// Classifies an error of a migration like that of any statement.
pub(super) fn failed(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => error.into(),
        MigrateError::ExecuteMigration(error, version) => match error.into() {
            StoreError::Refused(why) | StoreError::Unexpected(why) => {
                StoreError::Refused(format!("migration {version}: {why}"))
            }
            other => other,
        },
        other => StoreError::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
    use test_support::postgres::TestDatabase;

    use super::*;

    #[test]
    fn every_file_is_compiled_in() {
        for (engine, files) in [("postgres", POSTGRES), ("sqlite", SQLITE)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
            let mut found: Vec<_> = fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            let listed: Vec<_> =
                files.iter().map(|file| format!("{:04}_{}.sql", file.number, file.name)).collect();
            assert_eq!(found, listed, "list the files of {} in src/store/migrations.rs", folder.display());
            for (name, file) in listed.iter().zip(files) {
                let text = fs::read_to_string(folder.join(name)).unwrap();
                assert_eq!(file.sql, text, "{name} is another file's text");
            }
        }
    }

    /// Returns the dump of a database of the baseline's program.
    fn dump(engine: &str) -> AssertSqlSafe<String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/upgrade/baseline.{engine}.sql"));
        AssertSqlSafe(fs::read_to_string(file).unwrap())
    }

    /// Returns a migrator for these files and one more.
    fn grown(files: &[File], later: &'static str, table: &'static str) -> Migrator {
        migrator(&[files, &[File { number: 9001, name: "later", sql: later }]].concat(), table)
    }

    const RUN: &str = "SELECT count(*), max(version) FROM ";
    const GROWN: &str = "SELECT count(*) FROM orders WHERE later = 'x'";

    #[tokio::test]
    async fn a_later_migration_runs_on_what_the_baseline_left_on_sqlite() {
        let mut c = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::raw_sql(dump("sqlite")).execute(&mut c).await.unwrap();
        let table = "klarna_worker_migrations";
        let later = "ALTER TABLE orders ADD COLUMN later TEXT NOT NULL DEFAULT 'x'";
        grown(SQLITE, later, table).run_direct(None, &mut c, false).await.unwrap();
        let run: (i64, i64) =
            sqlx::query_as(AssertSqlSafe(format!("{RUN}{table}"))).fetch_one(&mut c).await.unwrap();
        let orders: i64 = sqlx::query_scalar(GROWN).fetch_one(&mut c).await.unwrap();
        assert_eq!((run, orders), ((2, 9001), 8));
    }

    #[tokio::test]
    async fn a_later_migration_runs_on_what_the_baseline_left_on_postgresql() {
        let database = TestDatabase::create().await;
        let mut c = PgConnection::connect(database.url()).await.unwrap();
        sqlx::raw_sql(dump("postgresql")).execute(&mut c).await.unwrap();
        let table = "klarna_worker.migrations";
        let later = "ALTER TABLE klarna_worker.orders ADD COLUMN later text NOT NULL DEFAULT 'x'";
        grown(POSTGRES, later, table).run_direct(None, &mut c, false).await.unwrap();
        let run: (i64, i64) =
            sqlx::query_as(AssertSqlSafe(format!("{RUN}{table}"))).fetch_one(&mut c).await.unwrap();
        sqlx::raw_sql("SET search_path = klarna_worker").execute(&mut c).await.unwrap();
        let orders: i64 = sqlx::query_scalar(GROWN).fetch_one(&mut c).await.unwrap();
        assert_eq!((run, orders), ((2, 9001), 8));
        c.close().await.unwrap();
        database.remove().await;
    }
}
