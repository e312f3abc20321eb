//! What both engines know of migrations, and of which programs a database is for.
//!
//! A schema grows first and shrinks one release later, so that programs of two releases can run beside each other; CONTRIBUTING.md
//! has the rules, and `tests/it/migrations.rs` holds new migrations to them.

use sqlx::migrate::{MigrateError, Migration, Migrator};

use super::StoreError;

/// The level of this program: one more with each release that stops using something that is to be removed. A migration that an
/// older program cannot live with raises `minimum_program` in the database, and programs below it refuse to start, and end.
pub const PROGRAM_LEVEL: i64 = 1;

/// The lowest level that can live with the schema of this program's migrations: the highest that they raise `minimum_program` to.
pub const OLDEST_PROGRAM: i64 = 1;

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
    format!("{:04}_{}", migration.version, migration.description.replace(' ', "_"))
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
