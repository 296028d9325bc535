//! The Debian package in a throw-away Debian 12: built twice and compared, judged by lintian, installed over an older
//! version, its service run under systemd with all that the unit forbids, removed and purged.
//!
//! It needs root and makes the system in a directory of its own; where that cannot be, it says so.

mod package {
    pub(crate) mod root;
    pub(crate) mod system;
}

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use package::root::{Missing, Root, needs};
use package::system;

const CONFIG: &str = "/etc/hactl/hactl.toml";

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
    assert!(told.contains("steers nothing"), "{told}");
    let steps = steps(&told);
    root.run(&["hactl", "config", "check"]);
    for (what, expected) in [
        (["id", "-nG", "hactl"].as_slice(), "hactl haproxy"),
        (&["stat", "-c", "%U:%G %a", CONFIG], "root:hactl 640"),
        (&["stat", "-c", "%U:%G %a", "/var/lib/hactl"], "hactl:hactl 750"),
    ] {
        assert_eq!(root.run(what).trim(), expected);
    }
    for (file, is_there) in [
        ("examples/hactl.toml", true),
        ("examples/hactl-agent.toml", true),
        ("docs/schema/hactl.toml.schema.json", true),
        ("examples/container/check", false),
    ] {
        assert_eq!(root.path("usr/share/doc/hactl").join(file).exists(), is_there, "{file}");
    }
    upgrades_and_leaves_the_configuration_alone(&root, &package);

    let booted = system::boot(&root, &package, &steps);
    if let Ok(told) = &booted {
        assert_played(told);
    }

    root.run(&["dpkg", "--remove", "hactl"]);
    assert!(!root.path("usr/bin/hactl").exists() && root.path(CONFIG).exists());
    root.run(&["dpkg", "--purge", "hactl"]);
    for gone in [
        "etc/hactl",
        "var/lib/hactl",
        "var/log/hactl",
        "usr/share/doc/hactl",
        "lib/systemd/system/hactl.service",
    ] {
        assert!(!root.path(gone).exists(), "{gone} is left behind");
    }
    let links = root.run(&["find", "/etc/systemd", "-name", "hactl*"]);
    assert!(links.trim().is_empty(), "{links}");
    booted.map(drop)
}

/// Whether it was changed, deleted, or has other rights by the administrator's wish.
fn upgrades_and_leaves_the_configuration_alone(root: &Root, package: &Path) {
    let config = root.path(CONFIG);
    let shipped = std::fs::read_to_string(&config).expect("it is there, for root");
    std::fs::remove_file(&config).expect("it is there, for root");
    let told = root.install(package);
    assert!(!told.contains("steers nothing") && !config.exists(), "{told}");
    let kept = shipped + "# mine\n";
    std::fs::write(&config, &kept).expect("it is there, for root");
    root.run(&["dpkg-statoverride", "--update", "--add", "root", "adm", "600", CONFIG]);
    root.install(package);
    assert_eq!(std::fs::read_to_string(&config).expect("it is there, for root"), kept);
    assert_eq!(root.run(&["stat", "-c", "%U:%G %a", CONFIG]).trim(), "root:adm 600");
    root.run(&["dpkg-statoverride", "--remove", CONFIG]);
    root.run(&["/var/lib/dpkg/info/hactl.postinst", "configure", env!("CARGO_PKG_VERSION")]);
    assert_eq!(root.run(&["stat", "-c", "%U:%G %a", CONFIG]).trim(), "root:hactl 640");
    assert!(root.run(&["dpkg", "--verify", "hactl"]).lines().all(|line| line.ends_with(CONFIG)));
}

/// The commands that are to be typed next, one a line, as the package tells of them.
fn steps(told: &str) -> String {
    let commands = told.lines().filter_map(|line| Some(line.strip_prefix("  ")?.split_once("  ")?.0));
    let steps: Vec<&str> = commands.collect();
    assert_eq!(steps.len(), 3, "{told}");
    steps.join("\n") + "\n"
}

/// What the booted system has to have seen.
fn assert_played(told: &str) {
    for line in [
        "enabled: enabled",
        "seen: it observes",
        "as they were: 1",
        "rights: root:hactl 640",
        "active: active",
        "security: within 1.3",
        "seen: all online",
        "master read",
        "seen: wg1 in maint",
        "clients are served",
        "seen: wg1 ready",
        "reloaded",
        "restarts: 0",
        "ended: success",
        "seen: wg1 in maint by hand",
        "left to root: 0",
        "HAProxy: inactive",
        "seen: wg1 in maint by the service",
        "hactl has taken these servers out of HAProxy, and without it they stay out:",
        "  socks_back_7891/wg1",
        "hactl does not run: type systemctl start hactl",
        "after the removal: inactive",
        "seen: wg1 ready after the removal",
        "seen: a log of its own",
        "seen: events are a problem",
        "done",
    ] {
        assert!(told.lines().any(|told| told == line), "no line `{line}` in:\n{told}");
    }
    assert!(!told.contains("doctor ended with"), "{told}");
}
