//! From what is wanted and what was seen to the commands that are missing. The same function verifies: after the
//! steps were applied and HAProxy was read again, it must come out empty.
//!
//! Successor first: a server is closed only in a state in which its successor was already read back as usable. Where
//! the successor has to be opened first, the closing comes out of the next plan, made from the state read after it.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Admin, Desired, Name, Observed, ObservedBackend, ObservedServer, Owner, ServerId, Want};

/// One command: put this server into that state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The server.
    pub server: ServerId,
    /// The state; never `Drain` under the `order` policy.
    pub set: Admin,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.server, self.set.as_str())
    }
}

/// Why something that is wanted is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBecause {
    /// Without it the backend would have no usable server.
    LastUsable,
    /// Somebody else put it into `drain` or `maint`.
    NotOurs(Admin),
}

/// A server that is left as it is although something else is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The server.
    pub server: ServerId,
    /// Why.
    pub because: HeldBecause,
}

/// What is to be done, in order, and what is left undone on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The commands, in the order to send them.
    pub steps: Vec<Step>,
    /// What is left as it is, and why.
    pub held: Vec<Held>,
}

/// The commands that bring `observed` towards `desired`, and no others.
#[must_use]
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    for (name, wants) in desired {
        if let Some(backend) = observed.backends.get(name) {
            plan_backend(&mut plan, name, wants, backend);
        }
    }
    plan
}

fn plan_backend(plan: &mut Plan, name: &Name, wants: &BTreeMap<Name, Want>, backend: &ObservedBackend) {
    let id = |server: &ObservedServer| ServerId { backend: name.clone(), server: server.name.clone() };
    let mut opens: Vec<Step> = Vec::new();
    for server in backend.by_preference().filter(|server| want(wants, server) == Want::Ready) {
        match (server.admin, server.owner) {
            (Admin::Ready, _) => {}
            (Admin::Drain | Admin::Maint, Owner::Ours) => {
                opens.push(Step { server: id(server), set: Admin::Ready });
            }
            (admin @ (Admin::Drain | Admin::Maint), Owner::Theirs) => {
                plan.held.push(Held { server: id(server), because: HeldBecause::NotOurs(admin) });
            }
        }
    }
    if opens.is_empty() {
        opens.extend(release(wants, backend).map(|server| Step { server: id(server), set: Admin::Ready }));
    }
    let opening = !opens.is_empty();
    plan.steps.append(&mut opens);
    let successor = has_successor(wants, backend);
    // The least preferred first: no connection is moved to a server that the same plan closes next.
    for server in backend.by_preference().rev().filter(|server| want(wants, server) == Want::Maint) {
        match server.admin {
            Admin::Ready if successor => plan.steps.push(Step { server: id(server), set: Admin::Maint }),
            Admin::Ready if opening => {}
            Admin::Ready => {
                plan.held.push(Held { server: id(server), because: HeldBecause::LastUsable });
            }
            Admin::Drain | Admin::Maint => {}
        }
    }
}

/// A server that stays when everything wanted out is out: one that was proved or, where nothing is proved any more,
/// one that HAProxy at least would use.
fn has_successor(wants: &BTreeMap<Name, Want>, backend: &ObservedBackend) -> bool {
    let proved = backend.servers.iter().any(|server| want(wants, server) == Want::Ready)
        || backend.servers.iter().any(|server| !server.managed && server.is_usable());
    backend.servers.iter().filter(|server| server.is_usable()).any(|server| match want(wants, server) {
        Want::Ready => true,
        Want::AsIs => !proved || !server.managed,
        Want::Maint => false,
    })
}

/// The server to give back where HAProxy has none left to use and one of ours could be it: our `maint` is never the
/// reason that a backend is empty.
fn release<'a>(wants: &BTreeMap<Name, Want>, backend: &'a ObservedBackend) -> Option<&'a ObservedServer> {
    if backend.servers.iter().any(ObservedServer::is_usable) {
        return None;
    }
    let ours = |server: &&ObservedServer| {
        server.managed
            && server.owner == Owner::Ours
            && server.admin != Admin::Ready
            && wants.contains_key(&server.name)
    };
    backend.by_preference().find(ours)
}

fn want(wants: &BTreeMap<Name, Want>, server: &ObservedServer) -> Want {
    wants.get(&server.name).copied().filter(|_| server.managed).unwrap_or(Want::AsIs)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
