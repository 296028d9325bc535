//! A brain in the world, on virtual time: the daemon's loop without a daemon.

use std::time::Duration;

use failover::{Desired, Evidence, Time};

use super::brain::Brain;
use super::haproxy::Steered;
use super::prober::{Made, Prober};
use super::routing::Routing;
use super::world::World;

/// From a decision until HAProxy has acknowledged it (measured: 1 to 2 ms).
const APPLY_AFTER: Duration = Duration::from_millis(2);

/// How often HAProxy is looked at although nothing called for it, as by the controller.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Calls at one moment after which a brain is stuck: it wants to be called at once, again and again.
const CALLS_MAX: u32 = 1000;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) routing: Routing,
    pub(crate) made: Made,
    pub(crate) world: World,
}

/// Lets the brain decide until the end.
pub(crate) fn drive(brain: &mut impl Brain, world: World, until: Time) -> Driven {
    let steered = Steered::new(world.servers.len());
    let mut driver = Driver {
        prober: Prober::new(world),
        brain,
        steered,
        wanted: Desired::new(),
        apply: None,
        look: Time::ZERO,
        seen: Vec::new(),
    };
    driver.run(until);
    Driven { routing: driver.steered.into_routing(), made: driver.prober.made, world: driver.prober.world }
}

struct Driver<'b, B> {
    prober: Prober,
    brain: &'b mut B,
    steered: Steered,
    /// What was last wanted, and when that will be done.
    wanted: Desired,
    apply: Option<Time>,
    /// When HAProxy is looked at.
    look: Time,
    seen: Vec<Evidence>,
}

impl<B: Brain> Driver<'_, B> {
    fn run(&mut self, until: Time) {
        let (mut last, mut calls) = (Time::ZERO, 0);
        while let Some(now) = self.next(last).filter(|next| *next < until) {
            calls = if now == last { calls + 1 } else { 0 };
            assert!(calls < CALLS_MAX, "at {now:?} the core's deadline does not move on");
            last = now;
            self.turn(now);
        }
    }

    /// When the process has something to do next. Nothing happens while it is stalled, and no time comes twice.
    fn next(&self, last: Time) -> Option<Time> {
        let world = &self.prober.world;
        let deadline = self.brain.next_deadline().map(|due| world.wake(due.max(last)));
        let ours = [Some(self.look), self.apply, deadline].into_iter().flatten().min();
        ours.into_iter().chain(self.prober.next()).min()
    }

    /// What there is to read is read before any timer counts.
    fn turn(&mut self, now: Time) {
        let mut seen = std::mem::take(&mut self.seen);
        while self.prober.see(now, &mut seen) {
            for evidence in seen.drain(..) {
                self.brain.on_evidence(&evidence, now);
            }
            self.settle(now);
        }
        self.seen = seen;
        if self.apply.is_some_and(|due| due <= now) || self.look <= now {
            self.reconcile(now);
        }
        if self.brain.next_deadline().is_some_and(|due| due <= now) {
            self.brain.on_time(now);
            self.settle(now);
        }
    }

    fn reconcile(&mut self, now: Time) {
        self.apply = None;
        self.look = self.prober.world.wake(now + LOOK_EVERY);
        self.steered.apply(self.brain.desired(), now);
        self.brain.on_observed(self.steered.observe(now), now);
        self.settle(now);
    }

    /// Does what the brain has come to want.
    fn settle(&mut self, now: Time) {
        loop {
            let orders = self.brain.take_orders();
            if orders.is_empty() {
                break;
            }
            for order in orders {
                if let Some(evidence) = self.prober.take(order, now) {
                    self.brain.on_evidence(&evidence, now);
                }
            }
        }
        // They are for people, who are not simulated.
        drop(self.brain.take_events());
        if self.wanted != *self.brain.desired() {
            self.wanted.clone_from(self.brain.desired());
            let due = self.prober.world.wake(now + APPLY_AFTER);
            self.apply = Some(self.apply.map_or(due, |earlier| earlier.min(due)));
        }
    }
}
