//! One run of a scenario, set up: the world, and when what happens in it.

use std::time::Duration;

use failover::Time;

use super::path::{Down, Path, Trouble};
use super::rng::Rng;
use super::scenario::{Scenario, What, When};
use super::timeline::{NEVER, Span, Timeline};
use super::world::World;

pub(crate) const SERVERS: usize = 2;
pub(crate) const TARGETS: u16 = 3;

/// Nothing happens before this: everybody has settled.
const CALM: Duration = Duration::from_secs(60);

/// It first happens at any time within this after the calm: how long a fault goes unseen depends on its phase, and no
/// judge's cadence is longer than this.
const PHASES: Duration = Duration::from_secs(12);

/// Of the ways that are not judged.
const OTHER_RTT: Duration = Duration::from_millis(50);

/// Parts the chances of what happens from those of the packets: whatever judges, the same happens.
const SCHEDULE: u64 = 0x5ced_u64;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) world: World,
    /// When it first happens, and for how long that lasts.
    pub(crate) begins: Time,
    pub(crate) heals: Time,
    /// How often it happens.
    pub(crate) times: usize,
    pub(crate) until: Time,
}

impl Scene {
    pub(crate) fn new(scenario: &Scenario, span: Duration, seed: u64, run: u32) -> Self {
        let mut chance = Rng::of_run(seed ^ SCHEDULE, scenario.key, run);
        let begins = Time::ZERO + CALM + chance.between(Duration::ZERO, PHASES);
        let until = begins + span;
        let spans =
            scenario.happens.map_or_else(Vec::new, |(when, _)| when.spans(begins, until, &mut chance));
        let what = scenario.happens.map(|(_, what)| what);
        let world = world(scenario, what, &spans, Rng::of_run(seed, scenario.key, run));
        let heals = spans.first().map_or(NEVER, |span| span.to);
        Self { world, begins, heals, times: spans.len(), until }
    }
}

impl When {
    fn spans(self, begins: Time, until: Time, chance: &mut Rng) -> Vec<Span<()>> {
        let once = |lasts| vec![Span { from: begins, to: begins + lasts, what: () }];
        match self {
            Self::From => once(Duration::MAX),
            Self::For(lasts) => once(lasts),
            Self::Scattered { lasts, gap_least, gap_mean } => {
                again(begins, until, lasts, || gap_least + chance.wait(gap_mean.saturating_sub(gap_least)))
            }
            Self::Cycle { lasts, every } => again(begins, until, lasts, || every),
        }
    }
}

fn again(begins: Time, until: Time, lasts: Duration, mut gap: impl FnMut() -> Duration) -> Vec<Span<()>> {
    let starts = std::iter::successors(Some(begins), |start| Some(*start + gap()));
    let starts = starts.take_while(|start| *start + lasts <= until);
    starts.map(|from| Span { from, to: from + lasts, what: () }).collect()
}

fn world(scenario: &Scenario, what: Option<What>, spans: &[Span<()>], rng: Rng) -> World {
    let conditions = scenario.conditions;
    let troubles = |of: fn(What, usize) -> Option<Trouble>, place: usize| {
        timeline(spans, what.and_then(|what| of(what, place)))
    };
    let path = |rtt, of, place| Path::new(rtt, conditions.loss, troubles(of, place));
    let rtt = |place| if place == 0 { conditions.rtt } else { OTHER_RTT };
    World {
        rng,
        servers: (0..SERVERS).map(|place| path(rtt(place), of_server, place)).collect(),
        direct: path(OTHER_RTT, of_uplink, 0),
        targets: (0..TARGETS)
            .map(|place| timeline(spans, what.and_then(|what| of_target(what, place))))
            .collect(),
        stalls: timeline(spans, what.and_then(of_process)),
        whims: conditions.whims,
    }
}

/// All of it where there is anything, nothing otherwise.
fn timeline<T: Copy>(spans: &[Span<()>], what: Option<T>) -> Timeline<T> {
    let spans = what.map(|what| spans.iter().map(move |span| Span { from: span.from, to: span.to, what }));
    Timeline::new(spans.into_iter().flatten().collect())
}

const fn of_server(what: What, place: usize) -> Option<Trouble> {
    match what {
        What::Primary(trouble) if place == 0 => Some(trouble),
        What::AllServers(trouble) => Some(trouble),
        What::Uplink => Some(Trouble::BlackHole),
        What::Primary(_) | What::Target(_) | What::Stall => None,
    }
}

const fn of_uplink(what: What, _: usize) -> Option<Trouble> {
    match what {
        What::Uplink => Some(Trouble::BlackHole),
        What::Primary(_) | What::AllServers(_) | What::Target(_) | What::Stall => None,
    }
}

const fn of_target(what: What, place: u16) -> Option<Down> {
    match what {
        What::Target(down) if place == 0 => Some(down),
        What::Target(_) | What::Primary(_) | What::AllServers(_) | What::Uplink | What::Stall => None,
    }
}

const fn of_process(what: What) -> Option<()> {
    match what {
        What::Stall => Some(()),
        What::Primary(_) | What::AllServers(_) | What::Target(_) | What::Uplink => None,
    }
}
