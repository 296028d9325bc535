//! When the sessions on a server that was left are cut, and when never.

use std::time::Duration;

use failover::{Name, Rules, Sessions, Want};

use crate::world::*;

#[test]
fn on_a_server_that_failed_they_are_cut_once_the_grace_is_over() {
    let mut world = killing(|_| {});
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| world.want("wg1") == Want::Maint);
    world.run(4900);
    assert_eq!(kills(&world), [false; 3]);
    world.run(200);
    assert_eq!(kills(&world), [true, false, false]);
    world.break_("wg1", Fault::None);
    world.run(20_000);
    assert_eq!((world.want("wg1"), kills(&world)), (Want::Ready, [false; 3]));
}

#[test]
fn they_are_kept_where_the_rules_say_so_and_while_nothing_else_works() {
    let mut world = killing(|rules| rules.on_fail = Sessions::Keep);
    world.break_("wg1", Fault::BlackHole);
    world.run(60_000);
    assert_eq!((world.want("wg1"), kills(&world)), (Want::Maint, [false; 3]));

    let mut world = killing(|_| {});
    for name in NAMES {
        world.break_(name, Fault::Refused);
        world.run(1000);
    }
    world.run(60_000);
    assert_eq!(kills(&world), [false; 3]);
    world.break_("wg2", Fault::None);
    world.run(30_000);
    assert_eq!(kills(&world), [true, false, true], "now there is one for those who come back");
}

#[test]
fn nothing_is_cut_while_nothing_answers() {
    let mut world = killing(|_| {});
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| world.want("wg1") == Want::Maint);
    world.uplink = false;
    world.run_until(|world| world.core.frozen_since().is_some());
    world.run(20_000);
    assert_eq!(kills(&world), [false; 3]);
    world.uplink = true;
    world.run(5000);
    assert_eq!(kills(&world), [true, false, false]);
    world.uplink = false;
    world.run_until(|world| world.core.frozen_since().is_some());
    assert_eq!(kills(&world), [false; 3]);
}

#[test]
fn when_a_preferred_server_is_back_they_are_cut_on_the_one_that_is_left_only_on_demand() {
    for (on_failback, cut) in [(Sessions::Keep, false), (Sessions::Kill, true)] {
        let mut world = killing(|rules| rules.on_failback = on_failback);
        world.break_("wg1", Fault::BlackHole);
        world.run(3000);
        assert_eq!(world.serving(), "wg2");
        world.break_("wg1", Fault::None);
        world.run_until(|world| world.serving() == "wg1");
        world.run(4900);
        assert_eq!(kills(&world), [false; 3]);
        world.run(200);
        assert_eq!(kills(&world), [false, cut, false]);
        world.break_("wg1", Fault::BlackHole);
        world.run(3000);
        assert_eq!((world.serving().as_str(), kills(&world)[1]), ("wg2", false), "it is in use again");
    }
}

fn kills(world: &World) -> [bool; 3] {
    world.wishes().map(|(_, kill)| kill)
}

fn killing(adapt: impl FnOnce(&mut Rules)) -> World {
    let mut rules = Rules { kill_after: Duration::from_secs(5), ..Rules::DEFAULT };
    adapt(&mut rules);
    let mut world = World::with(|settings| {
        settings.rules.insert(Name::from(BACKEND), rules);
    });
    world.run(100_000);
    world
}
