//! All that is known of the chosen server: its figures, and the daemon's explanation of where it is.

use failover::status::{BackendStatus, ServerStatus, Status};
use hactld::text::Shown;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, body, title};
use crate::status::render::reason;
use crate::top::model::{Explanation, Pane};
use crate::top::rows::{Row, Target};
use crate::top::text::wrap;

/// The label of a section, and the space behind it.
const LABEL: usize = 10;

/// How many lines there are more than have room.
pub(super) fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) -> usize {
    if area.height == 0 {
        return 0;
    }
    let selected = scene.model.selected();
    let name = selected.as_ref().map_or_else(|| "no server".to_owned(), Target::name);
    title(scene, area, Pane::Detail, &Shown(&name).to_string(), "detail", buf);
    let lines = selected.map(|target| lines(scene, &target, usize::from(area.width))).unwrap_or_default();
    body(area, scene.model.detail_from, &lines, buf)
}

fn lines(scene: Scene<'_>, target: &Target, width: usize) -> Vec<Line<'static>> {
    let (look, model) = (scene.look, scene.model);
    let status = &model.shown().status;
    let room = width.saturating_sub(2);
    let Some((backend, server)) = server(status, &model.rows(), target) else { return Vec::new() };
    let reason = reason(backend, server);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut plain = |text: &str, style| {
        let wrapped = wrap(text, room).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(format!(" {line}"), style)));
    };
    match model.explained.as_ref().filter(|(known, _)| known == target) {
        Some((_, Ok(explanation))) => {
            plain(&Shown(&explanation.headline).to_string(), look.strong());
            lines.extend(sections(scene, explanation, room));
        }
        Some((_, Err(why))) => {
            plain(&Shown(&reason).to_string(), look.usual());
            plain(&format!("no explanation: {}", Shown(why)), look.dim());
        }
        None if reason == "-" => {}
        None => plain(&Shown(&reason).to_string(), look.usual()),
    }
    let figures = figures(server).join(&format!(" {} ", look.dot()));
    lines.extend(labelled("figures", &[figures], room, scene));
    lines
}

fn server<'a>(
    status: &Status,
    rows: &[Row<'a>],
    target: &Target,
) -> Option<(&'a BackendStatus, &'a ServerStatus)> {
    rows.iter().find(|row| row.is(status, target)).and_then(|row| match row {
        Row::Backend(_) => None,
        Row::Server(backend, server) => Some((*backend, *server)),
    })
}

fn sections(scene: Scene<'_>, explanation: &Explanation, room: usize) -> Vec<Line<'static>> {
    let sections = explanation.sections.iter();
    sections.flat_map(|section| labelled(&section.label, &section.lines, room, scene)).collect()
}

/// Texts behind their label, which stands once.
fn labelled(label: &str, texts: &[String], room: usize, scene: Scene<'_>) -> Vec<Line<'static>> {
    let look = scene.look;
    let wrapped = texts.iter().flat_map(|text| wrap(&Shown(text).to_string(), room.saturating_sub(LABEL)));
    let mut label = format!(" {:<LABEL$}", Shown(label).to_string());
    let mut lines = Vec::new();
    for line in wrapped {
        lines.push(Line::from(vec![Span::styled(label, look.dim()), Span::raw(line)]));
        label = format!(" {:<LABEL$}", "");
    }
    lines
}

/// What the table has no room for.
fn figures(server: &ServerStatus) -> Vec<String> {
    let mut figures = vec![
        server.address.clone().unwrap_or_else(|| "no address".to_owned()),
        server.role.clone(),
        format!("weight {}", server.haproxy.weight),
    ];
    if let (Some(p50), Some(p95)) = (server.latency_ms.p50, server.latency_ms.p95) {
        figures.push(format!("median {p50:.0}ms, 95 of 100 within {p95:.0}ms"));
    }
    figures
}
