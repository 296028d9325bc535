//! Coming back: how long that takes, for whom it takes longer, and what it costs the SOCKS server meanwhile.

use std::time::Duration;

use failover::{Kind, Verdict};

use crate::world::*;

fn down(world: &mut World, fault: Fault) {
    world.break_("wg1", fault);
    world.run_until(|world| world.serving() != "wg1");
}

#[test]
fn after_half_a_minute_it_is_back_within_seconds() {
    for fault in [Fault::BlackHole, Fault::Refused, Fault::Rejects(4), Fault::Mtu] {
        let mut world = World::warm();
        down(&mut world, fault);
        world.run(30_000);
        world.break_("wg1", Fault::None);
        let took = world.run_until(|world| world.serving() == "wg1");
        assert!(took < Duration::from_millis(3700), "{fault:?}: {took:?}");
    }
}

#[test]
fn a_flapping_server_is_left_alone_until_it_is_still() {
    let mut world = World::warm();
    let (mut switches, mut bad) = (0, 0);
    let mut serving = world.serving();
    for _ in 0..180 {
        for fault in [Fault::BlackHole, Fault::None] {
            world.break_("wg1", fault);
            for _ in 0..1000 {
                world.run(10);
                bad += usize::from(fault == Fault::BlackHole && world.serving() == "wg1");
                if world.serving() != serving {
                    serving = world.serving();
                    switches += 1;
                }
            }
        }
    }
    assert!(switches <= 6, "{switches} in an hour");
    assert!(bad <= 500, "{} s", bad / 100);
    world.run(1_800_000);
    assert_eq!(world.serving(), "wg1", "it is forgiven in the end");
}

#[test]
fn a_held_server_is_used_at_once_when_nothing_else_is_usable() {
    let mut world = World::warm();
    for _ in 0..5 {
        down(&mut world, Fault::BlackHole);
        world.run(3000);
        world.break_("wg1", Fault::None);
        world.run(6000);
    }
    assert_ne!(world.serving(), "wg1", "it is held");
    world.break_("wg2", Fault::Refused);
    world.break_("cloudflare_warp", Fault::Refused);
    let took = world.run_until(|world| world.serving() == "wg1");
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[test]
fn a_dead_tunnel_is_asked_less_often_and_within_the_budget() {
    let mut world = World::warm();
    down(&mut world, Fault::BlackHole);
    let mut worst = 0;
    for _ in 0..300 {
        world.run(1000);
        let now = world.now;
        let zombies = world.probes.iter().filter(|(at, probe)| {
            probe.kind != Kind::Canary && probed(probe) == "wg1" && now.since(*at) < Duration::from_secs(135)
        });
        worst = worst.max(zombies.count());
    }
    assert!(worst <= 110, "{worst}");
    let last_minute = world
        .probes
        .iter()
        .filter(|(at, probe)| probed(probe) == "wg1" && world.now.since(*at) < Duration::from_secs(60));
    assert!(last_minute.count() <= 17);
}

#[test]
fn degraded_and_offline_follow_what_is_seen_meanwhile() {
    let mut world = World::warm();
    down(&mut world, Fault::BlackHole);
    world.run(2000);
    assert_eq!(world.verdict("wg1"), Verdict::Degraded);
    world.break_("wg1", Fault::Refused);
    world.run(5000);
    assert_eq!(world.verdict("wg1"), Verdict::Offline);
    world.break_("wg1", Fault::BlackHole);
    world.run(5000);
    assert_eq!(world.verdict("wg1"), Verdict::Degraded);
}

#[test]
fn a_server_that_comes_back_slower_than_it_was_is_used_again() {
    for times in [2, 4, 5, 10, 20] {
        let mut world = World::warm();
        down(&mut world, Fault::BlackHole);
        world.run(30_000);
        world.break_("wg1", Fault::Slower(times));
        let took = world.run_until(|world| world.serving() == "wg1");
        assert!(took < Duration::from_secs(60), "{times} times slower: {took:?}");
        world.told.clear();
        world.run(600_000);
        assert_eq!(world.serving(), "wg1", "{times} times slower: {:#?}", world.told);
    }
}

#[test]
fn a_late_answer_is_good_enough_where_nothing_else_answers() {
    let mut world = World::warm();
    down(&mut world, Fault::BlackHole);
    world.run(30_000);
    world.break_("wg2", Fault::BlackHole);
    world.break_("cloudflare_warp", Fault::BlackHole);
    world.run(5000);
    world.break_("wg1", Fault::Slower(5));
    let took = world.run_until(|world| world.serving() == "wg1");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_target_that_refuses_meanwhile_keeps_no_server_out() {
    for trouble in [Trouble::Refuses, Trouble::Silent] {
        for before in [false, true] {
            let mut world = World::warm();
            if before {
                world.trouble(0, trouble);
                world.run(20_000);
            }
            down(&mut world, Fault::BlackHole);
            world.trouble(0, trouble);
            world.run(30_000);
            world.break_("wg1", Fault::None);
            let took = world.run_until(|world| world.serving() == "wg1");
            assert!(took < Duration::from_secs(5), "{trouble:?}, {before}: {took:?}");
        }
    }
}

#[test]
fn a_second_outage_finds_the_server_still_asked() {
    for outage in [30_000, 60_000] {
        let mut world = World::warm();
        down(&mut world, Fault::BlackHole);
        world.run(30_000);
        world.break_("wg1", Fault::None);
        world.run_until(|world| world.serving() == "wg1");
        world.run(15_000);
        down(&mut world, Fault::BlackHole);
        world.run(outage);
        let asked = world.probes.iter().rev().find(|(_, probe)| probed(probe) == "wg1");
        let ago = asked.map(|(at, _)| world.now.since(*at));
        assert!(ago.is_some_and(|ago| ago < Duration::from_secs(6)), "{ago:?}");
    }
}

#[test]
fn time_in_which_nothing_was_seen_is_not_time_in_which_it_was_good() {
    let mut world = World::warm();
    for _ in 0..5 {
        down(&mut world, Fault::BlackHole);
        world.run(3000);
        world.break_("wg1", Fault::None);
        world.run(6000);
    }
    assert_ne!(world.serving(), "wg1", "it is held");
    world.stall(400_000);
    let took = world.run_until(|world| world.serving() == "wg1");
    assert!(took >= Duration::from_secs(3), "{took:?}");
}
