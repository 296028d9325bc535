//! What operators have ordered of servers, over what is known of them: `maint`, `drain` or `ready`, and which server is to
//! carry a backend's traffic. Each has an author, a reason and mostly an end. What follows from it is decided elsewhere.
//!
//! The end is a time of the wall clock, because that is what people name: who sets the clock moves it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Admin, Name, ServerId};

/// By whom, when, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Their name.
    pub by: String,
    /// Their number, where the system knows it.
    pub by_uid: Option<u32>,
    /// When.
    pub since: Timestamp,
    /// When it ends by itself; `None` where somebody has to end it.
    pub until: Option<Timestamp>,
    /// Why, in their words.
    pub reason: String,
    /// Whatever else is left, and whatever is known of the server.
    pub force: bool,
}

impl Given {
    /// It is over by this time of the wall clock.
    #[must_use]
    pub fn is_over(&self, wall: Timestamp) -> bool {
        // In whole microseconds, as the core counts its own time.
        self.until.is_some_and(|until| until.as_microsecond() <= wall.as_microsecond())
    }
}

/// What is ordered of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// How it is to be.
    pub state: Admin,
    /// Its sessions are to be cut; they may stay otherwise.
    pub kill_sessions: bool,
    /// Whose it is.
    pub given: Given,
}

/// Which server is to carry a backend's traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The server.
    pub server: Name,
    /// Whose it is.
    pub given: Given,
}

/// All that is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// By server.
    pub servers: BTreeMap<ServerId, Override>,
    /// By backend.
    pub pins: BTreeMap<Name, Pin>,
}

impl Overrides {
    /// Nothing is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.pins.is_empty()
    }

    /// The servers with an override or a pin, each once.
    #[must_use]
    pub fn of(&self) -> Vec<ServerId> {
        let pinned =
            self.pins.iter().map(|(backend, pin)| ServerId::new(backend.clone(), pin.server.clone()));
        let mut servers: Vec<ServerId> = self.servers.keys().cloned().chain(pinned).collect();
        servers.sort();
        servers.dedup();
        servers
    }

    /// The server that this backend is pinned to is this one.
    pub(crate) fn pin_to(&self, server: &ServerId) -> Option<&Pin> {
        self.pins.get(&server.backend).filter(|pin| pin.server == server.server)
    }

    /// When the next one ends.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        let servers = self.servers.values().map(|one| &one.given);
        servers.chain(self.pins.values().map(|pin| &pin.given)).filter_map(|given| given.until).min()
    }

    /// Takes out what is over by this time of the wall clock.
    pub(crate) fn take_over(&mut self, wall: Timestamp) -> Self {
        let (servers, stay) =
            std::mem::take(&mut self.servers).into_iter().partition(|(_, one)| one.given.is_over(wall));
        self.servers = stay;
        let (pins, stay) =
            std::mem::take(&mut self.pins).into_iter().partition(|(_, pin)| pin.given.is_over(wall));
        self.pins = stay;
        Self { servers, pins }
    }
}

/// Something about overrides that the core is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideInput {
    /// What the wall clock shows.
    pub wall: Timestamp,
    /// What it is.
    pub change: OverrideChange,
}

/// What is to be another one than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverrideChange {
    /// An earlier run was told all of this.
    Inherit(Overrides),
    /// Of these servers, in place of what was ordered of them before.
    Set(Vec<ServerId>, Override),
    /// That this server carries its backend's traffic, in place of another one.
    Pin(ServerId, Given),
    /// That these servers, and the pins to them, are left to hactl again.
    End {
        /// The servers.
        servers: Vec<ServerId>,
        /// Who wants that.
        by: String,
    },
    /// Nothing: the wall clock was set.
    Clock,
}

/// How firmly a server is wanted as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Insist {
    /// hactl found it so.
    #[default]
    No,
    /// It makes room for the server that an operator wants in its place, whatever is known of that one.
    Pinned,
    /// An operator wants it so, where it is not the last one.
    Asked,
    /// An operator wants it so, whatever is left.
    Forced,
}

impl Insist {
    /// It is an operator's word about this very server.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Asked | Self::Forced)
    }
}
