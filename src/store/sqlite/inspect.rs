//! The file's own facts.

use sqlx::{SqliteConnection, query};

use super::sql;
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{Inspection, StoreError};

pub(super) async fn inspect(c: &mut SqliteConnection) -> Result<Inspection, StoreError> {
    let version = bounded(query(sql::VERSION).fetch_one(&mut *c)).await?.text("version")?;
    let journal_mode = bounded(query(sql::JOURNAL_MODE).fetch_one(c)).await?.text("journal_mode")?;
    Ok(Inspection::Sqlite { version, journal_mode })
}
