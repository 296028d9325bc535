//! This process's own troubles accuse nobody.

use failover::{Cause, Ending, Evidence, Failure, Saw, Stage, Verdict};

use crate::world::*;

#[test]
fn stalls_move_nobody() {
    let mut world = World::warm();
    for index in 0..3000 {
        world.run(100 + index % 700);
        world.stall(3000);
        world.run(1);
        assert_eq!(world.serving(), "wg1");
    }
    assert!(NAMES.iter().all(|name| world.verdict(name) == Verdict::Online));
}

#[test]
fn a_process_that_is_throttled_moves_nobody() {
    let mut world = World::warm();
    for _ in 0..3000 {
        world.run(100);
        world.stall(600);
    }
    world.run(1);
    assert_eq!(world.serving(), "wg1", "{:#?}", world.told);
}

#[test]
fn a_fault_is_still_found_between_stalls() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    for _ in 0..40 {
        world.run(700);
        world.stall(100);
    }
    world.run(1);
    assert_eq!(world.serving(), "wg2");
}

#[test]
fn after_a_gap_everything_is_asked_anew_before_anything_is_decided() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    // Under suspicion when the host falls asleep.
    world.run(230);
    world.break_("wg1", Fault::None);
    world.stall(3_600_000);
    let before = world.probes.len();
    world.run(1000);
    assert_eq!(world.serving(), "wg1");
    assert!(kinds(&world.events).contains("starved"));
    let asked: Vec<String> = world.probes[before..].iter().map(|(_, probe)| probed(probe)).collect();
    assert!(NAMES.iter().all(|name| asked.contains(&(*name).to_owned())));
}

#[test]
fn a_host_that_says_itself_that_it_slept_is_treated_the_same() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run(230);
    world.break_("wg1", Fault::None);
    world.core.on_gap(std::time::Duration::from_secs(3600), world.now);
    world.run(2000);
    assert_eq!(world.serving(), "wg1");
}

#[test]
fn what_this_host_could_not_ask_accuses_nobody() {
    let mut world = World::warm();
    world.void = true;
    world.run(120_000);
    assert_eq!(world.serving(), "wg1");
    assert_eq!(world.verdict("wg1"), Verdict::Online);
    let asked = world.probes.iter().filter(|(at, _)| at.since_origin().as_secs() > 210);
    assert!(asked.count() < 60, "nor is it tried in a loop");
    world.void = false;
    world.run(10_000);
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| world.serving() == "wg2");
}

#[test]
fn evidence_of_what_was_never_ordered_is_ignored() {
    let mut world = World::warm();
    let text = String::new();
    for id in [0, 5, u64::MAX] {
        for saw in [
            Saw::Began,
            Saw::Closed,
            Saw::Ended(Ending::Failed(Failure {
                stage: Stage::Tcp,
                cause: Cause::Refused,
                text: text.clone(),
            })),
        ] {
            let evidence = Evidence { probe: failover::ProbeId(id), at: world.now, saw };
            world.core.on_evidence(&evidence, world.now);
        }
    }
    world.run(1000);
    assert_eq!(world.serving(), "wg1");
    assert!(world.told.is_empty());
}
