//! An event in the form in which it is kept, written to files and sent. Makes no events.

use std::fmt;

use failover::{Admin, Asked, Event, Name, Severity};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::Note;

/// Bytes of one text of an event. What an event says is a line or two, but a reload lists all that it changes.
const TEXT_MAX: usize = 2000;

/// One event, as `hactl/v1` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct Entry {
    /// One more than that of the event before.
    pub seq: u64,
    /// When it was told, RFC 3339 to the millisecond.
    #[serde(serialize_with = "millis")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The instance that it is about; `null` where it is about the whole daemon.
    pub instance: Option<String>,
    /// Its kind: one of a closed list.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// The backend that it is about.
    pub backend: Option<String>,
    /// The server that it is about.
    pub server: Option<String>,
    /// What was: a verdict, the servers in service, with commas between them, or what an operator's order was that is over:
    /// `maint`, `drain`, `ready`, `pin`.
    pub from: Option<String>,
    /// What is from now on, in the same words; empty where no server is in service.
    pub to: Option<String>,
    /// All of it, as one line.
    pub text: String,
    /// Why, where it has a reason of its own.
    pub why: Option<String>,
    /// Who wanted it, where somebody did.
    pub by: Option<String>,
    /// When that began which it is about: the last sign of life before a verdict, the start of a blackout or of HAProxy's
    /// silence that is over.
    #[serde(default, serialize_with = "millis_or_null")]
    #[schemars(with = "Option<String>")]
    pub began: Option<Timestamp>,
}

impl Entry {
    pub(super) fn of(event: &Event, instance: Option<&Name>, seq: u64, at: Timestamp) -> Self {
        let (from, to) = change(event);
        Self {
            seq,
            at,
            instance: instance.map(Name::to_string),
            kind: event.kind().to_owned(),
            severity: event.severity(),
            backend: event.backend().map(Name::to_string),
            server: event.server().map(|id| id.server.to_string()),
            from,
            to,
            text: cut(event.to_string()),
            why: event.why().map(|why| cut(why.to_owned())),
            by: event.by().map(|by| cut(by.to_owned())),
            began: began(event, at),
        }
    }
}

impl Entry {
    pub(super) fn of_note(note: Note, seq: u64, at: Timestamp) -> Self {
        let Note { kind, severity, instance, backend, server, text, why } = note;
        Self {
            seq,
            at,
            instance,
            kind: kind.to_owned(),
            severity,
            backend,
            server,
            from: None,
            to: None,
            text: cut(text),
            why: why.map(cut),
            by: None,
            began: None,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What was, and what is.
fn change(event: &Event) -> (Option<String>, Option<String>) {
    let listed = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(",");
    if let Event::Health { from, to, .. } = event {
        (Some(from.to_string()), Some(to.to_string()))
    } else if let Event::InService { from, to, .. } = event {
        (from.as_deref().map(listed), Some(listed(to)))
    } else if let Event::Asked(asked) = event {
        ordered(asked)
    } else {
        (None, None)
    }
}

/// What an operator had ordered, and what is ordered from now on.
fn ordered(asked: &Asked) -> (Option<String>, Option<String>) {
    let word = |state: Option<Admin>| Some(state.map_or("pin", Admin::as_str).to_owned());
    match asked {
        Asked::Override { state, .. } => (None, word(Some(*state))),
        Asked::Pinned { .. } => (None, word(None)),
        Asked::StillOverridden { state, .. } => (None, word(*state)),
        Asked::Expired { state, .. } => (word(*state), None),
        Asked::Reloaded { .. }
        | Asked::NotReloaded { .. }
        | Asked::Paused { .. }
        | Asked::Resumed { .. }
        | Asked::FailBack { .. }
        | Asked::OverridesLost { .. }
        | Asked::Auto { .. }
        | Asked::Raw { .. }
        | Asked::Would { .. }
        | Asked::LetGo { .. } => (None, None),
    }
}

fn began(event: &Event, at: Timestamp) -> Option<Timestamp> {
    let ago = if let Event::Health { silent, .. } = event {
        (*silent)?
    } else if let Event::BlackoutOver { lasted, .. } | Event::Thawed { lasted } = event {
        *lasted
    } else if let Event::HaproxyPresent { away, .. } = event {
        (*away)?
    } else {
        return None;
    };
    at.checked_sub(ago).ok()
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// As all times of `hactl/v1` are written.
pub(crate) fn millis<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

pub(crate) fn millis_or_null<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => millis(at, serializer),
        None => serializer.serialize_none(),
    }
}
