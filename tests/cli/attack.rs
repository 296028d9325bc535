//! Clients of hactl's own socket that mean it no good, thousands of them: who is honest is served, memory stays what it is,
//! and traffic is moved off a dead server meanwhile. How soon the honest one is served is measured by `make bench`.

use std::time::{Duration, Instant};

use e2e::Fault;
use e2e::attack::Attack;

use super::beside::Beside;

/// What all of this may cost at once.
const MEMORY_MAX: u64 = 80 << 20;

const ASKED: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_hostile_clients_delay_nobody_and_cost_little() {
    let mut beside = Beside::start().await;
    let before = beside.hactl.usage().rss;
    let attack = Attack::begin(&beside.lab.hactl_socket());
    let mut most = 0;
    for _ in 0..ASKED {
        let start = Instant::now();
        let ran = beside.status(&["-o", "json"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        most = most.max(beside.hactl.usage().rss);
    }
    beside.lab.wg1.set(Fault::Reject(5)).await;
    beside.said("socks_back_7891 now on wg2").await;
    most = most.max(beside.hactl.usage().rss);
    attack.end();
    assert!(most < before + MEMORY_MAX, "{before} bytes before, {most} meanwhile");
}
