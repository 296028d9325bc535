//! How long a client is stuck in a dead tunnel: until its session is cut and it is served again, with hactl and, from the
//! same exits, with HAProxy's own means.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::{Fault, Lab, Layout, closed, get_through, hold_through};
use tokio::time::{sleep, timeout};

use crate::clients::Clients;
use crate::figure::{Figure, Measured, Quantile};
use crate::outage::with_tcp_check;
use crate::program::Program;

/// Each takes the grace and the recovery after it.
const TRIALS: u32 = 5;

/// `kill_after`, as it is where nothing is configured.
const GRACE: Duration = Duration::from_secs(5);

/// What the client may be stuck for on top of the grace: to find the fault, and to find it in HAProxy's count.
const ON_TOP: Duration = Duration::from_secs(1);

/// A client that is stuck for longer counts as stuck for this long.
const STUCK_LIMIT: Duration = Duration::from_secs(20);

/// Until HAProxy's sessions have been counted with the one that is measured among them.
const COUNTED: Duration = Duration::from_millis(1500);

const HOW: &str = "From the fault until a client that was being served through wg1, by one long session, has been cut off, \
    connects anew and has its answer, which comes through WARP: wg1 and wg2 are black holes. kill_after is 5 s, as by \
    default; hactl has the profile fast. Beside it, from the same exits: a HAProxy without hactl whose SOCKS tcp-check has \
    inter 100ms, timeout check 250ms, fall 2, and `on-marked-down shutdown-sessions`, which cuts at once, whether or not \
    anything else works.";

pub(crate) async fn measure(program: &Program) -> Figure {
    let lab = Lab::start(Layout::AllBackup).await;
    let alone =
        with_tcp_check(&lab).defaults("    default-server on-marked-down shutdown-sessions").start().await;
    let mut daemon = program.run(&lab.write_config(&lab.config()));
    let steered = Clients::start(lab.haproxy.frontend(), lab.http.addr());
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..TRIALS {
        steered.wait_until_served_by("wg1").await;
        let target = lab.http.addr();
        let held = (
            hold_through(lab.haproxy.frontend(), target).await,
            hold_through(alone.frontend(), target).await,
        );
        let (Ok(mut by_hactl), Ok(mut by_itself)) = held else {
            panic!("no session through a healthy server: {held:?}")
        };
        sleep(COUNTED).await;
        let broken = Instant::now();
        tokio::join!(lab.wg1.set(Fault::BlackHole), lab.wg2.set(Fault::BlackHole));
        let stuck = tokio::join!(
            stuck(broken, &mut by_hactl, lab.haproxy.frontend(), target),
            stuck(broken, &mut by_itself, alone.frontend(), target),
        );
        with.push(stuck.0);
        without.push(stuck.1);
        tokio::join!(lab.wg1.set(Fault::None), lab.wg2.set(Fault::None));
    }
    daemon.terminate().await;
    let most = (GRACE + ON_TOP).as_secs_f64() * 1000.0;
    Figure::new(Measured::trials("stuck in a dead tunnel", &with), HOW)
        .beside(Measured::trials("HAProxy's own check and shutdown-sessions", &without))
        .at_most(most, Quantile::Max)
}

/// Until the session is cut and another one is served.
async fn stuck(
    broken: Instant,
    session: &mut tokio::net::TcpStream,
    proxy: SocketAddr,
    target: SocketAddr,
) -> Duration {
    let again = async {
        closed(session).await;
        while get_through(proxy, target).await.is_err() {}
    };
    // One that is never cut is told by the limit.
    let _ = timeout(STUCK_LIMIT, again).await;
    broken.elapsed()
}
