//! The end of HAProxy's process, seen by a pidfd. The pid that HAProxy names is one of its own pid namespace; here it is
//! believed only where the process of that number began when HAProxy says it did. To watch another one would do no harm:
//! its end would be a false alarm.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::{SystemTime, UNIX_EPOCH};

use failover::Process;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::unix::AsyncFd;

use super::ready::ready;

/// HAProxy counts its start in whole seconds, and takes the time before it reads its configuration and forks.
const START_TOLERANCE: u64 = 5;

/// A handle on the process, if it is one that can be watched.
pub(super) fn of(process: &Process) -> Option<AsyncFd<OwnedFd>> {
    let handle = watched(process);
    if let Err(why) = &handle {
        // In a container of its own, or hidden (`ProtectProc=invisible`): the poll notices its end 50 ms later.
        tracing::debug!(pid = process.pid, why, "the end of the HAProxy process is not watched");
    }
    handle.ok()
}

/// Returns when the process has ended; never, where there is none to watch.
pub(super) async fn ended(handle: Option<&AsyncFd<OwnedFd>>) {
    match handle {
        // A pidfd becomes readable when its process ends, and stays so. Nothing is to be read from it.
        Some(handle) if handle.readable().await.is_ok() => {
            tracing::debug!(means = "the process has ended", "HAProxy may have changed");
        }
        Some(_) | None => std::future::pending().await,
    }
}

fn watched(process: &Process) -> Result<AsyncFd<OwnedFd>, String> {
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw).ok_or("it is no pid")?;
    // Before it is looked at: what is then read is of the process that the handle is of, or that one has ended.
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| error.to_string())?;
    let began = began(process.pid)?;
    if began.abs_diff(process.start_time) > START_TOLERANCE {
        return Err(format!("it began at {began}, HAProxy at {}", process.start_time));
    }
    ready(handle).map_err(|error| error.to_string())
}

/// When the process began, in seconds since the epoch.
fn began(pid: u32) -> Result<u64, String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.to_string())?;
    let ticks = start_ticks(&stat).ok_or("its /proc/PID/stat is odd")?;
    let after_boot = ticks / rustix::param::clock_ticks_per_second().max(1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    let up = u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).unwrap_or_default();
    Ok(now.saturating_sub(up.saturating_sub(after_boot)))
}

/// Field 22 of proc(5)'s stat; behind the name, which may hold anything, fields 3 and on follow.
fn start_ticks(stat: &str) -> Option<u64> {
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn the_start_is_found_behind_whatever_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        assert_eq!(start_ticks(stat), Some(4711));
        assert_eq!(start_ticks(""), None);
        assert_eq!(start_ticks("7 (a) S 1"), None);
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_seen_and_only_of_the_one_that_is_meant() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let process = |pid, start_time| Process { pid, start_time, version: String::new() };
        assert!(of(&process(child.id(), now - 1000)).is_none(), "it began at another time");
        assert!(of(&process(0, now)).is_none());
        let handle = of(&process(child.id(), now)).unwrap();
        assert!(timeout(Duration::from_millis(50), ended(Some(&handle))).await.is_err());
        drop(child.stdin.take());
        timeout(Duration::from_secs(20), ended(Some(&handle))).await.unwrap();
        child.wait().unwrap();
    }
}
