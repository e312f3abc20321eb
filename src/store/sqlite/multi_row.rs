//! Statements that write many rows, several of them in one round trip to the thread that has the
//! connection.

use std::sync::OnceLock;

use sqlx::sqlite::SqliteRow;

use super::{Connection, Sqlite};
use crate::store::StoreError;
use crate::store::engine::{Now, Query};

/// For how many rows there are texts. Others use the next larger one, and its further rows are
/// nulls.
const SIZES: [usize; 5] = [1, 2, 4, 8, 16];
const MOST: usize = SIZES[SIZES.len() - 1];

/// Binds the values of a row, as many as the statement's text has.
pub(super) type Bind<T> = for<'q> fn(Query<'q, Sqlite>, &T, Now) -> Query<'q, Sqlite>;

/// Statements that run one after another. The text of each has the values of one row,
/// `VALUES (?, …)`, and no other parameter.
pub(super) struct MultiRowStatements<const N: usize> {
    statements: [&'static str; N],
    texts: [OnceLock<String>; SIZES.len()],
}

impl<const N: usize> MultiRowStatements<N> {
    pub(super) const fn new(statements: [&'static str; N]) -> Self {
        Self { statements, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// Runs all statements for the rows, sixteen at a time, and returns what they return.
    pub(super) async fn run<T>(
        &'static self,
        c: &mut Connection<'_>,
        now: Now,
        rows: &[T],
        binds: [Bind<T>; N],
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let mut returned = Vec::new();
        for rows in rows.chunks(MOST) {
            let place = SIZES.iter().position(|size| *size >= rows.len()).unwrap_or(SIZES.len() - 1);
            let size = SIZES[place];
            let mut query = c.query(self.texts[place].get_or_init(|| self.text(size)));
            for (statement, bind) in self.statements.iter().zip(binds) {
                query = rows.iter().fold(query, |query, row| bind(query, row, now));
                let nulls = width(statement) * (size - rows.len());
                query = (0..nulls).fold(query, |query, _| query.bind(None::<i64>));
            }
            // All rows, or SQLite would leave out what follows a statement that returns one.
            returned.append(&mut query.fetch_all().await?);
        }
        Ok(returned)
    }

    /// Returns the text of all statements for so many rows.
    fn text(&self, rows: usize) -> String {
        self.statements.map(|statement| for_rows(statement, rows)).join(";")
    }
}

/// The number of a row's values.
fn width(statement: &str) -> usize {
    statement.matches('?').count()
}

/// Returns the text for so many rows.
pub(in crate::store) fn for_rows(statement: &str, rows: usize) -> String {
    let row = format!("({})", vec!["?"; width(statement)].join(", "));
    statement.replacen(&row, &vec![row.as_str(); rows].join(", "), 1)
}

#[cfg(test)]
mod tests {
    use super::{MultiRowStatements, for_rows};
    use crate::store::sql::sqlite as sql;

    #[test]
    fn values_are_repeated_for_each_row() {
        let text =
            MultiRowStatements::new(["SELECT a FROM (VALUES (?, ?))", "SELECT 1", "SELECT (?)"]).text(2);
        assert_eq!(text, "SELECT a FROM (VALUES (?, ?), (?, ?));SELECT 1;SELECT (?), (?)");
    }

    #[test]
    fn each_statement_for_many_rows_has_the_values_of_one() {
        let many: Vec<_> = sql::OWN.concat().into_iter().filter(|(_, text)| text.contains('?')).collect();
        assert!(many.len() >= 10, "{}", many.len());
        for (name, text) in many {
            let (one, two) = (text.matches('?').count(), for_rows(text, 2).matches('?').count());
            assert_eq!(two, 2 * one, "{name}");
        }
    }
}
