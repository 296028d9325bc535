//! Operators' orders about servers: taken in, ended when their time has come, and told. What they mean for HAProxy follows
//! with everything else from what is decided next.

use std::time::Duration;

use jiff::Timestamp;

use super::Core;
use crate::event::until_text;
use crate::policy::{Forced, Pinned};
use crate::{
    Asked, Event, Given, Name, Override, OverrideChange, OverrideInput, Overrides, Pin, ServerId, Time,
};

/// Less than this does a clock drift that is kept right, and nobody minds an end that comes so much sooner or later.
const WALL_TOLERANCE: Duration = Duration::from_millis(500);

impl Core {
    /// All overrides in force.
    #[must_use]
    pub const fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// Takes in an order, or what the wall clock shows now that it was set. Whether an order is to be refused is asked
    /// before: [`Core::may_override`].
    pub fn on_override(&mut self, input: &OverrideInput, now: Time) {
        self.notice(now);
        self.wall = Some((now, input.wall));
        match &input.change {
            OverrideChange::Inherit(overrides) => self.inherit(overrides),
            OverrideChange::Set(servers, ordered) => self.order(servers, ordered),
            OverrideChange::Pin(server, given) => {
                let pin = Pin { server: server.server.clone(), given: given.clone() };
                self.overrides.pins.insert(server.backend.clone(), pin);
                self.tell(Asked::Pinned { server: server.clone(), given: given.clone() });
            }
            OverrideChange::End { servers, by } => self.end(servers, by),
            OverrideChange::Clock => {}
        }
        self.end_overrides(now);
        // Rare, and it may concern any of them.
        for name in self.backends.keys().cloned().collect::<Vec<Name>>() {
            self.decide(&name, now);
        }
    }

    /// Whether the wall clock shows something else than it would had nobody set it, and that matters.
    #[must_use]
    pub fn is_wall_off(&self, now: Time, wall: Timestamp) -> bool {
        let Some((at, known)) = self.wall.filter(|_| !self.overrides.is_empty()) else { return false };
        let expected = known.checked_add(now.since(at)).unwrap_or(known);
        wall.duration_since(expected).unsigned_abs() > WALL_TOLERANCE
    }

    /// When the next one ends by itself.
    pub(super) fn override_deadline(&self) -> Option<Time> {
        let (at, wall) = self.wall?;
        let end = self.overrides.next_end()?;
        let rest = end.as_microsecond().saturating_sub(wall.as_microsecond());
        Some(at + Duration::from_micros(u64::try_from(rest).unwrap_or(0)))
    }

    /// Ends those whose time has come. Their servers are left to hactl by what is decided next.
    pub(super) fn end_overrides(&mut self, now: Time) {
        let Some((at, wall)) = self.wall else { return };
        let Ok(wall) = wall.checked_add(now.since(at)) else { return };
        let Overrides { servers, pins } = self.overrides.take_over(wall);
        self.undecided |= !(servers.is_empty() && pins.is_empty());
        for (server, Override { state, given, .. }) in servers {
            self.tell(Asked::Expired { server, state: Some(state), given });
        }
        for (backend, Pin { server, given }) in pins {
            self.tell(Asked::Expired { server: ServerId { backend, server }, state: None, given });
        }
    }

    pub(super) fn forced(&self, server: &ServerId) -> Option<Forced> {
        let ordered = self.overrides.servers.get(server)?;
        Some(Forced { state: ordered.state, force: ordered.given.force })
    }

    pub(super) fn pinned(&self, server: &ServerId) -> Option<Pinned> {
        self.overrides.pin_to(server).map(|pin| Pinned { force: pin.given.force })
    }

    fn inherit(&mut self, overrides: &Overrides) {
        self.overrides = overrides.clone();
        for (server, Override { state, given, .. }) in &overrides.servers {
            let (server, given) = (server.clone(), given.clone());
            self.tell(Asked::StillOverridden { server, state: Some(*state), given });
        }
        for (backend, pin) in &overrides.pins {
            let (server, given) = (ServerId::new(backend.clone(), pin.server.clone()), pin.given.clone());
            self.tell(Asked::StillOverridden { server, state: None, given });
        }
    }

    fn order(&mut self, servers: &[ServerId], ordered: &Override) {
        for server in servers {
            self.overrides.servers.insert(server.clone(), ordered.clone());
            let (server, given) = (server.clone(), ordered.given.clone());
            self.tell(Asked::Override { server, state: ordered.state, given });
        }
    }

    /// Whoever ends it by hand wants its traffic back, whatever `failback` says.
    fn end(&mut self, servers: &[ServerId], by: &str) {
        for server in servers {
            let was_pinned = self.overrides.pin_to(server).is_some();
            if was_pinned {
                self.overrides.pins.remove(&server.backend);
            }
            if self.overrides.servers.remove(server).is_none() && !was_pinned {
                continue;
            }
            for known in self.servers.values_mut().filter(|known| known.id == *server) {
                known.out = false;
            }
            self.tell(Asked::Auto { server: server.clone(), by: by.to_owned() });
        }
    }

    fn tell(&mut self, asked: Asked) {
        self.events.push(Event::Asked(asked));
    }

    /// Why something follows from an operator's order, in their words.
    pub(super) fn order_text(&self, server: &ServerId) -> Option<Name> {
        let ordered = self.overrides.servers.get(server).map(|ordered| ordered.given.in_words());
        let pinned = || {
            let pin = self.overrides.pins.get(&server.backend)?;
            Some(format!("pinned to {}: {}", pin.server, pin.given.in_words()))
        };
        ordered.or_else(pinned).map(Name::from)
    }

    /// What is ordered of a server, for people; `none` where nothing is.
    pub(super) fn order_line(&self, server: &ServerId) -> String {
        if let Some(ordered) = self.overrides.servers.get(server) {
            return ordered.given.line(ordered.state.as_str());
        }
        self.pin_line(&server.backend).unwrap_or_else(|| "none".to_owned())
    }

    /// The same of a backend: its pin, and what is ordered of its servers.
    pub(super) fn order_lines(&self, backend: &Name) -> impl Iterator<Item = String> {
        let of_it = self.overrides.servers.iter().filter(move |(server, _)| server.backend == *backend);
        let servers = of_it.map(|(server, ordered)| {
            ordered.given.line(&format!("{}: {}", server.server, ordered.state.as_str()))
        });
        self.pin_line(backend).into_iter().chain(servers)
    }

    fn pin_line(&self, backend: &Name) -> Option<String> {
        let pin = self.overrides.pins.get(backend)?;
        Some(pin.given.line(&format!("{backend} is pinned to {}", pin.server)))
    }

    /// Its sessions are to be cut because an operator wants that.
    pub(super) fn is_cut_by_order(&self, server: &ServerId) -> bool {
        self.overrides.servers.get(server).is_some_and(|ordered| ordered.kill_sessions)
    }
}

impl Given {
    fn line(&self, what: &str) -> String {
        let until = until_text(self.until);
        format!("{what} {until}, by {} since {:.0}: {}", self.by, self.since, self.reason)
    }

    fn in_words(&self) -> String {
        format!("\"{}\" by {}", self.reason, self.by)
    }
}

/// The wall clock as it was seen last.
pub(super) type Wall = Option<(Time, Timestamp)>;
