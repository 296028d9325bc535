//! The lab with hactl in it, and what HAProxy and hactl's log say of a server.

use std::time::{Duration, Instant};

use e2e::Daemon;
use e2e::haproxy::BACKEND;
use e2e::wireguard::{Lab, SERVERS};
use serde_json::Value;
use tokio::time::sleep;

use crate::arguments::Arguments;
use crate::program;

/// How long every server has to be in service before the next fault: what the last one has left is over by then.
const QUIET: Duration = Duration::from_secs(3);

/// WireGuard may take half a minute to find a peer again, and hactl some rounds more.
const QUIET_LIMIT: Duration = Duration::from_secs(180);

/// Between two looks while nothing is measured.
const POLL: Duration = Duration::from_millis(20);

/// `maint` in HAProxy's admin state.
const MAINT: u32 = 0x01;

pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) hactl: Daemon,
}

impl Scene {
    pub(crate) fn start(lab: Lab, arguments: &Arguments) -> Self {
        let file = lab.write_config(&arguments.probing(), "");
        let file = file.to_str().expect("the directory's name is plain");
        let hactl = Daemon::start(program::beside_this(), &["run", "--config", file], &[]);
        Self { lab, hactl }
    }

    /// Whether HAProxy has the server `name` in maint.
    pub(crate) async fn is_in_maint(&self, name: &str) -> bool {
        self.lab.haproxy.server(name).await.administrative & MAINT != 0
    }

    /// Waits until hactl has found all servers online and has left them so for a while.
    pub(crate) async fn wait_until_quiet(&mut self) {
        let (start, mut quiet_since) = (Instant::now(), Instant::now());
        while quiet_since.elapsed() < QUIET {
            let mut all_well = true;
            for name in SERVERS {
                all_well &=
                    !self.is_in_maint(name).await && self.last_said(name).as_deref() == Some("online");
            }
            if !all_well {
                quiet_since = Instant::now();
            }
            assert!(start.elapsed() < QUIET_LIMIT, "not all servers are in service after {QUIET_LIMIT:?}");
            assert_eq!(self.hactl.ended(), None, "hactl has ended");
            sleep(POLL).await;
        }
    }

    /// What hactl said last of the health of the server `name`, in one word.
    fn last_said(&self, name: &str) -> Option<String> {
        self.hactl.lines().iter().rev().find_map(|line| health_of(line, name))
    }

    /// How often hactl has said since line `from` that the server `name` was not online, and that it was put to maint.
    pub(crate) fn alarms(&self, from: usize, name: &str) -> (usize, usize) {
        let lines = self.hactl.lines();
        let new = || lines.iter().skip(from);
        let bad = new().filter(|line| health_of(line, name).is_some_and(|word| word != "online")).count();
        let closed = new().filter(|line| line.contains(&format!("{BACKEND}/{name} set to maint"))).count();
        (bad, closed)
    }
}

/// What a line of the log says of the health of the server `name`.
fn health_of(line: &str, name: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    let is_meant = event["kind"] == "health" && event["backend"] == BACKEND && event["server"] == name;
    is_meant.then(|| event["to"].as_str().map(str::to_owned))?
}
