//! What a decision loop has counted since its instance began. The loop owns it, so that counting is an addition and waits
//! for nobody; who wants to read it is given a copy. It outlives another configuration as the loop does.

use std::collections::{BTreeMap, BTreeSet};

use failover::status::Status;
use failover::{
    Asked, Desired, Ending, Event, Evidence, Kind, Name, Order, Probe, ProbeId, Route, Saw, ServerId,
    Settings, Stage, Time, Want,
};

use super::histogram::Histogram;

/// Servers that are counted one by one. Each has some 130 series, and 500 of them make an answer of 8 MB, which is what
/// a scrape of a few seconds can carry. Those behind them count in the figures of their backend alone.
pub(super) const SERVERS_MAX: usize = 500;

/// Probes under way that are followed: several times what may be under way at once (256), canaries included.
const UNDER_WAY_MAX: usize = 4096;

/// The same, ready to be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(super) servers: BTreeMap<ServerId, OfServer>,
    pub(super) backends: BTreeMap<Name, OfBackend>,
    pub(super) reloads: u64,
    pub(super) applied: u64,
    pub(super) refused: u64,
    /// From a decision to its being read back.
    pub(super) apply_took: Histogram,
    /// Whether the control target answered when it was last asked.
    pub(super) control: Option<bool>,
}

/// Of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct OfServer {
    pub(super) probes: BTreeMap<(How, Outcome, Stage), u64>,
    pub(super) stages: BTreeMap<(How, Stage), Histogram>,
    pub(super) transitions: BTreeMap<(&'static str, &'static str), u64>,
    /// When the last probe was sent: through a silent tunnel none ends by itself.
    pub(super) last: Option<Time>,
}

/// Of one backend.
#[derive(Clone, Debug, Default)]
pub(super) struct OfBackend {
    pub(super) switches: u64,
    pub(super) blackouts: u64,
    blackout_seconds: f64,
    blackout_since: Option<Time>,
}

impl OfBackend {
    /// In all blackouts, the one that lasts included.
    pub(super) fn blackout_seconds(&self, now: Time) -> f64 {
        let lasts = self.blackout_since.map_or(0.0, |since| now.since(since).as_secs_f64());
        self.blackout_seconds + lasts
    }
}

/// On which connection a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// On the kept one: its only stage is one round trip through the tunnel.
    Canary,
    /// On one of its own, through all stages.
    Full,
}

impl How {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Full => "full",
        }
    }
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Success,
    Failure,
    /// It was waited for no longer: a silent tunnel shows itself like that.
    Abandoned,
    /// This host could not ask.
    Void,
}

impl Outcome {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Abandoned => "abandoned",
            Self::Void => "void",
        }
    }
}

/// A probe that was ordered and has not ended.
#[derive(Clone, Debug)]
struct UnderWay {
    /// `None`: it is the one past all servers.
    server: Option<ServerId>,
    how: How,
    connection: Option<ProbeId>,
    /// Where it is.
    stage: Stage,
    /// The first stage beyond `connect`, by what the target speaks.
    beyond: Stage,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Counts,
    under_way: BTreeMap<ProbeId, UnderWay>,
    /// Since when something else is wanted of a server than HAProxy was told.
    decided: BTreeMap<ServerId, Time>,
    /// For each target the first stage beyond `connect`.
    beyond: Vec<Stage>,
}

impl Tally {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut tally = Self::default();
        tally.settings(settings);
        tally
    }

    /// Other targets from now on.
    pub(crate) fn settings(&mut self, settings: &Settings) {
        self.beyond = settings.targets.iter().map(beyond).collect();
    }

    /// What the core wants done.
    pub(crate) fn ordered(&mut self, order: &Order, now: Time) {
        match order {
            Order::Probe(probe) => self.begin(probe, now),
            Order::Drop(id) => {
                self.abandon(*id);
                // What is under way on a dropped connection ends with it, and is not reported.
                let on_it = self.under_way.iter().filter(|(_, probe)| probe.connection == Some(*id));
                for id in on_it.map(|(id, _)| *id).collect::<Vec<_>>() {
                    self.abandon(id);
                }
            }
        }
    }

    fn begin(&mut self, probe: &Probe, now: Time) {
        let how = match probe.kind {
            Kind::Canary => How::Canary,
            Kind::Full | Kind::Open | Kind::Control => How::Full,
        };
        let server = match (&probe.route, probe.kind) {
            (Route::Server { id, .. }, Kind::Full | Kind::Open | Kind::Canary) => Some(id.clone()),
            (Route::Direct, _) | (_, Kind::Control) => None,
        };
        if let Some(server) = server.as_ref().and_then(|id| self.counts.server(id)) {
            server.last = Some(now);
        }
        let beyond = self.beyond.get(usize::from(probe.target.0)).copied().unwrap_or(Stage::Http);
        // The kept connection has TLS behind it.
        let stage = match (how, beyond) {
            (How::Full, _) => Stage::Tcp,
            (How::Canary, Stage::Banner) => Stage::Banner,
            (How::Canary, _) => Stage::Http,
        };
        if self.under_way.len() >= UNDER_WAY_MAX {
            self.under_way.pop_first();
        }
        self.under_way
            .insert(probe.id, UnderWay { server, how, connection: probe.connection, stage, beyond });
    }

    fn abandon(&mut self, id: ProbeId) {
        if let Some(UnderWay { server: Some(server), how, stage, .. }) = self.under_way.remove(&id)
            && let Some(server) = self.counts.server(&server)
        {
            server.count(how, Outcome::Abandoned, stage);
        }
    }

    /// What a probe saw.
    pub(crate) fn saw(&mut self, evidence: &Evidence) {
        match &evidence.saw {
            Saw::Began | Saw::Closed => {}
            Saw::Passed(passed) => {
                let Some(probe) = self.under_way.get_mut(&evidence.probe) else { return };
                probe.stage = after(passed.stage, probe.beyond);
                let (how, server) = (probe.how, probe.server.clone());
                if let Some(server) = server.and_then(|id| self.counts.server(&id)) {
                    server.stages.entry((how, passed.stage)).or_default().add(passed.took);
                }
            }
            Saw::Ended(ending) => {
                let Some(probe) = self.under_way.remove(&evidence.probe) else { return };
                match &probe.server {
                    Some(id) => {
                        if let Some(server) = self.counts.server(id) {
                            server.ended(&probe, ending);
                        }
                    }
                    None => self.counts.control = answered(ending).or(self.counts.control),
                }
            }
        }
    }

    /// What happened.
    pub(crate) fn told(&mut self, event: &Event, now: Time) {
        if let Event::Health { server, from, to, .. } = event {
            if let Some(server) = self.counts.server(server) {
                *server.transitions.entry((from.as_str(), to.as_str())).or_default() += 1;
            }
        } else if let Event::Applied { server, .. } | Event::Answered { server, .. } = event {
            self.counts.applied += 1;
            if let Some(decided) = self.decided.remove(server) {
                self.counts.apply_took.add(now.since(decided));
            }
        } else if let Event::Held { server, .. } = event {
            self.decided.remove(server);
        } else if let Event::Refused { .. } = event {
            self.counts.refused += 1;
        } else if let Event::HaproxyReplaced { .. } = event {
            self.counts.reloads += 1;
            self.decided.clear();
        } else if let Event::HaproxyAway { .. } | Event::Asked(Asked::Would { .. }) = event {
            // What is applied after this says nothing of how long applying takes.
            self.decided.clear();
        }
        self.of_backend(event, now);
    }

    fn of_backend(&mut self, event: &Event, now: Time) {
        let backends = &mut self.counts.backends;
        if let Event::InService { backend, from: Some(_), .. } = event {
            backends.entry(backend.clone()).or_default().switches += 1;
        } else if let Event::Blackout { backend, .. } = event {
            let backend = backends.entry(backend.clone()).or_default();
            backend.blackouts += 1;
            backend.blackout_since.get_or_insert(now);
        } else if let Event::BlackoutOver { backend, .. } = event {
            let backend = backends.entry(backend.clone()).or_default();
            backend.blackout_seconds = backend.blackout_seconds(now);
            backend.blackout_since = None;
        }
    }

    /// Something else is wanted of HAProxy than before.
    pub(crate) fn decided(&mut self, before: &Desired, after: &Desired, now: Time) {
        for (backend, wishes) in after {
            for (server, wish) in wishes {
                let known = before.get(backend).and_then(|wishes| wishes.get(server)).map(|wish| wish.want);
                if known == Some(wish.want) {
                    continue;
                }
                let id = ServerId::new(backend.clone(), server.clone());
                let commands = !matches!(wish.want, Want::AsIs | Want::Unknown);
                if commands && self.decided.len() < SERVERS_MAX {
                    self.decided.insert(id, now);
                } else {
                    self.decided.remove(&id);
                }
            }
        }
    }

    /// What was counted, to be read beside `status`.
    pub(crate) fn counts(&mut self, status: &Status) -> Counts {
        let backends = &status.backends;
        self.counts.backends.retain(|name, _| backends.iter().any(|backend| backend.name == name.as_str()));
        if self.counts.servers.len() >= SERVERS_MAX {
            // There may be others by now that have no place because of those that are gone.
            let there: BTreeSet<(&str, &str)> = backends
                .iter()
                .flat_map(|backend| backend.servers.iter().map(|server| (&*backend.name, &*server.name)))
                .collect();
            let servers = &mut self.counts.servers;
            servers.retain(|id, _| there.contains(&(id.backend.as_str(), id.server.as_str())));
        }
        self.counts.clone()
    }
}

impl Counts {
    fn server(&mut self, id: &ServerId) -> Option<&mut OfServer> {
        if self.servers.len() >= SERVERS_MAX && !self.servers.contains_key(id) {
            return None;
        }
        Some(self.servers.entry(id.clone()).or_default())
    }
}

impl OfServer {
    fn count(&mut self, how: How, outcome: Outcome, stage: Stage) {
        *self.probes.entry((how, outcome, stage)).or_default() += 1;
    }

    fn ended(&mut self, probe: &UnderWay, ending: &Ending) {
        let how = probe.how;
        match ending {
            Ending::Success(success) => {
                self.stages.entry((how, success.last.stage)).or_default().add(success.last.took);
                self.count(how, Outcome::Success, success.last.stage);
            }
            Ending::Failed(failure) => self.count(how, Outcome::Failure, failure.stage),
            Ending::Void(_) => self.count(how, Outcome::Void, probe.stage),
        }
    }
}

/// The first stage beyond `connect` of a target, which says by its scheme what it speaks.
fn beyond(target: &Name) -> Stage {
    match target.as_str().split_once("://") {
        Some(("https", _)) => Stage::Tls,
        Some(("tcp", _)) => Stage::Banner,
        Some(_) | None => Stage::Http,
    }
}

const fn after(passed: Stage, beyond: Stage) -> Stage {
    match passed {
        Stage::Tcp => Stage::Greeting,
        Stage::Greeting => Stage::Connect,
        Stage::Connect => beyond,
        Stage::Tls | Stage::Http => Stage::Http,
        Stage::Banner => Stage::Banner,
    }
}

/// Whether a target answered; `None` where it was not asked.
const fn answered(ending: &Ending) -> Option<bool> {
    match ending {
        Ending::Success(_) => Some(true),
        Ending::Failed(_) => Some(false),
        Ending::Void(_) => None,
    }
}

#[cfg(test)]
mod tests;
