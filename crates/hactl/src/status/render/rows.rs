//! The servers of a backend as rows: all of them, or of many those with problems and how many the others are.

use failover::status::{BackendStatus, ServerStatus, Status};
use failover::{Owner, Verdict};
use hactld::text::Shown;

use super::{Shape, haproxy, overridden, reason};
use crate::table::{Column, render};
use crate::terminal::{Terminal, span};

/// Servers that are listed each. Of more, a person reads those with problems; the others are counted.
const LISTED_MAX: usize = 40;

const fn column(heading: &'static str, right: bool, dispensable: Option<u8>) -> Column {
    Column { heading, right, dispensable }
}

/// The servers of a backend, below their headings.
pub(super) fn rows(
    status: &Status,
    backend: &BackendStatus,
    shape: &Shape<'_>,
    terminal: &Terminal,
) -> String {
    let named = |there: &&ServerStatus| shape.server.is_none_or(|name| there.name == name);
    let of_it: Vec<&ServerStatus> = backend.servers.iter().filter(named).collect();
    let brief = !shape.all && is_long(status);
    let (listed, rest): (Vec<&ServerStatus>, Vec<&ServerStatus>) =
        of_it.iter().copied().partition(|server| !brief || needs_a_look(backend, server));
    let shown = if brief { listed.len().min(LISTED_MAX) } else { listed.len() };
    let mut text = String::new();
    if shown > 0 {
        let ordered = |server: &&ServerStatus| overridden(backend, server, &status.generated_at) != "-";
        let any = listed[..shown].iter().any(ordered);
        let columns = columns(shape.wide, any);
        let cells = listed[..shown].iter().map(|server| row(status, backend, server, shape.wide, terminal));
        let rendered = render(&columns, &cells.collect::<Vec<_>>(), terminal);
        let headless = || rendered.split_once('\n').map(|(_, rows)| rows.to_owned()).unwrap_or_default();
        text.push_str(&if shape.header { rendered.clone() } else { headless() });
    }
    if brief {
        text.push_str(&summary(backend, listed.len() - shown, &rest));
    }
    text
}

/// There are more servers than anybody reads.
pub(super) fn is_long(status: &Status) -> bool {
    status.backends.iter().map(|backend| backend.servers.len()).sum::<usize>() > LISTED_MAX
}

/// Something about it is not as it is usually.
fn needs_a_look(backend: &BackendStatus, server: &ServerStatus) -> bool {
    let theirs = server.haproxy.owner == Some(Owner::Theirs);
    let ordered = overridden(backend, server, "") != "-";
    let health = server.health.is_some_and(|health| health != Verdict::Online);
    health || server.drift || server.slow || server.held.is_some() || theirs || ordered
}

fn summary(backend: &BackendStatus, unlisted: usize, rest: &[&ServerStatus]) -> String {
    let online = rest.iter().filter(|server| server.health == Some(Verdict::Online)).count();
    let others = rest.len() - online;
    let mut parts = Vec::new();
    if unlisted > 0 {
        parts.push(format!("{} more with problems", thousands(unlisted)));
    }
    if online > 0 {
        parts.push(format!("{} online", thousands(online)));
    }
    if others > 0 {
        parts.push(format!("{} left alone", thousands(others)));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("  {} (all: hactl status {})\n", parts.join(", "), backend.name)
}

/// `9,997`.
pub(super) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let head = (!head.is_empty()).then(|| head.to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

fn columns(wide: bool, any_override: bool) -> Vec<Column> {
    let mut columns = vec![
        column("  SERVER", false, None),
        column("ADDRESS", false, Some(2)),
        column("HEALTH", false, None),
        column("HAPROXY", false, None),
        column("OVERRIDE", false, Some(if any_override { 5 } else { 0 })),
        column("LATENCY", true, Some(3)),
        column("LAST 20", false, Some(1)),
        column("SINCE", true, Some(4)),
        column("REASON", false, None),
    ];
    if wide {
        columns.splice(2..2, [column("ROLE", false, None)]);
        columns.splice(5..5, [column("WANTED", false, None), column("WEIGHT", true, None)]);
        columns.splice(9..9, [column("P50", true, None), column("P95", true, None)]);
    }
    columns
}

fn row(
    status: &Status,
    backend: &BackendStatus,
    server: &ServerStatus,
    wide: bool,
    terminal: &Terminal,
) -> Vec<String> {
    let dash = || "-".to_owned();
    let shown = |text: &str| Shown(text).to_string();
    let millis = |millis: Option<f64>| {
        let level = |millis| status.latency_bounds_ms.level(millis);
        millis.map_or_else(dash, |millis| terminal.latency(level(millis), &format!("{millis:.0}ms")))
    };
    let answering = answers(status, backend);
    let mark = if answering && backend.in_service.contains(&server.name) { ">" } else { " " };
    let mut cells = vec![
        format!("{mark} {}", Shown(&server.name)),
        server.address.as_deref().map_or_else(dash, shown),
        server.health.map_or_else(dash, |health| terminal.verdict(health)),
        haproxy(server, answering),
        overridden(backend, server, &status.generated_at),
        millis(server.latency_ms.last),
        if server.history.is_empty() { dash() } else { terminal.bars(&server.history) },
        server.health_seconds.map_or_else(dash, span),
        shown(&reason(backend, server)),
    ];
    if wide {
        let wanted = server.desired.map_or_else(dash, |wanted| wanted.as_str().to_owned());
        cells.splice(2..2, [server.role.clone()]);
        cells.splice(5..5, [wanted, server.haproxy.weight.to_string()]);
        cells.splice(9..9, [millis(server.latency_ms.p50), millis(server.latency_ms.p95)]);
    }
    cells
}

/// The backend's HAProxy answers, so that what was seen of it holds.
pub(crate) fn answers(status: &Status, backend: &BackendStatus) -> bool {
    let own = status.instances.iter().find(|instance| instance.name == backend.instance);
    own.map_or(status.haproxy.answering, |instance| instance.haproxy.answering)
}
