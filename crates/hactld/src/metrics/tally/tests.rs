//! What is counted of probes, changes and blackouts.

use std::time::Duration;

use failover::{Cause, Failure, Insist, StageTime, Success, TargetId, Verdict, Wish};

use super::*;

#[test]
fn each_stage_is_timed_and_a_probe_counts_once_where_it_ended() {
    let mut tally = tally();
    order(&mut tally, &probe(1, Kind::Open, None));
    for (stage, millis) in [(Stage::Tcp, 1), (Stage::Greeting, 2), (Stage::Connect, 30), (Stage::Tls, 60)] {
        tally.saw(&evidence(1, Saw::Passed(took(stage, millis))));
    }
    tally.saw(&evidence(1, success(Stage::Http, 40)));
    order(&mut tally, &probe(2, Kind::Canary, Some(1)));
    tally.saw(&evidence(2, success(Stage::Http, 35)));
    order(&mut tally, &probe(3, Kind::Full, None));
    tally.saw(&evidence(3, failure(Stage::Connect)));
    order(&mut tally, &probe(4, Kind::Full, None));
    tally.saw(&evidence(4, Saw::Ended(Ending::Void("out of descriptors".to_owned()))));
    // Of a probe that nobody ordered, or that has ended.
    tally.saw(&evidence(3, failure(Stage::Connect)));
    tally.saw(&evidence(9, success(Stage::Http, 1)));

    let counts = one(&tally);
    assert_eq!(
        probes(counts),
        ["canary success http 1", "full success http 1", "full failure connect 1", "full void tcp 1"]
    );
    let stages: Vec<(&str, &str, u64)> = counts
        .stages
        .iter()
        .map(|((how, stage), histogram)| (how.as_str(), stage.as_str(), histogram.count()))
        .collect();
    let full = ["tcp", "greeting", "connect", "tls", "http"].map(|stage| ("full", stage, 1));
    assert_eq!(stages, [&[("canary", "http", 1)], full.as_slice()].concat());
}

#[test]
fn a_probe_that_is_waited_for_no_longer_counts_for_the_stage_that_it_was_in() {
    let mut tally = tally();
    for (id, target) in [(1, 0), (2, 1), (3, 2)] {
        order(&mut tally, &probe_of(id, Kind::Full, None, target));
        tally.saw(&evidence(id, Saw::Passed(took(Stage::Connect, 30))));
        order(&mut tally, &Order::Drop(ProbeId(id)));
    }
    order(&mut tally, &probe(4, Kind::Full, None));
    order(&mut tally, &Order::Drop(ProbeId(4)));
    assert_eq!(
        probes(one(&tally)),
        ["full abandoned tcp 1", "full abandoned tls 1", "full abandoned http 1", "full abandoned banner 1"]
    );
}

#[test]
fn a_silent_tunnel_is_probed_although_none_of_its_probes_ends() {
    let mut tally = tally();
    for (id, millis) in [(1, 1000), (2, 7000)] {
        tally.ordered(&probe(id, Kind::Full, None), Time::from_millis(millis));
        tally.ordered(&Order::Drop(ProbeId(id)), Time::from_millis(millis + 3000));
    }
    assert_eq!(one(&tally).last, Some(Time::from_millis(7000)));
}

#[test]
fn a_canary_ends_with_its_connection() {
    let mut tally = tally();
    order(&mut tally, &probe(1, Kind::Open, None));
    tally.saw(&evidence(1, success(Stage::Http, 40)));
    order(&mut tally, &probe(2, Kind::Canary, Some(1)));
    order(&mut tally, &Order::Drop(ProbeId(1)));
    assert_eq!(probes(one(&tally)), ["canary abandoned http 1", "full success http 1"]);
    assert!(tally.under_way.is_empty());
}

#[test]
fn the_probe_past_all_servers_is_no_servers() {
    let mut tally = tally();
    let direct = Probe {
        id: ProbeId(1),
        kind: Kind::Control,
        route: Route::Direct,
        target: TargetId(0),
        connection: None,
    };
    order(&mut tally, &Order::Probe(direct));
    assert_eq!(tally.counts.control, None);
    tally.saw(&evidence(1, failure(Stage::Tcp)));
    assert_eq!(tally.counts.control, Some(false));
    assert!(tally.counts.servers.is_empty());
}

#[test]
fn a_blackout_counts_while_it_lasts_and_never_goes_back() {
    let mut tally = tally();
    let backend = Name::from("b");
    let began = Event::Blackout { backend: backend.clone(), then: failover::WhenAllDown::LastGood };
    tally.told(&began, Time::from_millis(1000));
    let so_far =
        |tally: &Tally, now| tally.counts.backends[&backend].blackout_seconds(Time::from_millis(now));
    assert!((so_far(&tally, 3500) - 2.5).abs() < 1e-9);
    let lasted = Duration::from_millis(2900);
    tally.told(
        &Event::BlackoutOver { backend: backend.clone(), server: Name::from("s"), lasted },
        Time::from_millis(4000),
    );
    assert!((so_far(&tally, 9000) - 3.0).abs() < 1e-9);
    tally.told(&began, Time::from_millis(10_000));
    assert!((so_far(&tally, 10_000) - 3.0).abs() < 1e-9);
    assert_eq!(tally.counts.backends[&backend].blackouts, 2);
}

#[test]
fn applying_takes_from_the_decision_to_what_was_read_back() {
    let mut tally = tally();
    let applied = Event::Applied { server: id(), set: failover::Admin::Maint };
    tally.decided(&wish(Want::Ready), &wish(Want::Maint), Time::from_millis(1000));
    // The same wish again is no other decision.
    tally.decided(&wish(Want::Maint), &wish(Want::Maint), Time::from_millis(1004));
    tally.told(&applied, Time::from_millis(1008));
    assert_eq!((tally.counts.applied, tally.counts.apply_took.count()), (1, 1));
    assert!((tally.counts.apply_took.sum() - 0.008).abs() < 1e-9);

    // What a reload has made forgotten was decided long ago; what is withheld is not being applied.
    let replaced = Event::HaproxyReplaced {
        from: 1,
        process: failover::Process { pid: 2, start_time: 0, version: "2.6".to_owned() },
    };
    for interruption in [replaced, Event::Asked(Asked::Would { commands: Vec::new() })] {
        tally.decided(&wish(Want::Ready), &wish(Want::Maint), Time::from_millis(2000));
        tally.told(&interruption, Time::from_millis(60_000));
        tally.told(&applied, Time::from_millis(60_100));
    }
    assert_eq!((tally.counts.applied, tally.counts.apply_took.count(), tally.counts.reloads), (3, 1, 1));
}

#[test]
fn transitions_are_counted_and_there_are_no_more_servers_than_the_bound() {
    let mut tally = tally();
    for number in 0..=SERVERS_MAX {
        let server = ServerId::new("b", format!("s{number}"));
        let event = Event::Health {
            server,
            from: Verdict::Online,
            to: Verdict::Degraded,
            reason: None,
            latency: None,
            silent: None,
        };
        tally.told(&event, Time::ZERO);
    }
    assert_eq!(tally.counts.servers.len(), SERVERS_MAX);
    assert_eq!(tally.counts.servers[&ServerId::new("b", "s7")].transitions[&("online", "degraded")], 1);
}

/// With a target of each scheme.
fn tally() -> Tally {
    let targets = ["https://1.1.1.1/", "http://8.8.8.8/", "tcp://9.9.9.9:22"];
    Tally::new(&Settings::new(targets.map(Name::from).to_vec()))
}

/// At a moment that does not matter.
fn order(tally: &mut Tally, order: &Order) {
    tally.ordered(order, Time::ZERO);
}

fn id() -> ServerId {
    ServerId::new("b", "s")
}

fn one(tally: &Tally) -> &OfServer {
    &tally.counts.servers[&id()]
}

fn probe(id: u64, kind: Kind, connection: Option<u64>) -> Order {
    probe_of(id, kind, connection, 0)
}

fn probe_of(probe: u64, kind: Kind, connection: Option<u64>, target: u16) -> Order {
    let route = Route::Server { id: id(), address: ([127, 0, 0, 1], 1080).into() };
    let (id, target) = (ProbeId(probe), TargetId(target));
    Order::Probe(Probe { id, kind, route, target, connection: connection.map(ProbeId) })
}

/// At so many seconds.
fn evidence(probe: u64, saw: Saw) -> Evidence {
    Evidence { probe: ProbeId(probe), at: Time::from_millis(probe * 1000), saw }
}

fn took(stage: Stage, millis: u64) -> StageTime {
    StageTime { stage, took: Duration::from_millis(millis) }
}

fn success(stage: Stage, millis: u64) -> Saw {
    let success = Success { last: took(stage, millis), status: Some(200), received: 1, kept: true };
    Saw::Ended(Ending::Success(success))
}

fn failure(stage: Stage) -> Saw {
    Saw::Ended(Ending::Failed(Failure { stage, cause: Cause::Timeout, text: "no reply".to_owned() }))
}

fn wish(want: Want) -> Desired {
    let wish = Wish { want, why: None, address: None, kill: false, insist: Insist::No };
    [(Name::from("b"), [(Name::from("s"), wish)].into())].into()
}

fn probes(counts: &OfServer) -> Vec<String> {
    let line = |((how, outcome, stage), count): (&(How, Outcome, Stage), &u64)| {
        format!("{} {} {stage} {count}", how.as_str(), outcome.as_str())
    };
    counts.probes.iter().map(line).collect()
}
