//! What was recorded, replayed: the same decisions from the same settings, and an estimate of what others would have
//! decided, beside what they decide in the same world.

use std::time::Duration;

use failover::replay::{Compared, Decided, Decision, Replay, Rerun, Summary, compare};
use failover::{Cadence, Event, Name, Order, Profile, Recorded, Settings, Want};

use crate::world::*;

/// A way to break the world, and for how long.
type Story = fn(&mut World);

/// A way to set things otherwise.
type Change = fn(&mut Settings);

fn settings(adapt: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::new(TARGETS.map(Name::from).to_vec());
    settings.profile = Profile::Fast;
    adapt(&mut settings);
    settings
}

/// The world after the story, with somewhat more than a minute before it (a server that was good for less than a minute is held
/// for longer) and half a minute after it.
fn told(story: Story, adapt: impl Fn(&mut Settings)) -> World {
    let mut world = World::with(adapt);
    world.run(65_000);
    story(&mut world);
    world.run(30_000);
    world
}

/// Every decision of a core that takes what was recorded, as it was written.
fn replayed(recorded: &[Recorded], settings: Settings) -> Vec<Decision> {
    let mut replay = Replay::new(settings);
    let read = recorded.iter().map(|one| {
        let line = serde_json::to_string(one).expect("all of it has a form");
        serde_json::from_str::<Recorded>(&line).expect("it was written so")
    });
    read.flat_map(|one| replay.take(&one).decisions).collect()
}

/// What a core with `other` settings would have decided, and how many of its probes could not be answered.
fn rerun(recorded: &[Recorded], settings: Settings, other: Settings) -> (Vec<Decision>, u64) {
    let (mut replay, mut rerun) = (Replay::new(settings), Rerun::new(other));
    for one in recorded {
        let turn = replay.take(one);
        rerun.see(one.clone(), &turn);
    }
    rerun.finish();
    (rerun.take_decisions(), rerun.asked().1)
}

fn outage(world: &mut World, fault: Fault, millis: u64) {
    world.break_("wg1", fault);
    world.run(millis);
    world.break_("wg1", Fault::None);
}

const STORIES: [(&str, Story); 8] = [
    ("nothing", |_| {}),
    ("black hole", |world| outage(world, Fault::BlackHole, 20_000)),
    ("closed port", |world| outage(world, Fault::Refused, 20_000)),
    ("rejected", |world| outage(world, Fault::Rejects(1), 20_000)),
    ("large packets", |world| outage(world, Fault::Mtu, 30_000)),
    ("blip", |world| outage(world, Fault::BlackHole, 1_500)),
    ("silent target", |world| {
        world.trouble(1, Trouble::Silent);
        world.run(60_000);
        world.trouble(1, Trouble::None);
    }),
    ("uplink", |world| {
        world.uplink = false;
        world.run(10_000);
        world.uplink = true;
    }),
];

#[test]
fn what_was_recorded_gives_the_same_decisions_again() {
    for (name, story) in STORIES {
        let world = told(story, |_| {});
        let decisions = replayed(&world.recorded, settings(|_| {}));
        let events: Vec<&Event> = decisions.iter().filter_map(event).collect();
        assert_eq!(events, world.events.iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn and_the_same_orders() {
    let world = told(STORIES[1].1, |_| {});
    let mut replay = Replay::new(settings(|_| {}));
    let orders = world.recorded.iter().flat_map(|one| replay.take(one).orders);
    let probes = orders.filter_map(|order| match order {
        Order::Probe(probe) => Some(probe),
        Order::Drop(_) => None,
    });
    assert!(probes.eq(world.probes.into_iter().map(|(_, probe)| probe)));
}

#[test]
fn wishes_are_told_with_their_reasons() {
    let world = told(STORIES[1].1, |_| {});
    let decisions = replayed(&world.recorded, settings(|_| {}));
    let wishes = decisions.iter().filter(|decision| matches!(decision.what, Decided::Wants { .. }));
    let wishes: Vec<String> = wishes.map(|wish| wish.what.to_string()).collect();
    let id = |name: &str| format!("wants {BACKEND}/{name}");
    let first = NAMES.map(|name| format!("{} ready", id(name)));
    assert_eq!(wishes[..3], first);
    assert_eq!(wishes[3..], [format!("{} maint", id("wg1")), format!("{} ready", id("wg1"))]);
    let out = decisions.iter().find(|decision| decision.what.to_string().ends_with("maint")).unwrap();
    assert!(out.what.why().unwrap().contains("no reply in"), "{out:?}");
    let summary = Summary::of(&decisions);
    assert_eq!((summary.out, summary.back, summary.suspected_false_alarms), (1, 1, 0));
}

#[test]
fn the_same_settings_come_to_the_same_on_the_virtual_clock() {
    for (name, story) in STORIES {
        let world = told(story, |_| {});
        let first = replayed(&world.recorded, settings(|_| {}));
        let (second, unanswered) = rerun(&world.recorded, settings(|_| {}), settings(|_| {}));
        let unlike = unlike(name, &first, &second, Duration::from_millis(1_500));
        assert!(unlike.is_empty(), "{unlike:#?}");
        assert_eq!(unanswered, 0, "{name}");
    }
}

/// What is estimated for other settings is what they do in the same world, but for when the next probe happens to come.
#[test]
fn other_settings_are_estimated_as_they_would_have_been() {
    let others: [(&str, Change, u64); 6] = [
        ("another seed", |settings| settings.seed = 99, 1_500),
        ("eco", |settings| settings.profile = Profile::Eco, 2_000),
        ("quicker canaries", |settings| settings.fast.canary = Duration::from_millis(100), 1_500),
        (
            "slower probes",
            |settings| settings.fast = Cadence { full: Duration::from_secs(20), ..Cadence::ECO },
            3_000,
        ),
        ("ride through", |settings| settings.ride_through = Duration::from_millis(2_500), 1_500),
        ("low ceiling", |settings| settings.timeout = Duration::from_millis(120), 1_500),
    ];
    let mut differences = Vec::new();
    for (name, story) in STORIES {
        let recorded = told(story, |_| {}).recorded;
        for (other, adapt, within) in others {
            // There a request is answered late that the quicker ones gave up: the recording does not have that.
            if (other, name) == ("eco", "blip") {
                continue;
            }
            let (estimate, _) = rerun(&recorded, settings(|_| {}), settings(adapt));
            let truth = replayed(&told(story, adapt).recorded, settings(adapt));
            // Found by full probes alone.
            let rare = matches!(name, "rejected" | "large packets");
            let within = Duration::from_millis(if rare { 20_000 } else { within });
            differences.extend(unlike(&format!("{other}: {name}"), &truth, &estimate, within));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// What differs: what both decide, they decide at about the same time, and nothing is decided by one alone.
fn unlike(name: &str, first: &[Decision], second: &[Decision], within: Duration) -> Vec<String> {
    let differs = |compared: Compared<'_>| match compared {
        Compared::Both(one, other) => {
            let apart = one.at.since(other.at).max(other.at.since(one.at));
            (apart > within).then(|| format!("{name}: {} is {apart:?} apart", one.what))
        }
        Compared::First(only) => Some(format!("{name}: at {:?} only the first: {}", only.at, only.what)),
        Compared::Second(only) => Some(format!("{name}: at {:?} only the second: {}", only.at, only.what)),
    };
    let all = compare(first, second).into_iter().filter(|compared| matters(&compared.decision().what));
    all.filter_map(differs).collect()
}

/// Not when a silent target is rested and asked again, nor what is wanted while a successor is being verified.
fn matters(what: &Decided) -> bool {
    match what {
        Decided::Told(event) => !matches!(event, Event::TargetRests { .. } | Event::TargetBack { .. }),
        Decided::Wants { want, .. } => *want != Want::AsIs,
    }
}

fn event(decision: &Decision) -> Option<&Event> {
    match &decision.what {
        Decided::Told(event) => Some(event),
        Decided::Wants { .. } => None,
    }
}
