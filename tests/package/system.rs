//! The package, how it is judged, and a system that boots with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::package::root::{Root, output, text};

/// What the booted system does: long for a busy machine.
const BOOT_LIMIT: &str = "300";

/// What `boot.sh` says where it cannot play.
const NO_LOOPBACK: &str = "no loopback";

/// Builds the package of the program under test into `dir`.
pub(crate) fn build(dir: &Path) -> PathBuf {
    let program = dir.join("hactl");
    std::fs::copy(env!("CARGO_BIN_EXE_hactl-dup"), &program).expect("it is there, for root");
    output(Command::new("strip").arg(&program));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/debian/build");
    let told = output(Command::new(script).arg(program).arg(dir));
    let package = PathBuf::from(told.trim());
    let name = package.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    assert!(
        name.starts_with(concat!("hactl_", env!("CARGO_PKG_VERSION"), "_")),
        "{name} is of another version"
    );
    package
}

/// Asks Debian's own judge.
pub(crate) fn lint(package: &Path) {
    let told =
        output(Command::new("lintian").args(["--fail-on", "error,warning", "--allow-root"]).arg(package));
    assert!(!told.contains("W: ") && !told.contains("E: "), "{told}");
}

/// The same package as an older version.
pub(crate) fn older(package: &Path, dir: &Path) -> PathBuf {
    let (inside, older) = (dir.join("inside"), dir.join("older.deb"));
    output(Command::new("dpkg-deb").arg("--raw-extract").arg(package).arg(&inside));
    let control = inside.join("DEBIAN/control");
    let text = std::fs::read_to_string(&control).expect("it is there, for root");
    let version = text.lines().find(|line| line.starts_with("Version: ")).expect("a package has one");
    std::fs::write(&control, text.replace(version, "Version: 0.0.1")).expect("it is there, for root");
    // Nothing is gained by compressing it well.
    output(
        Command::new("dpkg-deb").args(["-Znone", "--root-owner-group", "--build"]).arg(&inside).arg(&older),
    );
    std::fs::remove_dir_all(&inside).expect("it is there, for root");
    older
}

/// Boots the system, which plays `boot.sh` with the `steps` that `package` has told, and ends; what that printed, or why it did
/// not boot: not every host lets a container have an init of its own.
pub(crate) fn boot(root: &Root, package: &Path, steps: &str) -> Result<String, String> {
    let write =
        |inside: &str, text: &str| std::fs::write(root.path(inside), text).expect("it is there, for root");
    std::fs::copy(package, root.path("opt/hactl.deb")).expect("it is there, for root");
    write("opt/steps", steps);
    write("etc/haproxy/haproxy.cfg", &haproxy());
    write("etc/default/haproxy", "EXTRAOPTS=\"-S /run/haproxy-master.sock,mode,660,group,haproxy\"\n");
    for (name, port) in [("wg1", 18181), ("wg2", 18182), ("warp", 8111)] {
        write(
            &format!("etc/systemd/system/{name}.service"),
            &format!(
                "[Service]\nExecStart=microsocks -i 127.0.0.1 -p {port}\n[Install]\nWantedBy=multi-user.target\n"
            ),
        );
        root.run(&["systemctl", "enable", name]);
    }
    write("usr/local/sbin/boot.sh", include_str!("boot.sh"));
    write(
        "etc/systemd/system/play.service",
        "[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=-sh -c 'sh /usr/local/sbin/boot.sh >/played 2>&1'\n\
         ExecStart=systemctl poweroff --no-block\n[Install]\nWantedBy=multi-user.target\n",
    );
    root.run(&["systemctl", "enable", "play"]);
    // A network of its own, loopback alone.
    let mut nspawn = Command::new("timeout");
    nspawn.args(["--kill-after=5", BOOT_LIMIT, "systemd-nspawn", "--quiet", "--register=no", "--keep-unit"]);
    nspawn.args(["--private-network", "--boot", "--directory"]).arg(root.path(""));
    let ended = nspawn.stdin(Stdio::null()).output().expect("timeout is in coreutils");
    match std::fs::read_to_string(root.path("played")) {
        Ok(played) if played.trim() == NO_LOOPBACK => Err("it has no loopback".to_owned()),
        Ok(played) => Ok(played),
        Err(_) => Err(text(&ended).lines().last().unwrap_or("systemd-nspawn says nothing").to_owned()),
    }
}

/// Debian's own configuration of its socket, the seed's backend, and a target on the same host.
fn haproxy() -> String {
    "global
    stats socket /run/haproxy/admin.sock mode 660 level admin
    user haproxy
    group haproxy
defaults
    mode tcp
    timeout connect 3s
    timeout client 1m
    timeout server 1m
frontend socks_front_7891
    bind 127.0.0.1:7891
    default_backend socks_back_7891
backend socks_back_7891
    balance first
    server wg1 127.0.0.1:18181 check on-marked-down shutdown-sessions
    server wg2 127.0.0.1:18182 check backup on-marked-down shutdown-sessions
    server cloudflare_warp 127.0.0.1:8111 check backup on-marked-down shutdown-sessions
frontend target
    mode http
    bind 127.0.0.1:8099
    bind 127.0.0.2:8099
    http-request return status 200 content-type text/plain string ok
"
    .to_owned()
}
