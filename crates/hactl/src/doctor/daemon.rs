//! The daemon, if it runs: what it says of itself.

use std::fs::File;
use std::io::Read;

use failover::status::Status;
use hactld::admin::STATUS_PATH;
use hactld::config::Config;

use super::Group;
use crate::client::{self, ClientError};

/// A number and a line feed.
const LOCK_MAX: u64 = 16;

pub(super) struct Daemon {
    status: Result<Status, String>,
    is_denied: bool,
    pid: Option<u32>,
}

impl Daemon {
    /// The one whose socket the configuration names.
    pub(super) fn of(config: &Config) -> Self {
        let answer = client::get(&config.admin_socket, STATUS_PATH);
        let is_denied = matches!(&answer, Err(ClientError::Connect(error)) if error.kind() == std::io::ErrorKind::PermissionDenied);
        let status = answer.map_err(|error| error.to_string());
        let status = status
            .and_then(|text| serde_json::from_str(&text).map_err(|_| "it speaks another version".to_owned()));
        let pid = status.is_ok().then(|| pid(config)).flatten();
        Self { status, is_denied, pid }
    }

    pub(super) const fn runs(&self) -> bool {
        self.status.is_ok() || self.is_denied
    }

    pub(super) const fn pid(&self) -> Option<u32> {
        self.pid
    }

    pub(super) fn check(&self, config: &Config) -> Group {
        let socket = config.admin_socket.display();
        let mut group = Group::new("daemon", format!("at {socket}"));
        let status = match &self.status {
            Ok(status) => status,
            Err(_) if self.is_denied => {
                group.warn("D17", format!("this user may not ask hactl at {socket}"), "sudo hactl doctor");
                return group;
            }
            Err(why) => {
                group.warn(
                    "D17",
                    format!("hactl does not run, or does not answer at {socket}: {why}"),
                    "systemctl start hactl",
                );
                return group;
            }
        };
        group.text = format!("hactl {} at {socket}, {}", status.version, self.words(status));
        if status.version != hactld::VERSION {
            let text = format!("hactl {} runs, and this is {}", status.version, hactld::VERSION);
            group.warn("D17", text, "systemctl restart hactl");
        }
        if status.config_stale {
            group.warn("D17", "it runs with an older configuration: the file cannot be used", "hactl reload");
        }
        for problem in &status.problems {
            group.warn("D17", problem.clone(), "hactl status");
        }
        group.settle("D17");
        group
    }

    fn words(&self, status: &Status) -> String {
        let word = if status.applying { "applying" } else { "not applying" };
        self.pid.map_or_else(|| word.to_owned(), |pid| format!("pid {pid}, {word}"))
    }
}

/// As its lock file has it, which its group may read.
fn pid(config: &Config) -> Option<u32> {
    let mut name = config.admin_socket.as_os_str().to_owned();
    name.push(".lock");
    let mut text = String::new();
    File::open(name).ok()?.take(LOCK_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
