//! The status for people: verdict first, then the servers.

use failover::status::{BackendStatus, Level, PauseStatus, PinStatus, ServerStatus, Status};
use failover::{Admin, Agent, Operational, Owner, Verdict};
use hactld::text::Shown;
use jiff::Timestamp;

use crate::moment;
use crate::table::wrap;
use crate::terminal::{Terminal, rest, span};

mod rows;

pub(crate) use self::rows::answers;
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
    // What keeps clients from being served, or hactl from its work, makes the whole DOWN.
    let minor = status.exit_code == Level::Degraded.exit_code();
    let mark = terminal.level(if minor { Level::Degraded } else { Level::Down });
    for problem in &status.problems {
        // Not wrapped: what stands in it to be copied stays in one piece.
        text.push_str(&format!("{mark} {}\n", Shown(problem)));
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
        let other = if shown.is_empty() { "" } else { "other " };
        let noun = if counted.len() == 1 { "backend" } else { "backends" };
        let line = format!("{backends} {other}{noun} ok, with {servers} servers");
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
            text.push_str(&format!("{}\n", Shown(&backend.name)));
        }
        text.push_str(&rows(status, backend, shape, terminal));
    }
    if let Some(next) = next(status, shape.server) {
        text.push_str(&format!("\nnext: {}\n", Shown(&next)));
    }
    text
}

pub(crate) fn headline(backend: &BackendStatus, answering: bool) -> String {
    let name = &backend.name;
    let managed = || backend.servers.iter().filter(|server| server.managed);
    let online = managed().filter(|server| server.health == Some(Verdict::Online)).count();
    let counts = format!("{} of {} online", thousands(online), thousands(managed().count()));
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
        Level::Down if !answering => format!("{name} DOWN: no server is known to carry traffic; {service}"),
        Level::Down => format!("{name} DOWN: no server is known to carry traffic; still {service}"),
        Level::Unknown if !answering => format!("{name} UNKNOWN: {counts}, {service}"),
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
    let applying = match (status.paused.is_some(), observes, status.applying) {
        (true, ..) => "paused",
        (false, true, _) => "observing",
        (false, false, true) => "applying",
        (false, false, false) => "not applying",
    };
    parts.push(applying.to_owned());
    if let Some(age) = haproxy.age_seconds.filter(|_| haproxy.answering) {
        parts.push(format!("data {age:.1}s old"));
    }
    parts.join(&format!(" {} ", terminal.dot()))
}

/// What operators have ordered of it, and for how much longer at the moment `now`.
pub(crate) fn overridden(backend: &BackendStatus, server: &ServerStatus, now: &str) -> String {
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let left = |until: &Option<String>| match until {
        None => ", no end".to_owned(),
        Some(until) => {
            at(until).zip(at(now)).map(|(until, now)| format!(" {}", rest(until, now))).unwrap_or_default()
        }
    };
    let ordered = server.override_.as_ref();
    let ordered = ordered.map(|ordered| format!("{}{}", ordered.state.as_str(), left(&ordered.until)));
    let pin = pin_to(backend, server).map(|pin| format!("pin{}", left(&pin.until)));
    let all: Vec<String> = ordered.into_iter().chain(pin).collect();
    if all.is_empty() { "-".to_owned() } else { all.join("; ") }
}

/// The pin of the backend to this server.
fn pin_to<'a>(backend: &'a BackendStatus, server: &ServerStatus) -> Option<&'a PinStatus> {
    backend.pinned.as_ref().filter(|pin| pin.server == server.name)
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

/// The same, with whose it is where it is not ours, and what was wanted of it instead; or how it was before HAProxy fell
/// silent.
pub(crate) fn haproxy(server: &ServerStatus, answering: bool) -> String {
    let word = word(server);
    if !answering {
        return format!("was {word}");
    }
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

/// Why it is not as it would be by itself: what failed, how far it is on its way back, what keeps it where it is.
pub(crate) fn reason(backend: &BackendStatus, server: &ServerStatus) -> String {
    let failed = server.reason.as_ref().map(|reason| match &server.returning {
        Some(back) => {
            let (since, rest) = (span(back.answers_seconds), span(back.used_in_seconds));
            format!("answers again for {since}, held for {rest} more; before: {}", reason.text)
        }
        None => reason.text.clone(),
    });
    let ordered = server.override_.as_ref().map(|ordered| (&ordered.reason, &ordered.by));
    let ordered = ordered.or_else(|| pin_to(backend, server).map(|pin| (&pin.reason, &pin.by)));
    let ordered = ordered.map(|(reason, by)| format!("\"{reason}\" by {by}"));
    let held = match (&server.held, server.drift, &failed) {
        (Some(held), true, Some(_)) => Some(format!("stays: {held}")),
        (Some(held), ..) => Some(held.clone()),
        (None, ..) => None,
    };
    // What is kept out by an order is so in the order's words.
    let ordered = ordered.filter(|ordered| held.as_ref() != Some(ordered));
    let all: Vec<String> = [failed, held, ordered].into_iter().flatten().collect();
    match (all.is_empty(), server.managed) {
        (false, _) => all.join("; "),
        (true, false) => "left alone by configuration".to_owned(),
        (true, true) if server.address.is_none() => "HAProxy has no address for it".to_owned(),
        (true, true) if server.slow => "much slower than usual".to_owned(),
        (true, true) => "-".to_owned(),
    }
}

fn shown<'a>(backend: &'a BackendStatus, server: Option<&str>) -> impl Iterator<Item = &'a ServerStatus> {
    backend.servers.iter().filter(move |there| server.is_none_or(|name| there.name == name))
}

/// What to type: for what fails first, then for what waits for somebody.
fn next(status: &Status, server: Option<&str>) -> Option<String> {
    let condemned = |server: &&ServerStatus| server.health.is_some_and(Verdict::is_condemned);
    let of_backends = |next: &dyn Fn(&BackendStatus) -> Option<String>| status.backends.iter().find_map(next);
    let explain = |backend: &BackendStatus| {
        let server = shown(backend, server).find(condemned)?;
        Some(format!("hactl explain {}/{}", backend.name, server.name))
    };
    let unserved = |backend: &BackendStatus| {
        let is_down = backend.verdict == Level::Down && server.is_none();
        is_down.then(|| format!("hactl explain {}", backend.name))
    };
    let endless = |backend: &BackendStatus| {
        let server = shown(backend, server).find(|server| {
            let ordered = server.override_.as_ref().is_some_and(|ordered| ordered.until.is_none());
            ordered || pin_to(backend, server).is_some_and(|pin| pin.until.is_none())
        })?;
        Some(format!("hactl auto {}/{}", backend.name, server.name))
    };
    let waits = |backend: &BackendStatus| {
        backend.waits_for.as_ref().map(|_| format!("hactl failback {}", backend.name))
    };
    of_backends(&explain)
        .or_else(|| of_backends(&unserved))
        .or_else(|| of_backends(&endless))
        .or_else(|| of_backends(&waits))
}

#[cfg(test)]
pub(crate) mod tests;
