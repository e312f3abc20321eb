//! What both engines know of migrations, and of which programs a database is for.
//!
//! A schema grows first and shrinks one release later, so that programs of two releases can run beside each other; CONTRIBUTING.md
//! has the rules, and `tests/it/migrations.rs` holds new migrations to them.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::StoreError;

/// A migration as it is compiled in: its number, its name and its text. The file is `NNNN_name.sql`.
pub(super) type File = (i64, &'static str, &'static str);

/// Every file of `migrations/postgres`.
pub(super) const POSTGRES: &[File] = &[
    (1, "foundations", include_str!("../../migrations/postgres/0001_foundations.sql")),
    (2, "keeper", include_str!("../../migrations/postgres/0002_keeper.sql")),
    (3, "doors", include_str!("../../migrations/postgres/0003_doors.sql")),
    (4, "doors", include_str!("../../migrations/postgres/0004_doors.sql")),
    (6, "keys", include_str!("../../migrations/postgres/0006_keys.sql")),
    (7, "restored", include_str!("../../migrations/postgres/0007_restored.sql")),
    (8, "traces", include_str!("../../migrations/postgres/0008_traces.sql")),
    (9, "pages", include_str!("../../migrations/postgres/0009_pages.sql")),
    (12, "uncertain", include_str!("../../migrations/postgres/0012_uncertain.sql")),
];

/// Every file of `migrations/sqlite`.
pub(super) const SQLITE: &[File] = &[
    (1, "foundations", include_str!("../../migrations/sqlite/0001_foundations.sql")),
    (2, "keeper", include_str!("../../migrations/sqlite/0002_keeper.sql")),
    (3, "doors", include_str!("../../migrations/sqlite/0003_doors.sql")),
    (4, "doors", include_str!("../../migrations/sqlite/0004_doors.sql")),
    (6, "keys", include_str!("../../migrations/sqlite/0006_keys.sql")),
    (7, "restored", include_str!("../../migrations/sqlite/0007_restored.sql")),
    (8, "traces", include_str!("../../migrations/sqlite/0008_traces.sql")),
    (9, "pages", include_str!("../../migrations/sqlite/0009_pages.sql")),
    (12, "uncertain", include_str!("../../migrations/sqlite/0012_uncertain.sql")),
];

/// The level of this program: one more with each release that stops using something that is to be removed. A migration that an
/// older program cannot live with raises `minimum_program` in the database, and programs below it refuse to start, and end.
pub const PROGRAM_LEVEL: i64 = 1;

/// The lowest level that can live with the schema of this program's migrations: the highest that they raise `minimum_program` to.
pub const OLDEST_PROGRAM: i64 = 1;

/// What runs those files, and notes in `table` which of them a database has. Migrations of newer programs may be there, too.
pub(super) fn migrator(files: &[File], table: &'static str) -> Migrator {
    let mut migrator = Migrator::with_migrations(files.iter().map(migration).collect());
    migrator.dangerous_set_table_name(table);
    migrator.set_ignore_missing(true);
    migrator
}

/// As sqlx reads a file: a first line `-- no-transaction` has it run outside a transaction.
pub(super) fn migration(&(number, name, sql): &File) -> Migration {
    let no_tx = sql.starts_with("-- no-transaction");
    Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), no_tx)
}

/// Whether a database that asks for programs of a level lets this one in.
pub(super) fn check_level(needed: i64) -> Result<(), StoreError> {
    if needed > PROGRAM_LEVEL {
        return Err(StoreError::NeedsNewerProgram { needed, has: PROGRAM_LEVEL });
    }
    Ok(())
}

/// The names of those that a database lacks.
pub(super) fn missing(migrator: &Migrator, applied: &[i64]) -> Vec<String> {
    migrator.iter().filter(|migration| !applied.contains(&migration.version)).map(name).collect()
}

/// Its file's name.
pub(super) fn name(migration: &Migration) -> String {
    format!("{:04}_{}", migration.version, migration.description)
}

/// What went wrong, sorted as any other statement's failure.
pub(super) fn failed(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => error.into(),
        MigrateError::ExecuteMigration(error, version) => match error.into() {
            StoreError::Refused(why) => StoreError::Refused(format!("migration {version}: {why}")),
            other => other,
        },
        other => StoreError::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_compiled_in() {
        for (engine, files) in [("postgres", POSTGRES), ("sqlite", SQLITE)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
            let mut found: Vec<_> =
                fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            found.sort();
            let listed: Vec<_> = files.iter().map(|(number, name, _)| format!("{number:04}_{name}.sql")).collect();
            assert_eq!(found, listed, "list the files of {} in src/store/migrations.rs", folder.display());
            for (file, (.., sql)) in listed.iter().zip(files) {
                assert_eq!(*sql, fs::read_to_string(folder.join(file)).unwrap(), "{file} is another file's text");
            }
        }
    }
}
