//! The status for people: verdict first, then the servers.

use failover::status::{BackendStatus, Level, PauseStatus, ServerStatus, Status};
use failover::{Admin, Agent, Operational, Owner, Verdict};
use hactld::text::Shown;
use jiff::Timestamp;

use crate::moment;
use crate::table::wrap;
use crate::terminal::{Terminal, rest, span};

mod rows;

use self::rows::{is_long, rows, thousands};

/// Servers that are named one by one where a backend's traffic goes to several.
const NAMED_MAX: usize = 3;

/// What of it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    /// Servers of this name alone.
    pub(super) server: Option<&'a str>,
    /// All servers, however many there are.
    pub(super) all: bool,
    /// With more columns.
    pub(super) wide: bool,
    /// With a line of headings.
    pub(super) header: bool,
}

/// Of several instances, a block for each, the verdict first.
pub(super) fn table(status: &Status, shape: &Shape<'_>, terminal: &Terminal) -> String {
    let banner = banner(status, terminal);
    if status.instances.len() <= 1 {
        return banner + &block(status, shape, terminal);
    }
    let blocks = status.instances.iter().filter_map(|instance| {
        let word = match instance.verdict {
            Level::Ok => "ok",
            Level::Unknown => "UNKNOWN",
            Level::Degraded => "DEGRADED",
            Level::Down => "DOWN",
        };
        let alone = status.of_instances(|name| name == instance.name)?;
        let head = format!("{} {} {word}", terminal.level(instance.verdict), instance.name);
        Some(format!("{head}\n{}", block(&alone, shape, terminal)))
    });
    banner + &blocks.collect::<Vec<String>>().join("\n")
}

/// What concerns all instances.
fn banner(status: &Status, terminal: &Terminal) -> String {
    let mark = terminal.level(Level::Degraded);
    let mut text = String::new();
    if let Some(PauseStatus { by, reason, until, .. }) = &status.paused {
        let until = until.as_deref();
        let until =
            until.map_or_else(|| "`hactl resume`".to_owned(), |until| moment::of_text(until, &moment::now()));
        let (by, reason) = (Shown(by), Shown(reason));
        text.push_str(&format!(
            "{mark} PAUSED by {by} until {until}, nothing is changed in HAProxy: {reason}\n"
        ));
    }
    if status.config_stale {
        let what = "the configuration cannot be used as it is now; hactl runs on with the one before";
        text.push_str(&format!("{mark} {what}: see `hactl reload`\n"));
    }
    text
}

fn block(status: &Status, shape: &Shape<'_>, terminal: &Terminal) -> String {
    let mut text = String::new();
    for instance in status.instances.iter().filter(|instance| instance.is_stale()) {
        let age = span(instance.haproxy.age_seconds.unwrap_or_default());
        let line =
            format!("STALE: HAProxy was last looked at {age} ago, so nothing here is sure; see hactl's log");
        text.push_str(&wrap("", &format!("{} {line}", terminal.level(Level::Unknown)), terminal.width));
    }
    for problem in &status.problems {
        // Not wrapped: what stands in it to be copied stays in one piece.
        text.push_str(&format!("{} {problem}\n", terminal.level(Level::Down)));
    }
    if status.backends.is_empty() && status.problems.is_empty() {
        text.push_str(&format!("{} HAProxy was not seen yet\n", terminal.level(Level::Unknown)));
    }
    let answering = status.haproxy.answering;
    // Of many, those that are well are counted.
    let brief = !shape.all && is_long(status) && status.backends.len() > 1;
    let (counted, shown): (Vec<&BackendStatus>, Vec<&BackendStatus>) =
        status.backends.iter().partition(|backend| brief && backend.verdict == Level::Ok);
    for backend in &shown {
        let line = format!("{} {}", terminal.level(backend.verdict), headline(backend, answering));
        text.push_str(&wrap("", &line, terminal.width));
    }
    if !counted.is_empty() {
        let servers: usize = counted.iter().map(|backend| backend.servers.len()).sum();
        let (backends, servers) = (thousands(counted.len()), thousands(servers));
        let noun = if counted.len() == 1 { "other backend" } else { "other backends" };
        let line = format!("{backends} {noun} ok, with {servers} servers");
        text.push_str(&wrap("", &format!("{} {line}", terminal.level(Level::Ok)), terminal.width));
    }
    for line in wrap("  ", &about(status, terminal), terminal.width).lines() {
        text.push_str(&format!("{}\n", terminal.dim(line)));
    }
    for command in status.instances.iter().flat_map(|instance| &instance.would) {
        text.push_str(&format!("  would {}\n", Shown(command)));
    }
    for backend in &shown {
        text.push('\n');
        if status.backends.len() > 1 {
            text.push_str(&format!("{}\n", backend.name));
        }
        text.push_str(&rows(status, backend, shape, terminal));
    }
    if let Some(next) = next(status, shape.server) {
        text.push_str(&format!("\nnext: {next}\n"));
    }
    text
}

pub(crate) fn headline(backend: &BackendStatus, answering: bool) -> String {
    let name = &backend.name;
    let online = backend.servers.iter().filter(|server| server.health == Some(Verdict::Online)).count();
    let counts = format!("{} of {} online", thousands(online), thousands(backend.servers.len()));
    let since = backend.in_service_seconds.filter(|_| answering);
    let since = since.map(|seconds| format!(" for {}", span(seconds))).unwrap_or_default();
    let was = if answering { "" } else { "last seen " };
    let on = if backend.on_backup { "on backup " } else { "on " };
    let service = match backend.in_service.as_slice() {
        [] if answering => format!("HAProxy has had no usable server{since}"),
        [] => "HAProxy was last seen without a usable server".to_owned(),
        servers if servers.len() > NAMED_MAX => {
            format!("{was}{on}{} servers{since}", thousands(servers.len()))
        }
        servers => format!("{was}{on}{}{since}", servers.join(", ")),
    };
    match backend.verdict {
        Level::Ok => format!("{name} ok: {counts}, {service}"),
        Level::Degraded => format!("{name} DEGRADED: {counts}, {service}"),
        Level::Down if backend.in_service.is_empty() => format!("{name} DOWN: {counts}, {service}"),
        Level::Down => format!("{name} DOWN: no server is known to carry traffic; still {service}"),
        Level::Unknown => format!("{name} UNKNOWN: not every server has a verdict yet; {service}"),
    }
}

/// Who is talking, and of whom.
fn about(status: &Status, terminal: &Terminal) -> String {
    let haproxy = &status.haproxy;
    let process = match (&haproxy.version, haproxy.pid, haproxy.uptime_seconds) {
        (Some(version), Some(pid), Some(uptime)) => {
            format!("HAProxy {version} pid {pid} up {}", span(uptime as f64))
        }
        _ => match haproxy.age_seconds {
            Some(age) => format!("HAProxy away for {}", span(age)),
            None => "HAProxy not seen yet".to_owned(),
        },
    };
    let mut parts = vec![format!("hactl {} {}", status.version, status.node), process];
    parts.push(haproxy.socket.clone());
    let observes = status.instances.iter().any(|instance| instance.mode == "observe");
    let applying = match (status.applying, observes) {
        (_, true) => "observing",
        (true, false) => "applying",
        (false, false) => "not applying",
    };
    parts.push(applying.to_owned());
    if let Some(age) = haproxy.age_seconds.filter(|_| haproxy.answering) {
        parts.push(format!("data {age:.1}s old"));
    }
    parts.join(&format!(" {} ", terminal.dot()))
}

/// What an operator has ordered of it, and for how much longer at the moment `now`.
pub(crate) fn overridden(server: &ServerStatus, now: &str) -> String {
    let Some(ordered) = &server.override_ else { return "-".to_owned() };
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let left = ordered.until.as_deref().and_then(at).zip(at(now));
    let left = left.map(|(until, now)| format!(" {}", rest(until, now))).unwrap_or_default();
    format!("{}{left}", ordered.state.as_str())
}

/// HAProxy's word for how a server is.
pub(crate) const fn word(server: &ServerStatus) -> &'static str {
    match (server.haproxy.state, server.haproxy.operational) {
        (Admin::Ready, Operational::Running | Operational::Starting) => "up",
        (Admin::Ready, Operational::Stopped) if matches!(server.haproxy.agent, Some(Agent::Down)) => {
            "down (agent)"
        }
        (Admin::Ready, Operational::Stopped) => "down",
        (Admin::Ready, Operational::Stopping) => "stopping",
        (Admin::Drain, _) => "drain",
        (Admin::Maint, _) => "maint",
    }
}

/// The same, with whose it is where it is not ours, and what was wanted of it instead.
pub(crate) fn haproxy(server: &ServerStatus) -> String {
    let word = word(server);
    match (server.haproxy.owner, server.desired) {
        (Some(Owner::Theirs), _) => format!("{word} (not ours)"),
        (_, Some(wanted)) if server.drift && server.held.is_none() => {
            let wanted = match (wanted, server.haproxy.agent) {
                (Admin::Ready, Some(_)) => "up",
                (Admin::Drain | Admin::Maint, Some(_)) => "down",
                (Admin::Ready | Admin::Drain | Admin::Maint, None) => wanted.as_str(),
            };
            format!("{word} ({wanted} wanted)")
        }
        (Some(Owner::Ours) | None, _) => word.to_owned(),
    }
}

pub(crate) fn reason(server: &ServerStatus) -> String {
    match (&server.reason, &server.held, server.managed) {
        (Some(reason), Some(held), _) => format!("{}; stays: {held}", reason.text),
        (Some(reason), None, _) => reason.text.clone(),
        (None, Some(held), _) => held.clone(),
        (None, None, false) => "left alone by configuration".to_owned(),
        (None, None, true) if server.address.is_none() => "HAProxy has no address for it".to_owned(),
        (None, None, true) if server.slow => "much slower than usual".to_owned(),
        (None, None, true) => "-".to_owned(),
    }
}

fn shown<'a>(backend: &'a BackendStatus, server: Option<&str>) -> impl Iterator<Item = &'a ServerStatus> {
    backend.servers.iter().filter(move |there| server.is_none_or(|name| there.name == name))
}

fn next(status: &Status, server: Option<&str>) -> Option<String> {
    let condemned = |server: &&ServerStatus| server.health.is_some_and(Verdict::is_condemned);
    status.backends.iter().find_map(|backend| {
        let server = shown(backend, server).find(condemned)?;
        Some(format!("hactl explain {}/{}", backend.name, server.name))
    })
}

#[cfg(test)]
pub(crate) mod tests;
