//! What stands over the panes: the question before a change, and the list of keys.

use hactld::text::Shown;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::{Scene, put};
use crate::top::change::title;
use crate::top::look::Look;
use crate::top::modal::{Field, Modal};
use crate::top::text::{cut, wrap};

/// Wide enough for a reason to be read, narrow enough to see what it is about.
const WIDTH: u16 = 64;

/// The label of a field, and the space behind it.
const LABEL: usize = 8;

pub(super) fn modal(modal: &Modal, look: Look, whole: Rect, buf: &mut Buffer) {
    let room = usize::from(WIDTH.min(whole.width)).saturating_sub(4);
    let mut lines = Vec::new();
    let mut text = |text: &str, style: Style| {
        lines.extend(wrap(text, room).into_iter().map(|line| Line::styled(line, style)));
    };
    text(modal.kind.effect(), Style::new());
    if modal.kind.has_fields() {
        let hint = if modal.lasts.is_empty() { "until somebody ends it" } else { "30m, 2h, 1d; or none" };
        let lasts = (modal.lasts.as_str(), modal.field == Field::Lasts);
        let reason = (modal.reason.as_str(), modal.field == Field::Reason);
        lines.push(Line::default());
        lines.push(field("for", lasts, hint, look, room));
        lines.push(field("reason", reason, "", look, room));
    }
    lines.push(Line::default());
    if let Some(why) = &modal.refusal {
        let why = wrap(&Shown(why).to_string(), room);
        lines.extend(why.into_iter().map(|line| Line::styled(line, look.bad())));
    }
    let keys = match (modal.asked, modal.forcible, modal.kind.has_fields()) {
        (true, ..) => "asking ...  Esc leave",
        (false, true, _) => "Ctrl-F all the same  Enter ask again  Esc leave",
        (false, false, true) => "Enter do it  Tab next field  Esc leave",
        (false, false, false) => "Enter do it  Esc leave",
    };
    lines.push(Line::styled(cut(keys, room, look.cut()), look.dim()));
    let name = Shown(&title(modal.kind, modal.target.as_ref())).to_string();
    over(&name, &lines, 0, look, whole, buf);
}

fn field(label: &str, (typed, focused): (&str, bool), hint: &str, look: Look, room: usize) -> Line<'static> {
    let place = room.saturating_sub(LABEL + 1);
    let typed = Shown(typed).to_string();
    // Its end is where typing goes on.
    let mut shown = typed.as_str();
    while shown.width() > place {
        let mut characters = shown.chars();
        characters.next();
        shown = characters.as_str();
    }
    let style = if focused { look.strong() } else { Style::new() };
    let label_style = if focused { look.strong() } else { look.dim() };
    let mut spans = vec![
        Span::styled(format!("{label:<LABEL$}"), label_style),
        Span::styled(shown.to_owned(), style),
        Span::styled(if focused { look.caret() } else { " " }, style),
    ];
    if shown.width() + hint.width() + 3 <= place {
        spans.push(Span::styled(format!("  {hint}"), look.dim()));
    }
    Line::from(spans)
}

/// How many lines there are more than have room.
pub(super) fn help(scene: Scene<'_>, from: usize, whole: Rect, buf: &mut Buffer) -> usize {
    let look = scene.look;
    let changes = if scene.model.read_only.is_some() { " (read-only: not here)" } else { "" };
    let arrows = format!("{} j k", look.arrows());
    let keys: [(&str, String); 18] = [
        (&arrows, "choose a server, scroll".to_owned()),
        ("g G", "first, last".to_owned()),
        ("Enter", "its detail: why it is where it is".to_owned()),
        ("Tab", "servers, detail, events".to_owned()),
        ("/", "filter by name, address, health".to_owned()),
        ("s", "sort".to_owned()),
        ("space", "freeze the screen, go on".to_owned()),
        ("c", format!("probe it now{changes}")),
        ("m F10", format!("maint: take it out{changes}")),
        ("d", format!("drain: no new clients{changes}")),
        ("r F9", format!("ready: use it{changes}")),
        ("a", format!("auto: back to the probes{changes}")),
        ("p", format!("pause or resume hactl{changes}")),
        ("Esc", "back".to_owned()),
        ("q", "quit".to_owned()),
        ("", String::new()),
        (">", "gets new clients now".to_owned()),
        (
            if look.is_unicode() { "✕ ▁█" } else { "x ." },
            "a probe that failed, and others by time".to_owned(),
        ),
    ];
    let line = |(key, does): &(&str, String)| {
        Line::from(vec![Span::styled(format!("{key:<12}"), look.strong()), Span::raw(does.clone())])
    };
    let lines: Vec<Line<'static>> = keys.iter().map(line).collect();
    over("keys", &lines, from, look, whole, buf)
}

/// A box in the middle; how many lines there are more than have room.
fn over(name: &str, lines: &[Line<'_>], from: usize, look: Look, whole: Rect, buf: &mut Buffer) -> usize {
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(whole.height);
    let width = WIDTH.min(whole.width);
    let place = Rect {
        x: whole.x + (whole.width - width) / 2,
        y: whole.y + (whole.height - height) / 2,
        width,
        height,
    };
    Clear.render(place, buf);
    let name = cut(name, usize::from(width).saturating_sub(4), look.cut());
    let block =
        Block::bordered().border_set(look.border()).title(Span::styled(format!(" {name} "), look.strong()));
    let inner = block.inner(place);
    block.render(place, buf);
    let text = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let more = lines.len().saturating_sub(usize::from(text.height));
    for (row, line) in (0..text.height).zip(lines.iter().skip(from.min(more))) {
        put(buf, text, row, line);
    }
    more
}
