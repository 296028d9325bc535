//! Columns without borders: easy on the eye, and on grep and awk.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::Terminal;

/// Between columns.
const GAP: &str = "  ";

/// Before what stands below its row.
const INDENT: &str = "      ";

/// A column's heading, and how soon it goes where there is no room: the lowest first, `None` never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) right: bool,
    pub(crate) dispensable: Option<u8>,
}

/// Rows under their headings. Where they do not fit, the last column's texts stand below their rows, whole, and as
/// many of the other columns are shown as have room.
pub(crate) fn render(columns: &[Column], rows: &[Vec<String>], terminal: &Terminal) -> String {
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = rows.iter().map(|row| visible(&row[index]));
            cells.chain([column.heading.width()]).max().unwrap_or_default()
        })
        .collect();
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let room = terminal.width.unwrap_or(usize::MAX);
    let below = if needed(&shown, &widths) > room { shown.pop() } else { None };
    while needed(&shown, &widths) > room {
        let next = shown.iter().filter(|index| columns[**index].dispensable.is_some());
        let Some(least) = next.min_by_key(|index| columns[**index].dispensable).copied() else { break };
        shown.retain(|index| *index != least);
    }
    let headings: Vec<String> = columns.iter().map(|column| column.heading.to_owned()).collect();
    let mut text = terminal.dim(&line(columns, &shown, &widths, &headings));
    text.push('\n');
    for row in rows {
        text.push_str(&line(columns, &shown, &widths, row));
        text.push('\n');
        if let Some(cell) = below.map(|index| &row[index]).filter(|cell| *cell != "-") {
            text.push_str(&wrap(INDENT, cell, terminal.width));
        }
    }
    text
}

fn needed(shown: &[usize], widths: &[usize]) -> usize {
    let gaps = shown.len().saturating_sub(1) * GAP.len();
    shown.iter().map(|index| widths[*index]).sum::<usize>() + gaps
}

fn line(columns: &[Column], shown: &[usize], widths: &[usize], cells: &[String]) -> String {
    let mut text = String::new();
    for index in shown {
        let cell = &cells[*index];
        let padding = " ".repeat(widths[*index].saturating_sub(visible(cell)));
        let (before, after) =
            if columns[*index].right { (padding.as_str(), "") } else { ("", padding.as_str()) };
        text.push_str(&format!("{before}{cell}{after}{GAP}"));
    }
    text.trim_end().to_owned()
}

/// `text` behind `indent` and in lines that fit, broken between words; a word that is too long stays whole, so that
/// it can be copied.
pub(crate) fn wrap(indent: &str, text: &str, width: Option<usize>) -> String {
    let room = width.unwrap_or(usize::MAX).saturating_sub(visible(indent));
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let wide = visible(word);
        if used == 0 {
            lines.push_str(indent);
        } else if used + 1 + wide > room {
            lines.push('\n');
            lines.push_str(indent);
            used = 0;
        } else {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += wide;
    }
    lines.push('\n');
    lines
}

/// Columns that a text takes, without the escape sequences that colour it.
pub(crate) fn visible(text: &str) -> usize {
    let mut width = 0;
    let mut in_escape = false;
    for character in text.chars() {
        match (in_escape, character) {
            (false, '\x1b') => in_escape = true,
            (true, 'm') => in_escape = false,
            (true, _) => {}
            (false, _) => width += character.width().unwrap_or_default(),
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { heading: "SERVER", right: false, dispensable: None },
        Column { heading: "LATENCY", right: true, dispensable: Some(1) },
        Column { heading: "REASON", right: false, dispensable: None },
    ];

    #[test]
    fn piped_every_row_is_one_line_and_nothing_trails() {
        let text = render(&COLUMNS, &rows(), &terminal(None));
        assert_eq!(
            text,
            "SERVER  LATENCY  REASON\nwg1           -  connect to 1.1.1.1:443: no reply in 2 s\nwg2        48ms  -\n"
        );
    }

    #[test]
    fn in_a_narrow_terminal_the_last_column_stands_below_its_row() {
        let text = render(&COLUMNS, &rows(), &terminal(Some(30)));
        assert_eq!(
            text,
            "SERVER  LATENCY\nwg1           -\n      connect to 1.1.1.1:443:\n      no reply in 2 s\nwg2        48ms\n"
        );
    }

    #[test]
    fn in_a_narrower_one_columns_go() {
        let text = render(&COLUMNS, &rows(), &terminal(Some(14)));
        assert!(text.starts_with("SERVER\nwg1\n      connect\n"), "{text}");
        assert!(text.ends_with("\nwg2\n"), "{text}");
    }

    #[test]
    fn escape_sequences_take_no_room() {
        let painted = Terminal { color: true, ..terminal(Some(20)) };
        assert_eq!(visible(&painted.dim("wide 日本")), 9);
        assert_eq!(wrap("  ", &painted.dim("one two three four"), Some(20)).lines().count(), 1);
        assert_eq!(wrap("  ", "a-word-that-is-too-long", Some(4)), "  a-word-that-is-too-long\n");
        assert_eq!(wrap("  ", "one two", Some(5)), "  one\n  two\n");
    }

    fn rows() -> Vec<Vec<String>> {
        let rows = [["wg1", "-", "connect to 1.1.1.1:443: no reply in 2 s"], ["wg2", "48ms", "-"]];
        rows.map(|row| row.map(str::to_owned).to_vec()).to_vec()
    }

    fn terminal(width: Option<usize>) -> Terminal {
        Terminal { color: false, color_errors: false, unicode: true, width, socket: None }
    }
}
