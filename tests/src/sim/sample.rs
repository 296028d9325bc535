//! What is kept of a run.

use std::time::Duration;

use failover::Time;

use super::column::Column;
use super::prober::Made;
use super::routing::PRIMARY;
use super::scenario::{Runs, Scenario};
use super::scene::Scene;

/// One run's figures.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// From the fault until the primary was left; `None` where it never was.
    pub(crate) detection: Option<Duration>,
    /// From healed until the primary was back; `None` where that never was.
    pub(crate) recovery: Option<Duration>,
    /// Times that the primary was left, and those of them before anything had happened.
    pub(crate) failovers: u32,
    pub(crate) early: u32,
    /// Changes of the server in service, and those of them after it had happened.
    pub(crate) switches: u32,
    pub(crate) later: u32,
    /// When the first of them was.
    pub(crate) first: Option<Time>,
    /// How long new connections were sent into the fault, and how long the primary was bad.
    pub(crate) bad: Duration,
    pub(crate) at_stake: Duration,
    /// How often it happened.
    pub(crate) times: usize,
    /// How long the run was.
    pub(crate) span: Duration,
    pub(crate) made: Made,
}

/// Simulates one run.
pub(crate) fn sample(scenario: &Scenario, column: &Column, runs: Runs, seed: u64, run: u32) -> Sample {
    let Scene { world, begins, heals, times, until } = Scene::new(scenario, runs.span, seed, run);
    let driven = column.judge(world, &scenario.conditions, until);
    let (routing, servers) = (driven.routing, driven.world.servers);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Sample {
        detection: routing.failovers().find(|at| *at >= begins).map(|at| at.since(begins)),
        recovery: routing.returns().find(|at| *at >= heals).map(|at| at.since(heals)),
        failovers: count(routing.failovers().count()),
        early: count(routing.failovers().filter(|at| *at < begins).count()),
        switches: count(routing.switches().count()),
        later: count(routing.switches().filter(|(at, _)| *at >= begins).count()),
        first: routing.switches().next().map(|(at, _)| at),
        bad: routing.bad(&servers, begins, until),
        at_stake: servers[PRIMARY].bad_between(begins, until),
        times,
        span: until.since_origin(),
        made: driven.made,
    }
}
