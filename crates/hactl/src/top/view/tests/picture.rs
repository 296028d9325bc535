//! The picture of the screen in the README, drawn from the same cells that a terminal gets.

use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::Cell;
use ratatui::style::Modifier;

use super::*;

/// A cell of the monospaced fonts that are most common at this size.
const FONT_SIZE: f64 = 14.0;
const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 18.0;
const MARGIN: f64 = 12.0;

const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d7dae0";

#[test]
fn the_picture_in_the_readme_is_what_is_drawn() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/top.svg");
    let drawn = svg(&buffer(&told(on_backup()), look(true), 100, 28, at(41)));
    if std::env::var_os("UPDATE_PICTURE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == drawn, "docs/top.svg is not what is drawn: UPDATE_PICTURE=1 cargo test -p hactl picture");
}

fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let width = f64::from(columns) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL_HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" font-family=\"ui-monospace, \
         'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"{FONT_SIZE}\" role=\"img\" aria-label=\"hactl top\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (row, cells) in buffer.content.chunks(usize::from(columns)).enumerate() {
        let mut column = 0;
        while column < cells.len() {
            let first = &cells[column];
            let run = cells[column..].iter().take_while(|cell| same_style(cell, first)).count();
            let text: String = cells[column..column + run].iter().map(Cell::symbol).collect();
            push(&mut svg, (column, row, run), first, &text);
            column += run;
        }
    }
    svg + "</svg>\n"
}

fn same_style(one: &Cell, other: &Cell) -> bool {
    (one.fg, one.bg, one.modifier) == (other.fg, other.bg, other.modifier)
}

fn push(svg: &mut String, (column, row, run): (usize, usize, usize), cell: &Cell, text: &str) {
    let x = column as f64 * CELL_WIDTH + MARGIN;
    let y = row as f64 * CELL_HEIGHT + MARGIN;
    let width = run as f64 * CELL_WIDTH;
    if let Some(fill) = color(cell.bg) {
        writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{fill}\"/>"
        )
        .unwrap();
    }
    if text.trim().is_empty() {
        return;
    }
    let mut style = format!("fill=\"{}\"", color(cell.fg).unwrap_or(FOREGROUND));
    if cell.modifier.contains(Modifier::BOLD) {
        style.push_str(" font-weight=\"bold\"");
    }
    if cell.modifier.contains(Modifier::DIM) {
        style.push_str(" opacity=\"0.6\"");
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let base = y + CELL_HEIGHT * 0.75;
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{base:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\" {style}>{text}</text>"
    )
    .unwrap();
}

/// A colour of a calm palette; `None` is the terminal's own.
fn color(color: Color) -> Option<&'static str> {
    let palette = [
        (Color::Green, "#8ccf7e"),
        (Color::Yellow, "#e5c76b"),
        (Color::Red, "#ef7d7d"),
        (Color::Cyan, "#6cbfbf"),
        (Color::White, "#ffffff"),
        (Color::Black, "#16181d"),
        (Color::Indexed(238), "#2c303a"),
    ];
    palette.iter().find(|(known, _)| *known == color).map(|(_, shown)| *shown)
}
