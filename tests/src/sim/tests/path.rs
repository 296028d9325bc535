//! Round trips, losses, retransmissions and troubles of a path.

use std::time::Duration;

use failover::Time;

use super::hands::{at, during, lasting, ms, path, troubled};
use crate::sim::path::{Answer, Down, Packet, Path, Trouble};
use crate::sim::rng::Rng;
use crate::sim::timeline::Timeline;

#[test]
fn a_round_trip_takes_its_usual_time_more_or_less() {
    let mut rng = Rng::new(1);
    let near = path(0.0);
    let mut times: Vec<f64> = (0..10_001)
        .map(|_| send(&near, &mut rng, at(5), Packet::Small).1.since(at(5)).as_secs_f64())
        .collect();
    times.sort_by(f64::total_cmp);
    let rank = |part: f64| times[(part * 10_000.0) as usize];
    assert!((rank(0.5) - 0.050).abs() < 0.001, "{}", rank(0.5));
    // One standard deviation of the logarithm is 0.25.
    assert!((rank(0.841) / rank(0.5) - 1.284).abs() < 0.02, "{}", rank(0.841));
}

#[test]
fn each_way_loses_its_part_of_the_packets() {
    let mut rng = Rng::new(2);
    for (loss, late) in [(0.0, 0.0), (0.01, 0.0199), (0.05, 0.0975)] {
        let lossy = path(loss);
        let again = (0..50_000).filter(|_| send(&lossy, &mut rng, at(0), Packet::Small).1 > ms(200)).count();
        let part = again as f64 / 50_000.0;
        assert!((part - late).abs() < 0.005, "{part} at {loss}");
    }
}

#[test]
fn what_vanished_is_sent_again_with_doubled_patience() {
    let far = Path::new(Duration::from_millis(400), 0.0, Timeline::quiet());
    let cases = [
        (path(0.0), Packet::Syn, [0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000]),
        (path(0.0), Packet::Small, [0, 200, 600, 1_400, 3_000, 6_200, 12_600]),
        (path(0.0), Packet::Big, [0, 200, 600, 1_400, 3_000, 6_200, 12_600]),
        (far, Packet::Small, [0, 1_200, 3_600, 8_400, 18_000, 37_200, 75_600]),
    ];
    for (usual, packet, sent) in cases {
        for heals in sent {
            // It heals just before that transmission, so none before it was answered.
            let healing = usual.clone().with(Timeline::new(vec![during(0, heals, Trouble::BlackHole)]));
            let (answer, arrival) = send(&healing, &mut Rng::new(3), at(0), packet);
            let after = arrival.since(ms(heals)).as_millis();
            assert_eq!(answer, Answer::Whole);
            assert!(
                (10..1_200).contains(&after),
                "{packet:?} healed at {heals} ms: answered {after} ms later"
            );
        }
    }
}

#[test]
fn patience_ends() {
    let dead = troubled(lasting(0, Trouble::BlackHole));
    let (answer, given_up) = send(&dead, &mut Rng::new(4), at(0), Packet::Syn);
    assert_eq!((answer, given_up), (Answer::GivenUp, at(127)));
    let (answer, given_up) = send(&dead, &mut Rng::new(4), at(0), Packet::Small);
    assert_eq!(answer, Answer::GivenUp);
    assert!((at(14 * 60)..at(17 * 60)).contains(&given_up), "{given_up:?}");
}

#[test]
fn each_trouble_does_what_its_name_says() {
    let cases = [
        (Trouble::BlackHole, [false, false, false]),
        (Trouble::Refused, [false, false, false]),
        (Trouble::Rejecting(1), [false, false, false]),
        (Trouble::MtuHole, [true, true, false]),
        (Trouble::Slow(10.0), [true, true, true]),
    ];
    for (trouble, passes) in cases {
        let troubled = troubled(lasting(0, trouble));
        let answers = [Packet::Syn, Packet::Small, Packet::Big]
            .map(|packet| send(&troubled, &mut Rng::new(5), at(0), packet).0 == Answer::Whole);
        assert_eq!(answers, passes, "{trouble:?}");
    }
    let slow = troubled(lasting(0, Trouble::Slow(10.0)));
    let took = send(&slow, &mut Rng::new(5), at(0), Packet::Syn).1.since(at(0));
    assert!((Duration::from_millis(200)..Duration::from_millis(1250)).contains(&took), "{took:?}");
}

#[test]
fn an_answer_on_its_way_is_lost_to_a_fault_that_begins() {
    let breaking = troubled(during(1_000, 2_000, Trouble::BlackHole));
    let (_, arrival) = send(&breaking, &mut Rng::new(6), ms(999), Packet::Small);
    // Sent again at 1.199, 1.599 and 2.399 s.
    assert!((ms(2_399)..ms(2_600)).contains(&arrival), "{arrival:?}");
}

#[test]
fn a_target_that_is_down_answers_with_a_reset_or_not_at_all() {
    let exchange = |down, packet| {
        let target = Timeline::new(vec![during(0, 10_000, down)]);
        path(0.0).exchange(&mut Rng::new(7), at(0), packet, &target)
    };
    let (answer, arrival) = exchange(Down::Refusing, Packet::Syn);
    assert_eq!(answer, Answer::Reset);
    assert!((ms(10)..ms(200)).contains(&arrival), "{arrival:?}");
    let (answer, arrival) = exchange(Down::Silent, Packet::Syn);
    assert_eq!(answer, Answer::Whole);
    assert!((at(15)..ms(15_200)).contains(&arrival), "{arrival:?}");
}

fn send(path: &Path, rng: &mut Rng, sent: Time, packet: Packet) -> (Answer, Time) {
    path.exchange(rng, sent, packet, &Timeline::quiet())
}
