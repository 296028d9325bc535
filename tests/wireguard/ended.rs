//! Nothing is left of a lab: not after its end in a panic, and not for long after its run was killed. The run is
//! another process here.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use e2e::wireguard::Lab;
use libtest_mimic::Trial;

use super::scene::path;
use super::trial::with_tunnels;

/// Set for the other run, which makes a lab, says so, and panics when its standard input ends.
pub(crate) const OTHER_RUN: &str = "HACTL_E2E_OTHER_RUN";

/// What the other run says when its lab is up.
const UP: &str = "up\n";

/// Four times wireguard-go, three times microsocks, HAProxy.
const PROCESSES: usize = 8;

pub(crate) fn play_other_run() {
    Lab::run(path(), |lab| async move {
        io::stdout().write_all(UP.as_bytes()).expect("the test reads it");
        io::stdin().read_to_end(&mut Vec::new()).expect("standard input is the test's pipe");
        panic!("the test wants this run to panic on {}", lab.haproxy.frontend());
    });
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        with_tunnels("nothing_is_left_of_a_lab_whose_scene_panics", after_a_panic),
        with_tunnels("what_a_killed_run_has_left_is_removed_by_the_next", after_a_kill),
    ]
}

fn after_a_panic() {
    let (mut run, processes) = start_other_run();
    let owner = run.id();
    drop(run.stdin.take());
    let output = run.wait_with_output().expect("our own child can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the test wants this run to panic") && said.contains("by seed"), "{said}");
    assert_eq!(running(&processes), Vec::<u32>::new());
    assert_eq!(names_of(owner), Vec::<String>::new());
}

fn after_a_kill() {
    let (mut run, processes) = start_other_run();
    let owner = run.id();
    run.kill().expect("our own child can be killed");
    run.wait().expect("our own child can be waited for");
    assert_eq!(running(&processes), processes);
    assert!(!names_of(owner).is_empty());
    Lab::run(path(), |_lab| async {});
    assert_eq!(running(&processes), Vec::<u32>::new());
    assert_eq!(names_of(owner), Vec::<String>::new());
}

/// Starts one and waits for its lab; the processes in it.
fn start_other_run() -> (Child, Vec<u32>) {
    let this = std::env::current_exe().expect("the system knows what it runs");
    let mut command = Command::new(this);
    command.env(OTHER_RUN, "yes").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = command.spawn().expect("this program can be started again");
    let mut line = String::new();
    let stdout = run.stdout.take().expect("it was piped");
    BufReader::new(stdout).read_line(&mut line).expect("it writes UTF-8");
    assert_eq!(line, UP, "the other run has no lab: {:?}", run.wait_with_output());
    let spaces = names_in("/run/netns").into_iter().filter(|name| belongs_to(name, run.id()));
    let processes: Vec<u32> = spaces.flat_map(|space| processes_in(&space)).collect();
    assert_eq!(processes.len(), PROCESSES, "{processes:?}");
    (run, processes)
}

fn processes_in(namespace: &str) -> Vec<u32> {
    let output =
        Command::new("ip").args(["netns", "pids", namespace]).output().expect("the lab needs `ip`, too");
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|pid| pid.trim().parse().ok()).collect()
}

/// Those of `pids` that run.
fn running(pids: &[u32]) -> Vec<u32> {
    let runs = |pid: &&u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['X', 'Z']))
    };
    pids.iter().filter(runs).copied().collect()
}

/// The namespaces and wireguard-go's sockets of the run `pid`.
fn names_of(pid: u32) -> Vec<String> {
    let names = names_in("/run/netns").into_iter().chain(names_in("/var/run/wireguard"));
    names.filter(|name| belongs_to(name, pid)).collect()
}

fn belongs_to(name: &str, pid: u32) -> bool {
    name.starts_with(&format!("hactl-e2e-{pid}-"))
        || name.starts_with(&format!("e2e{pid}n"))
        || name.starts_with(&format!("e2e{pid}f"))
}

fn names_in(directory: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
