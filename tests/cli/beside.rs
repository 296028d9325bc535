//! hactl running beside HAProxy, and its commands.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::command;
use e2e::haproxy::Builder;
use e2e::{Daemon, Lab, Layout, Ran};
use serde_json::Value;
use tokio::time::sleep;

/// The program under test.
pub(super) const HACTL: &str = env!("CARGO_BIN_EXE_hactl-dup");

/// Long enough for a machine that does much else meanwhile; nothing here is a measurement.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const POLL: Duration = Duration::from_millis(20);

pub(super) struct Beside {
    pub(super) lab: Lab,
    pub(super) hactl: Daemon,
}

impl Beside {
    /// The scene with all exits well, each of them judged.
    pub(super) async fn start() -> Self {
        Self::start_with(|haproxy| haproxy).await
    }

    /// As `start`, with HAProxy as `adapt` wants it.
    pub(super) async fn start_with(adapt: impl FnOnce(Builder) -> Builder) -> Self {
        Self::start_as(adapt, |config, _| config).await
    }

    /// The same with hactl's configuration as `configured` wants it.
    pub(super) async fn start_as(
        adapt: impl FnOnce(Builder) -> Builder,
        configured: impl FnOnce(String, &Lab) -> String,
    ) -> Self {
        let lab = Lab::start_with(Layout::AllBackup, adapt).await;
        let hactl = Self::daemon(&lab.write_config(&configured(patient(&lab), &lab)));
        let mut beside = Self { lab, hactl };
        beside.all_judged().await;
        beside
    }

    /// Another daemon in place of one that has ended.
    pub(super) async fn restart(&mut self) {
        self.hactl = Self::daemon(&self.lab.write_config(&patient(&self.lab)));
        self.all_judged().await;
    }

    fn daemon(file: &Path) -> Daemon {
        let file = file.to_str().expect("the directory's name is plain");
        Daemon::start_command(command::plain(HACTL.as_ref()).args(["run", "--config", file]))
    }

    async fn all_judged(&mut self) {
        for server in ["wg1", "wg2", "cloudflare_warp"] {
            self.said(&format!("socks_back_7891/{server} is online")).await;
        }
    }

    pub(super) async fn said(&mut self, text: &str) -> String {
        self.hactl.wait_for_line(text, PATIENCE).await
    }

    /// `hactl status` with these arguments.
    pub(super) async fn status(&self, args: &[&str]) -> Ran {
        let socket = self.lab.hactl_socket().display().to_string();
        command::run(HACTL, &[&["status", "--socket", &socket], args].concat()).await
    }

    /// Asks for the status until it is as `wanted`.
    pub(super) async fn status_when(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let ran = self.status(&["-o", "json"]).await;
            let status: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
            if wanted(&status) {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the status stays {status:#}");
            sleep(POLL).await;
        }
    }
}

/// The scene's configuration, with limits that a busy machine keeps.
pub(super) fn patient(lab: &Lab) -> String {
    lab.config().replace("timeout = \"500ms\"", "timeout = \"30s\"")
}
