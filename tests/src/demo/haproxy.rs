//! HAProxy with `config/haproxy.cfg` as it stands in this repository.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
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
        let mut command = Command::new(&binary);
        command.args(["-db", "-f", CONFIG]).env("HAPROXY_ADMIN_SOCKET", &socket);
        let process = scene::start(&mut command);
        let mut haproxy = Self { process, socket, version: String::new() };
        let start = Instant::now();
        loop {
            if let Some(version) = haproxy.info("Version").await {
                haproxy.version = version;
                return Ok(haproxy);
            }
            let ended = haproxy.process.ended();
            if ended.is_some() || start.elapsed() > START_LIMIT {
                return Err(Failure::Start(not_up(&binary, ended, &haproxy.process.lines())));
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

/// Why it is not there: what it said, or else what it did.
fn not_up(binary: &Path, ended: Option<ExitStatus>, lines: &[String]) -> String {
    let said = match lines {
        [] => "it said nothing".to_owned(),
        lines => lines[lines.len().saturating_sub(LAST_LINES)..].join("\n  "),
    };
    let how = ended.map_or_else(|| "it runs and does not answer".to_owned(), |status| status.to_string());
    format!("HAProxy does not come up: {}, {how}\n  {said}", binary.display())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_haproxy_that_does_not_come_up_is_named_with_how_it_ended_and_what_it_said() {
        let told = |ended, lines: &[&str]| {
            not_up(Path::new("/bin/false"), ended, &lines.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let failed = Some(ExitStatus::from_raw(1 << 8));
        assert_eq!(
            told(failed, &[]),
            "HAProxy does not come up: /bin/false, exit status: 1\n  it said nothing"
        );
        let silent = "HAProxy does not come up: /bin/false, it runs and does not answer\n  it said nothing";
        assert_eq!(told(None, &[]), silent);
        assert!(
            told(failed, &["1", "2", "3", "4", "5", "6"])
                .ends_with("exit status: 1\n  2\n  3\n  4\n  5\n  6")
        );
    }
}
