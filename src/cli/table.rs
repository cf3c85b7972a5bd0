//! Aligned columns, fitted to the width there is. What people wrote is cleaned of anything a terminal would obey.

use std::borrow::Cow;

use console::{Alignment, Style, measure_text_width, pad_str, truncate_str};

/// One value with its style.
pub(super) struct TableCell {
    text: String,
    style: Style,
}

impl TableCell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self::styled(text, Style::new())
    }

    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: one_line(&text.into()), style }
    }
}

/// Rows under their titles. Where all together are too wide, the column `flexible` gives way, and last the lines are cut.
/// Without a width nothing is cut.
pub(super) fn table(titles: &[&str], rows: &[Vec<TableCell>], flexible: usize, width: Option<usize>) -> String {
    const GAP: usize = 2;
    const LEAST: usize = 12;
    let mut widths: Vec<usize> = titles.iter().map(|title| measure_text_width(title)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(&cell.text));
        }
    }
    if let Some(width) = width {
        let all: usize = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
        widths[flexible] = widths[flexible].saturating_sub(all.saturating_sub(width)).max(LEAST.min(widths[flexible]));
    }
    let bold = Style::new().bold();
    let titles: Vec<TableCell> = titles.iter().map(|title| TableCell::styled(*title, bold.clone())).collect();
    let mut text = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        let mut line = String::new();
        for (n, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cut = truncate_str(&cell.text, *width, "…");
            let last = n + 1 == row.len();
            let padded = if last { cut } else { pad_str(&cut, *width, Alignment::Left, None).into_owned().into() };
            line.push_str(&cell.style.apply_to(padded).to_string());
            line.push_str(if last { "" } else { "  " });
        }
        text.push_str(width.map_or(Cow::Borrowed(line.as_str()), |width| truncate_str(&line, width, "…")).trim_end());
        text.push('\n');
    }
    text
}

/// Without line breaks and control characters.
pub(super) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without anything a terminal would take for an order.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<TableCell>> {
        vec![
            vec![TableCell::new("1"), TableCell::new("A long title, longer than there is room for"), TableCell::new("x")],
            vec![TableCell::new("10"), TableCell::new("Kürze 漢字"), TableCell::new("yy")],
        ]
    }

    #[test]
    fn the_flexible_column_gives_way_and_wide_letters_count_twice() {
        let text = table(&["#", "TITLE", "L"], &rows(), 1, Some(30));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines, ["#   TITLE                   L", "1   A long title, longer …  x", "10  Kürze 漢字              yy",]);
        assert!(lines.iter().all(|line| measure_text_width(line) <= 30), "{text}");
        assert!(table(&["#", "TITLE", "L"], &rows(), 1, None).contains("than there is room for"));
    }

    #[test]
    fn what_people_wrote_gives_no_orders_to_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31mb\n\tc\u{7}"), "a[31mb c");
    }
}
