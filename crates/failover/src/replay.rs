//! What a core decides on a recording.
//!
//! [`Replay`] gives a core what was recorded, as it was recorded: what it decides is what the daemon decided. [`Rerun`]
//! has another core, with other settings, live through the same time on a virtual clock. That one orders probes which
//! nobody made; they are answered from those that were made, so that what comes of it is an estimate (see
//! `replay/answer.rs`). [`compare`] puts the two side by side.

mod affair;
mod answer;
mod compare;
mod rerun;
mod world;

use std::collections::BTreeMap;
use std::fmt;

use crate::policy::{Desired, Want, Wish};
use crate::{Core, Event, Input, Name, Order, Recorded, ServerId, Settings, Time};

pub use compare::{Compared, Summary, compare};
pub use rerun::Rerun;

/// Something that a core decided, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Time,
    /// What.
    pub what: Decided,
}

/// Something that a core decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It told this.
    Told(Event),
    /// It wants something else of a server than before.
    Wants {
        /// The server.
        server: ServerId,
        /// What it wants from now on.
        want: Want,
        /// Why, where that is not plain.
        because: Option<String>,
    },
}

impl Decided {
    /// The kind's name in JSON: an event's own, or `wish`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Told(event) => event.kind(),
            Self::Wants { .. } => "wish",
        }
    }

    /// Why, in words.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Told(event) => event.why(),
            Self::Wants { because, .. } => because.as_deref(),
        }
    }

    /// The same without why.
    #[must_use]
    pub fn without_why(&self) -> String {
        let text = self.to_string();
        let plain = self.why().and_then(|why| text.strip_suffix(why)?.strip_suffix(": "));
        plain.map_or(text.clone(), str::to_owned)
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(event) => fmt::Display::fmt(event, f),
            Self::Wants { server, want: Want::Ready | Want::Open, .. } => write!(f, "wants {server} ready"),
            Self::Wants { server, want: Want::Drain, .. } => write!(f, "wants {server} drain"),
            Self::Wants { server, want: Want::Maint | Want::Shut, .. } => write!(f, "wants {server} maint"),
            Self::Wants { server, want: Want::AsIs, .. } => write!(f, "wants {server} as it is"),
            Self::Wants { server, want: Want::Unknown, .. } => write!(f, "wants nothing of {server}"),
        }
    }
}

/// What came of one input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// What was decided.
    pub decisions: Vec<Decision>,
    /// What was to be probed.
    pub orders: Vec<Order>,
    /// The process had not run since then: the input came later than was asked for.
    pub starved_since: Option<Time>,
    /// It was evidence of a probe that this core never ordered: it does not do what the recorded one did.
    pub stranger: bool,
}

/// A core that takes what was recorded.
#[derive(Clone, Debug)]
pub struct Replay {
    core: Core,
    wanted: Desired,
    /// What is held against servers, as it was told last.
    faults: BTreeMap<ServerId, String>,
}

impl Replay {
    /// A core with these settings that has seen nothing yet. There has to be a target.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { core: Core::new(settings), wanted: Desired::new(), faults: BTreeMap::new() }
    }

    /// Takes one input; times never go back.
    pub fn take(&mut self, recorded: &Recorded) -> Turn {
        let Recorded { at, input } = recorded;
        let starved_since = self.core.starved_since(*at);
        let stranger = match input {
            Input::Evidence(evidence) => !self.core.has_ordered(evidence.probe),
            Input::Observed(_)
            | Input::Due
            | Input::Gap(_)
            | Input::FailBack(_)
            | Input::Probe(_)
            | Input::Settings(_)
            | Input::Override(_) => false,
        };
        self.core.take(input, *at);
        let mut decisions = Vec::new();
        for event in self.core.take_events() {
            self.note(&event);
            decisions.push(Decision { at: *at, what: Decided::Told(event) });
        }
        self.wishes(*at, &mut decisions);
        Turn { decisions, orders: self.core.take_orders(), starved_since, stranger }
    }

    /// When it wants to be called next.
    fn next_deadline(&self) -> Option<Time> {
        self.core.next_deadline()
    }

    fn note(&mut self, event: &Event) {
        if let Event::Health { server, reason, .. } = event {
            match reason {
                Some(reason) => self.faults.insert(server.clone(), reason.text.clone()),
                None => self.faults.remove(server),
            };
        }
    }

    /// What is wanted now and was not before.
    fn wishes(&mut self, at: Time, decisions: &mut Vec<Decision>) {
        if self.core.desired() == &self.wanted {
            return;
        }
        for (backend, wishes) in self.core.desired() {
            let before = self.wanted.get(backend);
            for (name, wish) in wishes {
                let before =
                    before.and_then(|wishes| wishes.get(name)).map_or(Want::Unknown, |wish| wish.want);
                if before != wish.want {
                    let server = ServerId::new(backend.clone(), name.clone());
                    let because = self.because(&server, wish);
                    decisions
                        .push(Decision { at, what: Decided::Wants { server, want: wish.want, because } });
                }
            }
        }
        self.wanted.clone_from(self.core.desired());
    }

    fn because(&self, server: &ServerId, wish: &Wish) -> Option<String> {
        let why = || wish.why.as_ref().map(Name::to_string);
        match wish.want {
            Want::Maint => self.faults.get(server).cloned().or_else(why),
            Want::Open | Want::Drain | Want::Shut => why(),
            Want::AsIs => Some("no other server is known to be able to take over".to_owned()),
            Want::Unknown => Some("nothing is known of it at this address yet".to_owned()),
            Want::Ready => None,
        }
    }
}
