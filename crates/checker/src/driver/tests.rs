//! What sockets cannot bring about: bugs, and readers that do not read.

use std::time::Duration;

use failover::{Saw, Time};
use tokio::time::{Instant, advance};

use super::*;
use crate::TlsRoots;

#[tokio::test]
async fn a_panic_ends_its_probe_void_and_others_go_on() {
    let mut probes = probes();
    let shared = Arc::clone(&probes.shared);
    probes.tasks.spawn(async move {
        shared.teller().tell(ProbeId(7), Instant::now(), Saw::Began).await;
        let panicking = async { panic!("on purpose") };
        assert_eq!(shared.guard::<()>(ProbeId(7), panicking).await, None);
        assert_eq!(shared.guard(ProbeId(8), async { 8 }).await, Some(8));
        ProbeId(7)
    });
    let began = probes.next().await;
    assert_eq!((began.probe, began.saw), (ProbeId(7), Saw::Began));
    let ended = probes.next().await;
    let void = Ending::Void("the probe panicked; this is a bug in hactl".into());
    assert_eq!((ended.probe, ended.saw), (ProbeId(7), Saw::Ended(void)));
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_reader_is_told_from_the_work() {
    let clock = Clock::new(Instant::now());
    let (sender, mut evidence) = mpsc::channel(1);
    let teller = Teller::new(clock, sender);
    let happened = Instant::now();
    assert_eq!(teller.tell(ProbeId(1), happened, Saw::Began).await, happened);
    let waiting = tokio::spawn(async move { teller.tell(ProbeId(1), happened, Saw::Closed).await });
    tokio::task::yield_now().await;
    advance(Duration::from_secs(5)).await;
    assert_eq!(evidence.recv().await.map(|evidence| evidence.saw), Some(Saw::Began));
    // It happened when it happened, and work goes on when there was room.
    assert_eq!(evidence.recv().await.map(|evidence| evidence.at), Some(Time::ZERO));
    assert_eq!(waiting.await.unwrap(), happened + Duration::from_secs(5));
}

#[tokio::test]
async fn what_has_ended_is_forgotten() {
    let mut probes = probes();
    let order = |id, connection| {
        let address = "127.0.0.1:1".parse().unwrap();
        let route = Route::Server { id: failover::ServerId::new("back", "wg1"), address };
        let kind = if connection { Kind::Canary } else { Kind::Open };
        let connection = connection.then_some(ProbeId(1_000));
        // No such target: it ends at once.
        Order::Probe(Probe { id: ProbeId(id), kind, route, target: failover::TargetId(1), connection })
    };
    for id in 0..100 {
        probes.obey(&order(id, id % 2 == 0), None);
        assert!(matches!(probes.next().await.saw, Saw::Ended(Ending::Void(_))));
    }
    while !probes.live.is_empty() || !probes.tasks.is_empty() {
        tokio::task::yield_now().await;
        probes.forget_ended();
    }
}

fn probes() -> Probes {
    let settings = Settings::new(vec!["http://192.0.2.1/".parse().unwrap()], Duration::from_secs(1));
    Probes::new(Prober::new(&TlsRoots::default()).unwrap(), settings.unwrap(), Clock::new(Instant::now()))
}
