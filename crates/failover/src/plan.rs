//! From what is wanted and what was seen to the commands that are missing. The same function verifies: after the
//! steps were applied and HAProxy was read again, it must come out empty.
//!
//! Successor first: a server is closed only in a state in which its successor was already read back as usable. Where
//! the successor has to be opened first, the closing comes out of the next plan, made from the state read after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::{
    Admin, Agent, Desired, Insist, Name, Observed, ObservedBackend, ObservedServer, Owner, ServerId, Want,
    Wish,
};

/// One command: put this server into that state, or give that answer to its agent-check: `Maint` for `down`, `Ready` for
/// `up`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The server.
    pub server: ServerId,
    /// The state.
    pub set: Admin,
    /// Why it is taken out, in words, as the wish has it.
    pub why: Option<Name>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.server, self.set.as_str())
    }
}

/// Why something that is wanted is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBecause {
    /// No other server could take over.
    NoSuccessor,
    /// Somebody else put it into `drain` or `maint`.
    NotOurs(Admin),
    /// Somebody else keeps changing servers of its backend.
    Contended,
    /// It is steered by its agent-check, and has none.
    NoAgent,
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
    /// Servers whose sessions are to be cut, behind all steps.
    pub kills: Vec<ServerId>,
    /// What is left as it is, and why.
    pub held: Vec<Held>,
}

impl Plan {
    /// HAProxy is as it is wanted, as far as that can be had.
    #[must_use]
    pub const fn is_converged(&self) -> bool {
        self.steps.is_empty() && self.kills.is_empty()
    }
}

/// The commands that bring `observed` towards `desired`, and no others.
#[must_use]
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    let scopes = desired.iter().filter_map(|(name, wishes)| {
        Some(Scope { name, wishes, backend: observed.backends.get(name)?, desired, observed, tracked: &[] })
    });
    let tracked: Vec<ServerId> = scopes.flat_map(|scope| scope.needs()).collect();
    for (name, wishes) in desired {
        if let Some(backend) = observed.backends.get(name) {
            let scope = Scope { name, wishes, backend, desired, observed, tracked: &tracked };
            if observed.contended.contains_key(name) {
                stand_back(&mut plan, &scope);
            } else {
                plan_backend(&mut plan, &scope);
            }
        }
    }
    plan
}

/// Nothing is written while somebody else fights for the same backend, but that one server is opened where HAProxy has
/// none left and one is out because of us. That is soon over: each time it takes one of ours.
fn stand_back(plan: &mut Plan, scope: &Scope<'_>) {
    let mut wanted = Plan::default();
    plan_backend(&mut wanted, scope);
    let mut empty = !scope.backend.servers.iter().any(ObservedServer::is_usable);
    for step in wanted.steps {
        if empty && step.set == Admin::Ready {
            empty = false;
            plan.steps.push(step);
        } else {
            plan.held.push(Held { server: step.server, because: HeldBecause::Contended });
        }
    }
    plan.held.append(&mut wanted.held);
}

/// One backend with what is wanted of its servers, and all that HAProxy showed.
struct Scope<'a> {
    name: &'a Name,
    wishes: &'a BTreeMap<Name, Wish>,
    backend: &'a ObservedBackend,
    desired: &'a Desired,
    observed: &'a Observed,
    /// What another backend needs in rotation, because all that it could use tracks it.
    tracked: &'a [ServerId],
}

fn plan_backend(plan: &mut Plan, scope: &Scope<'_>) {
    let mut opens = scope.opens(&mut plan.held);
    if opens.is_empty() {
        opens.extend(scope.release().map(|server| scope.open(server)));
    }
    let opening = !opens.is_empty();
    plan.steps.append(&mut opens);
    let (successor, proved) = (scope.has_successor(), scope.is_proved());
    // What is preferred to a drained server is read back first.
    let preferred = proved && successor && !opening;
    // The least preferred first: no connection is moved to a server that the same plan closes next.
    for server in scope.backend.by_preference().rev() {
        let insist = scope.insist(server);
        if insist.is_ordered() {
            scope.close_as_ordered(plan, server, successor || insist == Insist::Forced, opening);
            continue;
        }
        let preferred = preferred || (insist == Insist::Pinned && successor && !opening);
        if scope.is_needed_elsewhere(server) {
            plan.held.push(Held { server: scope.id(server), because: HeldBecause::NoSuccessor });
            continue;
        }
        match (scope.want(server), server.position().0) {
            // An agent-check has no answer for it.
            (Want::Drain, _) if server.agent.is_some() => {}
            // What is out in another way is out.
            (Want::Maint | Want::Shut, Admin::Drain | Admin::Maint) | (Want::Drain, Admin::Drain) => {}
            (Want::Maint | Want::Drain | Want::Shut, Admin::Ready) if server.agent == Some(Agent::Absent) => {
                plan.held.push(Held { server: scope.id(server), because: HeldBecause::NoAgent });
            }
            (Want::Shut, Admin::Ready) => plan.steps.push(scope.close(server, Admin::Maint)),
            // It was opened again, by an operator or because nothing else was left, and nothing better is known.
            (Want::Maint, Admin::Ready) if server.reopened && !proved => {}
            (Want::Maint, Admin::Ready) if successor => plan.steps.push(scope.close(server, Admin::Maint)),
            (Want::Drain, Admin::Ready) if preferred => plan.steps.push(scope.close(server, Admin::Drain)),
            (Want::Drain, Admin::Maint) if preferred && server.owner == Owner::Ours => {
                plan.steps.push(scope.close(server, Admin::Drain));
            }
            (Want::Drain, Admin::Maint) => {}
            (Want::Maint | Want::Drain, Admin::Ready) if opening => {}
            (Want::Maint | Want::Drain, Admin::Ready) => {
                plan.held.push(Held { server: scope.id(server), because: HeldBecause::NoSuccessor });
            }
            (Want::Ready | Want::Open | Want::AsIs | Want::Unknown, _) => {}
        }
    }
    plan.kills.extend(scope.kills());
}

impl<'a> Scope<'a> {
    fn id(&self, server: &ObservedServer) -> ServerId {
        ServerId { backend: self.name.clone(), server: server.name.clone() }
    }

    fn open(&self, server: &ObservedServer) -> Step {
        Step { server: self.id(server), set: Admin::Ready, why: None }
    }

    fn close(&self, server: &ObservedServer, set: Admin) -> Step {
        let why = self.wishes.get(&server.name).and_then(|wish| wish.why.clone());
        Step { server: self.id(server), set, why }
    }

    fn want(&self, server: &ObservedServer) -> Want {
        want(self.wishes, server)
    }

    fn insist(&self, server: &ObservedServer) -> Insist {
        wish(self.wishes, server).map_or(Insist::No, |wish| wish.insist)
    }

    /// Takes a server out in the very way that an operator wants. An agent-check has one answer for both.
    fn close_as_ordered(&self, plan: &mut Plan, server: &ObservedServer, may_close: bool, opening: bool) {
        let set = match self.want(server) {
            Want::Drain if server.agent.is_none() => Admin::Drain,
            Want::Drain | Want::Maint | Want::Shut => Admin::Maint,
            Want::Ready | Want::Open | Want::AsIs | Want::Unknown => return,
        };
        let held = |because| Held { server: self.id(server), because };
        match server.position() {
            (admin, _) if admin == set => {}
            (Admin::Ready, _) if server.agent == Some(Agent::Absent) => {
                plan.held.push(held(HeldBecause::NoAgent));
            }
            (Admin::Ready, _) if may_close => plan.steps.push(self.close(server, set)),
            (Admin::Ready, _) if opening => {}
            (Admin::Ready, _) => plan.held.push(held(HeldBecause::NoSuccessor)),
            (Admin::Drain | Admin::Maint, Owner::Ours) => plan.steps.push(self.close(server, set)),
            (admin @ (Admin::Drain | Admin::Maint), Owner::Theirs) => {
                plan.held.push(held(HeldBecause::NotOurs(admin)));
            }
        }
    }

    /// What is to be put into rotation, most preferred first.
    fn opens(&self, held: &mut Vec<Held>) -> Vec<Step> {
        let mut opens = Vec::new();
        let is_wanted = |server: &&ObservedServer| matches!(self.want(server), Want::Ready | Want::Open);
        for server in self.backend.by_preference().filter(is_wanted) {
            match server.position() {
                (Admin::Ready, _) => {}
                (Admin::Drain | Admin::Maint, Owner::Ours) => opens.push(self.open(server)),
                (admin @ (Admin::Drain | Admin::Maint), Owner::Theirs) => {
                    held.push(Held { server: self.id(server), because: HeldBecause::NotOurs(admin) });
                }
            }
        }
        opens
    }

    /// Servers whose sessions are to be cut: they take no new ones, and who connects anew is served by one that was proved.
    fn kills(&self) -> Vec<ServerId> {
        let wished =
            |server: &&ObservedServer| server.busy && wish(self.wishes, server).is_some_and(|wish| wish.kill);
        let wished: Vec<&ObservedServer> = self.backend.servers.iter().filter(wished).collect();
        if wished.is_empty() {
            return Vec::new();
        }
        let in_service: BTreeSet<Name> = self.backend.in_service().into_iter().collect();
        let proved = |server: &&ObservedServer| self.want(server) == Want::Ready;
        let heirs = self.backend.servers.iter().filter(|server| in_service.contains(&server.name));
        if in_service.is_empty() || heirs.filter(proved).count() < in_service.len() {
            let forced = wished.iter().filter(|server| {
                let is_out = matches!(server.position(), (Admin::Drain | Admin::Maint, Owner::Ours));
                is_out && self.insist(server) == Insist::Forced
            });
            return forced.map(|server| self.id(server)).collect();
        }
        let left = |server: &&&ObservedServer| match (self.want(server), server.position()) {
            (Want::Maint | Want::Drain, (Admin::Drain | Admin::Maint, owner)) => owner == Owner::Ours,
            (Want::Ready, (Admin::Ready, _)) => !in_service.contains(&server.name),
            (_, (Admin::Ready | Admin::Drain | Admin::Maint, _)) => false,
        };
        wished.iter().filter(left).map(|server| self.id(server)).collect()
    }

    /// Some server is known to carry traffic, or HAProxy uses one that is none of our business.
    fn is_proved(&self) -> bool {
        let servers = &self.backend.servers;
        servers
            .iter()
            .any(|server| self.want(server) == Want::Ready || (!server.managed && server.is_usable()))
    }

    /// A server that stays when everything wanted out is out: one that was proved or, where nothing is proved any
    /// more, one that HAProxy at least would use.
    fn has_successor(&self) -> bool {
        let proved = self.is_proved();
        self.backend.servers.iter().any(|server| {
            let fit = match self.want(server) {
                Want::Ready => true,
                Want::Open | Want::AsIs | Want::Unknown => !proved || !server.managed,
                Want::Drain | Want::Maint | Want::Shut => false,
            };
            fit && server.is_usable() && !self.follows_one_wanted_out(server)
        })
    }

    /// A server that tracks one in `maint` is in `maint` itself (measured: IMAINT).
    fn follows_one_wanted_out(&self, server: &ObservedServer) -> bool {
        self.observed.tracked_by(server).any(|(id, seen)| {
            let wishes = self.desired.get(&id.backend);
            wishes.is_some_and(|wishes| matches!(want(wishes, seen), Want::Drain | Want::Maint | Want::Shut))
        })
    }

    /// What is to stay in rotation for this backend's sake: it has servers that were proved, and whatever it could use tracks
    /// one that is wanted out.
    fn needs(&self) -> Vec<ServerId> {
        let usable = || self.backend.servers.iter().filter(|server| server.is_usable());
        let tracking = || usable().filter(|server| server.tracks.is_some());
        if tracking().next().is_none() || usable().any(|server| !self.follows_one_wanted_out(server)) {
            return Vec::new();
        }
        let proved = tracking().filter(|server| self.want(server) == Want::Ready);
        proved.flat_map(|server| self.observed.tracked_by(server).map(|(id, _)| id.clone())).collect()
    }

    /// Another backend would be empty without it. What an operator or a rule wants out whatever is left goes all the same.
    fn is_needed_elsewhere(&self, server: &ObservedServer) -> bool {
        let goes =
            matches!(self.want(server), Want::Drain | Want::Maint) && server.position().0 == Admin::Ready;
        goes && self.tracked.iter().any(|id| id.backend == *self.name && id.server == server.name)
    }

    /// The server to give back where HAProxy has none left to use and one of ours could be it: our `maint` is never
    /// the reason that a backend is empty, unless an operator's rule says so. Only one that was judged: what we know
    /// nothing of we do not touch. What an operator has ordered out stays out.
    fn release(&self) -> Option<&'a ObservedServer> {
        if self.backend.servers.iter().any(ObservedServer::is_usable) {
            return None;
        }
        self.backend.by_preference().find(|server| {
            let judged = matches!(self.want(server), Want::Drain | Want::Maint | Want::AsIs);
            let (admin, owner) = server.position();
            let ours = owner == Owner::Ours && !self.insist(server).is_ordered();
            server.managed && judged && ours && admin != Admin::Ready
        })
    }
}

/// What was wanted of a server at another address says nothing about this one.
fn wish<'a>(wishes: &'a BTreeMap<Name, Wish>, server: &ObservedServer) -> Option<&'a Wish> {
    wishes.get(&server.name).filter(|wish| server.managed && wish.address == server.address)
}

fn want(wishes: &BTreeMap<Name, Wish>, server: &ObservedServer) -> Want {
    wish(wishes, server).map_or(Want::Unknown, |wish| wish.want)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
