//! The lab with hactl running in it, and waits that end as soon as the thing happens.

use std::future::Future;
use std::time::{Duration, Instant};

use e2e::Daemon;
use e2e::haproxy::BACKEND;
use e2e::wireguard::{Dice, Lab, Path, Probing, SERVERS};
use tokio::time::sleep;

/// Long enough for a machine that does much else meanwhile, and for WireGuard, which looks for a peer that came back
/// each five seconds; nothing here is a measurement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at HAProxy.
const POLL: Duration = Duration::from_millis(5);

/// A near tunnel; a far one would only make the tests slow.
const ONE_WAY: Duration = Duration::from_millis(10);

/// hactl beside HAProxy in front of real tunnels.
pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) hactl: Daemon,
}

impl Scene {
    /// Plays `scene` once every server was found online.
    pub(crate) fn play<Playing: Future<Output = ()>>(scene: impl FnOnce(Self) -> Playing + Send) {
        Lab::run(path(), |lab| async {
            let hactl = start_hactl(&lab);
            let mut started = Self { lab, hactl };
            for name in SERVERS {
                started.said(0, &format!("{BACKEND}/{name} is online")).await;
            }
            scene(started).await;
        });
    }

    /// Waits for a log line from number `from` on that holds `text`.
    pub(crate) async fn said(&mut self, from: usize, text: &str) -> String {
        self.hactl.wait_for(from, text, |line| line.contains(text), PATIENCE).await
    }

    /// Waits until HAProxy has these servers in maint and no others.
    pub(crate) async fn wait_for_maint(&self, names: &[&str]) {
        let start = Instant::now();
        loop {
            let maint = self.in_maint().await;
            if maint == names {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{maint:?} are in maint, not {names:?}");
            sleep(POLL).await;
        }
    }

    /// The servers in maint.
    pub(crate) async fn in_maint(&self) -> Vec<&'static str> {
        let mut maint = Vec::new();
        for name in SERVERS {
            if self.lab.haproxy.server(name).await.administrative != 0 {
                maint.push(name);
            }
        }
        maint
    }
}

/// What a test's tunnels are like: without loss, so that whatever happens comes from what was broken.
pub(crate) fn path() -> Path {
    Path { one_way: ONE_WAY, loss_per_mille: 0, seed: Dice::any_seed() }
}

fn start_hactl(lab: &Lab) -> Daemon {
    let probing = Probing { profile: "fast".to_owned(), hold_max: "5m".to_owned() };
    let file = lab.write_config(&probing, "");
    let file = file.to_str().expect("the directory's name is plain");
    Daemon::start(env!("CARGO_BIN_EXE_hactl-dup"), &["run", "--config", file], &[])
}
