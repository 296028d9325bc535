//! HAProxy and its exits, an operator's maint, and hactl with one place armed.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use e2e::haproxy::{Shown, shown};
use e2e::{Daemon, Fault, Lab, Layout, Signal, Witness};
use serde_json::Value;
use tokio::time::sleep;

/// Long enough for a machine that does much else meanwhile; nothing here is a measurement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(5);

/// The server that dies, the one that takes its place, and the operator's, with the bits that show its maint.
pub(crate) const DEAD: &str = "wg1";
const SUCCESSOR: &str = "cloudflare_warp";
const THEIRS: &str = "wg2";
const MAINT: u32 = 1;

/// What is done at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Kill,
    Delay,
    Error,
}

/// What is done where, and at which turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) place: &'static str,
    pub(crate) turn: u64,
    pub(crate) action: Action,
}

pub(crate) struct Scene {
    pub(crate) lab: Lab,
    witness: Witness,
    rules: &'static str,
    /// How many times the operator had to set theirs again.
    set_again: usize,
}

impl Scene {
    /// With these lines in the backend's configuration of hactl.
    pub(crate) async fn start(rules: &'static str) -> Self {
        let adapt = |haproxy: e2e::haproxy::Builder| haproxy.state_file().hard_stop_after("3s");
        let lab = Lab::start_with(Layout::AllBackup, adapt).await;
        set_by_operator(&lab).await;
        let witness = Witness::start(&lab.haproxy);
        Self { lab, witness, rules, set_again: 0 }
    }

    /// Starts hactl and waits until it has come to where `case` is; how it ended, where that is a kill.
    pub(crate) async fn reach(&self, case: &Case) -> (Daemon, Option<ExitStatus>) {
        let reached = self.reached();
        fs::remove_file(&reached).or_else(absent).expect("the scene's directory is writable");
        let mut hactl = self.start_hactl(Some(case));
        let start = Instant::now();
        while !reached.exists() {
            let ended = hactl.ended().filter(|_| !reached.exists());
            let lines = hactl.lines().join("\n");
            assert!(ended.is_none(), "{case:?}: ended with {ended:?} before it was reached\n{lines}");
            assert!(start.elapsed() < PATIENCE, "{case:?} was not reached\n{lines}");
            sleep(POLL).await;
        }
        if case.action != Action::Kill {
            return (hactl, None);
        }
        let status = hactl.wait(PATIENCE).await;
        assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{case:?}");
        let shown = shown(&self.lab.haproxy.admin_socket()).await.expect("HAProxy answers");
        let is_out = shown.servers[DEAD].administrative == MAINT;
        assert!(!is_out || self.claims() == claims_of(true), "{case:?}: out before it was written down");
        (hactl, Some(status))
    }

    /// hactl with `case` armed, or with nothing.
    pub(crate) fn start_hactl(&self, case: Option<&Case>) -> Daemon {
        let state_file = self.lab.haproxy.state_file();
        let lines = format!("\nserver_state_file = \"{}\"\n\n[[instance.backend]]", state_file.display());
        let config = self.lab.config().replace("\n[[instance.backend]]", &lines) + self.rules;
        let file = self.lab.write_config(&config);
        let (file, reached) = (file.display().to_string(), self.reached().display().to_string());
        let args = ["run", "--config", &file];
        let mut env = vec![("HACTL_LOG", "info,controller=debug")];
        let armed = case.map(Case::armed);
        if let Some(armed) = &armed {
            env.extend([("FAILPOINT", armed.as_str()), ("FAILPOINT_REACHED", &reached)]);
        }
        Daemon::start(env!("CARGO_BIN_EXE_hactl-failpoints"), &args, &env)
    }

    /// Waits until HAProxy has the server as it is to be, and the ledger says so.
    pub(crate) async fn until_right(&self, case: &Case, hactl: &Daemon, dead: bool) {
        let start = Instant::now();
        loop {
            let shown = shown(&self.lab.haproxy.admin_socket()).await;
            let is_right = |shown: &Shown| {
                let bits = |name: &str| shown.servers[name].administrative;
                bits(DEAD) == u32::from(dead) && bits(SUCCESSOR) == 0 && bits(THEIRS) == MAINT
            };
            let claims = self.claims();
            if shown.as_ref().is_some_and(is_right) && claims == claims_of(dead) {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{case:?}: dead: {dead}, HAProxy shows {shown:?}, the ledger claims {claims:?}\n{}",
                hactl.lines().join("\n")
            );
            sleep(POLL).await;
        }
    }

    /// The tunnel works again, and a hactl without failpoints sees to the rest.
    pub(crate) async fn heal(&self, case: &Case) {
        self.lab.exit(DEAD).set(Fault::None).await;
        let mut hactl = self.start_hactl(None);
        self.until_right(case, &hactl, false).await;
        hactl.kill();
    }

    /// A new process of HAProxy takes over. It has forgotten what the operator set, who sets it again.
    pub(crate) async fn reload(&mut self) {
        self.lab.haproxy.reload_sf().await;
        set_by_operator(&self.lab).await;
        self.set_again += 1;
    }

    /// No backend was ever emptied, and nothing of the operator's undone.
    pub(crate) fn assert_nobody_was_harmed(&self) {
        self.witness.assert_never_emptied(&self.lab.haproxy);
        self.witness.assert_untouched(&self.lab.haproxy, THEIRS, MAINT, self.set_again);
    }

    fn reached(&self) -> PathBuf {
        self.lab.haproxy.dir().join("reached")
    }

    /// What the ledger says that is ours.
    fn claims(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.lab.hactl_state()).into_iter().flatten().flatten();
        let mut files = entries.map(|entry| entry.path());
        let is_one = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "json");
        let Some(file) = files.find(is_one) else { return BTreeSet::new() };
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return BTreeSet::new(),
            Err(error) => panic!("{}: {error}", file.display()),
        };
        let ledger: Value = serde_json::from_slice(&text).expect("it is whole at any instant");
        ledger["claims"].as_object().expect("it has claims").keys().cloned().collect()
    }
}

impl Case {
    /// As the program reads it from its environment.
    fn armed(&self) -> String {
        let action = match self.action {
            Action::Kill => "kill",
            Action::Delay => "delay",
            Action::Error => "error",
        };
        format!("{} {} {action}", self.place, self.turn)
    }
}

fn claims_of(dead: bool) -> BTreeSet<String> {
    dead.then(|| format!("{}/{DEAD}", e2e::haproxy::BACKEND)).into_iter().collect()
}

fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

async fn set_by_operator(lab: &Lab) {
    let line = format!("set server {}/{THEIRS} state maint", e2e::haproxy::BACKEND);
    assert_eq!(lab.haproxy.runtime(&line).await.trim(), "");
}
