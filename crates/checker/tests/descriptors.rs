//! A host without free descriptors accuses nobody. Alone in its process, which it starves.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test")]

use std::fs::File;
use std::time::Duration;

use checker::{Clock, Outcome, Prober, Probes, Settings, TlsRoots, Upstream};
use failover::{Ending, Kind, Order, Probe, ProbeId, Route, Saw, ServerId, TargetId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

/// Few enough to use them all up.
const DESCRIPTORS: u64 = 64;

#[tokio::test]
async fn a_probe_without_a_free_descriptor_is_void() {
    let prober = Prober::new(&TlsRoots::default()).unwrap();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(DESCRIPTORS), ..limit }).unwrap();
    let upstream = Upstream {
        server: ServerId::new("back", "wg1"),
        address: "127.0.0.1:1".parse().unwrap(),
        credentials: None,
    };
    let target = "https://1.1.1.1/".parse().unwrap();
    let mut held = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        held.push(file);
    }
    let probe = prober.probe(&upstream, &target, Duration::from_secs(10)).await;
    let ordered = void_probes(&prober, &upstream).await;
    drop(held);
    let Outcome::Void(text) = probe.outcome else { panic!("{probe:?}") };
    assert!(text.starts_with("tcp connect to 127.0.0.1:1: "), "{text}");
    let probe = prober.probe(&upstream, &target, Duration::from_secs(10)).await;
    assert!(matches!(probe.outcome, Outcome::Failed(_)), "{probe:?}");
    for text in ordered {
        assert!(text.contains("connect to 127.0.0.1:1: "), "{text}");
    }
}

/// Why one probe of each kind that needs a connection of its own could not be made.
async fn void_probes(prober: &Prober, upstream: &Upstream) -> Vec<String> {
    let target = || "http://127.0.0.1:1/".parse().unwrap();
    let settings = Settings::new(vec![target()], Duration::from_secs(10)).unwrap().with_control(target());
    let mut probes = Probes::new(prober.clone(), settings, Clock::new(Instant::now()));
    let mut texts = Vec::new();
    for (number, kind) in [Kind::Full, Kind::Open, Kind::Control].into_iter().enumerate() {
        let route = Route::Server { id: upstream.server.clone(), address: upstream.address };
        let id = ProbeId(number as u64);
        let probe = Probe { id, kind, route, target: TargetId(0), connection: None };
        probes.obey(&Order::Probe(probe), None);
        assert_eq!(probes.next().await.saw, Saw::Began);
        let saw = probes.next().await.saw;
        let Saw::Ended(Ending::Void(why)) = saw else { panic!("{saw:?}") };
        texts.push(why);
    }
    texts
}
