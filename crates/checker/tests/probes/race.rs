//! All targets through one server at once, until one answers.

use std::net::SocketAddr;
use std::sync::Arc;

use checker::{Finding, Outcome, ProbeOutcome, Settings};
use tokio::io::AsyncWriteExt;
use tokio::sync::Barrier;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::fakes::*;

#[tokio::test]
async fn the_first_success_ends_a_race() {
    // Nobody answers before all three are asked, and two never do.
    let (address, mut seen) = network(&[1], 3).await;
    let probes = race(address, &[101, 1, 102]).await;
    assert!(matches!(Finding::of(&probes), Finding::Good(_)));
    assert_eq!(probes.len(), 1);
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
async fn where_all_fail_a_race_tells_of_each() {
    let (address, _) = network(&[], 1).await;
    let probes = race(address, &[1, 2, 3]).await;
    assert!(matches!(Finding::of(&probes), Finding::Failed(_)));
    assert!(probes.iter().all(|probe| matches!(probe.outcome, Outcome::Failed(_))));
    let mut asked: Vec<_> = probes.iter().map(|probe| probe.target.as_str().to_owned()).collect();
    asked.sort();
    assert_eq!(asked, [name(1), name(2), name(3)]);
}

#[tokio::test]
async fn dropping_a_race_closes_its_sockets() {
    let (address, mut seen) = network(&[], 1).await;
    let racing = tokio::spawn(async move { race(address, &[101]).await });
    assert_eq!(seen.recv().await, Some(Seen::Asked(101)));
    racing.abort();
    assert_eq!(seen.recv().await, Some(Seen::HungUp(101)));
}

#[tokio::test]
async fn many_races_share_the_bound_on_probes() {
    let (address, _) = network(&[1], 1).await;
    let (prober, settings) = (prober(), settings(&[1]));
    let mut races = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let (prober, settings) = (prober.clone(), settings.clone());
        races.spawn(async move { prober.race(&upstream(address), &settings).await });
    }
    for probes in races.join_all().await {
        assert!(matches!(Finding::of(&probes), Finding::Good(_)), "{probes:?}");
    }
}

/// What a silent target lives to see.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Asked(u8),
    HungUp(u8),
}

/// One server, through which the targets 192.0.2.x with x among `answering` answer, those above 100 keep silent and the
/// others are refused; nobody does anything before `together` are asked at once.
pub(crate) async fn network(
    answering: &'static [u8],
    together: usize,
) -> (SocketAddr, UnboundedReceiver<Seen>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let barrier = Arc::new(Barrier::new(together));
    let address = server(move |mut socket| {
        let (sender, barrier) = (sender.clone(), Arc::clone(&barrier));
        async move {
            greet(&mut socket).await;
            let Some(request) = read_connect(&mut socket).await else { return };
            barrier.wait().await;
            let target = request[7];
            if answering.contains(&target) {
                let _ = socket.write_all(&[SUCCESS.as_slice(), b"hello"].concat()).await;
            } else if target > 100 {
                let _ = sender.send(Seen::Asked(target));
                hold(socket).await;
                let _ = sender.send(Seen::HungUp(target));
            } else {
                let _ = socket.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await;
                hold(socket).await;
            }
        }
    })
    .await;
    (address, seen)
}

async fn race(address: SocketAddr, targets: &[u8]) -> Vec<ProbeOutcome> {
    prober().race(&upstream(address), &settings(targets)).await
}

fn settings(targets: &[u8]) -> Settings {
    Settings::new(targets.iter().map(|target| parse(&name(*target))).collect(), AMPLE).unwrap()
}

pub(crate) fn name(target: u8) -> String {
    format!("tcp://192.0.2.{target}:25")
}
