//! Probes on connections of their own, stage by stage.

use std::time::Duration;

use failover::{Ending, Evidence, Kind, Saw, Stage, Time};

use super::hands::{Hands, at, during, lasting, ms, troubled, well, words};
use crate::sim::path::{Down, Trouble};
use crate::sim::timeline::Timeline;
use crate::sim::world::World;

#[test]
fn a_probe_passes_its_stages_in_order() {
    let cases = [
        (Kind::Full, vec!["#1 tcp", "#1 greeting", "#1 connect", "#1 tls", "#1 ok"]),
        (Kind::Open, vec!["#1 tcp", "#1 greeting", "#1 connect", "#1 tls", "#1 kept"]),
        (Kind::Control, vec!["#1 tcp", "#1 tls", "#1 ok"]),
    ];
    for (kind, expected) in cases {
        assert_eq!(words(&probe(well(1), kind, at(0), at(9))), expected, "{kind:?}");
    }
}

#[test]
fn a_server_on_this_host_answers_at_once_and_the_target_after_a_round_trip() {
    for seen in probe(well(1), Kind::Full, at(5), at(9)) {
        let last = match &seen.saw {
            Saw::Passed(passed) => *passed,
            Saw::Ended(Ending::Success(success)) => success.last,
            saw @ (Saw::Began | Saw::Ended(_) | Saw::Closed) => panic!("{saw:?}"),
        };
        let local = matches!(last.stage, Stage::Tcp | Stage::Greeting);
        let usual = if local { 100..=500 } else { 15_000..=170_000 };
        assert!(usual.contains(&last.took.as_micros()), "{last:?}");
    }
}

#[test]
fn each_trouble_shows_at_its_stage() {
    let cases = [
        (Trouble::BlackHole, "#1 connect reply 4"),
        (Trouble::Refused, "#1 tcp refused"),
        (Trouble::Rejecting(1), "#1 connect reply 1"),
        (Trouble::MtuHole, "#1 tls closed"),
        (Trouble::Slow(10.0), "#1 ok"),
    ];
    for (trouble, expected) in cases {
        let world = World { servers: vec![troubled(lasting(0, trouble))], ..well(2) };
        let seen = probe(world, Kind::Full, at(1), at(3600));
        assert_eq!(words(&seen).last().map(String::as_str), Some(expected), "{trouble:?}");
        if matches!(trouble, Trouble::Refused | Trouble::Rejecting(_)) {
            assert!(seen.last().unwrap().at < ms(1_002), "{trouble:?} is seen at once");
        }
    }
}

#[test]
fn the_direct_way_has_its_own_troubles() {
    let dead = || vec![troubled(lasting(0, Trouble::BlackHole))];
    let through = World { servers: dead(), ..well(3) };
    assert_eq!(words(&probe(through, Kind::Control, at(0), at(9))).last().unwrap(), "#1 ok");
    let direct = World { direct: dead().remove(0), ..well(3) };
    assert_eq!(words(&probe(direct.clone(), Kind::Full, at(0), at(9))).last().unwrap(), "#1 ok");
    assert_eq!(words(&probe(direct, Kind::Control, at(0), at(200))), ["#1 tcp timeout"]);
}

#[test]
fn a_target_that_refuses_shows_in_a_reply_after_a_round_trip() {
    let seen = probe(down(Down::Refusing), Kind::Full, at(0), at(9));
    assert_eq!(words(&seen), ["#1 tcp", "#1 greeting", "#1 connect reply 5"]);
    assert!((ms(15)..ms(170)).contains(&seen[2].at), "{:?}", seen[2].at);
    assert_eq!(words(&probe(down(Down::Silent), Kind::Full, at(0), at(9))), ["#1 tcp", "#1 greeting"]);
}

#[test]
fn a_server_that_dies_closes_what_is_under_way_at_once() {
    let world = World { servers: vec![troubled(lasting(1_003, Trouble::Refused))], ..well(4) };
    let seen = probe(world, Kind::Full, at(1), at(9));
    assert_eq!(words(&seen), ["#1 tcp", "#1 greeting", "#1 connect closed"]);
    assert_eq!(seen[2].at, ms(1_003));
}

#[test]
fn of_a_dropped_probe_nothing_more_is_seen() {
    let mut hands = Hands::new(well(5));
    let id = hands.probe(Kind::Full, at(0));
    hands.until(ms(3));
    hands.drop(id, ms(3));
    assert_eq!(words(hands.until(at(9))), ["#1 tcp", "#1 greeting"]);
}

#[test]
fn a_stalled_process_sees_at_the_end_of_the_stall_and_goes_on_from_there() {
    let world = World { stalls: Timeline::new(vec![during(20, 3_000, ())]), ..well(6) };
    let seen = probe(world, Kind::Full, ms(10), at(9));
    let Evidence { at: connected, saw: Saw::Passed(connect), .. } = &seen[2] else { panic!("{seen:?}") };
    assert_eq!((*connected, connect.stage), (at(3), Stage::Connect));
    assert!(connect.took > Duration::from_millis(2_980), "the process cannot know better: {connect:?}");
    assert!(
        (ms(3_015)..ms(3_170)).contains(&seen[3].at),
        "the next stage began at the end of the stall: {seen:?}"
    );
}

fn down(what: Down) -> World {
    let mut world = well(7);
    world.targets[0] = Timeline::new(vec![lasting(0, what)]);
    world
}

/// What is seen until then of one probe that begins now.
fn probe(world: World, kind: Kind, now: Time, until: Time) -> Vec<Evidence> {
    let mut hands = Hands::new(world);
    hands.probe(kind, now);
    hands.until(until).to_vec()
}
