//! How long a started hactl takes until it has moved traffic off a dead server.

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::{Fault, Lab, Layout};
use tokio::time::sleep;

use crate::figure::{Figure, Measured, Quantile};
use crate::outage::slow_down;
use crate::program::{Program, first_line};

const TRIALS: u32 = 10;

/// Milliseconds.
const MOST: f64 = 300.0;

/// Between two questions to HAProxy; one takes 0.1 ms of its time.
const POLL: Duration = Duration::from_millis(1);

/// Longer than this and it does not work at all.
const LIMIT: Duration = Duration::from_secs(20);

/// `srv_admin_state`: maint by command.
const MAINT: u32 = 1;

const HOW: &str = "From exec of `hactl run` to HAProxy showing wg1 in maint; wg1 rejects CONNECT, wg2 is well. Beside \
    it: exec to end of `hactl --version`.";

pub(crate) async fn measure(program: &Program) -> Figure {
    let lab = Lab::start(Layout::AllBackup).await;
    slow_down([&lab.wg1, &lab.wg2, &lab.warp]);
    lab.wg1.set(Fault::Reject(1)).await;
    let config = lab.write_config(&lab.config());
    let (mut starts, mut versions) = (Vec::new(), Vec::new());
    for _ in 0..TRIALS {
        let start = Instant::now();
        first_line(Command::new(program.path()).arg("--version"));
        versions.push(start.elapsed());

        let start = Instant::now();
        let mut daemon = program.run(&config);
        while lab.haproxy.server("wg1").await.administrative & MAINT == 0 {
            assert!(start.elapsed() < LIMIT, "no verdict was applied within {LIMIT:?}");
            sleep(POLL).await;
        }
        starts.push(start.elapsed());
        daemon.terminate().await;
        // What an earlier run left behind must not be what the next one is measured by.
        for server in ["wg1", "wg2", "cloudflare_warp"] {
            lab.haproxy.runtime(&format!("set server {}/{server} state ready", e2e::haproxy::BACKEND)).await;
        }
    }
    Figure::new(Measured::trials("start to first applied verdict", &starts), HOW)
        .beside(Measured::trials("hactl --version", &versions))
        .at_most(MOST, Quantile::Max)
}
