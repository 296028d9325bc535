//! Another core lives through what was recorded, on a virtual clock that follows the recording at a distance: what is to
//! be known of a moment is partly recorded after it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::answer::Said;
use super::world::{Closure, Way, World, way_of};
use super::{Decision, Replay, Turn};
use crate::{
    Cause, Ending, Evidence, Failure, Input, Kind, Name, Order, Probe, ProbeId, Recorded, Saw, Settings,
    Stage, TargetId, Time,
};

/// How far the clock is behind the recording: a full probe of each sort is made within this, at most cadences.
const AHEAD: Duration = Duration::from_secs(15);

/// A recording in which nothing stands for so long was made by a process that did not run.
const SILENT_MAX: Duration = Duration::from_secs(120);

/// How often it is looked for what nobody asks for any more.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// Times the core may be called at one moment; more of them are of a recording that nobody's probes have made.
const CALLS_MAX: u32 = 10_000;

/// A core with other settings in the world of a recording.
#[derive(Clone, Debug)]
pub struct Rerun {
    core: Replay,
    targets: Vec<Name>,
    world: World,
    now: Time,
    /// Calls at this moment.
    calls: u32,
    forgotten: Time,
    /// The time of the latest input.
    recorded: Time,
    /// What comes to every core, whatever it does.
    given: VecDeque<Recorded>,
    /// When the process did not run.
    stalls: VecDeque<(Time, Time)>,
    /// What will be seen, in the order in which it was arranged.
    coming: BTreeMap<(Time, u64), Coming>,
    turn: u64,
    /// Probes under way.
    under_way: BTreeSet<ProbeId>,
    /// Kept connections, with the canary under way on each.
    kept: BTreeMap<ProbeId, Kept>,
    decisions: Vec<Decision>,
    asked: u64,
    unanswered: u64,
}

#[derive(Clone, Debug)]
enum Coming {
    Saw(Probe, Saw),
    Closed(Closure),
}

#[derive(Clone, Debug)]
struct Kept {
    way: Way,
    target: TargetId,
    canary: Option<ProbeId>,
}

impl Rerun {
    /// A core with these settings, which have the targets of the recorded ones.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            targets: settings.targets.clone(),
            core: Replay::new(settings),
            world: World::default(),
            now: Time::ZERO,
            calls: 0,
            forgotten: Time::ZERO,
            recorded: Time::ZERO,
            given: VecDeque::new(),
            stalls: VecDeque::new(),
            coming: BTreeMap::new(),
            turn: 0,
            under_way: BTreeSet::new(),
            kept: BTreeMap::new(),
            decisions: Vec::new(),
            asked: 0,
            unanswered: 0,
        }
    }

    /// Takes in what was recorded, with what the recorded core made of it.
    pub fn see(&mut self, recorded: Recorded, turn: &Turn) {
        let Recorded { at, input } = &recorded;
        let at = *at;
        let silent = (at.since(self.recorded) > SILENT_MAX).then_some(self.recorded);
        if let Some(from) = [turn.starved_since, silent].into_iter().flatten().min() {
            self.stalls.push_back((from, at));
        }
        self.recorded = at;
        if let Input::Settings(settings) = input {
            self.retarget(&settings.targets, at);
        }
        if let Input::Evidence(evidence) = input {
            if let Some(closure) = self.world.saw(evidence) {
                self.arrange(closure.at, Coming::Closed(closure));
            }
        } else if !matches!(input, Input::Due) {
            self.given.push_back(recorded);
        }
        for order in &turn.orders {
            self.world.ordered(order, at);
        }
        if at > Time::ZERO + AHEAD {
            self.advance(Time::ZERO + at.since(Time::ZERO + AHEAD));
        }
    }

    /// Other targets from `at` on: their numbers are others, so that what is known by the old ones ends here.
    fn retarget(&mut self, targets: &[Name], at: Time) {
        if self.targets == targets {
            return;
        }
        self.advance(at);
        self.world = World::default();
        self.coming.clear();
        self.under_way.clear();
        self.kept.clear();
        self.targets = targets.to_vec();
    }

    /// The recording ends here: the clock catches up with it.
    pub fn finish(&mut self) {
        self.advance(self.recorded);
    }

    /// What was decided since this was last called.
    pub fn take_decisions(&mut self) -> Vec<Decision> {
        std::mem::take(&mut self.decisions)
    }

    /// How many probes were ordered, and of how many of them the recording does not say anything.
    #[must_use]
    pub const fn asked(&self) -> (u64, u64) {
        (self.asked, self.unanswered)
    }

    /// Lets the time pass.
    fn advance(&mut self, until: Time) {
        while let Some((at, next)) = self.next().filter(|(at, _)| *at <= until) {
            self.calls = if at == self.now { self.calls.saturating_add(1) } else { 0 };
            self.now = self.now.max(at);
            match next {
                Next::Given => {
                    if let Some(given) = self.given.pop_front() {
                        self.take(given.input);
                    }
                }
                Next::Coming => {
                    if let Some(((happened, _), coming)) = self.coming.pop_first() {
                        self.happen(coming, happened);
                    }
                }
                Next::Due => self.take(Input::Due),
            }
        }
        while self.stalls.front().is_some_and(|(_, to)| *to < self.now) {
            self.stalls.pop_front();
        }
        if self.now.since(self.forgotten) >= FORGET_EVERY {
            self.forgotten = self.now;
            self.world.forget(self.now);
        }
    }

    /// What is next, and when: what is there to be read before what is due by the clock.
    fn next(&self) -> Option<(Time, Next)> {
        let given = self.given.front().map(|given| (given.at, Next::Given));
        let coming = self.coming.first_key_value().map(|((at, _), _)| (self.awake(*at), Next::Coming));
        let due = self.core.next_deadline().map(|due| self.awake(due.max(self.now)));
        let due = due.map(|due| if self.calls < CALLS_MAX { due } else { due.max(self.now + SILENT_MAX) });
        let due = due.map(|due| (due, Next::Due));
        [given, coming, due].into_iter().flatten().min()
    }

    /// When the process runs, at `at` or after it.
    fn awake(&self, at: Time) -> Time {
        let stall = self.stalls.iter().find(|(from, to)| *from <= at && at < *to);
        stall.map_or(at, |(_, to)| *to).max(self.now)
    }

    fn arrange(&mut self, at: Time, coming: Coming) {
        self.turn += 1;
        self.coming.insert((at, self.turn), coming);
    }

    fn happen(&mut self, coming: Coming, happened: Time) {
        match coming {
            Coming::Saw(probe, saw) => self.saw(&probe, saw, happened),
            Coming::Closed(closure) => {
                let same = |kept: &Kept| kept.way == closure.way && kept.target == closure.target;
                let connection = self.kept.iter().find(|(_, kept)| same(kept));
                let Some((connection, canary)) = connection.map(|(id, kept)| (*id, kept.canary)) else {
                    return;
                };
                self.kept.remove(&connection);
                let saw = if canary.is_some() { Saw::Ended(closed()) } else { Saw::Closed };
                let probe = canary.unwrap_or(connection);
                self.under_way.remove(&probe);
                self.take(Input::Evidence(Evidence { probe, at: happened, saw }));
            }
        }
    }

    /// Something is seen of a probe that is still under way.
    fn saw(&mut self, probe: &Probe, saw: Saw, happened: Time) {
        if !self.under_way.contains(&probe.id) {
            return;
        }
        if let Saw::Ended(ending) = &saw {
            self.under_way.remove(&probe.id);
            let kept = matches!(ending, Ending::Success(success) if success.kept);
            match (probe.kind, probe.connection) {
                (Kind::Open, _) if kept => {
                    let connection = Kept { way: way_of(probe), target: probe.target, canary: None };
                    self.kept.insert(probe.id, connection);
                }
                (Kind::Canary, Some(connection)) if kept => {
                    if let Some(kept) = self.kept.get_mut(&connection) {
                        kept.canary = None;
                    }
                }
                (Kind::Canary, Some(connection)) => {
                    self.kept.remove(&connection);
                }
                (Kind::Full | Kind::Open | Kind::Canary | Kind::Control, _) => {}
            }
        }
        self.take(Input::Evidence(Evidence { probe: probe.id, at: happened, saw }));
    }

    /// One input into the core, and what it wants done because of it.
    fn take(&mut self, input: Input) {
        let turn = self.core.take(&Recorded { at: self.now, input });
        self.decisions.extend(turn.decisions);
        for order in turn.orders {
            match order {
                Order::Probe(probe) => self.ask(probe),
                Order::Drop(id) => {
                    self.under_way.remove(&id);
                    self.kept.remove(&id);
                }
            }
        }
    }

    fn ask(&mut self, probe: Probe) {
        self.asked += 1;
        let said = match self.connection_of(&probe) {
            Ok(()) => self.answer(&probe),
            Err(ending) => vec![(Duration::ZERO, Saw::Ended(ending))],
        };
        self.under_way.insert(probe.id);
        for (after, saw) in said {
            self.arrange(self.now + after, Coming::Saw(probe.clone(), saw));
        }
    }

    /// A canary needs a connection, and is the only one on it.
    fn connection_of(&mut self, probe: &Probe) -> Result<(), Ending> {
        if probe.kind != Kind::Canary {
            return Ok(());
        }
        let kept = probe.connection.and_then(|connection| self.kept.get_mut(&connection));
        kept.ok_or_else(closed)?.canary = Some(probe.id);
        Ok(())
    }

    fn answer(&mut self, probe: &Probe) -> Vec<Said> {
        let target = self.targets.get(usize::from(probe.target.0));
        let world = &mut self.world;
        let said = target.and_then(|target| world.answer(probe, target, self.now));
        said.unwrap_or_else(|| {
            self.unanswered += 1;
            let why = "the recording says nothing of this server at this time".to_owned();
            vec![(Duration::ZERO, Saw::Ended(Ending::Void(why)))]
        })
    }
}

/// In this order, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Given,
    Coming,
    Due,
}

/// How a canary ends whose connection is there no longer.
fn closed() -> Ending {
    let text = "the kept connection is closed".to_owned();
    Ending::Failed(Failure { stage: Stage::Http, cause: Cause::Closed, text })
}
