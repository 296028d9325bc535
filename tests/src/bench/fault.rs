//! How soon HAProxy is right again once it answers again.

use std::time::{Duration, Instant};

use e2e::{Daemon, Fault, Lab, Layout, haproxy};
use tokio::net::UnixStream;
use tokio::time::sleep;

use crate::figure::{Figure, Measured, Quantile};
use crate::program::Program;

const TRIALS: u32 = 6;

/// Milliseconds.
const MOST: f64 = 1000.0;

/// `stats maxconn` by default, for all stats sockets together.
const CLI_SLOTS: usize = 10;

/// Long enough that hactl has seen that HAProxy does not answer, and has come to another verdict meanwhile. The
/// instants at which it ends are spread over hactl's own rhythm of up to 1.1 s.
const LASTS: Duration = Duration::from_millis(4000);
const LASTS_MORE: Duration = Duration::from_millis(190);

/// Longer than this and it does not work at all.
const LIMIT: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(1);

/// `srv_admin_state`: maint by command.
const MAINT: u32 = 1;

const HOW: &str = "HAProxy does not answer for 4 to 5 s, and wg1 dies or comes back meanwhile. From its answering again \
    (SIGCONT; ten idle connections closed; the socket's file renamed back) to the state that is right now.";

#[derive(Clone, Copy)]
enum Kind {
    Stopped,
    FullCli,
    NoSocket,
}

pub(crate) async fn measure(program: &Program) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (kind, name) in [
        (Kind::Stopped, "right again after SIGSTOP"),
        (Kind::FullCli, "right again after a full CLI"),
        (Kind::NoSocket, "right again after a missing socket"),
    ] {
        figures.push(measure_kind(program, kind, name).await);
    }
    figures
}

async fn measure_kind(program: &Program, kind: Kind, name: &str) -> Figure {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut daemon: Daemon = program.run(&lab.write_config(&lab.config()));
    lab.wg1.set(Fault::Reject(1)).await;
    until(&lab, MAINT).await;
    let mut took = Vec::new();
    for trial in 0..TRIALS {
        let (fault, right) = if trial % 2 == 0 { (Fault::None, 0) } else { (Fault::Reject(1), MAINT) };
        let idle = begin(&lab, kind).await;
        lab.wg1.set(fault).await;
        sleep(LASTS + LASTS_MORE * trial).await;
        let ended = Instant::now();
        end(&lab, kind);
        drop(idle);
        until(&lab, right).await;
        took.push(ended.elapsed());
    }
    daemon.terminate().await;
    Figure::new(Measured::trials(name, &took), HOW).at_most(MOST, Quantile::Max)
}

async fn begin(lab: &Lab, kind: Kind) -> Vec<UnixStream> {
    let socket = lab.haproxy.admin_socket();
    let mut idle = Vec::new();
    match kind {
        Kind::Stopped => lab.haproxy.stop().await,
        Kind::FullCli => {
            for _ in 0..CLI_SLOTS {
                idle.push(UnixStream::connect(&socket).await.expect("HAProxy listens"));
            }
        }
        Kind::NoSocket => {
            std::fs::rename(&socket, socket.with_extension("away")).expect("our directory is writable");
        }
    }
    idle
}

fn end(lab: &Lab, kind: Kind) {
    let socket = lab.haproxy.admin_socket();
    match kind {
        Kind::Stopped => lab.haproxy.cont(),
        Kind::FullCli => {}
        Kind::NoSocket => {
            std::fs::rename(socket.with_extension("away"), &socket).expect("our directory is writable");
        }
    }
}

/// Waits until wg1 is in maint, or is not.
async fn until(lab: &Lab, maint: u32) {
    let start = Instant::now();
    loop {
        let shown = haproxy::shown(&lab.haproxy.admin_socket()).await;
        if shown.is_some_and(|shown| shown.servers["wg1"].administrative & MAINT == maint) {
            return;
        }
        assert!(start.elapsed() < LIMIT, "nothing was applied within {LIMIT:?}");
        sleep(POLL).await;
    }
}
