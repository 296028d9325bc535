//! The status for people: verdict first, then the servers.

use failover::status::{BackendStatus, Level, ServerStatus, Status};
use failover::{Admin, Operational, Owner, Verdict};

use crate::table::{Column, render};
use crate::terminal::{Terminal, span};

const COLUMNS: [Column; 8] = [
    Column { heading: "  SERVER", right: false, dispensable: None },
    Column { heading: "ADDRESS", right: false, dispensable: Some(2) },
    Column { heading: "HEALTH", right: false, dispensable: None },
    Column { heading: "HAPROXY", right: false, dispensable: None },
    Column { heading: "LATENCY", right: true, dispensable: Some(3) },
    Column { heading: "LAST 20", right: false, dispensable: Some(1) },
    Column { heading: "SINCE", right: true, dispensable: Some(4) },
    Column { heading: "REASON", right: false, dispensable: None },
];

pub(super) fn table(status: &Status, terminal: &Terminal) -> String {
    let mut text = String::new();
    for problem in &status.problems {
        text.push_str(&format!("{} {problem}\n", terminal.level(Level::Down)));
    }
    if status.backends.is_empty() && status.problems.is_empty() {
        text.push_str(&format!("{} HAProxy was not seen yet\n", terminal.level(Level::Unknown)));
    }
    for backend in &status.backends {
        text.push_str(&format!("{} {}\n", terminal.level(backend.verdict), headline(backend)));
    }
    text.push_str(&format!("  {}\n", terminal.dim(&about(status, terminal))));
    for backend in &status.backends {
        text.push('\n');
        if status.backends.len() > 1 {
            text.push_str(&format!("{}\n", backend.name));
        }
        let rows: Vec<Vec<String>> =
            backend.servers.iter().map(|server| row(backend, server, terminal)).collect();
        text.push_str(&render(&COLUMNS, &rows, terminal));
    }
    if let Some(next) = next(status) {
        text.push_str(&format!("\nnext: {next}\n"));
    }
    text
}

fn headline(backend: &BackendStatus) -> String {
    let name = &backend.name;
    let online = backend.servers.iter().filter(|server| server.health == Some(Verdict::Online)).count();
    let counts = format!("{online} of {} online", backend.servers.len());
    let since =
        backend.in_service_seconds.map(|seconds| format!(" for {}", span(seconds))).unwrap_or_default();
    let on = if backend.on_backup { "on backup " } else { "on " };
    let service = match backend.in_service.as_slice() {
        [] => format!("HAProxy has no usable server{since}"),
        servers => format!("{on}{}{since}", servers.join(", ")),
    };
    match backend.verdict {
        Level::Ok => format!("{name} ok: {counts}, {service}"),
        Level::Degraded => format!("{name} DEGRADED: {counts}, {service}"),
        Level::Down if backend.in_service.is_empty() => format!("{name} DOWN: {service}"),
        Level::Down => format!("{name} DOWN: no server is known to carry traffic; left {service}"),
        Level::Unknown => format!("{name} UNKNOWN: not every server has a verdict yet; {service}"),
    }
}

fn about(status: &Status, terminal: &Terminal) -> String {
    let haproxy = &status.haproxy;
    let process = match (&haproxy.version, haproxy.pid, haproxy.uptime_seconds) {
        (Some(version), Some(pid), Some(uptime)) => {
            format!("HAProxy {version} pid {pid} up {}", span(uptime as f64))
        }
        _ => "HAProxy away".to_owned(),
    };
    let writes = if status.applying { "applying" } else { "not applying" };
    let age = haproxy.age_seconds.map_or_else(
        || "no data yet".to_owned(),
        |age| match haproxy.answering {
            true => format!("data {age:.1}s old"),
            false => format!("away for {}", span(age)),
        },
    );
    let hactl = format!("hactl {} {}", status.version, status.node);
    let dot = format!(" {} ", terminal.dot());
    [hactl.as_str(), &process, &haproxy.socket, writes, &age].join(&dot)
}

fn row(backend: &BackendStatus, server: &ServerStatus, terminal: &Terminal) -> Vec<String> {
    let dash = || "-".to_owned();
    let mark = if backend.in_service.contains(&server.name) { ">" } else { " " };
    vec![
        format!("{mark} {}", server.name),
        server.address.clone().unwrap_or_else(dash),
        server.health.map_or_else(dash, |health| terminal.verdict(health)),
        haproxy(server),
        server.latency_ms.last.map_or_else(dash, |millis| format!("{millis:.0}ms")),
        if server.history.is_empty() { dash() } else { terminal.bars(&server.history) },
        server.health_seconds.map_or_else(dash, span),
        reason(server),
    ]
}

/// HAProxy's word, and whose it is where it is not ours.
fn haproxy(server: &ServerStatus) -> String {
    match (server.haproxy.state, server.haproxy.owner, server.haproxy.operational) {
        (Admin::Ready, _, Operational::Running | Operational::Starting) => "up".to_owned(),
        (Admin::Ready, _, Operational::Stopped) => "down".to_owned(),
        (Admin::Ready, _, Operational::Stopping) => "stopping".to_owned(),
        (Admin::Drain, Some(Owner::Theirs), _) => "drain (not ours)".to_owned(),
        (Admin::Maint, Some(Owner::Theirs), _) => "maint (not ours)".to_owned(),
        (Admin::Drain, Some(Owner::Ours) | None, _) => "drain".to_owned(),
        (Admin::Maint, Some(Owner::Ours) | None, _) => "maint".to_owned(),
    }
}

fn reason(server: &ServerStatus) -> String {
    match (&server.reason, &server.held, server.managed) {
        (Some(reason), Some(held), _) => format!("{}; stays: {held}", reason.text),
        (Some(reason), None, _) => reason.text.clone(),
        (None, Some(held), _) => held.clone(),
        (None, None, false) => "left alone by configuration".to_owned(),
        (None, None, true) if server.address.is_none() => "HAProxy has no address for it".to_owned(),
        (None, None, true) => "-".to_owned(),
    }
}

fn next(status: &Status) -> Option<String> {
    let condemned = |server: &&ServerStatus| server.health.is_some_and(Verdict::is_condemned);
    status.backends.iter().find_map(|backend| {
        let server = backend.servers.iter().find(condemned)?;
        let haproxy = match status.haproxy.socket.as_str() {
            "/run/haproxy/admin.sock" => String::new(),
            socket => format!(" --haproxy {socket}"),
        };
        Some(format!("hactl check -v{haproxy} {}/{}", backend.name, server.name))
    })
}
