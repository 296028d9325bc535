//! What came of an order, as a person reads it.

use failover::status::{OverrideStatus, PinStatus, ServerStatus};
use failover::{Admin, Operational, Owner, Verdict};
use hactld::admin::{Changed, ChangedServer};
use hactld::text::Shown;
use jiff::{Timestamp, Zoned};

use crate::change;
use crate::moment;
use crate::report::Report;
use crate::status::render::word;
use crate::table::wrap;
use crate::terminal::{Terminal, rest};

/// A line for each server, and what is left of its backend.
pub(super) fn text(changed: &Changed, now: &Zoned, terminal: &Terminal) -> String {
    let servers = &changed.servers;
    if servers.is_empty() {
        return "nothing is overridden\n".to_owned();
    }
    let mut text = String::new();
    for (index, server) in servers.iter().enumerate() {
        let line = Line(server);
        text.push_str(&wrap("", &line.text(now), terminal.width));
        for note in line.notes() {
            text.push_str(&wrap("  ", &note, terminal.width));
        }
        let is_last = servers.get(index + 1).is_none_or(|next| next.backend != server.backend);
        if let Some(left) = line.left(servers).filter(|_| is_last) {
            // Not wrapped: what stands in it to be copied stays in one piece.
            text.push_str(&format!("{left}\n"));
        }
    }
    text
}

/// What is not as it should be.
pub(super) fn warnings(changed: &Changed) -> Vec<Report> {
    let unkept = (!changed.kept).then(|| {
        let report = Report::new("a restart of hactl would not know of this".to_owned());
        report.because(changed.unkept_why.as_deref().unwrap_or("it is not on disk"))
    });
    change::waiting(changed).into_iter().chain(unkept).collect()
}

/// What came of it for one server.
struct Line<'a>(&'a ChangedServer);

impl Line<'_> {
    fn name(&self) -> String {
        change::name(self.0)
    }

    fn ordered(&self) -> Option<&OverrideStatus> {
        self.0.is.as_ref()?.override_.as_ref()
    }

    fn pin(&self) -> Option<&PinStatus> {
        self.0.pinned.as_ref().filter(|pinned| pinned.server == self.0.server)
    }

    fn text(&self, now: &Zoned) -> String {
        let (was, is) = (how(self.0.was.as_ref()), how(self.0.is.as_ref()));
        let name = self.name();
        let given = match (self.ordered(), self.pin()) {
            (_, Some(pin)) => format!("pinned {}", given(pin.until.as_deref(), &pin.by, pin.by_uid, now)),
            (Some(ordered), None) => given(ordered.until.as_deref(), &ordered.by, ordered.by_uid, now),
            (None, None) => "left to its probes".to_owned(),
        };
        format!("{name}  {was}  ->  {is}   {given}")
    }

    fn notes(&self) -> Vec<String> {
        let Some(is) = &self.0.is else { return vec!["HAProxy has no such server now".to_owned()] };
        let mut notes = Vec::new();
        if is.haproxy.owner == Some(Owner::Theirs) {
            let state = is.haproxy.state.as_str();
            notes.push(format!("somebody else put it into {state} in HAProxy: that stays when this ends"));
        }
        if self.ordered().is_some_and(|ordered| ordered.state == Admin::Ready) {
            notes.extend(failing(is));
        }
        if self.pin().is_some() && self.0.confirmed {
            notes.push(format!("the traffic of {} is on {}", Shown(&self.0.backend), Shown(&self.0.server)));
        }
        notes
    }

    /// What is left where it was taken out, and how to undo it.
    fn left(&self, all: &[ChangedServer]) -> Option<String> {
        let names: Vec<String> =
            all.iter().filter(|line| line.backend == self.0.backend).map(change::name).collect();
        let undo = format!("Undo: hactl auto {}", names.join(" "));
        if self.pin().is_some() {
            return Some(undo);
        }
        let ordered = self.ordered()?;
        if ordered.state == Admin::Ready {
            return Some(undo);
        }
        let staying: Vec<String> =
            self.0.staying.iter().flatten().map(|name| Shown(name).to_string()).collect();
        Some(match staying.as_slice() {
            [] if self.0.in_service.as_ref().is_some_and(|serving| !serving.is_empty()) => undo,
            [] => format!(
                "No other server of {} can be used: HAProxy closes new connections. {undo}",
                Shown(&self.0.backend)
            ),
            [one] => format!("1 other server stays in service ({one}). {undo}"),
            several => {
                format!("{} other servers stay in service ({}). {undo}", several.len(), several.join(", "))
            }
        })
    }
}

/// `online,up`.
fn how(server: Option<&ServerStatus>) -> String {
    let Some(server) = server else { return "-".to_owned() };
    let health = server.health.map_or_else(|| "-".to_owned(), |health| health.to_string());
    format!("{health},{}", word(server))
}

/// `until 2026-11-23 18:00 CET (41m), by alice (uid 1000)`.
fn given(end: Option<&str>, by: &str, uid: Option<u32>, now: &Zoned) -> String {
    let until = match end.map(|end| (end, end.parse::<Timestamp>())) {
        None => "until `hactl auto`".to_owned(),
        Some((_, Ok(then))) => {
            format!("until {} ({})", moment::at(then, now), rest(then, now.timestamp()))
        }
        Some((text, Err(_))) => format!("until {}", Shown(text)),
    };
    let named = uid.filter(|uid| by != format!("uid {uid}"));
    let uid = named.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
    format!("{until}, by {}{uid}", Shown(by))
}

/// What an operator should know who has a server used although its probes fail.
fn failing(server: &ServerStatus) -> Option<String> {
    let health = server.health?;
    let known = match (health, &server.reason) {
        (Verdict::Online, _) => return None,
        (Verdict::Unknown, _) => "nothing is known of it yet".to_owned(),
        (Verdict::Degraded | Verdict::Offline, Some(reason)) => {
            format!("it is {health}: {}", Shown(&reason.text))
        }
        (Verdict::Degraded | Verdict::Offline, None) => format!("it is {health}"),
    };
    let is_up = matches!(server.haproxy.operational, Operational::Running | Operational::Starting);
    let then = if server.haproxy.state == Admin::Ready && !is_up {
        "HAProxy's own check has it down as well, so HAProxy sends it nothing"
    } else {
        "HAProxy may send it traffic all the same, as you ordered"
    };
    Some(format!("{known}; {then}"))
}
