//! Everything that runs: exits and targets in this process, HAProxy and hactl beside it, clients that ask through
//! them. All of it ends when the scene is dropped.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::lab::{EXITS, HactlConfig, exit_names};
use e2e::{Ca, Daemon, Exit, ExitOptions, Fault, Port, Target};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::clients::Clients;
use crate::hactl::{self, Hactl};
use crate::haproxy::Haproxy;
use crate::ports;
use crate::run::Failure;

/// Between two looks at something that is about to happen.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// HAProxy and hactl are there within half a second; nobody should wait longer than this on a busy machine.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(10);

/// The scene; what depends on another part stands before it, so that it ends first.
pub(crate) struct Scene {
    pub(crate) clients: Clients,
    pub(crate) hactl: Hactl,
    pub(crate) haproxy: Haproxy,
    pub(crate) target: Target,
    /// Of hactl's own page.
    pub(crate) page: Port,
    _tls_target: Target,
    exits: [Exit; 3],
    dir: TempDir,
    _ca: Ca,
}

impl Scene {
    /// Starts all of it, and waits until hactl has found every exit to be online.
    pub(crate) async fn start() -> Result<Self, Failure> {
        ports::check()?;
        let dir = tempfile::Builder::new().prefix("hactl-demo-").tempdir();
        let dir = dir.map_err(|error| Failure::Start(format!("no temporary directory: {error}")))?;
        let exits = [0, 1, 2].map(|index| {
            let listen = Some(ports::at(ports::EXITS[index]));
            Exit::start_with(EXITS[index].1, ExitOptions { listen, ..ExitOptions::default() })
        });
        let ca = Ca::new();
        let (target, tls_target) = (Target::http(exit_names()), Target::https(exit_names(), &ca));
        let haproxy = Haproxy::start(dir.path()).await?;
        let config = HactlConfig {
            targets: [tls_target.url(), target.url()],
            ca_file: ca.file(),
            socket: &dir.path().join(hactl::SOCKET),
            state: &dir.path().join("state"),
            haproxy: haproxy.socket(),
        };
        let page = Port::free();
        let config = format!("[web]\nlisten = \"{}\"\n\n{config}", page.addr());
        let mut hactl = Hactl::start(dir.path(), &config)?;
        wait_until_online(&mut hactl).await?;
        let clients = Clients::start(ports::at(ports::FRONTEND), target.addr());
        Ok(Self { clients, hactl, haproxy, target, page, _tls_target: tls_target, exits, dir, _ca: ca })
    }

    /// The exit with this name.
    pub(crate) fn exit(&self, name: &str) -> Option<&Exit> {
        let index = EXITS.iter().position(|(known, _)| *known == name)?;
        self.exits.get(index)
    }

    /// Breaks or heals exits, all at once.
    pub(crate) async fn set(&self, names: &[&str], fault: Fault) {
        for exit in names.iter().filter_map(|name| self.exit(name)) {
            exit.set(fault).await;
        }
    }

    /// Where its files are.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// Starts a program whose log is kept. Out of reach of the terminal's Ctrl-C, which is for the demo: it ends them.
pub(crate) fn start(command: &mut Command) -> Daemon {
    Daemon::start_command(command.process_group(0))
}

async fn wait_until_online(hactl: &mut Hactl) -> Result<(), Failure> {
    let start = Instant::now();
    let mut missing: Vec<&str> = EXITS.iter().map(|(name, _)| *name).collect();
    loop {
        let news = hactl.news();
        missing.retain(|name| !news.iter().any(|line| line.says(name, "online")));
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(words) = hactl.last_words() {
            return Err(Failure::Start(words));
        }
        if start.elapsed() > START_LIMIT {
            let missing = missing.join(", ");
            return Err(Failure::Start(format!("hactl does not find {missing} to be online")));
        }
        sleep(POLL).await;
    }
}
