//! Whole runs, with the stand-in and with the rivals: what they are known to do is what they do here.

use std::time::Duration;

use failover::{Desired, Event, Evidence, Observed, Order, Time};

use super::hands::{at, during, lasting, ms, path, troubled, well};
use crate::sim::brain::Brain;
use crate::sim::driver::drive;
use crate::sim::path::Trouble;
use crate::sim::rivals::{native, script};
use crate::sim::routing::{BACKUP, PRIMARY, Routing};
use crate::sim::stand_in::StandIn;
use crate::sim::timeline::Timeline;
use crate::sim::world::World;

#[test]
fn a_dead_primary_is_left_and_a_healed_one_is_taken_back() {
    let world =
        World { servers: vec![troubled(during(10_300, 40_000, Trouble::BlackHole)), path(0.0)], ..well(1) };
    let switches: Vec<_> = stand_in(world, at(60)).switches().collect();
    // Probes at 11 and 12 s are not back a second later; HAProxy is told 2 ms after that.
    assert_eq!(switches[0], (ms(13_002), BACKUP));
    // The probe of 40 s is whole after three round trips.
    assert!((ms(40_050)..ms(40_500)).contains(&switches[1].0), "{switches:?}");
    assert_eq!((switches[1].1, switches.len()), (PRIMARY, 2));
}

#[test]
fn where_all_are_dead_nobody_is_moved() {
    let dead = || troubled(during(10_300, 40_000, Trouble::BlackHole));
    let world = World { servers: vec![dead(), dead()], ..well(2) };
    assert_eq!(stand_in(world, at(60)).switches().count(), 0);
}

#[test]
fn any_number_of_servers_follow_one_another() {
    let dead = |from| troubled(lasting(from, Trouble::Refused));
    let world = World { servers: vec![dead(10_300), dead(20_300), dead(30_300), path(0.0)], ..well(3) };
    let order: Vec<usize> = stand_in(world, at(60)).switches().map(|(_, server)| server).collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn while_the_process_is_stalled_nothing_is_decided_or_done() {
    let stall = || Timeline::new(vec![during(12_001, 20_000, ())]);
    let dead = troubled(lasting(10_300, Trouble::BlackHole));
    let late = World { servers: vec![dead.clone(), path(0.0)], stalls: stall(), ..well(4) };
    assert_eq!(stand_in(late, at(60)).failovers().next(), Some(ms(20_002)));
    // The decision of 13 s was made, and the stall came before the command.
    let between = Timeline::new(vec![during(13_001, 15_000, ())]);
    let cut = World { servers: vec![dead, path(0.0)], stalls: between, ..well(4) };
    assert_eq!(stand_in(cut, at(60)).failovers().next(), Some(at(15)));
    // What has arrived is read before the timers count, so a well path stays in service.
    let well = World { stalls: stall(), ..well(4) };
    assert_eq!(stand_in(well, at(60)).switches().count(), 0);
}

#[test]
fn the_same_seed_shows_the_same_and_another_one_something_else() {
    let hour = |seed| {
        let world = World { servers: vec![path(0.05), path(0.05)], ..well(seed) };
        stand_in(world, at(3600)).switches().collect::<Vec<_>>()
    };
    assert!(hour(1).len() > 10, "there is something to compare");
    assert_eq!(hour(1), hour(1));
    assert_ne!(hour(1), hour(2));
}

#[test]
#[should_panic(expected = "deadline does not move on")]
fn a_brain_that_wants_to_be_called_for_ever_is_stopped() {
    drive(&mut Impatient(Desired::new()), well(5), at(1));
}

#[test]
fn rivals_see_what_they_look_at() {
    let cases = [
        (Trouble::BlackHole, [true, false, true, true]),
        (Trouble::Refused, [true, true, true, true]),
        (Trouble::Rejecting(1), [true, false, true, true]),
        (Trouble::MtuHole, [true, false, false, false]),
    ];
    for (trouble, expected) in cases {
        let world = World { servers: vec![troubled(lasting(30_000, trouble)), path(0.0)], ..well(6) };
        let script = script::run(&mut world.clone(), at(60));
        let check = |check| native::run(check, &mut world.clone(), at(60));
        let rivals = [script, check(native::TCP), check(native::SOCKS), check(native::TUNED)];
        let left = rivals.map(|routing| routing.failovers().next().is_some());
        assert_eq!(left, expected, "{trouble:?}");
    }
}

#[test]
fn rivals_need_the_time_that_their_timers_say() {
    let world = World { servers: vec![troubled(lasting(30_000, Trouble::BlackHole)), path(0.0)], ..well(7) };
    let left = |routing: Routing| routing.failovers().next().unwrap().since(at(30));
    let seconds = |least: f64, most: f64| Duration::from_secs_f64(least)..Duration::from_secs_f64(most);
    // Two checks that time out, and what is between them; the first begins within an interval.
    assert!(seconds(5.0, 6.1).contains(&left(native::run(native::SOCKS, &mut world.clone(), at(60)))));
    assert!(seconds(1.2, 2.3).contains(&left(native::run(native::TUNED, &mut world.clone(), at(60)))));
    assert!(seconds(2.2, 12.4).contains(&left(script::run(&mut world.clone(), at(60)))));
}

fn stand_in(world: World, until: Time) -> Routing {
    drive(&mut StandIn::new(3), world, until).routing
}

/// It wants everything at once.
struct Impatient(Desired);

impl Brain for Impatient {
    fn on_observed(&mut self, _observed: &Observed, _now: Time) {}

    fn on_evidence(&mut self, _evidence: &Evidence, _now: Time) {}

    fn on_time(&mut self, _now: Time) {}

    fn next_deadline(&self) -> Option<Time> {
        Some(Time::ZERO)
    }

    fn take_orders(&mut self) -> Vec<Order> {
        Vec::new()
    }

    fn take_events(&mut self) -> Vec<Event> {
        Vec::new()
    }

    fn desired(&self) -> &Desired {
        &self.0
    }
}
