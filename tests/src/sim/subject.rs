//! THE PLUG: what `make sim` puts into the last columns. This file alone knows which core that is.
//!
//! The core to come has exactly the methods of [`Brain`], so plugging it in is this:
//! 1. Here, the block at the end becomes code, and `brain()` returns `failover::Core::new(settings.clone())`.
//! 2. In `sim.rs`, `stand_in` becomes `#[cfg(test)]`: from then on it serves the simulation's own tests only.
//! 3. In `haproxy.rs`, once an `ObservedServer` tells whether it has sessions: the server in service has some.

use failover::Settings;

use super::brain::Brain;
use super::stand_in::StandIn;

/// What is judged by these settings.
pub(crate) fn brain(settings: &Settings) -> impl Brain + use<> {
    StandIn::new(u16::try_from(settings.targets.len()).unwrap_or(u16::MAX))
}

// use failover::{Desired, Event, Evidence, Observed, Order, Time};
//
// impl Brain for failover::Core {
//     fn on_observed(&mut self, observed: &Observed, now: Time) {
//         self.on_observed(observed, now);
//     }
//
//     fn on_evidence(&mut self, evidence: &Evidence, now: Time) {
//         self.on_evidence(evidence, now);
//     }
//
//     fn on_time(&mut self, now: Time) {
//         self.on_time(now);
//     }
//
//     fn next_deadline(&self) -> Option<Time> {
//         self.next_deadline()
//     }
//
//     fn take_orders(&mut self) -> Vec<Order> {
//         self.take_orders()
//     }
//
//     fn take_events(&mut self) -> Vec<Event> {
//         self.take_events()
//     }
//
//     fn desired(&self) -> &Desired {
//         self.desired()
//     }
// }
