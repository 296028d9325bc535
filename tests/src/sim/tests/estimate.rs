//! What `hactl simulate --set` estimates, beside what the same settings do in the same world: packets are lost, servers
//! fail, and the recording is that of other settings.

use std::time::Duration;

use failover::replay::{Decided, Decision, Replay, Rerun};
use failover::{
    Core, Desired, Event, Evidence, Input, Observed, Order, Profile, Recorded, Settings, Time, Want,
};

use crate::sim::brain::Brain;
use crate::sim::catalogue::SECTIONS;
use crate::sim::column::FAST;
use crate::sim::driver::drive;
use crate::sim::scenario::Scenario;
use crate::sim::scene::Scene;
use crate::sim::world::World;

/// A way to set things otherwise.
type Change = fn(&mut Settings);

/// Each with how far apart the means of `RUNS` may be: half of what a canary is waited for. Of 150 runs they were within
/// 40 ms of each other (measured).
const CHANGES: [(&str, Change, u64); 4] = [
    ("eco", |settings| settings.profile = Profile::Eco, 500),
    ("quicker canaries", |settings| settings.fast.canary = Duration::from_millis(100), 125),
    ("ride through", |settings| settings.ride_through = Duration::from_millis(2_500), 125),
    ("low ceiling", |settings| settings.timeout = Duration::from_millis(150), 125),
];

const RUNS: u32 = 20;

#[test]
fn an_outage_is_estimated_to_be_found_when_it_would_have_been() {
    for (name, change, within) in CHANGES {
        let (mut estimated, mut true_) = (Duration::ZERO, Duration::ZERO);
        for run in 0..RUNS {
            let found = both("black-hole", 60, run, change);
            estimated += found.estimate.after_first().expect("it is found");
            true_ += found.truth.after_first().expect("it is found");
        }
        let apart = estimated.abs_diff(true_) / RUNS;
        assert!(
            apart < Duration::from_millis(within),
            "{name}: {estimated:?} in place of {true_:?}, of {RUNS}"
        );
    }
}

#[test]
fn no_more_is_estimated_to_be_moved_than_would_have_been() {
    for (scenario, seconds) in [("loss-5", 900), ("target-silent", 180), ("flapping", 300), ("whims", 600)] {
        for (name, change, _) in CHANGES {
            let found = both(scenario, seconds, 0, change);
            let (estimate, truth) = (found.estimate.outs.len(), found.truth.outs.len());
            assert_eq!(estimate, truth, "{scenario}, {name}");
        }
    }
}

/// When servers were wanted out.
struct Found {
    begins: Time,
    outs: Vec<Time>,
}

impl Found {
    /// From the fault to the first time.
    fn after_first(&self) -> Option<Duration> {
        self.outs.first().map(|at| at.since(self.begins))
    }
}

struct Both {
    estimate: Found,
    truth: Found,
}

/// What the changed settings come to, by the recording of `FAST` and in the world itself.
fn both(key: &str, seconds: u64, run: u32, change: Change) -> Both {
    let Scene { mut world, begins, until, .. } =
        Scene::new(scenario(key), Duration::from_secs(seconds), 5, run);
    let settings = FAST.settings(&scenario(key).conditions, &mut world.rng);
    let mut changed = settings.clone();
    change(&mut changed);
    let recorded = record(&settings, world.clone(), until);
    let (mut replay, mut rerun) = (Replay::new(settings), Rerun::new(changed.clone()));
    for one in recorded {
        let turn = replay.take(&one);
        rerun.see(one, &turn);
    }
    rerun.finish();
    let mut replay = Replay::new(changed.clone());
    let truth: Vec<Decision> =
        record(&changed, world, until).iter().flat_map(|one| replay.take(one).decisions).collect();
    let found = |decisions: &[Decision]| Found { begins, outs: outs(decisions) };
    Both { estimate: found(&rerun.take_decisions()), truth: found(&truth) }
}

fn outs(decisions: &[Decision]) -> Vec<Time> {
    let out = |what: &Decided| matches!(what, Decided::Wants { want: Want::Maint, .. });
    decisions.iter().filter(|decision| out(&decision.what)).map(|decision| decision.at).collect()
}

fn scenario(key: &str) -> &'static Scenario {
    let mut all = SECTIONS.iter().flat_map(|section| section.scenarios);
    all.find(|scenario| scenario.key == key).expect("there is such a scenario")
}

/// Everything that went into a core in that world.
fn record(settings: &Settings, world: World, until: Time) -> Vec<Recorded> {
    let mut brain = Recording { core: Core::new(settings.clone()), inputs: Vec::new() };
    drive(&mut brain, world, until);
    brain.inputs
}

struct Recording {
    core: Core,
    inputs: Vec<Recorded>,
}

impl Recording {
    fn take(&mut self, input: Input, now: Time) {
        self.core.take(&input, now);
        self.inputs.push(Recorded { at: now, input });
    }
}

impl Brain for Recording {
    fn on_observed(&mut self, observed: &Observed, now: Time) {
        self.take(Input::Observed(Box::new(observed.clone())), now);
    }

    fn on_evidence(&mut self, evidence: &Evidence, now: Time) {
        self.take(Input::Evidence(evidence.clone()), now);
    }

    fn on_time(&mut self, now: Time) {
        self.take(Input::Due, now);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.core.next_deadline()
    }

    fn take_orders(&mut self) -> Vec<Order> {
        self.core.take_orders()
    }

    fn take_events(&mut self) -> Vec<Event> {
        self.core.take_events()
    }

    fn desired(&self) -> &Desired {
        self.core.desired()
    }
}
