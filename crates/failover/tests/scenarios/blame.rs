//! Who is to blame: the server, a target, this host's network, or nobody.

use std::time::Duration;

use failover::{Event, Kind, Name, ObservedServer, Profile, Verdict, Want};

use crate::world::*;

#[test]
fn one_dead_target_moves_nobody_and_is_rested() {
    for trouble in [Trouble::Silent, Trouble::Refuses, Trouble::Status(429)] {
        let mut world = World::warm();
        world.trouble(0, trouble);
        for _ in 0..1000 {
            world.run(100);
            assert_eq!(world.serving(), "wg1", "{trouble:?}");
        }
        let rests = world.events.iter().filter(|event| event.kind() == "target_rests").count();
        assert_eq!(rests, 3, "once for each server: {trouble:?} {:?}", world.told);
        assert!(NAMES.iter().all(|name| world.verdict(name) == Verdict::Online));
        world.trouble(0, Trouble::None);
        world.run(600_000);
        let back = world.events.iter().filter(|event| event.kind() == "target_back").count();
        assert_eq!(back, 3, "{trouble:?}");
    }
}

#[test]
fn a_rested_target_is_hardly_asked() {
    let mut world = World::warm();
    world.trouble(0, Trouble::Refuses);
    world.run(60_000);
    let start = world.probes.len();
    world.run(300_000);
    let asked = world.probes[start..].iter().filter(|(_, probe)| probe.target.0 == 0).count();
    assert!(asked < 40, "{asked} of {}", world.probes.len() - start);
}

#[test]
fn where_all_targets_refuse_an_exit_the_tunnel_still_works() {
    let mut world = World::warm();
    for target in 0..3 {
        world.trouble(target, Trouble::Status(403));
    }
    world.run(300_000);
    assert_eq!(world.serving(), "wg1");
    assert_eq!(world.verdict("wg1"), Verdict::Online);
}

#[test]
fn all_targets_dead_through_every_server_is_nobodys_fault() {
    let mut world = World::warm();
    for target in 0..3 {
        world.trouble(target, Trouble::Silent);
    }
    for _ in 0..600 {
        world.run(100);
        assert_eq!(world.serving(), "wg1");
    }
    assert!(kinds(&world.events).contains("frozen"));
}

#[test]
fn a_network_that_fails_freezes_everything_and_is_told_at_both_ends() {
    for (control, phase) in [(false, 0), (false, 130), (true, 0), (true, 70), (true, 210)] {
        let mut world = World::with(|settings| settings.control = control);
        world.run(100_000 + phase);
        world.events.clear();
        world.told.clear();
        world.uplink = false;
        for _ in 0..600 {
            world.run(100);
            assert_eq!(world.serving(), "wg1");
        }
        assert_eq!(world.events.iter().filter(|event| matches!(event, Event::Frozen { .. })).count(), 1);
        let silences = world.events.iter().filter_map(|event| {
            if let Event::Health { to: Verdict::Degraded, silent, .. } = event { Some(*silent) } else { None }
        });
        let silences: Vec<Option<Duration>> = silences.collect();
        let is_some_time = |silent: &Option<Duration>| silent.is_some_and(|silent| !silent.is_zero());
        assert!(!silences.is_empty() && silences.iter().all(is_some_time), "{silences:?}");
        assert!(world.status().frozen_since.is_some());
        assert_eq!(world.status().exit_code, 2);
        assert!(NAMES.iter().all(|name| world.want(name) == Want::AsIs));
        world.uplink = true;
        for _ in 0..20_000 {
            world.run(1);
            assert_eq!(world.serving(), "wg1", "{:#?}", world.told);
        }
        assert_eq!(world.events.iter().filter(|event| matches!(event, Event::Thawed { .. })).count(), 1);
        assert!(NAMES.iter().all(|name| world.verdict(name) == Verdict::Online));
        assert!(world.status().frozen_since.is_none());
    }
}

#[test]
fn a_server_that_stays_dead_when_the_network_is_back_is_left() {
    let mut world = World::warm();
    world.uplink = false;
    world.run(30_000);
    world.break_("wg1", Fault::BlackHole);
    world.uplink = true;
    let took = world.run_until(|world| world.serving() == "wg2");
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[test]
fn where_all_tunnels_die_but_the_direct_way_works_they_are_to_blame_and_the_first_one_back_is_used() {
    let mut world = World::with(|settings| settings.control = true);
    world.run(100_000);
    for name in NAMES {
        world.break_(name, Fault::BlackHole);
    }
    world.run(20_000);
    assert_eq!(world.serving(), "wg1", "nothing is better");
    assert!(!kinds(&world.events).contains("frozen"), "{:?}", world.told);
    assert!(kinds(&world.events).contains("blackout"));
    world.break_("wg2", Fault::None);
    let took = world.run_until(|world| world.serving() == "wg2");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(kinds(&world.events).contains("blackout_over"));
}

#[test]
fn nobody_is_moved_to_a_server_that_died_as_well() {
    for phase in 0..50 {
        let mut world = World::warm();
        world.run(phase * 20);
        world.break_("wg2", Fault::BlackHole);
        world.break_("wg1", Fault::BlackHole);
        while world.serving() == "wg1" {
            world.run(1);
        }
        assert_eq!(world.serving(), "cloudflare_warp", "phase {phase}: {:#?}", world.told);
    }
}

#[test]
fn the_control_target_is_asked_only_under_suspicion_and_directly() {
    let mut world = World::with(|settings| settings.control = true);
    world.run(100_000);
    let direct = |world: &World| world.probes.iter().filter(|(_, probe)| probed(probe) == "directly").count();
    let at_start = direct(&world);
    assert!(at_start <= 3, "{at_start}");
    world.run(60_000);
    assert_eq!(direct(&world), at_start);
    world.break_("wg1", Fault::BlackHole);
    world.run(1000);
    let control: Vec<_> = world.probes.iter().filter(|(_, probe)| probe.kind == Kind::Control).collect();
    assert_eq!(control.len(), at_start + 1);
}

/// Takes away the one target that serves the exits of these servers.
fn switches_when_the_last_good_target_falls_silent(
    blocked: &[usize],
    silent: usize,
    servers: &[&str],
) -> Vec<String> {
    let mut world = World::with(|settings| settings.targets.truncate(silent + 1));
    world.run(100_000);
    for server in servers {
        for target in blocked {
            world.pairs.insert(((*server).to_owned(), *target), Trouble::Status(403));
        }
    }
    world.run(100_000);
    world.told.clear();
    world.trouble(silent, Trouble::Silent);
    world.run(600_000);
    world.told.iter().filter(|line| line.contains("now on") || line.contains("no server")).cloned().collect()
}

#[test]
fn a_target_that_blocks_an_exit_still_proves_its_tunnel_when_the_others_are_silent() {
    let none: [&str; 0] = [];
    assert_eq!(switches_when_the_last_good_target_falls_silent(&[0, 1], 2, &["wg1"]), none);
    assert_eq!(switches_when_the_last_good_target_falls_silent(&[0], 1, &["wg1"]), none);
    assert_eq!(switches_when_the_last_good_target_falls_silent(&[0, 1], 2, &NAMES), none);
}

#[test]
fn a_freeze_ends_with_its_cause_although_a_port_was_closed_meanwhile() {
    let mut world = World::warm();
    world.uplink = false;
    world.run(10_000);
    assert!(world.core.frozen_since().is_some());
    world.break_("wg1", Fault::Refused);
    world.run(5000);
    world.uplink = true;
    world.run(60_000);
    assert_eq!((world.core.frozen_since(), world.serving().as_str()), (None, "wg2"));
    assert!(world.told.iter().any(|line| line.starts_with("something answers again")), "{:#?}", world.told);
}

#[test]
fn where_the_first_successors_are_dead_too_the_others_are_asked_before_nothing_is_believed_to_answer() {
    for profile in [Profile::Fast, Profile::Eco] {
        let mut world = World::with(|settings| settings.profile = profile);
        for (name, port) in [("fourth", 9004), ("fifth", 9005)] {
            let server = world.servers()[0].clone();
            let address = Some(([127, 0, 0, 1], port).into());
            world.servers().push(ObservedServer { name: Name::from(name), address, ..server });
        }
        world.look();
        world.run(500_000);
        world.told.clear();
        for name in ["wg1", "wg2", "cloudflare_warp", "fourth"] {
            world.break_(name, Fault::BlackHole);
        }
        world.run_until(|world| world.serving() != "wg1");
        assert_eq!(world.serving(), "fifth", "{:#?}", world.told);
        assert!(world.told.iter().all(|line| !line.contains("no server answers")), "{:#?}", world.told);
    }
}
