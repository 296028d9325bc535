//! hactl as a process, and what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::Daemon;
use serde_json::Value;

use crate::run::Failure;
use crate::scene::start;

/// Built together with the demo, see `tests/Cargo.toml`.
const PROGRAM: &str = "hactl-dup";

/// What it is called in the scene's directory.
const NAME: &str = "hactl";

/// Its own socket, in the scene's directory.
pub(crate) const SOCKET: &str = "hactl.sock";

/// One line of its log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The sentence.
    pub(crate) text: String,
    /// The server and its new health, where that is what it tells.
    health: Option<(String, String)>,
}

impl Line {
    /// Whether it tells that `server` is `health` now.
    pub(crate) fn says(&self, server: &str, health: &str) -> bool {
        self.health.as_ref().is_some_and(|(of, to)| of == server && to == health)
    }
}

/// A running hactl, ended when dropped.
pub(crate) struct Hactl {
    process: Daemon,
    program: PathBuf,
    socket: PathBuf,
    /// How many of its lines were taken.
    taken: usize,
}

impl Hactl {
    /// Starts it in `dir`, where it gets its usual name, with this configuration.
    pub(crate) fn start(dir: &Path, config: &str) -> Result<Self, Failure> {
        let cannot = |what: &str, error| Failure::Start(format!("{what}: {error}"));
        let demo = std::env::current_exe().map_err(|error| cannot("where this program is", error))?;
        let built = demo.with_file_name(PROGRAM);
        if !built.is_file() {
            let path = built.display();
            return Err(Failure::Start(format!("{path} is missing: cargo build --locked -p e2e --bins")));
        }
        let (program, file) = (dir.join(NAME), dir.join("hactl.toml"));
        std::os::unix::fs::symlink(built, &program).map_err(|error| cannot("a link to hactl", error))?;
        std::fs::write(&file, config).map_err(|error| cannot("hactl's configuration", error))?;
        let mut command = Command::new(&program);
        // What the caller's environment says is for another hactl.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HACTL_"))
        {
            command.env_remove(name);
        }
        command.arg("run").arg("--config").arg(file);
        Ok(Self { process: start(&mut command), program, socket: dir.join(SOCKET), taken: 0 })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it said since this was last called. Its log is JSON where nobody looks at it.
    pub(crate) fn news(&mut self) -> Vec<Line> {
        let lines = self.process.lines();
        let news = lines[self.taken..].iter().map(|line| parse(line)).collect();
        self.taken = lines.len();
        news
    }

    /// When it has ended, its last words.
    pub(crate) fn last_words(&mut self) -> Option<String> {
        let status = self.process.ended()?;
        Some(format!("hactl has ended ({status}):\n  {}", self.process.lines().join("\n  ")))
    }

    /// Prints `hactl status` where the demo prints.
    pub(crate) fn print_status(&self) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        command.arg("status").arg("--exit-zero").arg("--socket").arg(&self.socket).stdin(Stdio::null());
        let status = command.status().map_err(|error| Failure::Story(format!("hactl status: {error}")))?;
        if status.success() { Ok(()) } else { Err(Failure::Story(format!("hactl status: {status}"))) }
    }
}

fn parse(line: &str) -> Line {
    let fields: Value = serde_json::from_str(line).unwrap_or_default();
    let field = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    Line {
        text: field("message").unwrap_or_else(|| line.to_owned()),
        health: field("server").zip(field("to")),
    }
}
