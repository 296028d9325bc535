//! Which steps of a long plan clients feel first. What is in the plan is decided in `plan`; every order of its steps
//! leaves a successor, since a server is closed only in a state in which one was read back.

use std::collections::BTreeMap;

use crate::{Admin, Name, Observed, ObservedBackend, Operational, Plan, Step};

/// In the order in which they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// Opens a server that takes traffic when all is done.
    Takes,
    /// Closes a server that has traffic now, or would have it before all is done.
    Loses,
    /// Opens a server that is only in reserve.
    Reserve,
    /// Closes a server that no client is sent to.
    Idle,
}

/// One backend before and after the plan.
struct Turn {
    before: Vec<Name>,
    after: Vec<Name>,
    /// By server, its place in HAProxy's order of preference.
    places: BTreeMap<Name, usize>,
}

impl Plan {
    /// The same steps, the most urgent ones first; those of the same urgency stay in their order.
    #[must_use]
    pub fn urgent_first(mut self, observed: &Observed) -> Self {
        let mut by_backend: BTreeMap<&Name, BTreeMap<&Name, Admin>> = BTreeMap::new();
        for step in &self.steps {
            by_backend.entry(&step.server.backend).or_default().insert(&step.server.server, step.set);
        }
        let turn = |(name, sets): (&Name, BTreeMap<&Name, Admin>)| {
            observed.backends.get(name).map(|backend| (name.clone(), Turn::of(backend, &sets)))
        };
        let turns: BTreeMap<Name, Turn> = by_backend.into_iter().filter_map(turn).collect();
        self.steps.sort_by_cached_key(|step| turns.get(&step.server.backend).map(|turn| turn.urgency(step)));
        self
    }
}

impl Turn {
    fn of(backend: &ObservedBackend, sets: &BTreeMap<&Name, Admin>) -> Self {
        let mut after = backend.clone();
        for server in &mut after.servers {
            if let Some(set) = sets.get(&server.name) {
                server.admin = *set;
                server.operational = Operational::Running;
            }
        }
        let places = backend.by_preference().enumerate().map(|(place, server)| (server.name.clone(), place));
        let sorted = |mut names: Vec<Name>| {
            names.sort();
            names
        };
        Self {
            before: sorted(backend.in_service()),
            after: sorted(after.in_service()),
            places: places.collect(),
        }
    }

    fn urgency(&self, step: &Step) -> Urgency {
        let name = &step.server.server;
        let among = |names: &[Name]| names.binary_search(name).is_ok();
        match step.set {
            Admin::Ready if among(&self.after) => Urgency::Takes,
            Admin::Ready => Urgency::Reserve,
            Admin::Drain | Admin::Maint if among(&self.before) || self.is_before_the_first(name) => {
                Urgency::Loses
            }
            Admin::Drain | Admin::Maint => Urgency::Idle,
        }
    }

    /// HAProxy prefers it to every server that takes traffic when all is done.
    fn is_before_the_first(&self, name: &Name) -> bool {
        let first = self.after.iter().filter_map(|name| self.places.get(name)).min();
        self.places.get(name) < first
    }
}

#[cfg(test)]
#[path = "urgency_tests.rs"]
mod tests;
