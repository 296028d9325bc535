//! Which commands of a long plan go first, and that no order of them empties a backend.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Balance, ObservedServer, Owner, ServerId};

#[test]
fn what_stands_before_the_successor_goes_before_what_nobody_is_sent_to() {
    let observed = seen(Balance::First, &["s0", "s1", "s2", "s3", "s4"], &[]);
    let plan = Plan { steps: steps(&["s4 maint", "s3 maint", "s0 maint"]), ..Plan::default() };
    assert_eq!(urgent(plan, &observed), ["s0 maint", "s4 maint", "s3 maint"]);
}

#[test]
fn of_several_before_the_successor_the_least_preferred_still_goes_first() {
    let observed = seen(Balance::First, &["s0", "s1", "s2", "s3"], &[]);
    let plan = Plan { steps: steps(&["s3 maint", "s1 maint", "s0 maint"]), ..Plan::default() };
    assert_eq!(urgent(plan, &observed), ["s1 maint", "s0 maint", "s3 maint"]);
}

#[test]
fn the_one_that_takes_the_traffic_is_opened_before_all_and_reserves_wait() {
    let observed = seen(Balance::First, &["s0", "s1", "s2", "s3"], &["s0", "s2"]);
    let plan = Plan { steps: steps(&["s0 ready", "s2 ready", "s3 maint", "s1 maint"]), ..Plan::default() };
    assert_eq!(urgent(plan, &observed), ["s0 ready", "s1 maint", "s2 ready", "s3 maint"]);
}

#[test]
fn where_all_share_the_traffic_all_that_join_are_opened_before_any_is_closed() {
    let observed = seen(Balance::Spread, &["s0", "s1", "s2", "s3"], &["s0", "s2"]);
    let plan = Plan { steps: steps(&["s0 ready", "s2 ready", "s3 maint"]), ..Plan::default() };
    assert_eq!(urgent(plan.clone(), &observed), texts(&plan));
}

proptest! {
    #[test]
    fn any_order_that_comes_out_has_the_same_steps_and_never_empties_a_backend(
        servers in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 1..12),
        spread in any::<bool>(),
    ) {
        let names: Vec<String> = (0..servers.len()).map(|index| format!("s{index}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let of = |wanted: fn(&(bool, bool, bool)) -> bool| {
            names.iter().zip(&servers).filter(move |(_, server)| wanted(server)).map(|(name, _)| *name)
        };
        let closed: Vec<&str> = of(|(open, _, _)| !open).collect();
        let mut observed = seen(if spread { Balance::Spread } else { Balance::First }, &names, &closed);
        for (server, (_, _, backup)) in backend(&mut observed).servers.iter_mut().zip(&servers) {
            server.backup = *backup;
        }
        let opens = of(|(open, change, _)| !open && *change).map(|name| format!("{name} ready"));
        let mut plan: Vec<String> = opens.collect();
        // The plan closes only where something stays.
        if of(|(open, change, _)| *open && !change).next().is_some() {
            plan.extend(of(|(open, change, _)| *open && *change).map(|name| format!("{name} maint")));
        }
        let plan: Vec<&str> = plan.iter().map(String::as_str).collect();
        let plan = Plan { steps: steps(&plan), ..Plan::default() };
        let urgent = plan.clone().urgent_first(&observed);
        let sorted = |plan: &Plan| {
            let mut texts = texts(plan);
            texts.sort();
            texts
        };
        prop_assert_eq!(sorted(&urgent), sorted(&plan));
        let mut usable = backend(&mut observed).servers.iter().any(ObservedServer::is_usable);
        for step in &urgent.steps {
            let backend = backend(&mut observed);
            let server = backend.servers.iter_mut().find(|server| server.name == step.server.server);
            server.expect("the plan is for what was seen").admin = step.set;
            let now = backend.servers.iter().any(ObservedServer::is_usable);
            prop_assert!(now || !usable, "{} empties it: {:?}", step, urgent);
            usable = now;
        }
    }
}

fn urgent(plan: Plan, observed: &Observed) -> Vec<String> {
    texts(&plan.urgent_first(observed))
}

fn texts(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.server.server, step.set.as_str())).collect()
}

fn steps(texts: &[&str]) -> Vec<Step> {
    let step = |text: &&str| {
        let (name, set) = text.split_once(' ').expect("a name and a state");
        let set = if set == "ready" { Admin::Ready } else { Admin::Maint };
        Step { server: ServerId::new("b", name), set, why: None }
    };
    texts.iter().map(step).collect()
}

fn backend(observed: &mut Observed) -> &mut ObservedBackend {
    observed.backends.get_mut(&Name::from("b")).expect("it is the one that there is")
}

fn seen(balance: Balance, names: &[&str], closed: &[&str]) -> Observed {
    let server = |name: &&str| ObservedServer {
        name: Name::from(*name),
        address: None,
        backup: false,
        admin: if closed.contains(name) { Admin::Maint } else { Admin::Ready },
        owner: Owner::Ours,
        reopened: false,
        agent: None,
        tracks: None,
        flags: Vec::new(),
        operational: Operational::Running,
        weight: 1,
        busy: false,
        managed: true,
    };
    let backend = ObservedBackend { balance, servers: names.iter().map(server).collect() };
    Observed { backends: BTreeMap::from([(Name::from("b"), backend)]), ..Observed::nothing() }
}
