//! A throw-away Debian 12 in a directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use thiserror::Error;

/// Why none can be made here.
#[derive(Clone, Copy, Debug, Error)]
pub(crate) enum Missing {
    #[error("this is not root, who alone can make a system in a directory")]
    Rights,
    #[error("{0} is missing: type tests/prepare packages")]
    Program(&'static str),
}

/// Whether one can be made here.
pub(crate) fn needs() -> Result<(), Missing> {
    if !rustix::process::geteuid().is_root() {
        return Err(Missing::Rights);
    }
    for program in ["mmdebstrap", "lintian", "systemd-nspawn"] {
        let found =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.map_err(|_| Missing::Program(program))?;
    }
    Ok(())
}

/// It is removed when this is dropped.
pub(crate) struct Root(TempDir);

impl Root {
    /// The essential packages and these, from where this system gets its own.
    pub(crate) fn new(packages: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
        let include = format!("--include={}", packages.join(","));
        output(
            Command::new("mmdebstrap")
                .args(["--quiet", "--variant=minbase", &include, "bookworm"])
                .arg(dir.path()),
        );
        Self(dir)
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside.trim_start_matches('/'))
    }

    /// Installs a package; what is told.
    pub(crate) fn install(&self, package: &Path) -> String {
        std::fs::copy(package, self.path("tmp/hactl.deb")).expect("it is there, for root");
        // What an operator has changed is kept without a question.
        self.run(&["dpkg", "--force-confold", "--install", "/tmp/hactl.deb"])
    }

    /// Runs a command in it that has to succeed; what it writes.
    pub(crate) fn run(&self, command: &[&str]) -> String {
        output(
            Command::new("chroot").arg(self.0.path()).args(command).env("DEBIAN_FRONTEND", "noninteractive"),
        )
    }
}

/// What a command writes that has to succeed, both streams.
pub(crate) fn output(command: &mut Command) -> String {
    let ended = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = text(&ended);
    assert!(ended.status.success(), "{command:?} ended with {}:\n{told}", ended.status);
    told
}

/// Both streams, one after the other.
pub(crate) fn text(ended: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
}
