//! What `make sim` puts into the last columns. This file alone knows which core that is.

use failover::{Core, Desired, Event, Evidence, Observed, Order, Settings, Time};

use super::brain::Brain;

/// What is judged by these settings.
pub(crate) fn brain(settings: &Settings) -> impl Brain + use<> {
    Core::new(settings.clone())
}

impl Brain for Core {
    fn on_observed(&mut self, observed: &Observed, now: Time) {
        self.on_observed(observed, now);
    }

    fn on_evidence(&mut self, evidence: &Evidence, now: Time) {
        self.on_evidence(evidence, now);
    }

    fn on_time(&mut self, now: Time) {
        self.on_time(now);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.next_deadline()
    }

    fn take_orders(&mut self) -> Vec<Order> {
        self.take_orders()
    }

    fn take_events(&mut self) -> Vec<Event> {
        self.take_events()
    }

    fn desired(&self) -> &Desired {
        self.desired()
    }
}
