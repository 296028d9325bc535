//! The processes of a scene: found, signalled, waited for and shown when a test fails. Only those that we started.

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

/// Between two looks at something that is about to happen.
pub(crate) const POLL: Duration = Duration::from_millis(5);

/// A process stops within microseconds, unless the machine is in trouble.
const PAUSE_LIMIT: Duration = Duration::from_secs(5);

/// A killed process is gone once it is scheduled next, which on a busy machine takes milliseconds.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Sends `signal` to the process `pid`; one that has ended already is left in peace.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid is a positive i32");
    kill_process(pid, signal).ok();
}

/// Stops the process `pid`; when this returns none of its threads runs any more.
pub(crate) async fn pause(pid: u32) {
    signal(pid, Signal::STOP);
    let start = Instant::now();
    while !is_paused(pid) {
        assert!(start.elapsed() < PAUSE_LIMIT, "process {pid} has not stopped within {PAUSE_LIMIT:?}");
        sleep(POLL).await;
    }
}

fn is_paused(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // `pid (name) state ...`, and the name may hold anything.
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
    })
}

/// The processes that `pid` forked and that have not been waited for.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Ends `child` and what it forked; when this returns none of them runs any more.
pub(crate) fn kill_tree(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    // A stopped parent neither forks nor reaps: the pids read now stay its children's.
    signal(child.id(), Signal::STOP);
    let forked = children_of(child.id());
    for pid in &forked {
        signal(*pid, Signal::KILL);
    }
    // While their parent has not reaped them their pids are nobody else's.
    let start = Instant::now();
    while !forked.iter().all(|pid| is_gone(*pid)) && start.elapsed() < KILL_LIMIT {
        std::thread::sleep(POLL);
    }
    child.kill().ok();
    child.wait().ok();
}

/// Whether the process `pid` runs no more; one that nobody has reaped yet is as good as gone.
pub(crate) fn is_gone(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z') || rest.starts_with('X'))
}

/// Waits until `child` has ended by itself; `None` after `patience`.
pub(crate) async fn ended(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < patience {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        sleep(POLL).await;
    }
    None
}

/// The executable `name` in `PATH`.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Shows what a process wrote, where the test that used it is failing.
#[expect(clippy::print_stderr, reason = "the test runner shows it beside the panic")]
pub(crate) fn show_if_panicking(whose: &str, log: &str) {
    if std::thread::panicking() {
        eprintln!("---- {whose} ----\n{log}\n---- end of {whose} ----");
    }
}
