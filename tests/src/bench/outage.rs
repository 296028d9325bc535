//! How long clients are without service after a fault, with hactl and, at the same time and from the same exits, with
//! nothing but HAProxy's own end-to-end check.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::haproxy::Builder;
use e2e::lab::EXITS;
use e2e::{Exit, Fault, Haproxy, Lab, Layout};
use tokio::time::sleep;

use crate::clients::{Clients, Unserved};
use crate::figure::{Figure, Measured, Quantile};
use crate::program::Program;

/// Half of what a request to the target and back takes.
pub(crate) const ONE_WAY: Duration = Duration::from_millis(10);

/// From one canary to the next in the profile `fast`. The faults are spread over it, since how long one goes unseen
/// depends on its phase.
pub(crate) const CANARY: Duration = Duration::from_millis(150);

/// Faults of each kind.
pub(crate) const TRIALS: u32 = 10;

/// Until hactl has seen that the tunnels are quiet, and judges them at their own pace: 300 answers in a row, none late.
pub(crate) const GETTING_QUIET: Duration = Duration::from_secs(70);

/// How long a fault lasts at the least: one that ended as soon as it was seen would be an interruption, from which hactl
/// learns to be more patient.
pub(crate) const LASTS: Duration = Duration::from_secs(3);

/// Each with the milliseconds that clients may be without service. "Reject" is the code that the field's servers give
/// for a dead tunnel: general failure.
const FAULTS: [(&str, Fault, f64); 3] = [
    ("black hole", Fault::BlackHole, 400.0),
    ("CONNECT rejected", Fault::Reject(1), 150.0),
    ("port closed", Fault::Refuse, 50.0),
];

const CAME_HOW: &str = "From the fault until the first client comes that is served (one comes each 10 ms, on a fresh \
    connection). The fault is in wg1, which is in service, wg2 is well; hactl has the profile fast and has run for 70 s. \
    Beside it, from the same exits: a HAProxy without hactl whose SOCKS tcp-check has inter 100ms, timeout check 250ms, \
    fall 2.";

const BETWEEN_HOW: &str = "The same from one answer to the next: from the end of the last request that succeeded before \
    the fault to the end of the first success among those begun after it. What a request takes when all is well is part \
    of it: two round trips.";

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
    sleep(GETTING_QUIET).await;
    let mut figures = Vec::new();
    for (name, fault, most) in FAULTS {
        figures.extend(scene.figures(name, fault, most).await);
    }
    daemon.terminate().await;
    figures
}

impl Scene {
    async fn figures(&self, name: &str, fault: Fault, most: f64) -> [Figure; 2] {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for trial in 0..TRIALS {
            let (hactl, tcp_check) = self.trial(fault, CANARY * trial / TRIALS).await;
            with.push(hactl);
            without.push(tcp_check);
        }
        let figure = |what: &str, of: fn(&Unserved) -> Duration, how| {
            let times = |unserved: &[Unserved]| -> Vec<Duration> { unserved.iter().map(of).collect() };
            Figure::new(Measured::trials(format!("{what}, {name}"), &times(&with)), how)
                .beside(Measured::trials("HAProxy's own SOCKS check", &times(&without)))
        };
        [
            figure("outage", |unserved| unserved.came, CAME_HOW).at_most(most, Quantile::P50),
            figure("between answers", |unserved| unserved.between_answers, BETWEEN_HOW),
        ]
    }

    async fn trial(&self, fault: Fault, phase: Duration) -> (Unserved, Unserved) {
        tokio::join!(self.hactl.wait_until_served_by("wg1"), self.tcp_check.wait_until_served_by("wg1"));
        sleep(phase).await;
        self.lab.wg1.set(fault).await;
        let broken = Instant::now();
        let outages = tokio::join!(self.hactl.outage(broken), self.tcp_check.outage(broken));
        sleep(LASTS.saturating_sub(broken.elapsed())).await;
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
pub(crate) fn with_tcp_check(lab: &Lab) -> Builder {
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
