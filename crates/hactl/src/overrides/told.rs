//! What came of an order, as a person reads it.

use failover::status::{OverrideStatus, PinStatus, ServerStatus};
use failover::{Admin, Operational, Owner, Verdict};
use hactld::text::Shown;
use jiff::{Timestamp, Zoned};
use serde::Deserialize;

use super::until;
use crate::exit::Exit;
use crate::report::Report;
use crate::status::render::word;
use crate::table::wrap;
use crate::terminal::{Terminal, rest};

/// The daemon's answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    exit_code: u8,
    servers: Vec<Line>,
    kept: bool,
    unkept_why: Option<String>,
}

/// What was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Maint,
    Drain,
    Ready,
    Auto,
    Pin,
}

#[derive(Debug, Deserialize)]
struct Line {
    backend: String,
    server: String,
    order: Order,
    was: Option<ServerStatus>,
    is: Option<ServerStatus>,
    pinned: Option<PinStatus>,
    in_service: Option<Vec<String>>,
    staying: Option<Vec<String>>,
    confirmed: bool,
    why: Option<String>,
}

impl Answer {
    pub(super) const fn exit(&self) -> Exit {
        if self.exit_code == 0 { Exit::Ok } else { Exit::Accepted }
    }

    /// A line for each server, and what is left of its backend.
    pub(super) fn text(&self, now: &Zoned, terminal: &Terminal) -> String {
        if self.servers.is_empty() {
            return "nothing is overridden\n".to_owned();
        }
        let mut text = String::new();
        for (index, line) in self.servers.iter().enumerate() {
            text.push_str(&wrap("", &line.text(now), terminal.width));
            for note in line.notes() {
                text.push_str(&wrap("  ", &note, terminal.width));
            }
            let is_last = self.servers.get(index + 1).is_none_or(|next| next.backend != line.backend);
            if let Some(left) = line.left(&self.servers).filter(|_| is_last) {
                // Not wrapped: what stands in it to be copied stays in one piece.
                text.push_str(&format!("{left}\n"));
            }
        }
        text
    }

    /// What is not as it should be.
    pub(super) fn warnings(&self) -> Vec<Report> {
        let waiting = self.servers.iter().filter(|line| !line.confirmed).map(|line| {
            let report = Report::new(format!(
                "{} is not as ordered yet; it is done as soon as it can be",
                line.name()
            ));
            let why = line.why.as_deref().unwrap_or("HAProxy was not read again yet");
            report.because(why).next("see `hactl status`")
        });
        let unkept = (!self.kept).then(|| {
            let report = Report::new("a restart of hactl would not know of this".to_owned());
            report.because(self.unkept_why.as_deref().unwrap_or("it is not on disk"))
        });
        waiting.chain(unkept).collect()
    }
}

impl Line {
    fn name(&self) -> String {
        Shown(&format!("{}/{}", self.backend, self.server)).to_string()
    }

    fn ordered(&self) -> Option<&OverrideStatus> {
        self.is.as_ref()?.override_.as_ref()
    }

    fn text(&self, now: &Zoned) -> String {
        let (was, is) = (how(self.was.as_ref()), how(self.is.as_ref()));
        let name = self.name();
        let given = match (self.order, self.ordered(), &self.pinned) {
            (Order::Pin, _, Some(pin)) => {
                format!("pinned {}", given(pin.until.as_deref(), &pin.by, pin.by_uid, now))
            }
            (Order::Maint | Order::Drain | Order::Ready, Some(ordered), _) => {
                given(ordered.until.as_deref(), &ordered.by, ordered.by_uid, now)
            }
            (Order::Auto | Order::Pin | Order::Maint | Order::Drain | Order::Ready, ..) => {
                "left to its probes".to_owned()
            }
        };
        format!("{name}  {was}  ->  {is}   {given}")
    }

    fn notes(&self) -> Vec<String> {
        let Some(is) = &self.is else { return vec!["HAProxy has no such server now".to_owned()] };
        let mut notes = Vec::new();
        if is.haproxy.owner == Some(Owner::Theirs) {
            let state = is.haproxy.state.as_str();
            notes.push(format!("somebody else put it into {state} in HAProxy: that stays when this ends"));
        }
        if self.ordered().is_some_and(|ordered| ordered.state == Admin::Ready) {
            notes.extend(failing(is));
        }
        if self.order == Order::Pin && self.confirmed {
            notes.push(format!("the traffic of {} is on {}", Shown(&self.backend), Shown(&self.server)));
        }
        notes.extend(self.beside_the_pin());
        notes
    }

    /// What becomes of a pin that this order meets.
    fn beside_the_pin(&self) -> Option<String> {
        let pin = self.pinned.as_ref()?;
        let (backend, pinned) = (Shown(&self.backend), Shown(&pin.server));
        let is_pinned = pin.server == self.server;
        match self.order {
            Order::Maint | Order::Drain if is_pinned => Some(format!(
                "the pin of {backend} to it, by {}, rests until this ends; `hactl auto {backend}/{pinned}` ends both",
                Shown(&pin.by)
            )),
            Order::Ready if !is_pinned => Some(format!(
                "{backend} is pinned to {pinned} by {}, so the traffic stays there as long as that one works",
                Shown(&pin.by)
            )),
            Order::Maint | Order::Drain | Order::Ready | Order::Auto | Order::Pin => None,
        }
    }

    /// What is left where it was taken out, and how to undo it.
    fn left(&self, all: &[Self]) -> Option<String> {
        let names: Vec<String> =
            all.iter().filter(|line| line.backend == self.backend).map(Self::name).collect();
        let undo = format!("Undo: hactl auto {}", names.join(" "));
        if self.order == Order::Pin {
            return Some(undo);
        }
        let ordered = self.ordered()?;
        if ordered.state == Admin::Ready {
            return Some(undo);
        }
        let staying: Vec<String> =
            self.staying.iter().flatten().map(|name| Shown(name).to_string()).collect();
        Some(match staying.as_slice() {
            // HAProxy does not answer.
            [] if self.staying.is_none() => undo,
            [] if self.in_service.as_ref().is_some_and(|serving| !serving.is_empty()) => undo,
            [] => format!(
                "No other server of {} can be used: HAProxy closes new connections. {undo}",
                Shown(&self.backend)
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
            format!("until {} ({})", until::at(then, now), rest(then, now.timestamp()))
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
