//! The program under test: where it is, and how it is started here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::Daemon;

/// `cargo build -p e2e --bins` puts it beside this executable under this name.
const NAME: &str = "hactl-dup";

/// hactl, as built together with this benchmark.
pub(crate) struct Program(PathBuf);

impl Program {
    /// Panics where it was not built.
    pub(crate) fn beside_this() -> Self {
        let this = std::env::current_exe().expect("the system knows what it runs");
        let program = this.with_file_name(NAME);
        assert!(
            program.is_file(),
            "{} is missing: build it with `cargo build --release -p e2e --bins`",
            program.display()
        );
        Self(program)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// `hactl run` with this configuration file.
    pub(crate) fn run(&self, config: &Path) -> Daemon {
        Daemon::start_command(Command::new(&self.0).arg("run").arg("--config").arg(config))
    }

    /// The first line of `--version`.
    pub(crate) fn version(&self) -> String {
        first_line(Command::new(&self.0).arg("--version"))
    }
}

/// The first line that `command` writes; panics where it cannot be run.
pub(crate) fn first_line(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
}
