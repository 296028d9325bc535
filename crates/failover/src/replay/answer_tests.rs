//! What is answered for a probe that nobody made, rule by rule.

use super::super::world::World;
use super::*;
use crate::{Evidence, Order, ProbeId, Route, ServerId, TargetId};

const A: u16 = 0;
const B: u16 = 1;

/// A server that was probed, and what would have come of further probes.
struct Scene {
    world: World,
    next: u64,
}

/// What a probe met.
#[derive(Clone, Copy)]
enum Met {
    /// Each exchange took so many milliseconds.
    Pace(u64),
    /// Nothing came behind CONNECT, for so many milliseconds, and then it was dropped.
    Silence(u64),
    /// The same behind TLS' first packet, which is large.
    Hole(u64),
    /// The port was closed.
    Refused,
    /// CONNECT was answered with this code.
    Rejected(u8),
    /// The kept connection was closed.
    Closed,
    /// This host could not ask.
    Void,
    /// It answers with this status.
    Status(u16),
}

impl Scene {
    fn new() -> Self {
        Self { world: World::default(), next: 0 }
    }

    fn probe(&self, kind: Kind, target: u16) -> Probe {
        let route = Route::Server { id: ServerId::new("b", "wg1"), address: ([127, 0, 0, 1], 1).into() };
        let route = if kind == Kind::Control { Route::Direct } else { route };
        Probe { id: ProbeId(self.next), kind, route, target: TargetId(target), connection: None }
    }

    /// A probe that was made at `millis`.
    fn made(&mut self, millis: u64, kind: Kind, target: u16, met: Met) {
        let probe = self.probe(kind, target);
        self.next += 1;
        let at = Time::from_millis;
        self.world.ordered(&Order::Probe(probe.clone()), at(millis));
        let mut saw = |millis, saw| self.world.saw(&Evidence { probe: probe.id, at: at(millis), saw });
        saw(millis, Saw::Began);
        let fresh = matches!(kind, Kind::Full | Kind::Open);
        let (pace, passes) = match met {
            Met::Pace(pace) => (pace, 4),
            Met::Status(_) => (0, 4),
            Met::Hole(_) => (50, 3),
            Met::Silence(_) | Met::Rejected(_) => (0, 2),
            Met::Refused | Met::Closed | Met::Void => (0, 0),
        };
        let mut now = millis;
        for stage in [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Tls].into_iter().take(passes) {
            let took = if stage < Stage::Connect { 0 } else { pace };
            now += took;
            if fresh {
                saw(now, Saw::Passed(passed(stage, took)));
            }
        }
        let now = if fresh { now } else { millis };
        let failed = |stage, cause| Ending::Failed(Failure { stage, cause, text: "no".to_owned() });
        let kept = kind != Kind::Full;
        let success = |status| {
            Ending::Success(Success {
                last: passed(Stage::Http, pace),
                status: Some(status),
                received: 9,
                kept,
            })
        };
        let ending = match met {
            Met::Pace(_) => success(200),
            Met::Status(status) => success(status),
            Met::Refused => failed(Stage::Tcp, Cause::Refused),
            Met::Rejected(code) => failed(Stage::Connect, Cause::Reply(code)),
            Met::Closed => failed(Stage::Http, Cause::Closed),
            Met::Void => Ending::Void("no descriptors".to_owned()),
            Met::Silence(lasted) | Met::Hole(lasted) => {
                return self.world.ordered(&Order::Drop(probe.id), at(millis + lasted));
            }
        };
        saw(now + pace, Saw::Ended(ending));
    }

    /// What would come of a probe at `millis`, in short.
    fn ask(&mut self, millis: u64, kind: Kind, target: u16) -> String {
        let probe = self.probe(kind, target);
        let said = self.world.answer(&probe, &"https://1.1.1.1/".into(), Time::from_millis(millis));
        let Some(said) = said else { return "not known".to_owned() };
        let (after, saw) = said.last().expect("it begins at least");
        let after = after.as_millis();
        match saw {
            Saw::Ended(Ending::Success(success)) => format!("answered after {after}, {:?}", success.status),
            Saw::Ended(Ending::Failed(failure)) => {
                format!("{} {:?} after {after}", failure.stage, failure.cause)
            }
            Saw::Ended(Ending::Void(why)) => format!("void: {why}"),
            Saw::Began => "silent".to_owned(),
            Saw::Passed(passed) => format!("silent after {}", passed.stage),
            Saw::Closed => panic!("no probe ends so"),
        }
    }
}

const fn passed(stage: Stage, millis: u64) -> StageTime {
    StageTime { stage, took: Duration::from_millis(millis) }
}

#[test]
fn the_nearest_of_its_sort_gives_the_pace() {
    let mut scene = Scene::new();
    scene.made(1_500, Kind::Full, A, Met::Pace(50));
    scene.made(1_000, Kind::Full, B, Met::Pace(70));
    scene.made(2_000, Kind::Canary, A, Met::Pace(40));
    assert_eq!(scene.ask(1_900, Kind::Full, A), "answered after 150, Some(200)");
    assert_eq!(scene.ask(1_900, Kind::Full, B), "answered after 210, Some(200)");
    assert_eq!(scene.ask(900, Kind::Canary, A), "answered after 40, Some(200)");
    assert_eq!(scene.ask(20_000, Kind::Full, A), "answered after 150, Some(200)");
}

#[test]
fn a_canary_and_a_fresh_connection_speak_for_each_other() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Canary, A, Met::Pace(40));
    assert_eq!(scene.ask(10, Kind::Full, A), "answered after 120, Some(200)");
    scene.made(100_000, Kind::Full, A, Met::Pace(50));
    assert_eq!(scene.ask(100_000, Kind::Canary, A), "answered after 50, Some(200)");
}

#[test]
fn while_the_way_is_silent_everything_is() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, B, Met::Pace(50));
    scene.made(0, Kind::Canary, A, Met::Pace(50));
    scene.made(1_000, Kind::Canary, A, Met::Silence(800));
    for target in [A, B] {
        assert_eq!(scene.ask(1_100, Kind::Full, target), "silent after greeting");
    }
    assert_eq!(scene.ask(1_100, Kind::Canary, B), "silent");
    assert_eq!(scene.ask(400, Kind::Full, B), "answered after 150, Some(200)", "nearer to the answer");
}

#[test]
fn one_lost_packet_is_not_the_way_s_silence() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, B, Met::Pace(50));
    scene.made(1_000, Kind::Canary, A, Met::Silence(400));
    scene.made(1_200, Kind::Full, B, Met::Pace(50));
    assert_eq!(scene.ask(1_010, Kind::Full, B), "answered after 150, Some(200)");
    assert_eq!(scene.ask(1_010, Kind::Canary, A), "silent", "it is lost here, too");
}

#[test]
fn a_target_in_trouble_is_so_for_other_probes_of_it() {
    let mut scene = Scene::new();
    for millis in [0, 250, 500, 750, 1_000] {
        scene.made(millis, Kind::Canary, A, Met::Pace(50));
    }
    scene.made(400, Kind::Full, B, Met::Silence(1_200));
    scene.made(600, Kind::Full, A, Met::Pace(50));
    assert_eq!(scene.ask(4_000, Kind::Full, B), "silent after greeting");
    assert_eq!(scene.ask(420, Kind::Canary, A), "answered after 50, Some(200)");
    scene.made(10_000, Kind::Full, B, Met::Rejected(5));
    assert_eq!(scene.ask(10_000, Kind::Full, B), "connect Reply(5) after 0");
    scene.made(30_000, Kind::Full, A, Met::Pace(50));
    scene.made(30_100, Kind::Full, B, Met::Status(403));
    assert_eq!(scene.ask(30_100, Kind::Full, B), "answered after 0, Some(403)");
}

#[test]
fn what_is_too_large_for_the_way_is_so_for_all_fresh_connections() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, A, Met::Pace(50));
    scene.made(0, Kind::Full, B, Met::Pace(50));
    scene.made(5_000, Kind::Full, A, Met::Hole(1_200));
    for millis in [4_900, 5_100, 5_300] {
        scene.made(millis, Kind::Canary, A, Met::Pace(50));
    }
    assert_eq!(scene.ask(4_000, Kind::Full, B), "silent after connect");
    assert_eq!(scene.ask(5_000, Kind::Canary, B), "answered after 50, None");
    assert_eq!(scene.ask(1_000, Kind::Full, B), "answered after 150, Some(200)");
}

#[test]
fn what_befell_one_by_chance_does_not_befall_several() {
    let mut scene = Scene::new();
    scene.made(4_000, Kind::Full, A, Met::Pace(50));
    scene.made(5_000, Kind::Full, A, Met::Pace(400));
    scene.made(6_500, Kind::Full, A, Met::Pace(60));
    let paces = [(); 4].map(|()| scene.ask(5_100, Kind::Full, A));
    let expected = [1200, 150, 180, 1200].map(|took| format!("answered after {took}, Some(200)"));
    assert_eq!(paces, expected);
    assert_eq!(scene.ask(5_100 + 1_001, Kind::Full, A), "answered after 180, Some(200)", "a while later");
}

#[test]
fn a_fresh_connection_takes_what_a_canary_took_for_each_of_its_exchanges() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, A, Met::Pace(500));
    for (millis, pace) in [(9_000, 40), (9_250, 45), (9_500, 50), (9_750, 55)] {
        scene.made(millis, Kind::Canary, A, Met::Pace(pace));
    }
    assert_eq!(scene.ask(9_260, Kind::Full, B), "answered after 135, None");
}

#[test]
fn who_is_refused_by_one_target_is_not_refused_by_all() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, A, Met::Status(429));
    assert_eq!(scene.ask(0, Kind::Full, B), "answered after 0, None");
}

#[test]
fn a_closed_port_refuses_fresh_connections_and_has_closed_kept_ones() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Canary, A, Met::Pace(50));
    scene.made(1_000, Kind::Full, A, Met::Refused);
    assert_eq!(scene.ask(1_100, Kind::Full, B), "tcp Refused after 0");
    assert_eq!(scene.ask(1_100, Kind::Canary, A), "http Closed after 0");
}

#[test]
fn a_closed_connection_says_nothing_of_fresh_ones() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, A, Met::Pace(50));
    scene.made(1_000, Kind::Canary, A, Met::Closed);
    assert_eq!(scene.ask(1_000, Kind::Canary, A), "http Closed after 0");
    assert_eq!(scene.ask(1_000, Kind::Full, A), "answered after 150, Some(200)");
}

#[test]
fn what_was_dropped_because_another_had_answered_says_nothing() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, A, Met::Pace(50));
    scene.made(1_000, Kind::Full, B, Met::Silence(60));
    assert_eq!(scene.ask(1_000, Kind::Full, B), "answered after 150, None");
}

#[test]
fn what_this_host_could_not_ask_it_could_not_ask() {
    let mut scene = Scene::new();
    scene.made(0, Kind::Full, A, Met::Pace(50));
    scene.made(1_000, Kind::Full, B, Met::Void);
    assert_eq!(scene.ask(1_000, Kind::Canary, A), "void: no descriptors");
    assert_eq!(scene.ask(100, Kind::Canary, A), "answered after 50, Some(200)");
}

#[test]
fn farther_than_a_minute_away_nothing_is_known() {
    let mut scene = Scene::new();
    assert_eq!(scene.ask(0, Kind::Full, A), "not known");
    scene.made(0, Kind::Full, A, Met::Pace(50));
    assert_eq!(scene.ask(60_000, Kind::Full, A), "answered after 150, Some(200)");
    assert_eq!(scene.ask(60_001, Kind::Full, A), "not known");
    scene.world.forget(Time::from_millis(61_000));
    assert_eq!(scene.ask(0, Kind::Full, A), "not known");
}

#[test]
fn this_host_s_network_is_well_where_nobody_doubted_it() {
    let mut scene = Scene::new();
    assert_eq!(scene.ask(0, Kind::Control, A), "answered after 0, None");
    scene.made(1_000, Kind::Control, A, Met::Silence(1_500));
    assert_eq!(scene.ask(1_200, Kind::Control, A), "silent");
    assert_eq!(scene.ask(6_001, Kind::Control, A), "answered after 0, None");
    scene.made(10_000, Kind::Control, A, Met::Pace(30));
    assert_eq!(scene.ask(9_000, Kind::Control, A), "answered after 30, Some(200)");
}
