//! Other settings while the core runs: what it knows stays.

use std::time::Duration;

use failover::replay::{Decided, Replay, Rerun};
use failover::{Event, Kind, Name, Settings, Verdict, Want};

use crate::world::*;

const OTHER: &str = "https://192.0.2.1/";

#[test]
fn with_the_same_targets_nothing_is_asked_anew_and_nothing_is_forgotten() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run(5000);
    assert_eq!(world.want("wg1"), Want::Maint);
    let (before, probes) = (world.status().backends[0].servers[1].history.clone(), world.probes.len());
    world.configure(|settings| settings.ride_through = Duration::from_secs(3));
    assert_eq!(world.status().backends[0].servers[1].history, before);
    world.run(1000);
    assert!(world.probes[probes..].iter().all(|(_, probe)| probe.kind != Kind::Open), "connections are kept");
    assert_eq!((world.verdict("wg1"), world.want("wg1")), (Verdict::Degraded, Want::Maint));

    // They hold from now on: an interruption of two seconds is ridden out.
    world.events.clear();
    world.break_("wg2", Fault::BlackHole);
    world.run(2000);
    world.break_("wg2", Fault::None);
    world.run(2000);
    assert!(!kinds(&world.events).contains("health"), "{:?}", world.told);
}

#[test]
fn a_quicker_pace_is_kept_from_the_first_moment_on() {
    let mut world = World::with(|settings| settings.fast.full = Duration::from_secs(3600));
    world.run(100_000);
    world.configure(|settings| settings.fast.full = Duration::from_secs(1));
    let probes = world.probes.len();
    world.run(1100);
    let full = world.probes[probes..].iter().filter(|(_, probe)| probe.kind == Kind::Full);
    assert!(full.count() >= NAMES.len());
}

#[test]
fn targets_that_stand_elsewhere_are_known_by_name_and_nobody_is_doubted() {
    let mut world = World::warm();
    world.trouble(0, Trouble::Status(403));
    world.break_("wg1", Fault::BlackHole);
    world.run(30_000);
    assert!(kinds(&world.events).contains("target_rests"));
    world.events.clear();
    let probes = world.probes.len();

    // The one that rests stands last, and in its place there is one that answers.
    world.troubles.clear();
    world.trouble(2, Trouble::Status(403));
    world.configure(|settings| settings.targets = [TARGETS[2], OTHER, TARGETS[0]].map(Name::from).to_vec());
    world.run(10_000);
    assert!(world.events.is_empty(), "{:?}", world.events);
    assert_eq!((world.verdict("wg1"), world.want("wg1")), (Verdict::Degraded, Want::Maint));
    let asked = |index: u16| {
        world.probes[probes..]
            .iter()
            .filter(|(_, probe)| probed(probe) == "wg2" && probe.target.0 == index)
            .count()
    };
    assert!(asked(1) > 0, "the new one is got to know");
    assert_eq!(asked(2), 0, "the one that rests goes on resting");
}

#[test]
fn rules_of_a_backend_hold_at_once() {
    let mut world = World::warm();
    world.break_("wg1", Fault::Slower(12));
    world.run(60_000);
    assert_eq!(world.want("wg1"), Want::Ready);
    world.configure(|settings| {
        let rules = failover::Rules { on_slow: failover::OnSlow::Move, ..failover::Rules::DEFAULT };
        settings.rules.insert(Name::from(BACKEND), rules);
    });
    assert_eq!(world.want("wg1"), Want::Maint);
}

#[test]
fn a_replay_follows_the_change() {
    let mut world = World::with(|settings| settings.seed = 7);
    world.run(20_000);
    world.configure(|settings| settings.targets = [OTHER, TARGETS[1]].map(Name::from).to_vec());
    world.run(20_000);
    world.break_("wg1", Fault::BlackHole);
    world.run(5000);
    let mut settings = Settings::new(TARGETS.map(Name::from).to_vec());
    (settings.profile, settings.seed) = (failover::Profile::Fast, 7);
    let mut replay = Replay::new(settings);
    let mut events: Vec<Event> = Vec::new();
    for input in &world.recorded {
        let turn = replay.take(input);
        assert!(!turn.stranger);
        events.extend(turn.decisions.into_iter().filter_map(|decision| match decision.what {
            Decided::Told(event) => Some(event),
            Decided::Wants { .. } => None,
        }));
    }
    assert_eq!(events, world.events);
}

#[test]
fn an_estimate_follows_the_change_too() {
    let mut world = World::with(|settings| settings.seed = 7);
    world.run(30_000);
    world.configure(|settings| settings.targets = [OTHER, TARGETS[1]].map(Name::from).to_vec());
    world.run(60_000);
    world.break_("wg1", Fault::BlackHole);
    world.run(10_000);
    let plain = |targets: &[&str]| {
        let mut settings = Settings::new(targets.iter().map(|target| Name::from(*target)).collect());
        (settings.profile, settings.seed) = (failover::Profile::Fast, 7);
        settings
    };
    let (mut replay, mut rerun) = (Replay::new(plain(&TARGETS)), Rerun::new(plain(&TARGETS)));
    for input in &world.recorded {
        let turn = replay.take(input);
        rerun.see(input.clone(), &turn);
    }
    rerun.finish();
    let out = rerun.take_decisions().into_iter().filter_map(|decision| match decision.what {
        Decided::Wants { server, want: Want::Maint, .. } => Some(server.server.to_string()),
        Decided::Wants { .. } | Decided::Told(_) => None,
    });
    assert_eq!(out.collect::<Vec<_>>(), ["wg1"]);
    let (asked, unanswered) = rerun.asked();
    assert!(unanswered * 20 < asked, "{unanswered} of {asked} probes are not known of");
}
