//! Columns without borders: easy on the eye, and on grep and awk.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::Terminal;

/// Between columns.
const GAP: &str = "  ";

/// What a last column is never cut below; narrower than this it says nothing.
const LAST_MIN: usize = 16;

/// A column's heading, and how soon it goes where there is no room: the lowest first, `None` never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) right: bool,
    pub(crate) dispensable: Option<u8>,
}

/// Rows under their headings, as many columns as fit; the last one is cut where it must be.
pub(crate) fn render(columns: &[Column], rows: &[Vec<String>], terminal: &Terminal) -> String {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = rows.iter().map(|row| visible(&row[index]));
            cells.chain([column.heading.width()]).max().unwrap_or_default()
        })
        .collect();
    while let Some(width) = terminal.width
        && needed(&shown, &widths) > width
    {
        let next = shown.iter().filter(|index| columns[**index].dispensable.is_some());
        let Some(least) = next.min_by_key(|index| columns[**index].dispensable).copied() else { break };
        shown.retain(|index| *index != least);
    }
    let headings: Vec<String> = columns.iter().map(|column| column.heading.to_owned()).collect();
    let mut text = terminal.dim(&line(columns, &shown, &widths, &headings, terminal));
    text.push('\n');
    for row in rows {
        text.push_str(&line(columns, &shown, &widths, row, terminal));
        text.push('\n');
    }
    text
}

fn needed(shown: &[usize], widths: &[usize]) -> usize {
    let Some((last, others)) = shown.split_last() else { return 0 };
    let fixed: usize = others.iter().map(|index| widths[*index] + GAP.len()).sum();
    fixed + widths[*last].min(LAST_MIN)
}

fn line(
    columns: &[Column],
    shown: &[usize],
    widths: &[usize],
    cells: &[String],
    terminal: &Terminal,
) -> String {
    let mut text = String::new();
    let mut used = 0;
    for (position, index) in shown.iter().enumerate() {
        let cell = &cells[*index];
        if position + 1 == shown.len() {
            let room = terminal.width.map_or(usize::MAX, |width| width.saturating_sub(used).max(LAST_MIN));
            text.push_str(&cut(cell, room, terminal));
            break;
        }
        let padding = " ".repeat(widths[*index].saturating_sub(visible(cell)));
        let (before, after) =
            if columns[*index].right { (padding.as_str(), "") } else { ("", padding.as_str()) };
        text.push_str(&format!("{before}{cell}{after}{GAP}"));
        used += widths[*index] + GAP.len();
    }
    text.trim_end().to_owned()
}

/// Columns that a text takes, without the escape sequences that colour it.
fn visible(text: &str) -> usize {
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

fn cut(text: &str, room: usize, terminal: &Terminal) -> String {
    if visible(text) <= room {
        return text.to_owned();
    }
    let mark = if terminal.unicode { "…" } else { "..." };
    let mut width = mark.width();
    let kept = text.chars().take_while(|character| {
        width += character.width().unwrap_or_default();
        width <= room
    });
    format!("{}{mark}", kept.collect::<String>())
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
    fn piped_nothing_is_cut_and_nothing_trails() {
        let text = render(&COLUMNS, &rows(), &terminal(None));
        assert_eq!(
            text,
            "SERVER  LATENCY  REASON\nwg1           -  connect to 1.1.1.1:443: no reply in 2 s\n"
        );
    }

    #[test]
    fn in_a_narrow_terminal_columns_go_and_the_last_one_is_cut() {
        let text = render(&COLUMNS, &rows(), &terminal(Some(26)));
        assert_eq!(text, "SERVER  REASON\nwg1     connect to 1.1.1.…\n");
        assert!(text.lines().all(|line| line.width() <= 26));
    }

    fn rows() -> Vec<Vec<String>> {
        vec![["wg1", "-", "connect to 1.1.1.1:443: no reply in 2 s"].map(str::to_owned).to_vec()]
    }

    fn terminal(width: Option<usize>) -> Terminal {
        Terminal { color: false, unicode: true, width }
    }
}
