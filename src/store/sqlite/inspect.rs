//! What the file reports about itself.

use super::{Connection, sql};
use crate::store::columns::Columns;
use crate::store::{Inspection, StoreError};

pub(super) async fn inspect(c: &mut Connection<'_>) -> Result<Inspection, StoreError> {
    let version = c.query(sql::VERSION).fetch_one().await?.text("version")?;
    let journal_mode = c.query(sql::JOURNAL_MODE).fetch_one().await?.text("journal_mode")?;
    Ok(Inspection::Sqlite { version, journal_mode })
}
