//! HAProxy with `config/haproxy.cfg` as it stands in this repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use e2e::haproxy::ask;
use e2e::{Daemon, Haproxy as Installed};
use tokio::time::sleep;

use crate::run::Failure;
use crate::scene::{self, POLL, START_LIMIT};

/// The configuration, the one that users begin with.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/haproxy.cfg");

/// Of what it wrote when it does not come up; the reason is in the last ones.
const LAST_LINES: usize = 5;

/// A running HAProxy, ended when dropped.
pub(crate) struct Haproxy {
    process: Daemon,
    socket: PathBuf,
    version: String,
}

impl Haproxy {
    /// Starts it with its admin socket in `dir`, and waits until it answers.
    pub(crate) async fn start(dir: &Path) -> Result<Self, Failure> {
        let binary = Installed::binary().map_err(Failure::Start)?;
        let socket = dir.join("admin.sock");
        let mut command = Command::new(binary);
        command.args(["-db", "-f", CONFIG]).env("HAPROXY_ADMIN_SOCKET", &socket);
        let process = scene::start(&mut command);
        let mut haproxy = Self { process, socket, version: String::new() };
        let start = Instant::now();
        loop {
            if let Some(version) = haproxy.info("Version").await {
                haproxy.version = version;
                return Ok(haproxy);
            }
            if haproxy.process.ended().is_some() || start.elapsed() > START_LIMIT {
                let lines = haproxy.process.lines();
                let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n  ");
                return Err(Failure::Start(format!("HAProxy does not come up:\n  {last}")));
            }
            sleep(POLL).await;
        }
    }

    /// The process that was started.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its version, without what Debian appends.
    pub(crate) fn version(&self) -> &str {
        self.version.split('-').next().unwrap_or_default()
    }

    /// Its runtime API.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The process that answers on the runtime API now.
    pub(crate) async fn answering(&self) -> Option<u32> {
        self.info("Pid").await?.parse().ok()
    }

    /// What its own check says of a server: `UP`, `DOWN`, `MAINT`.
    pub(crate) async fn status_of(&self, server: &str) -> Option<String> {
        let table = ask(&self.socket, "show stat").await.ok()?;
        let mut rows = table.lines().map(|line| line.trim_start_matches("# ").split(',').collect::<Vec<_>>());
        let header = rows.next()?;
        let column = |name: &str| header.iter().position(|found| *found == name);
        let (name, status) = (column("svname")?, column("status")?);
        let row = rows.find(|row| row.get(name) == Some(&server))?;
        row.get(status).map(ToString::to_string)
    }

    async fn info(&self, name: &str) -> Option<String> {
        let info = ask(&self.socket, "show info").await.ok()?;
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
        Some(value.to_owned())
    }
}
