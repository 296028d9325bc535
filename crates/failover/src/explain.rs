//! Why a server or a backend is as it is, in words: what was seen, which rule follows from it, what was done and when that
//! was read back, and what would change it. The same text for the command, `top` and the page. What it is made from is
//! in the core; nothing is decided by it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::status::PauseStatus;
use crate::{Admin, Event, Haproxy, Name, Observed, ServerId, Time};

/// What is explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `backend` or `backend/server`.
    pub subject: String,
    /// How it is and what follows, in one sentence.
    pub headline: String,
    /// Why, from what was seen to what can be done.
    pub sections: Vec<Section>,
}

/// Lines under one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What they are about.
    pub label: Label,
    /// The lines; never none.
    pub lines: Vec<Line>,
}

/// What lines are about, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// What was seen.
    Evidence,
    /// What follows from it, and by which setting.
    Rule,
    /// What HAProxy was told, and when it was read back.
    Effect,
    /// What would change it, and when.
    Returns,
    /// What an operator has set.
    Override,
    /// What to type.
    Try,
}

impl Label {
    /// The label as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Rule => "rule",
            Self::Effect => "effect",
            Self::Returns => "returns",
            Self::Override => "override",
            Self::Try => "try",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What there is to say.
    pub text: String,
    /// The setting behind it.
    pub setting: Option<Setting>,
}

/// A key of the configuration; where it was set is known to whoever has read that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The table.
    pub table: Table,
    /// The key in it.
    pub key: &'static str,
    /// As it would be written there.
    pub value: String,
}

/// A table of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    /// `[probe]`.
    Probe,
    /// The `[[instance]]`.
    Instance,
    /// The `[[instance.backend]]` of this name.
    Backend(Name),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = match self.table {
            Table::Probe => "[probe]",
            Table::Instance => "[[instance]]",
            Table::Backend(_) => "[[instance.backend]]",
        };
        write!(f, "{table} {} = {}", self.key, self.value)
    }
}

/// What is explained, by whom to whom.
pub struct View<'a> {
    /// Now.
    pub now: Time,
    /// A moment as people write it, `23:11:42`.
    pub clock: &'a dyn Fn(Time) -> String,
    /// HAProxy as it was last seen.
    pub observed: &'a Observed,
    /// What became of commands.
    pub effects: &'a Effects,
    /// Somebody has paused hactl.
    pub paused: Option<&'a PauseStatus>,
}

/// The latest that became of a command for each server, for people to look at.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    latest: BTreeMap<ServerId, Effect>,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) at: Time,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The state was set and read back.
    Applied(Admin),
    /// HAProxy has taken an answer to its agent-check: `up`, or `down`.
    Answered(bool),
    /// HAProxy refused it.
    Refused(Admin, String),
    /// It was so at the start, by an earlier run.
    Adopted(Admin),
    /// Somebody else undid it.
    Undone(Admin),
}

impl Effects {
    /// Takes note of what an event says of a server.
    pub fn note(&mut self, event: &Event, now: Time) {
        let Some(server) = event.server() else { return };
        if let Some(what) = what(event) {
            self.latest.insert(server.clone(), Effect { at: now, what });
        }
    }

    /// Forgets servers that are not there any more.
    pub fn forget_all_but(&mut self, observed: &Observed) {
        self.latest.retain(|id, _| {
            observed.backends.get(&id.backend).is_some_and(|backend| backend.server(&id.server).is_some())
        });
    }

    pub(crate) fn of(&self, server: &ServerId) -> Option<&Effect> {
        self.latest.get(server)
    }
}

fn what(event: &Event) -> Option<What> {
    match event {
        Event::Applied { set, .. } => Some(What::Applied(*set)),
        Event::Answered { up, .. } => Some(What::Answered(*up)),
        Event::Refused { set, why, .. } => Some(What::Refused(*set, why.clone())),
        Event::Adopted { set, .. } => Some(What::Adopted(*set)),
        Event::Overridden { set, .. } => Some(What::Undone(*set)),
        Event::Health { .. }
        | Event::InService { .. }
        | Event::Blackout { .. }
        | Event::BlackoutOver { .. }
        | Event::Frozen { .. }
        | Event::Thawed { .. }
        | Event::Slow { .. }
        | Event::TargetRests { .. }
        | Event::TargetBack { .. }
        | Event::NoCanary { .. }
        | Event::Starved { .. }
        | Event::Steered { .. }
        | Event::KeptOut { .. }
        | Event::FailedBack { .. }
        | Event::SessionsKilled { .. }
        | Event::SessionsKept { .. }
        | Event::AgentMisuse { .. }
        | Event::Held { .. }
        | Event::LeftOut { .. }
        | Event::Gone { .. }
        | Event::Contended { .. }
        | Event::LedgerLost { .. }
        | Event::LedgerWritable { .. }
        | Event::HaproxyPresent { .. }
        | Event::HaproxyReplaced { .. }
        | Event::HaproxyAway { .. }
        | Event::WritesDenied { .. }
        | Event::ReloadsSuffer { .. }
        | Event::Missing { .. }
        | Event::ExitChanged(_)
        | Event::Asked(_) => None,
    }
}

/// Sections that grow line by line.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    sections: BTreeMap<Label, Vec<Line>>,
}

impl Draft {
    pub(crate) fn say(&mut self, label: Label, text: impl Into<String>) {
        self.sections.entry(label).or_default().push(Line { text: text.into(), setting: None });
    }

    /// With the setting behind it.
    pub(crate) fn rule(&mut self, label: Label, text: impl Into<String>, setting: Setting) {
        self.sections.entry(label).or_default().push(Line { text: text.into(), setting: Some(setting) });
    }

    /// Nothing was said of it.
    pub(crate) fn is_without(&self, label: Label) -> bool {
        !self.sections.contains_key(&label)
    }

    pub(crate) fn finish(self, subject: String, headline: String) -> Explanation {
        let sections = self.sections.into_iter().map(|(label, lines)| Section { label, lines });
        Explanation { subject, headline, sections: sections.collect() }
    }
}

impl View<'_> {
    /// What is said of HAProxy holds now, as far as that can be known.
    pub(crate) const fn is_answering(&self) -> bool {
        matches!(self.observed.haproxy, Haproxy::Present { .. })
    }

    /// `23:11:42 (4 min ago)`.
    pub(crate) fn ago(&self, at: Time) -> String {
        format!("{} ({} ago)", (self.clock)(at), crate::event::Span(self.now.since(at)))
    }

    /// `23:16:42 (in 4 min)`, or that it is due.
    pub(crate) fn ahead(&self, at: Time) -> String {
        match at.since(self.now) {
            Duration::ZERO => "at once".to_owned(),
            rest => format!("at {} (in {})", (self.clock)(at), crate::event::Span(rest)),
        }
    }
}

/// A span that a setting decides, in the same form, to the tenth of a second where it is longer than one.
pub(crate) fn plain(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let rounded = if millis < 1000 { millis } else { millis.saturating_add(50) / 100 * 100 };
    written(Duration::from_millis(rounded)).trim_matches('"').to_owned()
}

/// A span as the configuration has it: `"1.5s"`, `"30d"`.
pub(crate) fn written(span: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3600, "h"), (60, "m")];
    let seconds = span.as_secs();
    if span.subsec_nanos() > 0 {
        let millis = span.as_millis();
        return if millis < 1000 {
            format!("\"{millis}ms\"")
        } else {
            format!("\"{}s\"", span.as_secs_f64())
        };
    }
    let whole = UNITS.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    whole.map_or_else(|| format!("\"{seconds}s\""), |(unit, name)| format!("\"{}{name}\"", seconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_the_configuration_takes_them() {
        let millis = [0, 150, 1500, 2000, 300_000, 5_400_000, 2_592_000_000];
        let texts = millis.map(|millis| written(Duration::from_millis(millis)));
        assert_eq!(plain(Duration::from_micros(14_826_202)), "14.8s");
        assert_eq!(texts, ["\"0s\"", "\"150ms\"", "\"1.5s\"", "\"2s\"", "\"5m\"", "\"90m\"", "\"30d\""]);
    }
}
