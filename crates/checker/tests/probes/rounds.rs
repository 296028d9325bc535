//! Rounds through real sockets: whom they ask, and when they stop.

use std::time::Duration;

use checker::{Clock, Rounds, Settings, Upstream};
use failover::{Ask, Finding, Outcome, ServerId, Time};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::fakes::*;
use crate::race::{Seen, name, network};

#[tokio::test]
async fn rounds_ask_one_target_after_the_other() {
    let (address, _) = network(&[1, 2, 3], 1).await;
    let mut rounds = rounds(&[1, 2, 3]);
    let mut asked = Vec::new();
    for _ in 0..4 {
        rounds.schedule(upstream(address), Time::ZERO, Ask::One);
        let round = rounds.next().await;
        assert!(matches!(round.finding(), Finding::Good(_)));
        assert!(round.started <= round.finished);
        assert_eq!((round.server, round.probes.len()), (ServerId::new("back", "wg1"), 1));
        asked.push(round.probes[0].target.as_str().to_owned());
    }
    assert_eq!(asked, [name(1), name(2), name(3), name(1)]);
}

#[tokio::test]
async fn where_one_target_fails_the_others_are_asked() {
    let (address, _) = network(&[3], 1).await;
    let mut rounds = rounds(&[1, 2, 3]);
    rounds.schedule(upstream(address), Time::ZERO, Ask::One);
    let round = rounds.next().await;
    assert!(matches!(round.finding(), Finding::Good(_)));
    assert_eq!(round.probes[0].target.as_str(), name(1));
    assert!(matches!(round.probes[0].outcome, Outcome::Failed(_)));
    assert_eq!(round.probes.last().unwrap().target.as_str(), name(3));
}

#[tokio::test]
async fn where_all_targets_fail_each_was_asked_once() {
    for ask in [Ask::One, Ask::All] {
        let (address, _) = network(&[], 1).await;
        let mut rounds = rounds(&[1, 2, 3]);
        rounds.schedule(upstream(address), Time::ZERO, ask);
        let round = rounds.next().await;
        assert!(matches!(round.finding(), Finding::Failed(_)));
        let mut asked: Vec<_> = round.probes.iter().map(|probe| probe.target.as_str().to_owned()).collect();
        asked.sort();
        assert_eq!(asked, [name(1), name(2), name(3)]);
    }
}

#[tokio::test]
async fn all_targets_asked_at_once_end_with_the_first_success() {
    // Nobody answers before all three are asked, and two never do: the one success ends the round.
    let (address, mut seen) = network(&[1], 3).await;
    let mut rounds = rounds(&[101, 1, 102]);
    rounds.schedule(upstream(address), Time::ZERO, Ask::All);
    let round = rounds.next().await;
    assert!(matches!(round.finding(), Finding::Good(_)));
    assert_eq!(round.probes.len(), 1);
    let mut hung_up = Vec::new();
    while hung_up.len() < 2 {
        if let Seen::HungUp(target) = seen.recv().await.unwrap() {
            hung_up.push(target);
        }
    }
    hung_up.sort_unstable();
    assert_eq!(hung_up, [101, 102]);
}

#[tokio::test]
async fn cancelling_or_replacing_a_round_closes_its_socket() {
    let (address, mut seen) = network(&[1], 1).await;
    let mut rounds = rounds(&[101, 1]);
    rounds.schedule(upstream(address), Time::ZERO, Ask::One);
    assert_eq!(seen_before_any_round(&mut rounds, &mut seen).await, Seen::Asked(101));
    rounds.schedule(upstream(address), Time::ZERO, Ask::One);
    assert_eq!(rounds.next().await.probes[0].target.as_str(), name(1));
    assert_eq!(seen.recv().await, Some(Seen::HungUp(101)));
    rounds.schedule(upstream(address), Time::ZERO, Ask::One);
    assert_eq!(seen_before_any_round(&mut rounds, &mut seen).await, Seen::Asked(101));
    rounds.cancel(&ServerId::new("back", "wg1"));
    assert_eq!(seen.recv().await, Some(Seen::HungUp(101)));
}

#[tokio::test]
async fn many_servers_are_asked_side_by_side() {
    let (address, _) = network(&[1], 1).await;
    let mut rounds = rounds(&[1]);
    for number in 0..300 {
        let server = ServerId::new("back", format!("wg{number}"));
        rounds.schedule(Upstream { server, ..upstream(address) }, Time::ZERO, Ask::One);
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let round = rounds.next().await;
        assert!(matches!(round.finding(), Finding::Good(_)), "{round:?}");
        assert!(seen.insert(round.server));
    }
}

async fn seen_before_any_round(rounds: &mut Rounds, seen: &mut UnboundedReceiver<Seen>) -> Seen {
    tokio::select! {
        round = rounds.next() => panic!("{round:?}"),
        seen = seen.recv() => seen.unwrap(),
    }
}

fn rounds(targets: &[u8]) -> Rounds {
    let targets = targets.iter().map(|target| parse(&name(*target))).collect();
    let settings = Settings::new(targets, Duration::from_secs(60)).unwrap();
    Rounds::new(prober(), settings, Clock::new(Instant::now()))
}
