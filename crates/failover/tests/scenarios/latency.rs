//! `policy = "latency"`: two servers whose latencies cross, with jitter.

use std::time::Duration;

use failover::{Name, Policy, Rules, Sessions, Time, Want};

use crate::world::*;

const HOUR: u64 = 3_600_000;

/// wg1 goes from 60 ms to 240 ms and back within two hours, wg2 takes 120 ms, and the answers scatter by a quarter.
fn crossing(server: &str, now: Time) -> Duration {
    let minutes = now.since_origin().as_secs() / 60;
    let base = match server {
        "wg1" if minutes <= 60 => 60 + minutes * 3,
        "wg1" => 240 - (minutes - 60).min(60) * 3,
        "wg2" => 120,
        _ => 20,
    };
    scattered(base, now)
}

/// The two are as fast as each other, and scatter by a quarter.
fn equal(server: &str, now: Time) -> Duration {
    scattered(if server == "wg2" { 95 } else { 100 }, now)
}

/// What is close together in time scatters apart.
fn scattered(base: u64, now: Time) -> Duration {
    let noise = (now.since_origin().as_micros() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    Duration::from_millis(base + base * (noise % 64) / 256)
}

#[test]
fn traffic_follows_the_clearly_faster_one_there_and_back_and_never_to_another_tier() {
    let mut world = under(crossing, |_| {});
    let mut switches = vec![world.serving()];
    for _ in 0..2 * HOUR / 100 {
        world.run(100);
        if switches.last() != Some(&world.serving()) {
            switches.push(world.serving());
        }
    }
    assert_eq!(switches, ["wg1", "wg2", "wg1"], "{:#?}", moves(&world));
    assert_eq!(world.held("wg1"), None);
}

#[test]
fn who_is_as_fast_as_the_other_draws_no_traffic() {
    let mut world = under(equal, |_| {});
    world.run(2 * HOUR);
    assert!(moves(&world).is_empty(), "{:#?}", moves(&world));
    assert_eq!(world.serving(), "wg1");
}

#[test]
fn however_the_latencies_change_there_are_no_more_than_four_moves_an_hour_and_five_minutes_between_them() {
    // Every four minutes it is the other one.
    fn restless(server: &str, now: Time) -> Duration {
        let turn = now.since_origin().as_secs() / 240 % 2;
        let slow = (server == "wg1") == (turn == 0);
        Duration::from_millis(if slow { 140 } else { 100 })
    }
    let mut world = under(restless, |_| {});
    let mut at = Vec::new();
    for _ in 0..3 * HOUR / 1000 {
        world.run(1000);
        while at.len() < moves(&world).len() {
            at.push(world.now);
        }
    }
    assert!(at.len() >= 8, "{} moves", at.len());
    let apart = Duration::from_secs(299);
    assert!(at.windows(2).all(|pair| pair[1].since(pair[0]) >= apart), "{at:?}");
    assert!(at.windows(5).all(|five| five[4].since(five[0]) >= Duration::from_secs(3590)), "{at:?}");
}

#[test]
fn at_the_first_doubt_about_the_chosen_one_the_others_come_back_and_its_failure_costs_one_step() {
    let mut world = under(far_first, |_| {});
    world.run_until_within(200_000, |world| world.want("wg1") == Want::Drain);
    world.run(1000);
    assert_eq!(world.serving(), "wg2");
    assert_eq!(world.held("wg1").unwrap(), "wg2 is clearly faster, and used instead");
    world.break_("wg2", Fault::BlackHole);
    world.run_until(|world| world.want("wg1") == Want::Ready);
    assert_eq!(world.want("wg2"), Want::Ready, "a doubt, no more");
    world.run(2000);
    assert_eq!((world.serving().as_str(), world.want("wg2")), ("wg1", Want::Maint));
}

#[test]
fn sessions_are_cut_on_demand_alone() {
    for (on_steer, cut) in [(Sessions::Keep, false), (Sessions::Kill, true)] {
        let mut world = under(far_first, |rules| rules.on_steer = on_steer);
        world.run_until_within(200_000, |world| world.want("wg1") == Want::Drain);
        world.run(4900);
        assert!(!world.wishes()[0].1);
        world.run(200);
        assert_eq!(world.wishes()[0], (Want::Drain, cut));
    }
}

fn far_first(server: &str, _: Time) -> Duration {
    Duration::from_millis(if server == "wg1" { 150 } else { 50 })
}

fn moves(world: &World) -> Vec<&String> {
    world.told.iter().filter(|told| told.contains("is clearly faster")).collect()
}

fn under(pace: fn(&str, Time) -> Duration, adapt: impl FnOnce(&mut Rules)) -> World {
    let tiers = vec![vec![Name::from("wg1"), Name::from("wg2")], vec![Name::from("cloudflare_warp")]];
    let mut rules = Rules { policy: Policy::Latency, tiers, ..Rules::DEFAULT };
    adapt(&mut rules);
    let mut world = World::with(|settings| {
        settings.rules.insert(Name::from(BACKEND), rules);
    });
    world.pace = Some(pace);
    world
}
