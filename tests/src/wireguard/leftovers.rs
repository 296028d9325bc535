//! What belongs to a run by its name, and the removal of what killed runs left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::namespace::PLACE;
use crate::process;

/// Begins the name of each of our namespaces; the pid of the run that made it is next.
const NAMESPACE: &str = "hactl-e2e-";

/// The same for interfaces, whose names have 15 bytes: this, a pid, and what `interface` adds.
const INTERFACE: &str = "e2e";

/// Where wireguard-go has a socket for each interface, in the host's file system also for one in a namespace.
const SOCKETS: &str = "/var/run/wireguard";

/// A killed process is gone once it is scheduled next.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The namespace `place` of this run's lab `number`.
pub(super) fn namespace(number: usize, place: &str) -> String {
    format!("{NAMESPACE}{}-{number}-{place}", std::process::id())
}

/// The interface at this `end` of the tunnel of the server number `server`, in this run's lab `number`.
pub(super) fn interface(number: usize, end: char, server: usize) -> String {
    let name = format!("{INTERFACE}{}{end}{server}{number}", std::process::id());
    assert!(name.len() < 16, "{name} is too long for an interface: has one run made so many labs?");
    name
}

/// wireguard-go's socket for `interface`.
pub(super) fn socket(interface: &str) -> PathBuf {
    Path::new(SOCKETS).join(format!("{interface}.sock"))
}

/// Ends and removes what runs that are gone have left; runs at the same time are left alone.
pub(super) fn remove() {
    let owner_is_gone = |name: &str, prefix: &str| owner(name, prefix).is_some_and(process::is_gone);
    for name in names_in(PLACE).iter().filter(|name| owner_is_gone(name, NAMESPACE)) {
        end_all_in(name);
        // Another run may be doing the same.
        Command::new("ip").args(["netns", "delete", name]).stderr(Stdio::null()).status().ok();
    }
    for name in names_in(SOCKETS).iter().filter(|name| owner_is_gone(name, INTERFACE)) {
        fs::remove_file(Path::new(SOCKETS).join(name)).ok();
    }
}

/// The pid in one of our names.
fn owner(name: &str, prefix: &str) -> Option<u32> {
    let rest = name.strip_prefix(prefix)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
    rest[..digits].parse().ok()
}

/// Kills the processes that a gone run of ours left in its namespace `name`.
fn end_all_in(name: &str) {
    let listed = Command::new("ip").args(["netns", "pids", name]).stderr(Stdio::null()).output();
    let listed =
        listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let pids: Vec<u32> = listed.lines().filter_map(|pid| pid.trim().parse().ok()).collect();
    for pid in &pids {
        process::signal(*pid, Signal::KILL);
    }
    let start = Instant::now();
    while !pids.iter().all(|pid| process::is_gone(*pid)) && start.elapsed() < KILL_LIMIT {
        std::thread::sleep(process::POLL);
    }
}

fn names_in(directory: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_names_say_whose_they_are_and_others_do_not() {
        let pid = Some(std::process::id());
        assert_eq!(owner(&namespace(12, "near1"), NAMESPACE), pid);
        assert_eq!(owner(&interface(12, 'n', 1), INTERFACE), pid);
        for other in
            ["blue", "hactl-e2e-", "hactl-e2e-x-1-far", "hactl-e2e-12", "hactl-e2e-99999999999-1-far"]
        {
            assert_eq!(owner(other, NAMESPACE), None, "{other}");
        }
    }
}
