//! The core: every backend's servers with their detectors. Evidence and sights of HAProxy go in; what is wanted of
//! HAProxy, what to probe, when to be called next and what happened come out. It draws conclusions and never waits.

mod admit;
mod compare;
mod decide;
mod explain;
mod failback;
mod hasten;
mod leave;
mod overrides;
mod servers;
mod settings;
mod steer;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::detector::{Desk, Detector, Verdict};
use crate::policy::{Cause, Desired};
use crate::random::Random;
use crate::stalls::{GAP_MIN, STALL_MIN, Stalls};
use crate::{Balance, Event, Evidence, Name, Order, Overrides, ProbeId, Saw, ServerId, Settings, Time};

pub use admit::{Outcome, OverrideRefusal};
use compare::{Comparison, Control, Witness};
pub use failback::FailBackError;
pub use hasten::ProbeRefusal;
use leave::Left;
use overrides::Wall;
use steer::Steer;

/// A server by a number of its own, while it is at one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u32);

/// One managed server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) id: ServerId,
    /// `None`: HAProxy has no address for it, so it cannot be probed and stays unknown.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) detector: Option<Detector>,
    /// Declared `backup`.
    backup: bool,
    /// HAProxy would use it, or would once we give it back.
    available: bool,
    /// We took it out, and have not let it back since.
    out: bool,
    /// It is left: its sessions may have to be cut.
    left: Option<Left>,
    /// Why what is wanted of it is wanted.
    pub(crate) cause: Option<Cause>,
    /// Who answered when it was condemned last.
    witness: Option<Witness>,
    /// Since when it is much slower than usual, while a faster one is at hand.
    pub(crate) slow_since: Option<Time>,
    /// Since when this is how it is, where HAProxy has no address for it.
    pub(crate) since: Time,
    /// The verdict as it was told last.
    told: Verdict,
    deadline: Option<Time>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Backend {
    /// The managed ones, in HAProxy's order of preference.
    pub(crate) servers: Vec<Key>,
    /// A server outside the managed ones that HAProxy would use.
    pub(crate) other_usable: bool,
    /// As HAProxy last showed it, and since when.
    pub(crate) in_service: Option<(Vec<Name>, Time)>,
    /// Since when no server is known to carry traffic.
    pub(crate) blackout: Option<Time>,
    /// Something is wanted and waits for a successor to be verified.
    waits: bool,
    /// For as long as this server works, preferred ones that are good again have to wait.
    pub(crate) waits_for: Option<Name>,
    balance: Balance,
    steer: Steer,
    /// When something is to be decided although nothing happens.
    alarm: Option<Time>,
    /// Servers that the rules name and HAProxy does not have, in words.
    pub(crate) missing: Vec<String>,
}

/// The decision core of one HAProxy.
#[derive(Clone, Debug)]
pub struct Core {
    settings: Settings,
    random: Random,
    next_id: u64,
    next_key: u32,
    stalls: Stalls,
    /// Until when the process is known to have run.
    ran_until: Time,
    servers: BTreeMap<Key, Server>,
    backends: BTreeMap<Name, Backend>,
    owners: BTreeMap<ProbeId, Key>,
    deadlines: BTreeSet<(Time, Key)>,
    comparison: Comparison,
    control: Control,
    /// Since when nothing answers, so that nobody can be blamed.
    frozen: Option<Time>,
    /// Something has changed that holds for every backend.
    undecided: bool,
    /// What is wanted is not done, as hactl was told: nobody is out or left because it is wanted.
    withheld: bool,
    overrides: Overrides,
    /// By which they end; `None` as long as there never was one.
    wall: Wall,
    desired: Desired,
    orders: Vec<Order>,
    events: Vec<Event>,
}

impl Core {
    /// A core that knows no server yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            random: Random::new(settings.seed),
            settings,
            next_id: 0,
            next_key: 0,
            stalls: Stalls::default(),
            ran_until: Time::ZERO,
            servers: BTreeMap::new(),
            backends: BTreeMap::new(),
            owners: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            comparison: Comparison::default(),
            control: Control::default(),
            frozen: None,
            undecided: false,
            withheld: false,
            overrides: Overrides::default(),
            wall: None,
            desired: Desired::new(),
            orders: Vec::new(),
            events: Vec::new(),
        }
    }

    /// What is wanted of every managed server.
    #[must_use]
    pub const fn desired(&self) -> &Desired {
        &self.desired
    }

    /// What happened since this was last called.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What is to be done at once since this was last called, in order.
    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// When [`Core::on_time`] is to be called at the latest; earlier does no harm. A later call is taken as a sign that
    /// this process did not run meanwhile.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let servers = self.deadlines.first().map(|(due, _)| *due);
        let backends = self.backends.values().filter_map(|backend| backend.alarm);
        let control = self.control.deadline(&self.stalls);
        servers.into_iter().chain(backends).chain(control).chain(self.override_deadline()).min()
    }

    /// Since when nothing answers, so that nothing is decided.
    #[must_use]
    pub const fn frozen_since(&self) -> Option<Time> {
        self.frozen
    }

    /// Takes in what a probe saw. Evidence that is at hand goes in before [`Core::on_time`].
    pub fn on_evidence(&mut self, evidence: &Evidence, now: Time) {
        self.notice(now);
        self.hear(evidence, now);
        self.decide_all_if_due(now);
    }

    fn hear(&mut self, evidence: &Evidence, now: Time) {
        if self.control.is(evidence.probe) {
            self.on_control(evidence, now);
            return;
        }
        let Some(key) = self.owners.get(&evidence.probe).copied() else { return };
        self.touch(key, now, |detector, desk| detector.on_evidence(evidence, desk));
        let over = match &evidence.saw {
            Saw::Began | Saw::Passed(_) => false,
            Saw::Ended(_) | Saw::Closed => true,
        };
        if over && !self.detector(key).is_some_and(|detector| detector.keeps(evidence.probe)) {
            self.owners.remove(&evidence.probe);
        }
    }

    /// Does what is due.
    pub fn on_time(&mut self, now: Time) {
        self.notice(now);
        self.end_overrides(now);
        self.do_what_is_due(now);
        self.control_if_late(now);
        // What the control target's silence has settled may have left something due.
        self.do_what_is_due(now);
        let alarmed = self.backends.iter().filter(|(_, backend)| backend.alarm.is_some_and(|due| due <= now));
        for name in alarmed.map(|(name, _)| name.clone()).collect::<Vec<Name>>() {
            self.decide(&name, now);
        }
        self.decide_all_if_due(now);
    }

    fn do_what_is_due(&mut self, now: Time) {
        while let Some((due, key)) = self.deadlines.first().copied().filter(|(due, _)| *due <= now) {
            self.touch(key, now, Detector::on_time);
            if self.deadlines.contains(&(due, key)) {
                // Whatever it wanted is done; nothing is due again at the same moment.
                self.set_deadline(key, Some(now + STALL_MIN / 4));
            }
        }
    }

    /// The host slept, or the process did not run, for so long that nothing that was under way says anything any more.
    pub fn on_gap(&mut self, lasted: Duration, now: Time) {
        self.events.push(Event::Starved { lasted });
        self.ran_until = self.ran_until.max(now);
        self.control.forget(&mut self.orders);
        let keys: Vec<Key> = self.servers.keys().copied().collect();
        for key in keys {
            self.touch(key, now, Detector::on_gap);
        }
        for backend in self.backends.values_mut() {
            backend.steer.forget();
        }
    }

    /// The tiers of a backend, as the rules have them; empty where HAProxy's own order counts.
    pub(crate) fn tiers_of(&self, backend: &Name) -> &[Vec<Name>] {
        &self.settings.rules_of(backend).tiers
    }

    pub(crate) const fn has_control(&self) -> bool {
        self.settings.control
    }

    pub(crate) const fn backends(&self) -> &BTreeMap<Name, Backend> {
        &self.backends
    }

    pub(crate) fn servers_of<'a>(&'a self, backend: &'a Backend) -> impl Iterator<Item = &'a Server> {
        backend.servers.iter().filter_map(|key| self.servers.get(key))
    }

    /// Since when this process has not run, where a call at `now` comes later than was asked for.
    pub(crate) fn starved_since(&self, now: Time) -> Option<Time> {
        let expected = self.next_deadline().map(|due| due.max(self.ran_until));
        expected.filter(|from| now.since(*from) >= STALL_MIN)
    }

    /// Whether this probe was ever ordered.
    pub(crate) const fn has_ordered(&self, probe: ProbeId) -> bool {
        probe.0 < self.next_id
    }

    /// Sees whether this call comes later than was asked for.
    fn notice(&mut self, now: Time) {
        if let Some(from) = self.starved_since(now) {
            self.stalls.note(from, now);
            if now.since(from) >= GAP_MIN {
                self.on_gap(now.since(from), now);
            }
        }
        self.ran_until = self.ran_until.max(now);
    }

    /// Calls a server's detector, and sees to what follows from it.
    fn touch(&mut self, key: Key, now: Time, call: impl FnOnce(&mut Detector, &mut Desk<'_>)) {
        let Some(detector) = self.detector(key) else { return };
        let before = (detector.stance(), detector.proof());
        self.touch_only(key, now, call);
        self.react(key, before, now);
    }

    /// As `touch`, where the caller sees to the rest.
    fn touch_only(&mut self, key: Key, now: Time, call: impl FnOnce(&mut Detector, &mut Desk<'_>)) {
        let ordered = self.orders.len();
        let Some(server) = self.servers.get_mut(&key) else { return };
        let Some(detector) = &mut server.detector else { return };
        let mut desk = Desk {
            now,
            settings: &self.settings,
            stalls: &self.stalls,
            random: &mut self.random,
            next_id: &mut self.next_id,
            orders: &mut self.orders,
            events: &mut self.events,
        };
        call(detector, &mut desk);
        let deadline = detector.next_deadline(&desk);
        self.own(key, ordered);
        self.set_deadline(key, deadline);
    }

    /// The orders from the index `ordered` on are the server's.
    fn own(&mut self, key: Key, ordered: usize) {
        for order in &self.orders[ordered..] {
            match order {
                Order::Probe(probe) => {
                    self.owners.insert(probe.id, key);
                }
                Order::Drop(probe) => {
                    self.owners.remove(probe);
                }
            }
        }
    }

    fn detector(&self, key: Key) -> Option<&Detector> {
        self.servers.get(&key)?.detector.as_ref()
    }

    fn set_deadline(&mut self, key: Key, deadline: Option<Time>) {
        let Some(server) = self.servers.get_mut(&key) else { return };
        if server.deadline == deadline {
            return;
        }
        if let Some(known) = std::mem::replace(&mut server.deadline, deadline) {
            self.deadlines.remove(&(known, key));
        }
        self.deadlines.extend(deadline.map(|due| (due, key)));
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
