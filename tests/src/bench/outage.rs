//! How long clients are without service after a fault, with hactl and, at the same time and from the same exits, with
//! nothing but HAProxy's own end-to-end check.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::haproxy::Builder;
use e2e::lab::EXITS;
use e2e::{Exit, Fault, Haproxy, Lab, Layout};
use tokio::time::sleep;

use crate::clients::Clients;
use crate::figure::{Figure, Measured, Quantile};
use crate::program::Program;

/// Half of what a request to the target and back takes.
pub(crate) const ONE_WAY: Duration = Duration::from_millis(10);

/// `interval` in `Lab::config`. The faults are spread over it, since how long one goes unseen depends on its phase.
const INTERVAL: Duration = Duration::from_millis(500);

/// Faults of each kind.
const TRIALS: u32 = 10;

/// Milliseconds that clients may be without service.
const MOST: f64 = 2500.0;

/// "Reject" is the code that the field's servers give for a dead tunnel: general failure.
const FAULTS: [(&str, Fault); 3] = [
    ("outage, black hole", Fault::BlackHole),
    ("outage, CONNECT rejected", Fault::Reject(1)),
    ("outage, port closed", Fault::Refuse),
];

const HOW: &str = "From the end of the last request that succeeded before the fault to the end of the first success \
    among the requests begun after it (a fresh connection each 10 ms, patience 2 s). The fault is in wg1, which is in \
    service, wg2 is well; hactl has interval 500ms and timeout 500ms. Beside it, from the same exits: a HAProxy \
    without hactl whose SOCKS tcp-check has inter 100ms, timeout check 250ms, fall 2.";

/// The scene of the measurement.
struct Scene {
    lab: Lab,
    hactl: Clients,
    tcp_check: Clients,
    _alone: Haproxy,
}

pub(crate) async fn measure(program: &Program) -> Vec<Figure> {
    let lab = Lab::start(Layout::AllBackup).await;
    slow_down([&lab.wg1, &lab.wg2, &lab.warp]);
    let alone = with_tcp_check(&lab).start().await;
    let mut daemon = program.run(&lab.write_config(&lab.config()));
    let hactl = Clients::start(lab.haproxy.frontend(), lab.http.addr());
    let tcp_check = Clients::start(alone.frontend(), lab.http.addr());
    let scene = Scene { lab, hactl, tcp_check, _alone: alone };
    let mut figures = Vec::new();
    for (name, fault) in FAULTS {
        figures.push(scene.figure(name, fault).await);
    }
    daemon.terminate().await;
    figures
}

impl Scene {
    async fn figure(&self, name: &str, fault: Fault) -> Figure {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for trial in 0..TRIALS {
            let (hactl, tcp_check) = self.trial(fault, INTERVAL * trial / TRIALS).await;
            with.push(hactl);
            without.push(tcp_check);
        }
        Figure::new(Measured::trials(name, &with), HOW)
            .beside(Measured::trials("HAProxy's own SOCKS check", &without))
            .at_most(MOST, Quantile::Max)
    }

    async fn trial(&self, fault: Fault, phase: Duration) -> (Duration, Duration) {
        tokio::join!(self.hactl.wait_until_served_by("wg1"), self.tcp_check.wait_until_served_by("wg1"));
        sleep(phase).await;
        self.lab.wg1.set(fault).await;
        let broken = Instant::now();
        let outages = tokio::join!(self.hactl.outage(broken), self.tcp_check.outage(broken));
        self.lab.wg1.set(Fault::None).await;
        outages
    }
}

/// Gives the exits the round trip of a near one.
pub(crate) fn slow_down<'e>(exits: impl IntoIterator<Item = &'e Exit>) {
    for exit in exits {
        exit.set_delay(ONE_WAY);
    }
}

/// HAProxy as good as it can do it alone: SOCKS handshake, CONNECT to the target and a request through the tunnel.
fn with_tcp_check(lab: &Lab) -> Builder {
    let addrs = [&lab.wg1, &lab.wg2, &lab.warp].map(Exit::addr);
    let servers: Vec<(&str, SocketAddr)> =
        EXITS.iter().zip(addrs).map(|((name, _), addr)| (*name, addr)).collect();
    let target_port = lab.http.addr().port();
    Haproxy::builder(Layout::AllBackup, &servers)
        .defaults("    default-server inter 100ms fall 2 rise 2")
        .backend(&format!(
            r#"    timeout check 250ms
    option tcp-check
    tcp-check connect
    tcp-check send-binary 050100
    tcp-check expect binary 0500
    tcp-check send-binary 050100017f000001{target_port:04x}
    tcp-check expect rbinary ^050000
    tcp-check send "GET / HTTP/1.0\r\nHost: probe\r\n\r\n"
    tcp-check expect string "HTTP/1.1 200""#
        ))
}
