//! A probe because somebody wants to see one: one at a time, of no more weight than any other, within every budget.

use failover::{Input, Kind, ProbeRefusal, Route, ServerId, Verdict};

use crate::world::*;

#[test]
fn a_server_is_probed_at_once_and_not_twice_at_a_time() {
    let mut world = World::warm();
    // Whatever the clock has ordered comes back first.
    world.run_until(|world| world.core.is_being_probed(&id("wg1")) == Ok(false));
    let before = full_probes(&world);
    for _ in 0..5 {
        world.take(Input::Probe(id("wg1")));
        world.look();
        assert_eq!(world.core.is_being_probed(&id("wg1")), Ok(true));
    }
    assert_eq!(full_probes(&world), before + 1);
    world.run_until(|world| world.core.is_being_probed(&id("wg1")) == Ok(false));
    world.take(Input::Probe(id("wg1")));
    world.look();
    assert_eq!(full_probes(&world), before + 2);
    assert_eq!(world.verdict("wg1"), Verdict::Online);
}

#[test]
fn a_dead_server_is_not_asked_beyond_its_budget_and_is_found_back_by_such_a_probe_too() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| world.serving() != "wg1");
    let before = full_probes(&world);
    for _ in 0..1350 {
        world.take(Input::Probe(id("wg1")));
        world.run(100);
    }
    let asked = full_probes(&world) - before;
    assert!(asked <= 200, "{asked} in 135 s");
    world.break_("wg1", Fault::None);
    let mut asked = 0;
    while world.serving() != "wg1" {
        world.take(Input::Probe(id("wg1")));
        world.run(100);
        asked += 1;
        assert!(asked < 3000, "it does not come back");
    }
}

#[test]
fn what_is_not_there_cannot_be_probed() {
    let mut world = World::warm();
    world.take(Input::Probe(id("wg9")));
    world.run(1000);
    let refused = world.core.is_being_probed(&id("wg9"));
    assert_eq!(refused, Err(ProbeRefusal::UnknownServer(id("wg9"))));
}

fn full_probes(world: &World) -> usize {
    let of_wg1 = |route: &Route| match route {
        Route::Server { id: there, .. } => *there == id("wg1"),
        Route::Direct => false,
    };
    world.probes.iter().filter(|(_, probe)| probe.kind == Kind::Full && of_wg1(&probe.route)).count()
}

fn id(server: &str) -> ServerId {
    ServerId::new(BACKEND, server)
}
