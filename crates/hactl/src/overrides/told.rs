//! What came of an order, as a person reads it.

use failover::status::{OverrideStatus, ServerStatus};
use failover::{Admin, Operational, Owner, Verdict};
use hactld::admin::{Action, Changed, ChangedServer};
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
        let line = Line { action: changed.action, server };
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
struct Line<'a> {
    action: Action,
    server: &'a ChangedServer,
}

impl Line<'_> {
    fn name(&self) -> String {
        change::name(self.server)
    }

    fn ordered(&self) -> Option<&OverrideStatus> {
        self.server.is.as_ref()?.override_.as_ref()
    }

    fn text(&self, now: &Zoned) -> String {
        let (was, is) = (how(self.server.was.as_ref()), how(self.server.is.as_ref()));
        let name = self.name();
        let given = match (self.action, self.ordered(), &self.server.pinned) {
            (Action::Pin, _, Some(pin)) => {
                format!("pinned {}", given(pin.until.as_deref(), &pin.by, pin.by_uid, now))
            }
            (Action::Maint | Action::Drain | Action::Ready, Some(ordered), _) => {
                given(ordered.until.as_deref(), &ordered.by, ordered.by_uid, now)
            }
            _ => "left to its probes".to_owned(),
        };
        format!("{name}  {was}  ->  {is}   {given}")
    }

    fn notes(&self) -> Vec<String> {
        let Some(is) = &self.server.is else { return vec!["HAProxy has no such server now".to_owned()] };
        let mut notes = Vec::new();
        if is.haproxy.owner == Some(Owner::Theirs) {
            let state = is.haproxy.state.as_str();
            notes.push(format!("somebody else put it into {state} in HAProxy: that stays when this ends"));
        }
        if self.ordered().is_some_and(|ordered| ordered.state == Admin::Ready) {
            notes.extend(failing(is));
        }
        if self.action == Action::Pin && self.server.confirmed {
            let (backend, server) = (Shown(&self.server.backend), Shown(&self.server.server));
            notes.push(format!("the traffic of {backend} is on {server}"));
        }
        notes.extend(self.beside_the_pin());
        notes
    }

    /// What becomes of a pin that this order meets.
    fn beside_the_pin(&self) -> Option<String> {
        let pin = self.server.pinned.as_ref()?;
        let (backend, pinned) = (Shown(&self.server.backend), Shown(&pin.server));
        let is_pinned = pin.server == self.server.server;
        match self.action {
            Action::Maint | Action::Drain if is_pinned => Some(format!(
                "the pin of {backend} to it, by {}, rests until this ends; `hactl auto {backend}/{pinned}` ends both",
                Shown(&pin.by)
            )),
            Action::Ready if !is_pinned => Some(format!(
                "{backend} is pinned to {pinned} by {}, so the traffic stays there as long as that one works",
                Shown(&pin.by)
            )),
            Action::Maint
            | Action::Drain
            | Action::Ready
            | Action::Auto
            | Action::Pin
            | Action::Pause
            | Action::Resume
            | Action::Failback => None,
        }
    }

    /// What is left where it was taken out, and how to undo it.
    fn left(&self, all: &[ChangedServer]) -> Option<String> {
        let names: Vec<String> =
            all.iter().filter(|line| line.backend == self.server.backend).map(change::name).collect();
        let undo = format!("Undo: hactl auto {}", names.join(" "));
        if self.action == Action::Pin {
            return Some(undo);
        }
        let ordered = self.ordered()?;
        if ordered.state == Admin::Ready {
            return Some(undo);
        }
        let staying: Vec<String> =
            self.server.staying.iter().flatten().map(|name| Shown(name).to_string()).collect();
        Some(match staying.as_slice() {
            // HAProxy does not answer.
            [] if self.server.staying.is_none() => undo,
            [] if self.server.in_service.as_ref().is_some_and(|serving| !serving.is_empty()) => undo,
            [] => format!(
                "No other server of {} can be used: HAProxy closes new connections. {undo}",
                Shown(&self.server.backend)
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
