//! How long what was set is missing after HAProxy forgot it.

use std::time::{Duration, Instant};

use e2e::{Daemon, Fault, Haproxy, Lab, Layout, Mode};
use tokio::time::sleep;

use crate::figure::{Figure, Measured, Quantile};
use crate::program::Program;

const TRIALS: u32 = 10;

/// Milliseconds.
const MOST: f64 = 1000.0;

/// Between two questions to HAProxy; one takes 0.1 ms of its time.
const POLL: Duration = Duration::from_millis(1);

/// Longer than this and it does not work at all.
const LIMIT: Duration = Duration::from_secs(20);

/// A second SIGUSR2 within about a second of the first is dropped (measured).
const BETWEEN: Duration = Duration::from_millis(1100);

/// `srv_admin_state`: maint by command.
const MAINT: u32 = 1;

const HOW: &str = "wg1 is dead. From the command (kill and start, `-sf`, SIGUSR2 to the master) to the new HAProxy \
    showing wg1 in maint. Beside it: to its first answer, seen by asking every few milliseconds.";

#[derive(Clone, Copy)]
enum Kind {
    KillAndStart,
    TakeOver,
    Master,
}

pub(crate) async fn measure(program: &Program) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (kind, name) in [
        (Kind::KillAndStart, "applied again after kill, start"),
        (Kind::TakeOver, "applied again after -sf reload"),
        (Kind::Master, "applied again after master reload"),
    ] {
        figures.push(measure_kind(program, kind, name).await);
    }
    figures
}

async fn measure_kind(program: &Program, kind: Kind, name: &str) -> Figure {
    let mode = if matches!(kind, Kind::Master) { Mode::MasterWorker } else { Mode::Plain };
    let mut lab =
        Lab::start_with(Layout::AllBackup, |haproxy| haproxy.mode(mode).hard_stop_after("2s")).await;
    lab.wg1.set(Fault::Reject(1)).await;
    let config = lab.write_config(&lab.config());
    let mut daemon: Daemon = program.run(&config);
    until_maint(&lab.haproxy).await;
    let (mut applied, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..TRIALS {
        let start = Instant::now();
        match kind {
            Kind::KillAndStart => {
                lab.haproxy.kill();
                lab.haproxy.restart().await;
            }
            Kind::TakeOver => lab.haproxy.reload_sf().await,
            Kind::Master => lab.haproxy.reload_master().await,
        }
        answered.push(start.elapsed());
        until_maint(&lab.haproxy).await;
        applied.push(start.elapsed());
        sleep(BETWEEN).await;
    }
    daemon.terminate().await;
    Figure::new(Measured::trials(name, &applied), HOW)
        .beside(Measured::trials("the new HAProxy answers", &answered))
        .at_most(MOST, Quantile::Max)
}

async fn until_maint(haproxy: &Haproxy) {
    let start = Instant::now();
    while haproxy.server("wg1").await.administrative & MAINT == 0 {
        assert!(start.elapsed() < LIMIT, "nothing was applied within {LIMIT:?}");
        sleep(POLL).await;
    }
}
