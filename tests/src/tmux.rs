//! A terminal to type into and to read: tmux, with a server of its own that ends with it.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::process::{children_of, in_path};
use crate::{command, process};

const POLL: Duration = Duration::from_millis(50);

/// One terminal with one program in it.
pub struct Tmux {
    program: PathBuf,
    socket: PathBuf,
    _dir: TempDir,
}

impl Tmux {
    /// Runs `script` by the shell on a screen of this size. Panics where there is no tmux.
    #[must_use]
    pub fn start(width: u16, height: u16, script: &str) -> Self {
        let program = in_path("tmux").expect("tmux is missing: apt-get install tmux, or tests/prepare");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let tmux = Self { program, socket: dir.path().join("tmux"), _dir: dir };
        let (width, height) = (width.to_string(), height.to_string());
        tmux.run(&["new-session", "-d", "-x", &width, "-y", &height, script]);
        tmux
    }

    /// Presses keys, by tmux' names for them; what is no name is typed.
    pub fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Gives the screen another size.
    pub fn resize(&self, width: u16, height: u16) {
        self.run(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// What is on the screen now.
    #[must_use]
    pub fn screen(&self) -> String {
        String::from_utf8(self.run(&["capture-pane", "-p"]).stdout).expect("tmux writes UTF-8")
    }

    /// Waits until the screen is as `wanted`; panics with the last one after `patience`.
    pub async fn screen_when(&self, wanted: impl Fn(&str) -> bool, patience: Duration) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(start.elapsed() < patience, "the screen stays\n{screen}");
            sleep(POLL).await;
        }
    }

    /// Sends `signal` to the program that the shell runs now.
    pub fn signal(&self, signal: Signal) {
        let shell = self.run(&["display-message", "-p", "#{pane_pid}"]).stdout;
        let shell = String::from_utf8_lossy(&shell).trim().parse().expect("tmux knows its shell");
        let program = *children_of(shell).first().expect("the shell runs something");
        process::signal(program, signal);
    }

    fn run(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().expect("tmux runs");
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command::plain(&self.program);
        // Nobody's own settings, and no session of somebody else's.
        command.args(["-u", "-f", "/dev/null", "-S"]).arg(&self.socket).args(args).env_remove("TMUX");
        command
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // It hangs up on what still runs in it.
        self.command(&["kill-server"]).output().ok();
    }
}
