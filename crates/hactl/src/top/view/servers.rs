//! The table: each backend's headline, and its servers below it.

use failover::status::{BackendStatus, ServerStatus, Status};
use hactld::text::Shown;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{Scene, line_of, put, split, title};
use crate::status::render::{answers, haproxy, headline, overridden, reason};
use crate::terminal::span;
use crate::top::model::Pane;
use crate::top::rows::Row;
use crate::top::text::cut;

/// Before a row: the pointer, the mark of a server in service, a space.
const MARGIN: usize = 3;

/// Between columns.
const GAP: usize = 2;

/// A name takes no more than this, so that what is known of it has room.
const NAME_MAX: usize = 28;

/// Signs of probes: as many as the daemon tells of.
const BARS: usize = 20;

/// Fewer are no picture.
const BARS_MIN: usize = 8;

/// A shorter reason is no reason.
const REASON_MIN: usize = 14;

/// What is shown of a server, and how wide; 0 where there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Widths {
    name: usize,
    health: usize,
    haproxy: usize,
    overriding: usize,
    latency: usize,
    bars: usize,
    since: usize,
    reason: usize,
}

pub(super) fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let (look, model) = (scene.look, scene.model);
    let rows = model.rows();
    let filter = if model.filter.is_empty() { String::new() } else { format!("/{}  ", Shown(&model.filter)) };
    title(scene, area, Pane::Servers, "servers", &format!("{filter}{}", model.order.as_str()), buf);
    let [heading, body] = split(split(area, 1)[1], 1);
    let status = &model.shown().status;
    let widths = Widths::of(&rows, usize::from(area.width), status);
    put(buf, heading, 0, &Line::styled(widths.headings(), look.dim()));
    if rows.is_empty() {
        let nothing =
            if model.filter.is_empty() { "HAProxy was not seen yet" } else { "nothing matches the filter" };
        put(buf, body, 0, &Line::styled(format!("   {nothing}"), look.dim()));
        return;
    }
    let selected = model.selected();
    let is_chosen = |row: &Row<'_>| selected.as_ref().is_some_and(|selected| row.is(status, selected));
    let at = rows.iter().position(is_chosen).unwrap_or_default();
    let from = first_shown(at, rows.len(), usize::from(body.height));
    for (place, row) in (0..body.height).zip(rows.iter().skip(from)) {
        let chosen = is_chosen(row);
        let line = match row {
            Row::Backend(backend) => backend_line(scene, backend, usize::from(area.width)),
            Row::Server(backend, server) => server_line(scene, &widths, (backend, server), chosen),
        };
        put(buf, body, place, &line);
        if chosen {
            buf.set_style(line_of(body, place), look.chosen());
        }
    }
}

/// The chosen row is kept in the middle where there are more than have room.
fn first_shown(at: usize, rows: usize, room: usize) -> usize {
    at.saturating_sub(room / 2).min(rows.saturating_sub(room))
}

fn backend_line(scene: Scene<'_>, backend: &BackendStatus, width: usize) -> Line<'static> {
    let (look, status) = (scene.look, &scene.model.shown().status);
    let several = status.instances.len() > 1;
    let instance = if several { format!("{}:", Shown(&backend.instance)) } else { String::new() };
    let text = format!("{instance}{}", Shown(&headline(backend, answers(status, backend))));
    Line::from(vec![
        Span::raw(" "),
        look.level(backend.verdict),
        Span::raw(" "),
        Span::styled(cut(&text, width.saturating_sub(MARGIN), look.cut()), look.strong()),
    ])
}

fn server_line(
    scene: Scene<'_>,
    widths: &Widths,
    (backend, server): (&BackendStatus, &ServerStatus),
    chosen: bool,
) -> Line<'static> {
    let look = scene.look;
    let status = &scene.model.shown().status;
    let answering = answers(status, backend);
    let in_service = answering && backend.in_service.contains(&server.name);
    let mut cells = Cells { spans: Vec::new(), cut: look.cut() };
    cells.spans.push(Span::styled(if chosen { look.pointer() } else { " " }, look.strong()));
    cells.spans.push(Span::styled(if in_service { "> " } else { "  " }, look.good()));
    let name = Shown(&server.name).to_string();
    cells.left(widths.name, Span::styled(name, if in_service { look.strong() } else { look.usual() }));
    cells.left(widths.health, server.health.map_or_else(|| Span::raw("-"), |health| look.verdict(health)));
    let is_as_wanted = !server.drift && server.health.is_none_or(|health| !health.is_condemned());
    cells.left(
        widths.haproxy,
        Span::styled(haproxy(server, answering), if is_as_wanted { look.usual() } else { look.warning() }),
    );
    cells.left(
        widths.overriding,
        Span::styled(overridden(backend, server, &status.generated_at), look.usual()),
    );
    let bounds = scene.model.shown().status.latency_bounds_ms;
    let latency = server.latency_ms.last.map_or_else(
        || Span::styled(dash(), look.usual()),
        |millis| {
            let style = if server.slow { look.warning() } else { look.latency(bounds.level(millis)) };
            Span::styled(format!("{millis:.0}ms"), style)
        },
    );
    cells.right(widths.latency, latency);
    let shown = &server.history[server.history.len().saturating_sub(widths.bars)..];
    cells.many(widths.bars, look.bars(shown));
    let age = scene.model.age(scene.now).as_secs_f64();
    cells.right(widths.since, Span::raw(server.health_seconds.map_or_else(dash, |since| span(since + age))));
    cells.left(widths.reason, Span::styled(Shown(&reason(backend, server)).to_string(), look.dim()));
    Line::from(cells.spans)
}

fn dash() -> String {
    "-".to_owned()
}

/// The cells of a row, each behind a gap but the first.
struct Cells {
    spans: Vec<Span<'static>>,
    cut: &'static str,
}

impl Cells {
    fn left(&mut self, width: usize, span: Span<'static>) {
        self.cell(width, span, false);
    }

    fn right(&mut self, width: usize, span: Span<'static>) {
        self.cell(width, span, true);
    }

    fn cell(&mut self, width: usize, span: Span<'static>, right: bool) {
        if width == 0 {
            return;
        }
        let text = cut(&span.content, width, self.cut);
        let padding = " ".repeat(width - text.width());
        let (before, after) = if right { (padding, String::new()) } else { (String::new(), padding) };
        self.spans.push(Span::raw(before));
        self.spans.push(Span::styled(text, span.style));
        self.spans.push(Span::raw(after + &" ".repeat(GAP)));
    }

    fn many(&mut self, width: usize, spans: Vec<Span<'static>>) {
        if width > 0 {
            let used = spans.len();
            self.spans.extend(spans);
            self.spans.push(Span::raw(" ".repeat(width.saturating_sub(used) + GAP)));
        }
    }
}

impl Widths {
    /// The widest texts decide; what there is no room for goes, the least needed first.
    fn of(rows: &[Row<'_>], width: usize, status: &Status) -> Self {
        let widest = |text: &dyn Fn(&BackendStatus, &ServerStatus) -> usize| {
            let servers = rows.iter().filter_map(|row| match row {
                Row::Backend(_) => None,
                Row::Server(backend, server) => Some(text(backend, server)),
            });
            servers.max().unwrap_or_default()
        };
        let name = widest(&|_, server| Shown(&server.name).to_string().width());
        let mut widths = Self {
            name: name.clamp("SERVER".len(), NAME_MAX.min((width / 2).max(6))),
            health: "● degraded".width() + 1,
            ..Self::default()
        };
        let mut left = width.saturating_sub(MARGIN + widths.name + widths.health + GAP);
        let mut take = |wanted: usize, least: usize| {
            let got = left.saturating_sub(GAP).min(wanted);
            if wanted == 0 || got < least {
                return 0;
            }
            left -= got + GAP;
            got
        };
        let word = widest(&|backend, server| haproxy(server, answers(status, backend)).width());
        let word = word.max("HAPROXY".len());
        widths.haproxy = take(word, "HAPROXY".len());
        let any = widest(&|backend, server| {
            Some(overridden(backend, server, &status.generated_at))
                .filter(|word| word != "-")
                .map_or(0, |word| word.width())
        });
        let word = if any == 0 { 0 } else { any.max("OVERRIDE".len()) };
        widths.overriding = take(word, word);
        widths.latency = take("LATENCY".len(), "LATENCY".len());
        widths.since = take("59m59s".len(), "59m59s".len());
        widths.bars = take(BARS, BARS_MIN);
        let why = widest(&|backend, server| {
            let reason = reason(backend, server);
            if reason == "-" { 0 } else { Shown(&reason).to_string().width() }
        });
        widths.reason = if why == 0 { 0 } else { take(usize::MAX, REASON_MIN) };
        widths
    }

    fn headings(&self) -> String {
        let last = format!("LAST {}", self.bars);
        let cells = [
            (self.name, "SERVER", false),
            (self.health, "HEALTH", false),
            (self.haproxy, "HAPROXY", false),
            (self.overriding, "OVERRIDE", false),
            (self.latency, "LATENCY", true),
            (self.bars, last.as_str(), false),
            (self.since, "SINCE", true),
            (self.reason, "REASON", false),
        ];
        let mut text = " ".repeat(MARGIN);
        for (width, heading, right) in cells.into_iter().filter(|(width, ..)| *width > 0) {
            let padding = " ".repeat(width.saturating_sub(heading.width()));
            let (before, after) = if right { (padding.as_str(), "") } else { ("", padding.as_str()) };
            text.push_str(&format!("{before}{heading}{after}{}", " ".repeat(GAP)));
        }
        text.trim_end().to_owned()
    }
}
