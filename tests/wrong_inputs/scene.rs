//! hactl as a user who got something wrong starts it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::command::{self, run_command};
use e2e::{Daemon, Lab, Ran, programs};
use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(super) const HACTL: &str = env!("CARGO_BIN_EXE_hactl-dup");

/// Long enough for a machine that does much else meanwhile; nothing here is a measurement.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// `nobody`, who may do nothing.
const NOBODY: u32 = 65534;

/// The scene's configuration, with limits that a busy machine keeps.
pub(super) fn patient(lab: &Lab) -> String {
    lab.config().replace("timeout = \"500ms\"", "timeout = \"30s\"")
}

/// Starts `hactl run` with this configuration.
pub(super) fn start(lab: &Lab, config: &str) -> Daemon {
    let file = lab.write_config(config);
    Daemon::start_command(command::plain(HACTL.as_ref()).args(["run", "--config"]).arg(file))
}

/// Runs `hactl run` with a configuration that it cannot start with.
pub(super) async fn refused(config: &str, environment: &[(&str, &str)]) -> Ran {
    let dir = TempDir::new().expect("the directory for temporary files is writable");
    std::fs::write(dir.path().join("hactl.toml"), config).expect("a new directory is writable");
    let mut command = command::plain(HACTL.as_ref());
    command.current_dir(dir.path()).args(["run", "--config", "hactl.toml"]).envs(environment.iter().copied());
    run_command(&mut command, "").await
}

/// Waits for the log line that holds `text`; its message.
pub(super) async fn said(hactl: &mut Daemon, text: &str) -> String {
    let line = hactl.wait_for_line(text, PATIENCE).await;
    let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    line["message"].as_str().expect("every line has a message").to_owned()
}

/// `hactl status` of the daemon in the scene.
pub(super) async fn status(lab: &Lab) -> Ran {
    let socket = lab.hactl_socket().display().to_string();
    command::run(HACTL, &["status", "--socket", &socket]).await
}

/// Somebody without permissions, with a directory of their own and a copy of the program, which they might not reach
/// where it is. An ordinary user who runs the tests is that somebody; root becomes it.
pub(super) struct Nobody {
    dir: TempDir,
    is_root: bool,
}

impl Nobody {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().expect("the directory for temporary files is writable");
        programs::copy(Path::new(HACTL), &dir.path().join("hactl"));
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            set_mode(dir.path(), 0o777);
        }
        Self { dir, is_root }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Their `hactl`.
    pub(super) fn hactl(&self) -> Command {
        let mut command = command::plain(&self.path("hactl"));
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// They are not who runs the tests, and so not whose hactl it is.
    pub(super) const fn is_other(&self) -> bool {
        self.is_root
    }

    /// Gives them the permission to connect.
    pub(super) fn let_in(&self, socket: &Path) {
        set_mode(socket.parent().expect("it is in a directory"), 0o755);
        set_mode(socket, 0o666);
    }

    /// Takes the permission to connect away from them, and leaves that to see who has it.
    pub(super) fn lock_out(&self, socket: &Path) {
        set_mode(socket.parent().expect("it is in a directory"), 0o755);
        set_mode(socket, if self.is_root { 0o600 } else { 0o000 });
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}
