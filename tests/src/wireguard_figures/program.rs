//! The program under test: where it is, and what it calls itself.

use std::path::PathBuf;
use std::process::Command;

/// `cargo build -p e2e --bins` puts it beside this executable under this name.
const NAME: &str = "hactl-dup";

/// Panics where it was not built.
pub(crate) fn beside_this() -> PathBuf {
    let this = std::env::current_exe().expect("the system knows what it runs");
    let program = this.with_file_name(NAME);
    assert!(program.is_file(), "{} is missing: build it with `cargo build -p e2e --bins`", program.display());
    program
}

/// The first line of `--version`.
pub(crate) fn version() -> String {
    let output = Command::new(beside_this()).arg("--version").output().expect("it can be run");
    String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
}
