//! Kept connections and their canaries.

use std::time::Duration;

use failover::{Ending, Evidence, Kind, Saw, Time};

use super::hands::{Hands, at, during, lasting, ms, troubled, well, words};
use crate::sim::path::{Down, Path, Trouble};
use crate::sim::timeline::Timeline;
use crate::sim::world::World;

#[test]
fn a_canary_is_one_round_trip_on_a_kept_connection() {
    let mut hands = Hands::new(well(1));
    let open = hands.open();
    hands.canary(open, at(2));
    let seen = hands.until(at(9)).to_vec();
    assert_eq!(words(&seen), ["#2 kept"]);
    assert!((ms(2_015)..ms(2_170)).contains(&seen[0].at), "{:?}", seen[0].at);
}

#[test]
fn a_kept_connection_survives_a_black_hole_and_answers_in_order() {
    // Canary #2 is sent at 2.0, 2.2, 2.6, 3.4 and 5.0 s; #3 and #4 wait behind it, one after the other.
    let mut hands = Hands::new(on_primary(during(1_900, 4_000, Trouble::BlackHole)));
    let open = hands.open();
    for now in [ms(2_000), ms(2_250), ms(2_500)] {
        hands.canary(open, now);
    }
    let seen = hands.until(at(9)).to_vec();
    assert_eq!(words(&seen), ["#2 kept", "#3 kept", "#4 kept"]);
    let times: Vec<Time> = seen.iter().map(|evidence| evidence.at).collect();
    assert!((ms(5_015)..ms(5_170)).contains(&times[0]) && times[2] < ms(5_510), "{times:?}");
    assert!(took(&seen[1]) > Duration::from_millis(2_780), "waiting counts: {:?}", seen[1]);
}

#[test]
fn canaries_do_not_wait_for_the_answers_of_those_before_them() {
    let far = Path::new(Duration::from_millis(400), 0.0, Timeline::quiet());
    let mut hands = Hands::new(World { servers: vec![far], ..well(1) });
    let open = hands.open();
    for number in 0..200 {
        hands.canary(open, ms(4_000 + 250 * number));
    }
    let seen = hands.until(at(60)).to_vec();
    let in_order: Vec<String> = (2..202).map(|number| format!("#{number} kept")).collect();
    assert_eq!(words(&seen), in_order);
    assert!(seen.iter().all(|evidence| took(evidence) < Duration::from_millis(1_200)), "nothing piles up");
}

#[test]
fn the_end_of_the_server_is_seen_at_once() {
    let mut idle = Hands::new(on_primary(lasting(3_000, Trouble::Refused)));
    idle.open();
    assert_eq!(idle.until(at(9)), [Evidence { probe: failover::ProbeId(1), at: at(3), saw: Saw::Closed }]);

    let mut asked = Hands::new(on_primary(lasting(3_000, Trouble::Refused)));
    let open = asked.open();
    asked.canary(open, ms(2_995));
    assert_eq!(words(asked.until(at(9))), ["#2 http closed"]);
    assert_eq!(asked.until(at(9))[0].at, at(3));
}

#[test]
fn the_end_of_the_target_is_seen_when_the_news_is_through() {
    let mut world = well(2);
    world.targets[0] = Timeline::new(vec![lasting(3_000, Down::Refusing)]);
    let mut hands = Hands::new(world);
    hands.open();
    let seen = hands.until(at(9)).to_vec();
    assert_eq!(words(&seen), ["#1 closed"]);
    assert!((ms(3_015)..ms(3_170)).contains(&seen[0].at), "{seen:?}");
}

#[test]
fn a_target_answers_a_thousand_requests_on_a_connection_and_says_so() {
    let mut hands = Hands::new(well(3));
    let open = hands.open();
    for number in 0..999 {
        hands.canary(open, ms(2_000 + 250 * number));
    }
    let seen = hands.until(at(300)).to_vec();
    let kept = seen.iter().take_while(|evidence| words(std::slice::from_ref(evidence))[0].ends_with("kept"));
    assert_eq!((kept.count(), words(&seen[998..])), (998, vec!["#1000 ok".to_owned()]));
}

#[test]
fn targets_have_whims() {
    let world = World { whims: Some(Duration::from_secs(60)), ..well(4) };
    let mut hands = Hands::new(world);
    for number in 0..400 {
        hands.probe(Kind::Open, ms(number));
    }
    let seen = hands.until(at(86_400)).to_vec();
    let closed: Vec<f64> = seen
        .iter()
        .filter(|evidence| evidence.saw == Saw::Closed)
        .map(|evidence| evidence.at.since_origin().as_secs_f64())
        .collect();
    let mean = closed.iter().sum::<f64>() / 400.0;
    assert_eq!(closed.len(), 400);
    assert!((mean - 60.0).abs() < 12.0, "{mean}");
}

#[test]
fn who_drops_a_canary_still_waits_for_what_it_sent() {
    let mut hands = Hands::new(on_primary(during(1_900, 4_000, Trouble::BlackHole)));
    let open = hands.open();
    let dropped = hands.canary(open, at(2));
    hands.drop(dropped, ms(2_300));
    hands.canary(open, ms(2_400));
    let seen = hands.until(at(9)).to_vec();
    assert_eq!(words(&seen), ["#3 kept"]);
    assert!(seen[0].at > ms(5_030), "{seen:?}");
}

#[test]
fn of_a_dropped_connection_nothing_more_is_seen() {
    let mut hands = Hands::new(on_primary(lasting(3_000, Trouble::Refused)));
    let open = hands.open();
    hands.canary(open, at(2));
    hands.drop(open, ms(2_001));
    assert_eq!(words(hands.until(at(9))), Vec::<String>::new());
}

#[test]
#[should_panic(expected = "#2 was ordered on #1, which was not kept")]
fn a_canary_without_a_connection_is_a_mistake_of_whoever_ordered_it() {
    let mut hands = Hands::new(well(5));
    let open = hands.open();
    hands.drop(open, at(2));
    hands.canary(open, at(2));
}

fn on_primary(trouble: crate::sim::timeline::Span<Trouble>) -> World {
    World { servers: vec![troubled(trouble)], ..well(6) }
}

fn took(evidence: &Evidence) -> Duration {
    match &evidence.saw {
        Saw::Ended(Ending::Success(success)) => success.last.took,
        saw @ (Saw::Began | Saw::Passed(_) | Saw::Ended(_) | Saw::Closed) => panic!("{saw:?}"),
    }
}
