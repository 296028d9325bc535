//! A host without free descriptors accuses nobody. Alone in its process, which it starves.

use std::fs::File;
use std::time::Duration;

use checker::{Prober, TlsRoots, Upstream};
use failover::{Outcome, ServerId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
    drop(held);
    let Outcome::Void(text) = probe.outcome else { panic!("{probe:?}") };
    assert!(text.starts_with("tcp connect to 127.0.0.1:1: "), "{text}");
    let probe = prober.probe(&upstream, &target, Duration::from_secs(10)).await;
    assert!(matches!(probe.outcome, Outcome::Failed(_)), "{probe:?}");
}
