//! A program inside a namespace: started, killed, stopped; its log shown where a test fails.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use super::namespace::Namespace;
use crate::process;

/// Lines of a log that a panic shows: microsocks has one for each connection.
const SHOWN: usize = 10;

/// Killed when dropped.
pub(super) struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command` in `namespace`; what it says goes to the end of `log`.
    pub(super) fn start(namespace: &Namespace, command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("our directory is writable");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a file can be had twice")).stderr(file);
        let child = namespace.run(|| command.spawn());
        let child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, log: log.to_owned() }
    }

    /// Panics where it has ended by itself.
    pub(super) fn assert_runs(&mut self) {
        let ended = self.child.try_wait().ok().flatten();
        assert_eq!(ended, None, "a program has ended; its log {}:\n{}", self.log.display(), self.said());
    }

    /// Ends it at once (SIGKILL).
    pub(super) fn kill(&mut self) {
        process::kill_tree(&mut self.child);
    }

    /// Stops it where it stands (SIGSTOP); its sockets stay.
    pub(super) async fn pause(&self) {
        process::pause(self.child.id()).await;
    }

    /// Lets it go on (SIGCONT).
    pub(super) fn resume(&self) {
        process::signal(self.child.id(), Signal::CONT);
    }

    /// The last lines of its log.
    fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        process::show_if_panicking(&self.log.display().to_string(), &self.said());
        self.kill();
    }
}
