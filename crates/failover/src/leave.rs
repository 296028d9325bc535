//! What is put back when hactl ends in good order. A `maint` of ours stands for a tunnel that is dead, so it stays; a
//! `drain` of ours only prefers one that works to another, and nobody would lift it once the other one fails. One that an
//! operator has ordered stays.

use crate::{Admin, Agent, Desired, Name, Observed, ObservedServer, Owner, ServerId, Step};

/// What becomes of our `maint` at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// It stays: clients are better off without what is known to be dead.
    #[default]
    Keep,
    /// It is lifted: HAProxy is as if hactl had found nothing. What an operator has ordered stays.
    Restore,
}

/// The commands that come last, in HAProxy's order of preference. A contended backend is left as it is.
#[must_use]
pub fn leave(desired: &Desired, observed: &Observed, on_exit: OnExit) -> Vec<Step> {
    let is_ordered = |backend: &Name, server: &Name| {
        let wish = desired.get(backend).and_then(|wishes| wishes.get(server));
        wish.is_some_and(|wish| wish.insist.is_ordered())
    };
    let lifted = |backend: &Name, server: &ObservedServer| {
        let ours = server.owner == Owner::Ours;
        let lifted = match (server.agent, server.admin) {
            // What the agent-check was told is ours, whatever state an operator has set beside it.
            (Some(Agent::Down), _) => on_exit == OnExit::Restore,
            (Some(Agent::Up | Agent::Absent), _) | (None, Admin::Ready) => false,
            (None, Admin::Drain) => ours,
            (None, Admin::Maint) => ours && on_exit == OnExit::Restore,
        };
        lifted && server.managed && !is_ordered(backend, &server.name)
    };
    let backends = observed.backends.iter().filter(|(name, _)| !observed.contended.contains_key(*name));
    let steps = backends.flat_map(|(name, backend)| {
        backend.by_preference().filter(|server| lifted(name, server)).map(|server| Step {
            server: ServerId { backend: name.clone(), server: server.name.clone() },
            set: Admin::Ready,
            why: None,
        })
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Balance, Insist, ObservedBackend, Operational, Time, Want, Wish};
    use std::collections::BTreeMap;

    #[test]
    fn our_drain_is_lifted_always_our_maint_on_demand_and_what_is_not_ours_never() {
        let table = [
            (Admin::Drain, Owner::Ours, true, [true, true]),
            (Admin::Maint, Owner::Ours, true, [false, true]),
            (Admin::Ready, Owner::Ours, true, [false, false]),
            (Admin::Maint, Owner::Theirs, true, [false, false]),
            (Admin::Drain, Owner::Theirs, true, [false, false]),
            (Admin::Maint, Owner::Ours, false, [false, false]),
        ];
        for (admin, owner, managed, lifted) in table {
            let mut observed = seen(admin, owner, managed);
            for (on_exit, lifted) in [OnExit::Keep, OnExit::Restore].into_iter().zip(lifted) {
                let steps = leave(&Desired::new(), &observed, on_exit);
                let all_ready = steps.iter().all(|step| step.to_string() == "b/wg1 ready");
                assert!(all_ready && steps.len() == usize::from(lifted), "{admin:?} {owner:?} {on_exit:?}");
            }
            observed.contended.insert(Name::from("b"), Time::ZERO);
            assert!(leave(&Desired::new(), &observed, OnExit::Restore).is_empty());
        }
    }

    #[test]
    fn what_the_agent_check_was_told_is_lifted_on_demand_and_no_state_beside_it() {
        let table = [
            (Admin::Ready, Agent::Down, true),
            (Admin::Maint, Agent::Down, true),
            (Admin::Maint, Agent::Up, false),
            (Admin::Drain, Agent::Absent, false),
            (Admin::Ready, Agent::Up, false),
        ];
        for (admin, agent, lifted) in table {
            let mut observed = seen(admin, Owner::Theirs, true);
            for server in observed.backends.values_mut().flat_map(|backend| &mut backend.servers) {
                server.agent = Some(agent);
            }
            assert!(leave(&Desired::new(), &observed, OnExit::Keep).is_empty(), "{admin:?} {agent:?}");
            assert_eq!(
                leave(&Desired::new(), &observed, OnExit::Restore).len(),
                usize::from(lifted),
                "{admin:?} {agent:?}"
            );
        }
    }

    #[test]
    fn a_drain_that_an_operator_has_ordered_stays() {
        let observed = seen(Admin::Drain, Owner::Ours, true);
        for (insist, kept) in [(Insist::Asked, 0), (Insist::Forced, 0), (Insist::Pinned, 1), (Insist::No, 1)]
        {
            let wish = Wish { want: Want::Drain, why: None, address: None, kill: false, insist };
            let desired = Desired::from([(Name::from("b"), BTreeMap::from([(Name::from("wg1"), wish)]))]);
            assert_eq!(leave(&desired, &observed, OnExit::Keep).len(), kept, "{insist:?}");
            assert_eq!(leave(&desired, &observed, OnExit::Restore).len(), kept, "{insist:?}");
        }
    }

    fn seen(admin: Admin, owner: Owner, managed: bool) -> Observed {
        let server = ObservedServer {
            name: "wg1".into(),
            address: None,
            backup: false,
            admin,
            owner,
            reopened: false,
            agent: None,
            tracks: None,
            flags: Vec::new(),
            operational: Operational::Stopped,
            weight: 1,
            busy: false,
            managed,
        };
        let backend = ObservedBackend { balance: Balance::First, servers: vec![server] };
        Observed { backends: BTreeMap::from([(Name::from("b"), backend)]), ..Observed::nothing() }
    }
}
