//! The checker's place in the simulation: makes the probes that a core orders, through the world, and tells what is
//! seen of them. Probes are made as the real ones are: stage after stage, the next one begun when the last one's end
//! was read.

use std::collections::BTreeMap;

use failover::{
    Cause, Ending, Evidence, Failure, Kind, Order, Probe, ProbeId, Route, Saw, Stage, StageTime, Success,
    Time,
};

use super::agenda::Agenda;
use super::kept::{Canary, Kept};
use super::stages::{DIRECT, FULL, OPEN, Stages};
use super::timeline::NEVER;
use super::world::{Met, Way, World};

/// Bytes that a probe brings from its target.
const RECEIVED_FULL: u64 = 6_000;
const RECEIVED_OPEN: u64 = 3_500;
const RECEIVED_CANARY: u64 = 300;

/// The port of the first server; those of the others follow.
pub(crate) const FIRST_PORT: u16 = 1081;

/// Makes probes.
#[derive(Debug)]
pub(crate) struct Prober {
    pub(crate) world: World,
    agenda: Agenda<Due>,
    fresh: BTreeMap<ProbeId, Fresh>,
    kept: BTreeMap<ProbeId, Kept>,
    /// By canary, the connection that it uses.
    canaries: BTreeMap<ProbeId, ProbeId>,
    pub(crate) made: Made,
}

/// How many probes were made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Made {
    pub(crate) canaries: u64,
    /// All others.
    pub(crate) fresh: u64,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    /// A stage of a fresh connection ends.
    Stage(ProbeId),
    /// A canary is answered, or given up.
    Canary(ProbeId),
    /// A kept connection is closed by the other side.
    Closed(ProbeId),
}

/// A probe on a connection of its own.
#[derive(Clone, Copy, Debug)]
struct Fresh {
    kind: Kind,
    way: Way,
    target: usize,
    stages: Stages,
    /// The present stage's place among them, when it began, and how it ends.
    stage: usize,
    began: Time,
    met: Met,
}

impl Prober {
    pub(crate) const fn new(world: World) -> Self {
        Self {
            world,
            agenda: Agenda::new(),
            fresh: BTreeMap::new(),
            kept: BTreeMap::new(),
            canaries: BTreeMap::new(),
            made: Made { canaries: 0, fresh: 0 },
        }
    }

    /// When there is something to see.
    pub(crate) fn next(&self) -> Option<Time> {
        self.agenda.next()
    }

    /// Begins to do what is ordered. `Began` is what there is to see of that; a `Drop` shows nothing.
    pub(crate) fn take(&mut self, order: Order, now: Time) -> Option<Evidence> {
        match order {
            Order::Probe(Probe { id, kind: Kind::Canary, connection, .. }) => {
                let connection = connection.expect("a canary names its connection");
                self.begin_canary(id, connection, now);
                Some(Evidence { probe: id, at: now, saw: Saw::Began })
            }
            Order::Probe(probe) => {
                self.begin_fresh(&probe, now);
                Some(Evidence { probe: probe.id, at: now, saw: Saw::Began })
            }
            Order::Drop(id) => {
                self.drop(id);
                None
            }
        }
    }

    /// What is seen next, if it is seen by now.
    pub(crate) fn see(&mut self, now: Time, seen: &mut Vec<Evidence>) -> bool {
        let Some(due) = self.agenda.pop(now) else { return false };
        match due {
            Due::Stage(id) => seen.extend(self.end_stage(id, now)),
            Due::Canary(id) => self.end_canary(id, now, seen),
            Due::Closed(id) => {
                if let Some(kept) = self.kept.remove(&id) {
                    if kept.canaries.is_empty() {
                        seen.push(Evidence { probe: id, at: now, saw: Saw::Closed });
                    }
                    self.fail_all(&kept, now, seen);
                }
            }
        }
        true
    }

    fn begin_fresh(&mut self, probe: &Probe, now: Time) {
        self.made.fresh += 1;
        let way = match &probe.route {
            Route::Server { address, .. } => Way::Server(usize::from(address.port() - FIRST_PORT)),
            Route::Direct => Way::Direct,
        };
        let stages = match probe.kind {
            Kind::Full => FULL,
            Kind::Open => OPEN,
            Kind::Control => DIRECT,
            Kind::Canary => unreachable!("a canary's connection is not fresh"),
        };
        let target = usize::from(probe.target.0);
        let met = self.world.stage(way, target, stages[0], now);
        self.announce(Due::Stage(probe.id), met.at);
        let fresh = Fresh { kind: probe.kind, way, target, stages, stage: 0, began: now, met };
        let known = self.fresh.insert(probe.id, fresh);
        assert!(known.is_none(), "{} was ordered twice", probe.id);
    }

    fn end_stage(&mut self, id: ProbeId, now: Time) -> Option<Evidence> {
        let fresh = self.fresh.get_mut(&id)?;
        let passed = StageTime { stage: fresh.stages[fresh.stage].0, took: now.since(fresh.began) };
        let last = fresh.stage + 1 == fresh.stages.len();
        let saw = match fresh.met.how {
            Ok(()) if !last => {
                fresh.stage += 1;
                fresh.began = now;
                fresh.met = self.world.stage(fresh.way, fresh.target, fresh.stages[fresh.stage], now);
                let ends = fresh.met.at;
                self.announce(Due::Stage(id), ends);
                Saw::Passed(passed)
            }
            Ok(()) => Saw::Ended(Ending::Success(self.succeed(id, passed, now))),
            Err(cause) => Saw::Ended(Ending::Failed(failure(passed.stage, cause))),
        };
        if matches!(saw, Saw::Ended(_)) {
            self.fresh.remove(&id);
        }
        Some(Evidence { probe: id, at: now, saw })
    }

    fn succeed(&mut self, id: ProbeId, last: StageTime, now: Time) -> Success {
        let fresh = self.fresh[&id];
        let (Kind::Open, Way::Server(server)) = (fresh.kind, fresh.way) else {
            return Success { last, status: Some(200), received: RECEIVED_FULL, kept: false };
        };
        let closed = self.world.closed_at(server, fresh.target, now);
        if closed < NEVER {
            self.announce(Due::Closed(id), closed);
        }
        self.kept.insert(id, Kept::new(server, fresh.target, now));
        Success { last, status: Some(200), received: RECEIVED_OPEN, kept: true }
    }

    fn begin_canary(&mut self, id: ProbeId, connection: ProbeId, now: Time) {
        self.made.canaries += 1;
        let kept = self.kept.get_mut(&connection);
        let kept = kept.unwrap_or_else(|| panic!("{id} was ordered on {connection}, which was not kept"));
        let ends = kept.send(&mut self.world, id, now);
        self.canaries.insert(id, connection);
        self.announce(Due::Canary(id), ends);
    }

    fn end_canary(&mut self, id: ProbeId, now: Time, seen: &mut Vec<Evidence>) {
        let Some(connection) = self.canaries.remove(&id) else { return };
        let kept = self.kept.get_mut(&connection).expect("its canaries end with a connection");
        let Canary { began, how, .. } = kept.take(id);
        let stays = how.is_ok() && kept.answer();
        let saw = match how {
            Ok(()) => Saw::Ended(Ending::Success(Success {
                last: StageTime { stage: Stage::Http, took: now.since(began) },
                status: Some(200),
                received: RECEIVED_CANARY,
                kept: stays,
            })),
            Err(cause) => Saw::Ended(Ending::Failed(failure(Stage::Http, cause))),
        };
        seen.push(Evidence { probe: id, at: now, saw });
        if !stays && let Some(kept) = self.kept.remove(&connection) {
            self.fail_all(&kept, now, seen);
        }
    }

    /// What becomes of the canaries on a connection that is no more.
    fn fail_all(&mut self, kept: &Kept, now: Time, seen: &mut Vec<Evidence>) {
        for Canary { id, .. } in &kept.canaries {
            self.canaries.remove(id);
            let saw = Saw::Ended(Ending::Failed(failure(Stage::Http, Cause::Closed)));
            seen.push(Evidence { probe: *id, at: now, saw });
        }
    }

    fn drop(&mut self, id: ProbeId) {
        self.fresh.remove(&id);
        if let Some(connection) = self.canaries.remove(&id)
            && let Some(kept) = self.kept.get_mut(&connection)
        {
            // What it sent stays sent: those behind it wait for its answer all the same.
            kept.take(id);
        }
        for canary in self.kept.remove(&id).into_iter().flat_map(|kept| kept.canaries) {
            self.canaries.remove(&canary.id);
        }
    }

    fn announce(&mut self, due: Due, happens: Time) {
        self.agenda.push(self.world.wake(happens), happens, due);
    }
}

fn failure(stage: Stage, cause: Cause) -> Failure {
    Failure { stage, cause, text: format!("{stage}: {}", cause.as_str()) }
}
