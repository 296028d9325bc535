//! The Debian package in a throw-away Debian 12: built twice and compared, judged by lintian, installed over an older
//! version, its service run under systemd with all that the unit forbids, removed and purged.
//!
//! It needs root and makes the system in a directory of its own; where that cannot be, it says so.

mod package {
    pub(crate) mod root;
    pub(crate) mod system;
}

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use package::root::{Missing, Root, needs};
use package::system;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = Trial::ignorable_test("the_package_installs_runs_and_goes", || match needs() {
        Ok(()) => Ok(match installs_runs_and_goes() {
            Ok(()) => Completion::Completed,
            Err(why) => Completion::ignored_with(format!(
                "installed and purged, but NOT RUN, no system could be booted: {why}"
            )),
        }),
        // Whoever tests on a machine of their own may not be root; CI has no excuse.
        Err(Missing::Rights) if std::env::var_os("CI").is_none() => {
            Ok(Completion::ignored_with(format!("NOT RUN: {}", Missing::Rights)))
        }
        Err(missing) => Err(Failed::from(format!("NOT RUN: {missing}"))),
    });
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// `Err`: why no system could be booted.
fn installs_runs_and_goes() -> Result<(), String> {
    let (first, second) = (
        tempfile::tempdir().expect("the directory for temporary files is writable"),
        tempfile::tempdir().expect("the directory for temporary files is writable"),
    );
    let package = system::build(first.path());
    let again = system::build(second.path());
    assert!(
        std::fs::read(&package).expect("it is there, for root")
            == std::fs::read(again).expect("it is there, for root"),
        "built twice, it differs"
    );
    system::lint(&package);

    let root = Root::new(&["adduser", "curl", "haproxy", "microsocks", "systemd", "systemd-sysv"]);
    let told = root.install(&system::older(&package, second.path()));
    assert!(told.contains("steers nothing yet") && told.contains("hactl doctor"), "{told}");
    assert!(root.run(&["id", "-nG", "hactl"]).contains("haproxy"));
    let config = root.path("etc/hactl/hactl.toml");
    let mut kept = std::fs::read_to_string(&config).expect("it is there, for root");
    kept.push_str("# mine\n");
    std::fs::write(&config, &kept).expect("it is there, for root");
    let told = root.install(&package);
    assert!(!told.contains("steers nothing yet"), "{told}");
    assert_eq!(
        std::fs::read_to_string(&config).expect("it is there, for root"),
        kept,
        "an upgrade leaves the configuration alone"
    );
    assert!(
        root.run(&["dpkg", "--verify", "hactl"]).lines().all(|line| line.ends_with("/etc/hactl/hactl.toml"))
    );

    let booted = system::boot(&root);
    if let Ok(told) = &booted {
        assert_played(told);
    }

    root.run(&["dpkg", "--remove", "hactl"]);
    assert!(!root.path("usr/bin/hactl").exists() && config.exists());
    root.run(&["dpkg", "--purge", "hactl"]);
    for gone in ["etc/hactl", "var/lib/hactl", "usr/share/doc/hactl", "lib/systemd/system/hactl.service"] {
        assert!(!root.path(gone).exists(), "{gone} is left behind");
    }
    let links = root.run(&["find", "/etc/systemd", "-name", "hactl*"]);
    assert!(links.trim().is_empty(), "{links}");
    booted.map(drop)
}

/// What the booted system has to have seen.
fn assert_played(told: &str) {
    for line in [
        "enabled: enabled",
        "active: active",
        "security: within 1.3",
        "seen: all online",
        "seen: wg1 in maint",
        "clients are served",
        "seen: wg1 ready",
        "reloaded",
        "restarts: 0",
        "ended: success",
        "done",
    ] {
        assert!(told.lines().any(|told| told == line), "no line `{line}` in:\n{told}");
    }
    assert!(!told.contains("doctor ended with"), "{told}");
}
