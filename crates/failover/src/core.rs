//! The core: every backend's servers with their detectors. Evidence and sights of HAProxy go in; what is wanted of
//! HAProxy, when to probe next and what happened come out. It draws conclusions and never waits.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::detector::{Detector, Next, Thresholds, Verdict};
use crate::history::{Entry, History};
use crate::policy::{BackendView, Desired, ServerView, Want, Wish, order};
use crate::{Event, Finding, Name, Observed, ObservedBackend, Round, ServerId, Time};

/// A round that a server's detector wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextRound {
    /// The server.
    pub server: ServerId,
    /// Where it listens.
    pub address: SocketAddr,
    /// When, and over which targets.
    pub next: Next,
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) name: Name,
    /// `None`: HAProxy has no address for it, so it cannot be probed and stays unknown.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) detector: Detector,
    pub(crate) history: History,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Backend {
    /// The managed ones, in HAProxy's order.
    pub(crate) servers: Vec<Server>,
    /// A server outside the managed ones that HAProxy would use.
    pub(crate) other_usable: bool,
    /// As HAProxy last showed it, and since when.
    pub(crate) in_service: Option<(Vec<Name>, Time)>,
    /// Since when no server is known to carry traffic.
    pub(crate) blackout: Option<Time>,
}

/// What changed in the set of servers to probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeChanges {
    /// New servers and servers with a new address: their first round.
    pub start: Vec<NextRound>,
    /// Servers that are no more, or have no address any more.
    pub stop: Vec<ServerId>,
}

/// The decision core of one HAProxy.
#[derive(Clone, Debug)]
pub struct Core {
    thresholds: Thresholds,
    backends: BTreeMap<Name, Backend>,
    desired: Desired,
    events: Vec<Event>,
}

impl Core {
    /// A core that knows no server yet.
    #[must_use]
    pub const fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, backends: BTreeMap::new(), desired: BTreeMap::new(), events: Vec::new() }
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

    pub(crate) const fn backends(&self) -> &BTreeMap<Name, Backend> {
        &self.backends
    }

    /// Takes in a sight of HAProxy: which servers there are, where they listen, and which are in service.
    pub fn on_observed(&mut self, observed: &Observed, now: Time) -> ProbeChanges {
        let mut changes = ProbeChanges::default();
        for (name, seen) in &observed.backends {
            let backend = self.backends.entry(name.clone()).or_default();
            adopt_servers(backend, name, seen, self.thresholds, now, &mut changes);
            backend.other_usable = seen.servers.iter().any(|server| !server.managed && server.is_usable());
            let to = seen.in_service();
            let from = backend.in_service.as_ref().map(|(names, _)| names.clone());
            if from.as_ref() != Some(&to) {
                backend.in_service = Some((to.clone(), now));
                self.events.push(Event::InService { backend: name.clone(), from, to });
            }
        }
        self.forget_backends(observed, &mut changes);
        self.decide(now);
        changes
    }

    /// Takes in one round; the server's next one comes out, or `None` where the server is no more.
    pub fn on_round(&mut self, round: &Round) -> Option<NextRound> {
        let ServerId { backend, server: name } = &round.server;
        let server =
            self.backends.get_mut(backend)?.servers.iter_mut().find(|server| server.name == *name)?;
        let from = server.detector.health().verdict;
        let latency = match round.finding() {
            Finding::Good(took) => {
                server.history.push(Entry::Passed(took));
                Some(took)
            }
            Finding::Failed(_) => {
                server.history.push(Entry::Failed);
                None
            }
            Finding::Void => None,
        };
        if server.detector.on_round(round) {
            let health = server.detector.health();
            let (to, reason) = (health.verdict, health.reason.clone());
            self.events.push(Event::Health { server: round.server.clone(), from, to, reason, latency });
        }
        let (address, next, to) = (server.address?, server.detector.next(), server.detector.health().verdict);
        if to != from {
            self.decide(round.finished);
        }
        Some(NextRound { server: round.server.clone(), address, next })
    }

    /// Backends that HAProxy has no more. While it is away nothing is forgotten.
    fn forget_backends(&mut self, observed: &Observed, changes: &mut ProbeChanges) {
        self.backends.retain(|name, backend| {
            let known = observed.backends.contains_key(name);
            if !known {
                let servers = backend.servers.iter();
                changes.stop.extend(
                    servers.map(|gone| ServerId { backend: name.clone(), server: gone.name.clone() }),
                );
            }
            known
        });
    }

    fn decide(&mut self, now: Time) {
        let mut desired = Desired::new();
        for (name, backend) in &mut self.backends {
            let previous = self.desired.get(name);
            let wants = order(&view(backend, previous));
            let wishes = backend.servers.iter().filter_map(|server| {
                let wish = Wish { want: *wants.get(&server.name)?, address: server.address };
                Some((server.name.clone(), wish))
            });
            desired.insert(name.clone(), wishes.collect());
            watch_blackout(name, backend, now, &mut self.events);
        }
        self.desired = desired;
    }
}

fn view(backend: &Backend, previous: Option<&BTreeMap<Name, Wish>>) -> BackendView {
    let servers = backend.servers.iter().map(|server| {
        let wish = previous.and_then(|wishes| wishes.get(&server.name));
        let same = wish.filter(|wish| wish.address == server.address);
        ServerView {
            name: server.name.clone(),
            verdict: server.detector.health().verdict,
            previous: same.map_or(Want::Unknown, |wish| wish.want),
        }
    });
    BackendView { servers: servers.collect(), other_usable: backend.other_usable }
}

fn adopt_servers(
    backend: &mut Backend,
    name: &Name,
    seen: &ObservedBackend,
    thresholds: Thresholds,
    now: Time,
    changes: &mut ProbeChanges,
) {
    let mut known = std::mem::take(&mut backend.servers);
    for there in seen.servers.iter().filter(|server| server.managed) {
        let same =
            known.iter().position(|server| server.name == there.name && server.address == there.address);
        if let Some(index) = same {
            backend.servers.push(known.swap_remove(index));
            continue;
        }
        let detector = Detector::new(thresholds, now);
        if let Some(address) = there.address {
            let server = ServerId { backend: name.clone(), server: there.name.clone() };
            changes.start.push(NextRound { server, address, next: detector.next() });
        }
        backend.servers.push(Server {
            name: there.name.clone(),
            address: there.address,
            detector,
            history: History::default(),
        });
    }
    let started = |gone: &Server| {
        backend.servers.iter().any(|server| server.name == gone.name && server.address.is_some())
    };
    let gone = known.iter().filter(|gone| !started(gone));
    changes.stop.extend(gone.map(|gone| ServerId { backend: name.clone(), server: gone.name.clone() }));
}

/// A blackout: servers there are, every one was judged, and none carries traffic.
fn watch_blackout(name: &Name, backend: &mut Backend, now: Time, events: &mut Vec<Event>) {
    let online = backend.servers.iter().find(|server| verdict(server) == Verdict::Online);
    let all_condemned = !backend.servers.is_empty()
        && !backend.other_usable
        && backend.servers.iter().all(|server| verdict(server).is_condemned());
    match (backend.blackout, online) {
        (None, _) if all_condemned => {
            backend.blackout = Some(now);
            events.push(Event::Blackout { backend: name.clone() });
        }
        (Some(since), Some(server)) => {
            let lasted: Duration = now.since(since);
            backend.blackout = None;
            events.push(Event::BlackoutOver { backend: name.clone(), server: server.name.clone(), lasted });
        }
        (None | Some(_), _) => {}
    }
}

fn verdict(server: &Server) -> Verdict {
    server.detector.health().verdict
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
