//! What a scenario is: under which conditions what happens when, how often that is tried, and what is measured of it.

use std::time::Duration;

use super::figure::Wanted;
use super::path::{Down, Trouble};

/// Scenarios under one heading.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) scenarios: &'static [Scenario],
}

/// One scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// What `--only` calls it; its chances depend on it, too.
    pub(crate) key: &'static str,
    pub(crate) conditions: Conditions,
    pub(crate) happens: Option<(When, What)>,
    pub(crate) size: Size,
    pub(crate) rows: &'static [Row],
}

/// What does not change during a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    /// Of the way through the primary, the one that is judged.
    pub(crate) rtt: Duration,
    /// Part of the packets that vanish, in each direction.
    pub(crate) loss: f64,
    /// How often targets close a kept connection just so, on average.
    pub(crate) whims: Option<Duration>,
    /// `on_slow = move`.
    pub(crate) move_slow: bool,
    /// There is a control target.
    pub(crate) control: bool,
}

/// When it happens; the first time about a minute after the start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// From then on, to the end.
    From,
    /// Once.
    For(Duration),
    /// Again and again, at times that cannot be foreseen; the gaps are from start to start.
    Scattered { lasts: Duration, gap_least: Duration, gap_mean: Duration },
    /// Again and again, as a clock.
    Cycle { lasts: Duration, every: Duration },
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// To the way through the primary.
    Primary(Trouble),
    /// To the ways through all servers.
    AllServers(Trouble),
    /// This host's network is gone: all servers' ways, and the direct one.
    Uplink,
    /// To the first target.
    Target(Down),
    /// The judge's own process does not run.
    Stall,
}

/// How much is simulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) ours: Runs,
    pub(crate) rivals: Runs,
    /// With `--quick`, of everybody.
    pub(crate) quick: Runs,
}

/// So many runs, each so long after the first time that it happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    pub(crate) number: u32,
    pub(crate) span: Duration,
}

/// What is told of a scenario.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) measure: Measure,
    pub(crate) wanted: Option<Wanted>,
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measure {
    /// From the fault to HAProxy's acknowledgement of the switch, p50 and p99.
    Detection,
    /// From healed to HAProxy's acknowledgement of the return, p50 and p99.
    Recovery,
    /// Seconds for which new connections were sent into the fault, per run.
    BadSeconds,
    /// The same, of the seconds that the fault lasted.
    BadSecondsOf,
    /// Changes of the server in service, per run.
    Switches,
    /// Times that the primary was left, per day.
    FailoversPerDay,
    /// Times that the primary was left, of the times that it happened.
    FailoversOf,
    /// Runs in which a switch was made after it happened, of all.
    RunsWithSwitch,
    /// Probes per second: canaries, and those with a connection of their own.
    Probes,
}
