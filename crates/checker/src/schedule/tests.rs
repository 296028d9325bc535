//! The schedule on a paused clock, with rounds that need no sockets.

use std::future::ready;

use failover::Finding;
use tokio::time::{Instant, advance, timeout};

use super::*;
use crate::TlsRoots;

#[tokio::test(start_paused = true)]
async fn a_round_ends_when_it_is_due_give_or_take_a_tenth() {
    let mut rounds = rounds();
    for _ in 0..100 {
        let begun = rounds.clock.now();
        rounds.launch(wg(1), begun + Duration::from_secs(10), ready(round(1, 7)));
        rounds.next().await;
        let waited = rounds.clock.now().since(begun);
        assert!((9_000..=11_001).contains(&waited.as_millis()), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_due_or_overdue_begins_at_once() {
    let mut rounds = rounds();
    advance(Duration::from_secs(60)).await;
    let now = rounds.clock.now();
    for due in [now, Time::ZERO] {
        assert_eq!(rounds.jitter.spread(now, due), now);
        rounds.launch(wg(1), due, ready(round(1, 7)));
        rounds.next().await;
        // A timer that has passed fires on the next millisecond.
        assert!(rounds.clock.now().since(now) <= Duration::from_millis(2));
    }
}

#[tokio::test(start_paused = true)]
async fn rounds_end_in_the_order_in_which_they_are_due() {
    let mut rounds = rounds();
    for (number, seconds) in [(1, 30), (2, 10), (3, 20)] {
        let due = rounds.clock.now() + Duration::from_secs(seconds);
        rounds.launch(wg(number), due, ready(round(number, 0)));
    }
    for number in [2, 3, 1] {
        assert_eq!(rounds.next().await.server, wg(number));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_round_replaces_the_outstanding_one() {
    let mut rounds = rounds();
    rounds.launch(wg(1), Time::from_millis(1_000), ready(round(1, 1)));
    rounds.launch(wg(1), Time::from_millis(5_000), ready(round(1, 2)));
    assert_eq!(rounds.next().await, round(1, 2));
    assert_nothing_comes(&mut rounds).await;
}

#[tokio::test(start_paused = true)]
async fn a_round_that_ended_before_it_was_replaced_is_not_returned() {
    let mut rounds = rounds();
    rounds.launch(wg(1), Time::ZERO, ready(round(1, 1)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    rounds.launch(wg(1), Time::from_millis(5_000), ready(round(1, 2)));
    assert_eq!(rounds.next().await, round(1, 2));
    assert_nothing_comes(&mut rounds).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_round_never_comes_and_others_do() {
    let mut rounds = rounds();
    rounds.launch(wg(1), Time::from_millis(1_000), ready(round(1, 1)));
    rounds.launch(wg(2), Time::from_millis(2_000), ready(round(2, 2)));
    rounds.cancel(&wg(1));
    rounds.cancel(&wg(9));
    assert_eq!(rounds.next().await, round(2, 2));
    assert_nothing_comes(&mut rounds).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_next_loses_no_round() {
    let mut rounds = rounds();
    rounds.launch(wg(1), Time::from_millis(1_000), ready(round(1, 1)));
    for _ in 0..20 {
        let _ = timeout(Duration::from_millis(10), rounds.next()).await;
    }
    assert_eq!(rounds.next().await, round(1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_panic_makes_a_void_round_and_the_next_one_works() {
    let mut rounds = rounds();
    rounds.launch(wg(1), Time::ZERO, async { panic!("on purpose") });
    let void = rounds.next().await;
    assert_eq!((&void.server, void.finding()), (&wg(1), Finding::Void));
    assert_eq!(void.probes.len(), 1);
    rounds.launch(wg(1), Time::ZERO, ready(round(1, 2)));
    assert_eq!(rounds.next().await, round(1, 2));
}

#[tokio::test(start_paused = true)]
async fn with_nothing_scheduled_next_waits_for_ever() {
    assert_nothing_comes(&mut rounds()).await;
}

#[test]
fn jitter_is_spread_over_both_sides_and_depends_on_the_seed() {
    let due = Time::from_millis(1_000);
    let drawn = |seed| -> Vec<Time> {
        let mut jitter = Jitter::new(seed);
        (0..1000).map(|_| jitter.spread(Time::ZERO, due)).collect()
    };
    let early = drawn(1).into_iter().filter(|time| *time < due).count();
    assert!((400..600).contains(&early), "{early}");
    assert_ne!(drawn(1), drawn(2));
    let mut jitter = Jitter::new(1);
    jitter.spread(Time::ZERO, Time::from_origin(Duration::MAX));
}

fn rounds() -> Rounds {
    let target = "https://192.0.2.1/".parse().unwrap();
    let settings = Settings::new(vec![target], Duration::from_secs(1)).unwrap();
    Rounds::new(Prober::new(&TlsRoots::default()).unwrap(), settings, Clock::new(Instant::now()))
}

fn wg(number: u8) -> ServerId {
    ServerId::new("back", format!("wg{number}"))
}

/// A round that can be told from others by its `mark`.
fn round(number: u8, mark: u64) -> Round {
    Round { server: wg(number), started: Time::from_millis(mark), finished: Time::ZERO, probes: vec![] }
}

async fn assert_nothing_comes(rounds: &mut Rounds) {
    assert!(timeout(Duration::from_secs(1_000_000), rounds.next()).await.is_err());
}
