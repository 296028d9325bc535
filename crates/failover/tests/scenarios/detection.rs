//! Faults of a server: found, told, and how soon by the core's own clock.

use std::time::Duration;

use failover::{Kind, Profile, Stage, Verdict};

use crate::world::*;

/// From the fault until HAProxy no longer uses wg1.
fn moved_after(world: &mut World, fault: Fault) -> Duration {
    world.break_("wg1", fault);
    world.run_until(|world| world.serving() != "wg1")
}

#[test]
fn a_black_hole_is_left_within_a_canary_and_a_few_round_trips() {
    for phase in 0..25 {
        let mut world = World::warm();
        world.run(phase * 10);
        let took = moved_after(&mut world, Fault::BlackHole);
        assert!(took < Duration::from_millis(600), "{took:?}");
        assert_eq!(world.serving(), "wg2");
        assert_eq!(
            world.told,
            [
                "socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply in 150 ms (6 probes)",
                "socks_back_7891 now on wg2"
            ]
            .map(|line| line.replace("1.1.1.1", place_in(&world.told[0])))
        );
    }
}

/// Which target the line names depends on the rotation.
fn place_in(line: &str) -> &str {
    ["1.1.1.1", "8.8.8.8", "9.9.9.9"].into_iter().find(|place| line.contains(place)).unwrap_or("none of them")
}

#[test]
fn a_closed_port_is_left_at_once_because_its_kept_connection_tells() {
    let mut world = World::warm();
    let took = moved_after(&mut world, Fault::Refused);
    assert!(took < Duration::from_millis(20), "{took:?}");
    assert_eq!(world.verdict("wg1"), Verdict::Offline);
    assert_eq!(world.told, ["socks_back_7891/wg1 is offline: tcp: refused", "socks_back_7891 now on wg2"]);
}

#[test]
fn big_packets_that_vanish_are_found_by_the_next_full_probe() {
    let mut world = World::warm();
    let took = moved_after(&mut world, Fault::Mtu);
    assert!(took < Duration::from_millis(6000), "{took:?}");
    assert!(world.told[0].contains("degraded: tls with "), "{:?}", world.told);
}

#[test]
fn a_server_that_rejects_is_found_by_the_next_full_probe_and_confirmed_at_once() {
    let mut world = World::warm();
    let before = world.probes.len();
    moved_after(&mut world, Fault::Rejects(1));
    let last = world.probes[before..].iter().rev().find(|(_, probe)| probed(probe) == "wg1").unwrap().0;
    // One round trip is for the successor to show that it is alive.
    assert!(world.now.since(last) < Duration::from_millis(55), "nobody waits for what is refused at once");
    assert_eq!(world.verdict("wg1"), Verdict::Degraded);
}

#[test]
fn an_interruption_within_ride_through_moves_nobody_and_a_longer_one_does() {
    for (lasts, moved) in [(300, false), (2400, false), (4000, true)] {
        let mut world = World::with(|settings| settings.ride_through = Duration::from_millis(2500));
        world.run(100_000);
        world.break_("wg1", Fault::BlackHole);
        let mut switched = false;
        for _ in 0..lasts {
            world.run(1);
            switched |= world.serving() != "wg1";
        }
        assert_eq!(switched, moved, "{lasts} ms");
        world.break_("wg1", Fault::None);
        world.run(1000);
        assert_eq!(world.serving() != "wg1", moved, "{lasts} ms");
    }
}

#[test]
fn a_blip_costs_one_suspicion_and_is_then_ridden_out() {
    let mut world = World::warm();
    let mut moves = 0;
    for _ in 0..20 {
        world.break_("wg1", Fault::BlackHole);
        for _ in 0..300 {
            world.run(1);
            moves += usize::from(
                world.serving() != "wg1" && world.told.last().is_some_and(|line| line.contains("now on wg2")),
            );
            world.told.clear();
        }
        world.break_("wg1", Fault::None);
        world.run(30_000);
        assert_eq!(world.serving(), "wg1");
    }
    assert!(moves <= 2, "a path that comes back is given as long: {moves}");
}

#[test]
fn at_start_one_answer_is_enough_and_a_dead_server_is_out_within_seconds() {
    let mut world = World::new();
    world.break_("wg1", Fault::BlackHole);
    let took = world.run_until(|world| world.serving() == "wg2");
    assert!(took < Duration::from_secs(4), "{took:?}");
    let mut world = World::new();
    let took = world.run_until(|world| NAMES.iter().all(|name| world.verdict(name) == Verdict::Online));
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[test]
fn quick_where_sessions_are_and_slow_where_none_are() {
    let canaries = |world: &World, server: &str| {
        world.probes.iter().filter(|(_, probe)| probe.kind == Kind::Canary && probed(probe) == server).count()
    };
    let mut world = World::with(|settings| settings.profile = Profile::Adaptive);
    world.server("wg1").busy = true;
    world.look();
    world.run(60_000);
    assert!((370..=420).contains(&canaries(&world, "wg1")), "{}", canaries(&world, "wg1"));
    assert!((50..=66).contains(&canaries(&world, "wg2")), "{}", canaries(&world, "wg2"));
}

#[test]
fn a_target_that_closes_after_each_answer_leaves_the_canary_to_another_one() {
    let mut world = World::new();
    world.trouble(0, Trouble::Closes);
    world.run(60_000);
    assert!(!kinds(&world.events).contains("no_canary"));
    let late = world.probes.iter().filter(|(at, _)| at.since_origin() > Duration::from_secs(10));
    assert!(late.filter(|(_, probe)| probe.kind == Kind::Canary).all(|(_, probe)| probe.target.0 != 0));
}

#[test]
fn fresh_connections_that_are_refused_are_found_by_a_full_probe_however_often_kept_ones_answer() {
    for canary in [50, 100, 150, 200] {
        for seed in 0..10 {
            let mut world = World::with(|settings| {
                settings.fast.canary = Duration::from_millis(canary);
                settings.seed = seed;
            });
            world.run(100_000);
            let took = moved_after(&mut world, Fault::Rejects(1));
            assert!(took < Duration::from_millis(6500), "canary {canary} ms, seed {seed}: {took:?}");
            assert!(!kinds(&world.events).contains("target_rests"), "{:?}", world.told);
        }
    }
}

#[test]
fn that_a_server_goes_down_again_and_again_says_nothing_about_targets() {
    let mut world = World::with(|settings| settings.hold_max = settings.hold);
    world.run(100_000);
    for outage in 0..20 {
        let took = moved_after(&mut world, Fault::Refused);
        assert!(took < Duration::from_millis(50), "outage {outage}: {took:?}");
        world.run(3000);
        world.break_("wg1", Fault::None);
        world.run_until(|world| world.serving() == "wg1");
        world.run(500);
    }
}

#[test]
fn where_no_target_keeps_a_connection_full_probes_take_the_canarys_part_and_that_is_told_once() {
    let mut world = World::new();
    for target in 0..3 {
        world.trouble(target, Trouble::Closes);
    }
    world.run(60_000);
    assert_eq!(world.events.iter().filter(|event| event.kind() == "no_canary").count(), 3, "once a server");
    let start = world.probes.len();
    world.run(10_000);
    let full = world.probes[start..].iter().filter(|(_, probe)| probed(probe) == "wg1");
    assert!((9..=12).contains(&full.count()), "one a second");
    let took = moved_after(&mut world, Fault::BlackHole);
    assert!(took < Duration::from_millis(1700), "{took:?}");
}

#[test]
fn a_greeting_that_is_never_answered_is_degraded() {
    let mut world = World::warm();
    world.break_("wg1", Fault::Mute);
    world.run_until(|world| world.serving() != "wg1");
    assert_eq!(world.verdict("wg1"), Verdict::Degraded);
    let status = world.status();
    let reason = status.backends[0].servers[0].reason.as_ref().unwrap();
    assert_eq!((reason.stage.as_str(), reason.code.as_str()), (Stage::Greeting.as_str(), "timeout"));
}

#[test]
fn at_start_a_server_that_rejects_is_compared_with_those_that_are_being_asked() {
    let mut world = World::new();
    world.break_("wg1", Fault::Rejects(1));
    let took = world.run_until(|world| world.serving() == "wg2");
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert!(!kinds(&world.events).contains("frozen"), "{:?}", world.told);
}
