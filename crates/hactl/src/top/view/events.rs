//! What happened, the latest first.

use failover::status::Level;
use hactld::text::Shown;
use jiff::{Timestamp, Zoned};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, body, title};
use crate::top::model::{EventLine, Pane};
use crate::top::text::wrap;

/// How many lines there are more than have room.
pub(super) fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) -> usize {
    if area.height == 0 {
        return 0;
    }
    let shown = scene.model.shown();
    let now: Timestamp = shown.status.generated_at.parse().unwrap_or_default();
    let now = now.to_zoned(scene.model.zone.clone());
    title(scene, area, Pane::Events, "events", &now.strftime("%Z").to_string(), buf);
    let room = usize::from(area.width);
    let lines: Vec<Line<'static>> =
        shown.events.iter().rev().flat_map(|event| lines(scene, event, &now, room)).collect();
    if lines.is_empty() {
        return body(area, 0, &[Line::styled(" nothing yet", scene.look.dim())], buf);
    }
    body(area, scene.model.events_from, &lines, buf)
}

fn lines(scene: Scene<'_>, event: &EventLine, now: &Zoned, room: usize) -> Vec<Line<'static>> {
    let look = scene.look;
    let (sign, style) = match event.severity.as_str() {
        "error" => (look.level(Level::Down), look.bad()),
        "warning" => (look.level(Level::Degraded), look.usual()),
        _ => (Span::styled(look.dot(), look.dim()), look.usual()),
    };
    let clock = clock(&event.at, now);
    let margin = clock.len() + 4;
    let mut text = Shown(&event.text).to_string();
    // Most texts of what somebody asked for say who it was.
    if let Some(by) = event.by.as_ref().map(|by| Shown(by).to_string()).filter(|by| !text.contains(by)) {
        text.push_str(&format!(" (by {by})"));
    }
    let mut before = vec![Span::styled(format!(" {clock} "), look.dim()), sign, Span::raw(" ")];
    let mut lines = Vec::new();
    for line in wrap(&text, room.saturating_sub(margin + 1)) {
        before.push(Span::styled(line, style));
        lines.push(Line::from(before));
        before = vec![Span::raw(" ".repeat(margin))];
    }
    lines
}

/// Of today `23:11:42`, of another day also which: `11-23 23:11`.
fn clock(at: &str, now: &Zoned) -> String {
    let Ok(at) = at.parse::<Timestamp>() else { return Shown(at).to_string() };
    let at = at.to_zoned(now.time_zone().clone());
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%m-%d %H:%M" };
    at.strftime(form).to_string()
}
