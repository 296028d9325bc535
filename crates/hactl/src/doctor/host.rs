//! This host: is there a place for what is kept, are there descriptors enough, does its own network work?

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::{Outcome, Prober};
use hactld::config::{Config, Instance};
use rustix::fs::{Access, access};
use rustix::process::{Resource, getrlimit};

use super::Group;
use super::daemon::Daemon;

/// As long as a step of a probe may take by default.
const CONTROL_LIMIT: Duration = Duration::from_secs(3);

/// Probes that may be under way, HAProxy, clients, files; a few kept connections for each server come on top of it.
const DESCRIPTORS: u64 = 512;

pub(super) async fn check(config: &Config, prober: Option<&Prober>, daemon: &Daemon) -> Group {
    let mut group = Group::new("host", format!("state in {}", config.state.dir.display()));
    for instance in &config.instances {
        state_file(instance, daemon, &mut group);
        holder(config, instance, &mut group).await;
    }
    ["D09", "D10"].into_iter().for_each(|id| group.settle(id));
    control(config, prober, &mut group).await;
    // The daemon has it, and under systemd it is not for other users to look into.
    if !daemon.runs() {
        state_dir(&config.state.dir, &mut group);
    }
    descriptors(daemon, &mut group);
    group.settle("D14");
    group
}

/// HAProxy reads it at each start; hactl replaces it as a whole, so its directory has to be writable.
fn state_file(instance: &Instance, daemon: &Daemon, group: &mut Group) {
    let Some(file) = &instance.server_state_file else { return };
    let Some(dir) = file.parent() else { return };
    if !dir.is_dir() {
        group.error(
            "D09",
            format!("the server-state file {} cannot be kept: its directory is not there", file.display()),
            format!("install -d -o hactl -g haproxy -m 755 {}", dir.display()),
        );
    } else if !daemon.runs() && access(dir, Access::WRITE_OK).is_err() {
        group.error(
            "D09",
            format!(
                "the server-state file {} cannot be kept: this user may not write into its directory",
                file.display()
            ),
            format!("chown hactl {}", dir.display()),
        );
    } else if file.exists() && !file.is_file() {
        group.error(
            "D09",
            format!("{} is no regular file, so no server-state file is kept there", file.display()),
            "name a file of hactl's own in `server_state_file` and in haproxy.cfg",
        );
    }
}

/// Two would undo each other's work.
async fn holder(config: &Config, instance: &Instance, group: &mut Group) {
    let Some(holder) = controller::HaproxyLock::holder(&instance.haproxy).await else { return };
    let own = absolute(&config.admin_socket);
    match &holder.socket {
        Some(socket) if absolute(Path::new(socket)) == own => {}
        Some(socket) => group.error(
            "D10",
            format!("another hactl{} steers HAProxy at {}", holder.who, instance.haproxy),
            format!("stop one of the two; the other one: hactl status --socket {socket}"),
        ),
        None => {
            group.note("D10", format!("a hactl{} steers this HAProxy; it does not say which", holder.who), "")
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

async fn control(config: &Config, prober: Option<&Prober>, group: &mut Group) {
    let (Some(target), Some(prober)) = (&config.probe.control, prober) else { return };
    let why = match prober.probe_directly(target, CONTROL_LIMIT).await.outcome {
        Outcome::Passed(_) => return group.ok("D13"),
        Outcome::Failed(failure) => failure.text,
        Outcome::Void(why) => why,
    };
    group.warn(
        "D13",
        format!("the control target {target} does not answer directly: {why}"),
        "name one in [probe] that this host reaches without a proxy, or leave `control` out",
    );
}

fn state_dir(dir: &Path, group: &mut Group) {
    let (place, is_there) = match dir.parent() {
        Some(parent) if !dir.exists() => (parent, false),
        Some(_) | None => (dir, true),
    };
    if place.is_dir() && access(place, Access::WRITE_OK | Access::EXEC_OK).is_ok() {
        return;
    }
    let why = match (place.is_dir(), is_there) {
        (true, true) => "this user may not write into it",
        (true, false) => "it is not there, and this user may not make it",
        (false, true) => "it is no directory",
        (false, false) => "neither it nor the directory that it is in is there",
    };
    group.error(
        "D14",
        format!("the state directory {} cannot be used: {why}", dir.display()),
        format!("install -d -o hactl -g hactl -m 750 {} (systemd: StateDirectory=hactl)", dir.display()),
    );
}

/// Of the daemon where it runs, else of this shell.
fn descriptors(daemon: &Daemon, group: &mut Group) {
    let own = || getrlimit(Resource::Nofile).current;
    let limit = daemon.pid().and_then(soft_limit).or_else(own);
    if let Some(limit) = limit.filter(|limit| *limit < DESCRIPTORS) {
        let whose = if daemon.pid().is_some() { "hactl" } else { "what is started here" };
        group.warn(
            "D14",
            format!("{whose} may open {limit} files; {DESCRIPTORS} and some for each server are needed"),
            "LimitNOFILE=65536 in hactl.service, or ulimit -n 65536",
        );
    }
}

/// From /proc; `None` where that cannot be read.
fn soft_limit(pid: u32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
