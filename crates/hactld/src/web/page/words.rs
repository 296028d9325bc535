//! What is known, in words that a tired person understands, and the shapes that stand beside them.

use failover::status::{BackendStatus, InstanceStatus, LatencyLevel, Level, ServerStatus, Status};
use failover::{Admin, Agent, Operational, Owner, Verdict};

use super::STALE_SECONDS;

/// What the window's title begins with.
pub(super) const fn mark(level: Level) -> &'static str {
    match level {
        Level::Ok => "✓",
        Level::Degraded => "▲",
        Level::Down => "✕",
        Level::Unknown => "○",
    }
}

/// The name of a large symbol of the template.
pub(super) const fn level_icon(level: Level) -> &'static str {
    match level {
        Level::Ok => "l-ok",
        Level::Degraded => "l-degraded",
        Level::Down => "l-down",
        Level::Unknown => "l-unknown",
    }
}

/// The class of a latency, which is its colour; the figure beside it says the same.
pub(super) const fn latency(level: LatencyLevel) -> &'static str {
    match level {
        LatencyLevel::Usual => "ms usual",
        LatencyLevel::Raised => "ms raised",
        LatencyLevel::High => "ms high",
    }
}

/// The name of a small one.
pub(super) const fn level_shape(level: Level) -> &'static str {
    match level {
        Level::Ok => "online",
        Level::Degraded => "degraded",
        Level::Down => "offline",
        Level::Unknown => "unknown",
    }
}

/// The icon of the window: as the large symbols, in colours that do on light and dark.
pub(super) const fn icon(level: Level) -> &'static str {
    match level {
        Level::Ok => {
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Ccircle cx='16' cy='16' r='15' fill='%2322a35a'/%3E%3Cpath d='m9.5 16.6 4.4 4.4 8.8-9.4' fill='none' stroke='%23fff' stroke-width='3.6' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"
        }
        Level::Degraded => {
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath d='M16 3 30.5 28.5h-29z' fill='%23e09c26' stroke='%23e09c26' stroke-width='2.4' stroke-linejoin='round'/%3E%3Cpath d='M16 11v8.6' stroke='%23000' stroke-width='3.4' stroke-linecap='round'/%3E%3Ccircle cx='16' cy='24.6' r='2' fill='%23000'/%3E%3C/svg%3E"
        }
        Level::Down => {
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath d='M10 1h12l9 9v12l-9 9H10l-9-9V10z' fill='%23d43d49'/%3E%3Cpath d='m11 11 10 10m0-10L11 21' stroke='%23fff' stroke-width='3.8' stroke-linecap='round'/%3E%3C/svg%3E"
        }
        Level::Unknown => {
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Ccircle cx='16' cy='16' r='12.5' fill='none' stroke='%238d98a7' stroke-width='5'/%3E%3C/svg%3E"
        }
    }
}

/// The one sentence to read.
pub(super) fn headline(status: &Status) -> String {
    match status.worst() {
        Level::Ok => "All is well".to_owned(),
        Level::Unknown => "Not everything is known yet".to_owned(),
        Level::Down => down(status),
        Level::Degraded => degraded(status),
    }
}

fn down(status: &Status) -> String {
    let down: Vec<&BackendStatus> =
        status.backends.iter().filter(|backend| backend.verdict == Level::Down).collect();
    let away =
        |instance: &&InstanceStatus| instance.haproxy.age_seconds.is_some() && !instance.haproxy.answering;
    let several = status.instances.len() > 1;
    if let Some(instance) = status.instances.iter().find(away) {
        return if several {
            format!("HAProxy {} does not answer", instance.name)
        } else {
            "HAProxy does not answer".to_owned()
        };
    }
    match down.as_slice() {
        [] if status.frozen_since.is_some() => "Nothing answers, so nothing is changed".to_owned(),
        [] => "Something keeps hactl from its work".to_owned(),
        [backend] if backend.in_service.is_empty() => {
            format!("{} is down: its clients are not served", backend.name)
        }
        [backend] => format!("{} is down: no server is known to carry traffic", backend.name),
        several => format!("{} backends are down", several.len()),
    }
}

fn degraded(status: &Status) -> String {
    let on_backup = status.backends.iter().filter(|backend| backend.on_backup).count();
    match (status.paused.is_some(), on_backup) {
        (true, _) => "Paused: nothing is changed in HAProxy".to_owned(),
        (false, 1..) => "Clients are served, by a backup".to_owned(),
        (false, 0) => "Clients are served, but not all is well".to_owned(),
    }
}

/// Beneath it: how many, and which HAProxy.
pub(super) fn summary(status: &Status) -> String {
    let servers = status.backends.iter().flat_map(|backend| &backend.servers);
    let servers = servers.filter(|server| server.managed);
    let (online, all) = servers.fold((0, 0), |(online, all), server| {
        (online + usize::from(server.health == Some(Verdict::Online)), all + 1)
    });
    let backends = match status.backends.len() {
        0 | 1 => String::new(),
        several => format!(" in {several} backends"),
    };
    let mut parts = vec![format!("{online} of {all} servers online{backends}")];
    if let [instance] = status.instances.as_slice() {
        parts.push(process(instance));
    } else {
        let answering = status.instances.iter().filter(|instance| instance.haproxy.answering).count();
        parts.push(format!("{answering} of {} HAProxies answer", status.instances.len()));
    }
    if status.instances.iter().any(|instance| instance.mode == "observe") && status.paused.is_none() {
        parts.push("observing".to_owned());
    }
    parts.join(" · ")
}

fn process(instance: &InstanceStatus) -> String {
    let haproxy = &instance.haproxy;
    // Behind the hyphen is the distribution's.
    let version = haproxy.version.as_deref().and_then(|version| version.split('-').next());
    match (version, haproxy.uptime_seconds, haproxy.age_seconds) {
        (Some(version), Some(_), Some(age)) if age > STALE_SECONDS => {
            format!("HAProxy {version}, last heard {} ago", span(age))
        }
        (Some(version), Some(uptime), _) => format!("HAProxy {version} up {}", span(uptime as f64)),
        (_, _, Some(age)) => format!("HAProxy away for {}", span(age)),
        (_, _, None) => "HAProxy not seen yet".to_owned(),
    }
}

/// Who carries a backend's traffic.
pub(super) fn service(backend: &BackendStatus, answering: bool) -> String {
    let since = backend.in_service_seconds.filter(|_| answering);
    let since = since.map(|seconds| format!(" for {}", span(seconds))).unwrap_or_default();
    let servers = match backend.in_service.as_slice() {
        few if few.len() <= 4 => few.join(", "),
        many => format!("{} servers", many.len()),
    };
    let on = if backend.on_backup { "on backup" } else { "on" };
    match (backend.in_service.is_empty(), answering) {
        (true, true) => format!("HAProxy has had no usable server{since}"),
        (true, false) => "HAProxy was last seen without a usable server".to_owned(),
        (false, true) if backend.blackout_since.is_some() => {
            format!("no server is known to carry traffic; HAProxy still uses {servers}")
        }
        (false, true) => format!("{on} {servers}{since}"),
        (false, false) => format!("last seen {on} {servers}"),
    }
}

/// The name of a server's symbol.
pub(super) const fn shape(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Online) => "online",
        Some(Verdict::Degraded) => "degraded",
        Some(Verdict::Offline) => "offline",
        Some(Verdict::Unknown) | None => "unknown",
    }
}

pub(super) const fn health(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Online) => "online",
        Some(Verdict::Degraded) => "degraded",
        Some(Verdict::Offline) => "offline",
        Some(Verdict::Unknown) => "unknown",
        None => "not probed",
    }
}

/// HAProxy's word for it, and what there is to say of that.
pub(super) fn haproxy(server: &ServerStatus, answering: bool) -> (&'static str, Option<String>) {
    let word = match (server.haproxy.state, server.haproxy.operational) {
        (Admin::Ready, Operational::Running | Operational::Starting) => "up",
        (Admin::Ready, Operational::Stopped) if server.haproxy.agent == Some(Agent::Down) => "down (agent)",
        (Admin::Ready, Operational::Stopped) => "down",
        (Admin::Ready, Operational::Stopping) => "stopping",
        (Admin::Drain, _) => "drain",
        (Admin::Maint, _) => "maint",
    };
    let note = match (server.haproxy.owner, server.desired) {
        _ if !answering => Some("last seen".to_owned()),
        (Some(Owner::Theirs), _) => Some("not by hactl".to_owned()),
        (_, Some(wanted)) if server.drift && server.held.is_none() => {
            let wanted = match (wanted, server.haproxy.agent) {
                (Admin::Ready, Some(_)) => "up",
                (Admin::Drain | Admin::Maint, Some(_)) => "down",
                (Admin::Ready | Admin::Drain | Admin::Maint, None) => wanted.as_str(),
            };
            Some(format!("{wanted} wanted"))
        }
        (Some(Owner::Ours), _) => Some("by hactl".to_owned()),
        (None, _) => None,
    };
    (word, note)
}

/// An operator's, in a few words.
pub(super) fn override_of(server: &ServerStatus) -> Option<String> {
    let ordered = server.override_.as_ref()?;
    let until = until(ordered.until.as_deref());
    Some(format!("{}{until}: {}, by {}", ordered.state.as_str(), ordered.reason, ordered.by))
}

/// The server that an operator has a backend use.
pub(super) fn pinned(backend: &BackendStatus) -> Option<String> {
    let pin = backend.pinned.as_ref()?;
    let until = until(pin.until.as_deref());
    Some(format!("pinned to {}{until}: {}, by {}", pin.server, pin.reason, pin.by))
}

/// ` until 2026-11-25 23:11Z`, of a time to the millisecond; nothing where there is no end.
pub(super) fn until(at: Option<&str>) -> String {
    at.map_or_else(String::new, |at| match (at.get(..10), at.get(11..16)) {
        (Some(date), Some(time)) => format!(" until {date} {time}Z"),
        (Some(_) | None, Some(_) | None) => format!(" until {at}"),
    })
}

/// Why it is not as it should be; nothing where it is.
pub(super) fn reason(server: &ServerStatus) -> Option<String> {
    let failed = server.reason.as_ref().map(|reason| match &server.returning {
        Some(back) => {
            let (since, rest) = (span(back.answers_seconds), span(back.used_in_seconds));
            format!("answers again for {since}, held for {rest} more; before: {}", reason.text)
        }
        None => reason.text.clone(),
    });
    match (failed, &server.held) {
        (Some(failed), Some(held)) if server.drift => Some(format!("{failed}; stays: {held}")),
        (Some(failed), Some(held)) => Some(format!("{failed}; {held}")),
        (Some(failed), None) => Some(failed),
        (None, Some(held)) => Some(held.clone()),
        (None, None) if !server.managed => Some("left alone by configuration".to_owned()),
        (None, None) if server.address.is_none() => Some("HAProxy has no address for it".to_owned()),
        (None, None) if server.slow => Some("much slower than usual".to_owned()),
        (None, None) => None,
    }
}

/// It is worth a look.
pub(super) fn is_troubled(server: &ServerStatus) -> bool {
    let well = server.health == Some(Verdict::Online) || (server.health.is_none() && !server.managed);
    !well || server.drift || server.slow || server.held.is_some() || server.override_.is_some()
}

/// `8s`, `4m12s`, `3h20m`, `2d4h`: two units are enough.
pub(super) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60);
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{minutes}m{}s", whole % 60),
        3600..86400 => format!("{hours}h{minutes}m"),
        86400.. => format!("{days}d{hours}h"),
    }
}

/// Milliseconds, as exact as they mean something.
pub(super) fn millis(millis: f64) -> String {
    if millis < 10.0 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}
