//! Plain aligned tables that fit the terminal.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

const GAP: usize = 2;
/// The minimum width of a shortened column. Before a column gets narrower, another one is left out.
const NARROWEST: usize = 12;
/// The width of an id. The most important column is shown in full up to this width.
const WHOLE: usize = 36;

/// Rows under a header, aligned in columns.
#[derive(Clone, Debug)]
pub struct Table {
    /// The header first.
    rows: Vec<Vec<String>>,
    /// The columns, most important first. The last ones are left out if there is no room.
    by_weight: Vec<usize>,
}

/// A column that is shown.
struct Column {
    index: usize,
    /// In characters.
    width: usize,
}

impl Table {
    /// An empty table with these columns, most important first.
    #[must_use]
    pub fn new<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Self {
        Self { rows: vec![header.map(str::to_owned).to_vec()], by_weight: (0..COLUMNS).collect() }
    }

    /// Sets the most important columns, in this order.
    #[must_use]
    pub fn above_all(mut self, columns: &[&str]) -> Self {
        let header = &self.rows[0];
        self.by_weight
            .sort_by_key(|&at| columns.iter().position(|name| *name == header[at]).unwrap_or(columns.len()));
        self
    }

    /// Adds a row with one cell for each column.
    pub fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        debug_assert_eq!(COLUMNS, self.rows[0].len());
        self.rows.push(cells.map(|cell| printable(&cell)).to_vec());
    }

    /// The table as text, without a newline at the end. If it must fit `width`, cells are
    /// shortened, then the least important columns are left out; if not even two columns fit, each
    /// row becomes a block of lines.
    #[must_use]
    pub fn fitted(&self, width: Option<usize>) -> String {
        let available = width.unwrap_or(usize::MAX);
        let fewest = self.by_weight.len().min(2);
        for shown in (fewest..=self.by_weight.len()).rev() {
            if let Some(widths) = self.widths(&self.by_weight[..shown], available) {
                return self.lines(&widths);
            }
        }
        self.blocks(available)
    }

    /// The columns as wide as they are shown; `None` if they do not fit.
    fn widths(&self, columns: &[usize], available: usize) -> Option<Vec<Column>> {
        let widest =
            |column: usize| self.rows.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0);
        let mut widths: Vec<Column> =
            columns.iter().map(|&index| Column { index, width: widest(index) }).collect();
        let least = |place: usize, width: usize| width.min(if place == 0 { WHOLE } else { NARROWEST });
        let leasts: Vec<usize> =
            widths.iter().enumerate().map(|(place, column)| least(place, column.width)).collect();
        let room = available.checked_sub(GAP * columns.len().saturating_sub(1))?;
        if leasts.iter().sum::<usize>() > room {
            return None;
        }
        while widths.iter().map(|column| column.width).sum::<usize>() > room {
            let cuttable = widths.iter_mut().zip(&leasts).filter(|(column, least)| column.width > **least);
            let (widest, _) = cuttable.max_by_key(|(column, _)| column.width)?;
            widest.width -= 1;
        }
        widths.sort_unstable_by_key(|column| column.index);
        Some(widths)
    }

    fn lines(&self, widths: &[Column]) -> String {
        let line = |row: &Vec<String>| {
            let cells = widths
                .iter()
                .map(|&Column { index, width }| pad_str(&row[index], width, Alignment::Left, Some("…")));
            cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Prints the most important cell on a line of its own, and the other cells below it.
    fn blocks(&self, available: usize) -> String {
        let (header, rows) = (&self.rows[0], &self.rows[1..]);
        let names = header.iter().map(|name| measure_text_width(name)).max().unwrap_or(0);
        let first = self.by_weight[0];
        let mut lines = Vec::new();
        for row in rows {
            lines.push(truncate_str(&row[first], available, "…").into_owned());
            for at in (0..header.len()).filter(|&at| at != first && !row[at].is_empty()) {
                let line = format!("  {}  {}", pad_str(&header[at], names, Alignment::Left, None), row[at]);
                lines.push(truncate_str(&line, available, "…").into_owned());
            }
        }
        lines.join("\n")
    }
}

/// Replaces control characters, because names and messages come from outside and must not control
/// the terminal.
pub(super) fn printable(cell: &str) -> String {
    cell.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["user", "state", "note"]).above_all(&["user", "note"]);
        table.row(["u-1".to_owned(), "active".to_owned(), String::new()]);
        table.row([
            "Žofie-Ångström".to_owned(),
            "reauth_required".to_owned(),
            "sign in again, please".to_owned(),
        ]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        let expected = "user            state            note\nu-1             active\n\
                        Žofie-Ångström  reauth_required  sign in again, please";
        assert_eq!(table().fitted(None), expected);
        assert_eq!(table().fitted(Some(54)), expected);
    }

    #[test]
    fn it_fits_whatever_the_width() {
        for width in 1..60 {
            let text = table().fitted(Some(width));
            assert!(text.lines().all(|line| measure_text_width(line) <= width), "{width}: {text}");
        }
    }

    #[test]
    fn cells_are_cut_then_columns_left_out_then_rows_made_blocks() {
        let cut = "user            state         note\nu-1             active\nŽofie-Ångström  reauth_requ…  sign in aga…";
        assert_eq!(table().fitted(Some(42)), cut);
        let fewer = "user            note\nu-1\nŽofie-Ångström  sign in again, please";
        assert_eq!(table().fitted(Some(41)), fewer);
        let blocks = "u-1\n  state  active\nŽofie-Ångström\n  state  reauth_requi…\n  note   sign in agai…";
        assert_eq!(table().fitted(Some(22)), blocks);
    }

    #[test]
    fn cells_cannot_steer_the_terminal() {
        let mut table = Table::new(["message"]);
        table.row(["\u{1b}[2Jgone\nnext".to_owned()]);
        assert_eq!(table.fitted(None), "message\n [2Jgone next");
    }
}
