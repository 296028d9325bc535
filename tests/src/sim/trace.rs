//! What a brain was told and what it wanted, up to its first switch, or to its return after an outage: to see why it did
//! that.

use std::collections::VecDeque;
use std::time::Duration;

use failover::{Desired, Event, Evidence, Observed, Order, Probe, Route, Saw, Time};

use super::brain::Brain;
use super::clock::Clock;
use super::column::{Column, FAST, Who};
use super::driver::drive;
use super::sample::{Sample, sample};
use super::scenario::{Runs, Scenario, When};
use super::scene::Scene;
use super::subject;

/// More than anybody reads, and an outage at least.
const LINES_MAX: usize = 4000;

/// What follows the switch.
const AFTERMATH: Duration = Duration::from_secs(1);

/// The last lines of this run of `FAST`, which ends with its first switch, with its return where the scenario is an
/// outage, or at its end where there is none.
pub(crate) fn trace(scenario: &Scenario, runs: Runs, seed: u64, run: u32) -> String {
    let fast = Column { title: "traced", who: Who::Hactl(FAST) };
    let Sample { first, recovery, .. } = sample(scenario, &fast, runs, seed, run);
    let Scene { mut world, begins, heals, until, .. } = Scene::new(scenario, runs.span, seed, run);
    let returned =
        recovery.filter(|_| matches!(scenario.happens, Some((When::For(_), _)))).map(|after| heals + after);
    let settings = FAST.settings(&scenario.conditions, &mut world.rng);
    let mut traced = Traced { brain: subject::brain(&settings), now: Time::ZERO, lines: VecDeque::new() };
    drive(&mut traced, world, returned.or(first).map_or(until, |at| at + AFTERMATH));
    let begins = scenario.happens.map_or_else(String::new, |_| format!(", it happens at {}", Clock(begins)));
    let first = first.map_or_else(|| "no switch".to_owned(), |at| format!("first switch at {}", Clock(at)));
    let lines: Vec<String> = traced.lines.into();
    format!("{}, run {run}{begins}, {first}\n{}\n", scenario.key, lines.join("\n"))
}

/// A brain with somebody who writes down everything.
struct Traced<B> {
    brain: B,
    now: Time,
    lines: VecDeque<String>,
}

impl<B> Traced<B> {
    fn write(&mut self, line: &str) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{} {line}", Clock(self.now)));
    }
}

impl<B: Brain> Brain for Traced<B> {
    fn on_observed(&mut self, observed: &Observed, now: Time) {
        self.now = now;
        let backends = observed.backends.values();
        let in_service: Vec<_> = backends.flat_map(failover::ObservedBackend::in_service).collect();
        self.write(&format!("  haproxy {in_service:?}"));
        self.brain.on_observed(observed, now);
    }

    fn on_evidence(&mut self, evidence: &Evidence, now: Time) {
        self.now = now;
        match &evidence.saw {
            Saw::Passed(passed) => {
                self.write(&format!("  saw {} pass {} in {:?}", evidence.probe, passed.stage, passed.took));
            }
            saw @ (Saw::Began | Saw::Ended(_) | Saw::Closed) => {
                self.write(&format!("  saw {} {saw:?}", evidence.probe));
            }
        }
        self.brain.on_evidence(evidence, now);
    }

    fn on_time(&mut self, now: Time) {
        self.now = now;
        self.write("  time");
        self.brain.on_time(now);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.brain.next_deadline()
    }

    fn take_orders(&mut self) -> Vec<Order> {
        let orders = self.brain.take_orders();
        for order in &orders {
            self.write(&match order {
                Order::Drop(id) => format!("drop {id}"),
                Order::Probe(Probe { id, kind, route, target, connection }) => {
                    let route = match route {
                        Route::Server { id, .. } => id.to_string(),
                        Route::Direct => "direct".to_owned(),
                    };
                    let on = connection.map_or_else(String::new, |connection| format!(" on {connection}"));
                    format!("probe {id} {kind:?} {route} target {}{on}", target.0)
                }
            });
        }
        orders
    }

    fn take_events(&mut self) -> Vec<Event> {
        let events = self.brain.take_events();
        for event in &events {
            self.write(&format!("EVENT {event}"));
        }
        events
    }

    fn desired(&self) -> &Desired {
        self.brain.desired()
    }
}
