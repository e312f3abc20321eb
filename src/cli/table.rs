//! Plain aligned tables.

use console::{Alignment, measure_text_width, pad_str};

const GAP: usize = 2;
/// No column is cut to less, even where the table then does not fit.
const NARROWEST: usize = 6;

/// Rows under a header, aligned in columns.
#[derive(Clone, Debug)]
pub struct Table {
    /// The header first.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Self {
        Self { rows: vec![header.map(str::to_owned).to_vec()] }
    }

    /// Adds a row, which has as many cells as the header.
    pub fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        debug_assert_eq!(COLUMNS, self.rows[0].len());
        self.rows.push(cells.map(|cell| printable(&cell)).to_vec());
    }

    /// The table as text, cut to `width` columns where given, without a newline at its end.
    #[must_use]
    pub fn fitted(&self, width: Option<usize>) -> String {
        let widths = self.widths(width.unwrap_or(usize::MAX));
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| pad_str(cell, width, Alignment::Left, Some("…")));
            cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// As wide as the widest cell, and then the widest columns cut until all fit.
    fn widths(&self, available: usize) -> Vec<usize> {
        let columns = self.rows[0].len();
        let widest = |column: usize| self.rows.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..columns).map(widest).collect();
        while widths.iter().sum::<usize>() + GAP * columns.saturating_sub(1) > available {
            match widths.iter_mut().max() {
                Some(width) if *width > NARROWEST => *width -= 1,
                _ => break,
            }
        }
        widths
    }
}

/// Names and messages come from outside: no control character of theirs may steer the terminal.
pub(super) fn printable(cell: &str) -> String {
    cell.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["user", "state"]);
        table.row(["u-1".to_owned(), "active".to_owned()]);
        table.row(["Žofie-Ångström".to_owned(), "reauth_required".to_owned()]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        let expected = "user            state\nu-1             active\nŽofie-Ångström  reauth_required";
        assert_eq!(table().fitted(None), expected);
    }

    #[test]
    fn the_widest_columns_are_cut_to_fit() {
        for width in 14..40 {
            let text = table().fitted(Some(width));
            assert!(text.lines().all(|line| measure_text_width(line) <= width), "{width}: {text}");
        }
        assert_eq!(table().fitted(Some(18)), "user      state\nu-1       active\nŽofie-Å…  reauth_…");
    }

    #[test]
    fn cells_cannot_steer_the_terminal() {
        let mut table = Table::new(["message"]);
        table.row(["\u{1b}[2Jgone\nnext".to_owned()]);
        assert_eq!(table.fitted(None), "message\n [2Jgone next");
    }
}
