//! The screen of a model at a moment: which pane has which place, the lines above and below them. Draws and changes nothing.

mod banners;
mod boxes;
mod detail;
mod events;
mod header;
mod servers;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::look::Look;
use super::model::{Model, Pane, Room};
use super::text::cut;

/// Body lines from which on all panes are shown; on fewer, the one that keys are about has all of them.
const ALL_PANES_HEIGHT: u16 = 13;

/// Columns from which on detail and events stand side by side.
const SIDE_BY_SIDE_WIDTH: u16 = 110;

/// A title and two lines: less shows nothing of a pane.
const PANE_MIN: u16 = 3;

/// What everything is drawn with.
#[derive(Clone, Copy)]
struct Scene<'a> {
    model: &'a Model,
    look: Look,
    /// Since the start.
    now: Duration,
}

/// Draws it; how far its panes can be scrolled on this screen.
pub(super) fn draw(model: &Model, look: Look, now: Duration, buf: &mut Buffer) -> Room {
    let scene = Scene { model, look, now };
    let whole = buf.area;
    let [top, rest] = split(whole, 1);
    put(buf, top, 0, &header::line(scene, usize::from(top.width)));
    let banners = banners::lines(scene, whole);
    let [place, rest] = split(rest, u16::try_from(banners.len()).unwrap_or(u16::MAX));
    for (row, (text, style)) in (0..).zip(banners) {
        put(buf, place, row, &Line::styled(text, style));
        // The whole line, so that it is seen as a bar.
        buf.set_style(line_of(place, row), style);
    }
    let [body, bottom] = split(rest, rest.height.saturating_sub(1));
    let mut room = panes(scene, body, buf);
    put(buf, bottom, 0, &header::footer(scene, usize::from(bottom.width)));
    if let Some(from) = model.help {
        room.help = boxes::help(scene, from, whole, buf);
    }
    if let Some(modal) = &model.modal {
        boxes::modal(modal, look, whole, buf);
    }
    room
}

fn panes(scene: Scene<'_>, body: Rect, buf: &mut Buffer) -> Room {
    let pane = scene.model.pane;
    let [servers, detail, events] = places(scene, body);
    servers::draw(scene, servers, buf);
    let page = match pane {
        Pane::Servers => servers,
        Pane::Detail => detail,
        Pane::Events => events,
    };
    Room {
        detail: detail::draw(scene, detail, buf),
        events: events::draw(scene, events, buf),
        help: 0,
        page: usize::from(page.height).saturating_sub(2),
    }
}

/// Where servers, detail and events are. A pane that is not shown has no height.
fn places(scene: Scene<'_>, body: Rect) -> [Rect; 3] {
    let pane = scene.model.pane;
    let none = Rect { height: 0, ..body };
    if body.height < ALL_PANES_HEIGHT {
        return [Pane::Servers, Pane::Detail, Pane::Events].map(|one| if one == pane { body } else { none });
    }
    // Title and heading above the rows. More than half only for who looks at them.
    let wanted = u16::try_from(scene.model.rows().len() + 2).unwrap_or(u16::MAX);
    let most = if pane == Pane::Servers { body.height * 6 / 10 } else { body.height * 4 / 10 };
    let [servers, lower] = split(body, wanted.clamp(PANE_MIN, most.max(PANE_MIN)));
    if body.width >= SIDE_BY_SIDE_WIDTH {
        let width = body.width / 2;
        let left = Rect { width: width.saturating_sub(1), ..lower };
        return [servers, left, Rect { x: lower.x + width, width: lower.width - width, ..lower }];
    }
    let height = match pane {
        Pane::Servers => lower.height * 6 / 10,
        Pane::Detail => lower.height.saturating_sub(PANE_MIN),
        Pane::Events => PANE_MIN,
    };
    let [detail, events] = split(lower, height.clamp(PANE_MIN, lower.height.saturating_sub(PANE_MIN)));
    [servers, detail, events]
}

/// The upper `height` lines, and the rest.
fn split(area: Rect, height: u16) -> [Rect; 2] {
    let upper = height.min(area.height);
    [Rect { height: upper, ..area }, Rect { y: area.y + upper, height: area.height - upper, ..area }]
}

fn line_of(area: Rect, row: u16) -> Rect {
    Rect { y: area.y + row, height: 1, ..area }.intersection(area)
}

/// A line of `area`, where it has that many.
fn put(buf: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    if row < area.height && area.width > 0 {
        buf.set_line(area.x, area.y + row, line, area.width);
    }
}

/// A pane's first line: its name, and what holds for it, in a rule.
fn title(scene: Scene<'_>, area: Rect, pane: Pane, name: &str, about: &str, buf: &mut Buffer) {
    let look = scene.look;
    let focused = scene.model.pane == pane;
    let width = usize::from(area.width);
    let name = cut(name, width.saturating_sub(4), look.cut());
    let about = if about.is_empty() { String::new() } else { format!(" {about} ") };
    let used = name.width() + 4;
    let about = if used + about.width() < width { about } else { String::new() };
    let fill = width.saturating_sub(used + about.width() + 1);
    let pointer = if focused { look.pointer() } else { look.rule() };
    let line = Line::from(vec![
        Span::styled(pointer, if focused { look.strong() } else { look.dim() }),
        Span::styled(format!(" {name} "), if focused { look.strong() } else { look.dim() }),
        Span::styled(look.rule().repeat(fill + 1), look.dim()),
        Span::styled(about, look.dim()),
        Span::styled(look.rule(), look.dim()),
    ]);
    put(buf, area, 0, &line);
}

/// Lines below a title, from line `from` on; how many there are more than have room.
fn body(area: Rect, from: usize, lines: &[Line<'_>], buf: &mut Buffer) -> usize {
    let [_, below] = split(area, 1);
    let room = usize::from(below.height);
    let more = lines.len().saturating_sub(room);
    for (row, line) in (0..below.height).zip(lines.iter().skip(from.min(more))) {
        put(buf, below, row, line);
    }
    if room == 0 { 0 } else { more }
}

#[cfg(test)]
mod tests;
