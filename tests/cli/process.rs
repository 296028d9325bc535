//! hactl as a process: its names, its signals, the service manager.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use e2e::command;
use e2e::haproxy::BACKEND;
use e2e::{Daemon, Fault, Lab, Layout, Signal};

use super::beside::{Beside, HACTL, PATIENCE, patient};

/// `srv_admin_state` of a server that was put into maint by a command.
const MAINT_BY_COMMAND: u32 = 0x01;

/// Features are shared by all that is built together, so a careless dependency could put them into every program.
#[test]
fn what_is_tested_and_measured_has_no_failpoints() {
    let program = std::fs::read(HACTL).unwrap();
    let word = b"FAILPOINT_REACHED";
    assert!(!program.windows(word.len()).any(|bytes| bytes == word));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_it_at_once_and_leaves_haproxy_as_it_is() {
    let mut beside = Beside::start().await;
    beside.lab.wg1.set(Fault::Reject(5)).await;
    beside.said("socks_back_7891/wg1 set to maint").await;
    // Probes that hang, and a client that says nothing, hold nobody up.
    beside.lab.warp.set(Fault::Mute).await;
    let accepted = beside.lab.warp.accepted();
    while beside.lab.warp.accepted() == accepted {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _silent = std::os::unix::net::UnixStream::connect(beside.lab.hactl_socket()).unwrap();

    // Within ten seconds, or this panics; the probe that hangs would take a minute.
    let (status, _) = beside.hactl.terminate().await;
    assert!(status.success(), "{status}");
    assert_eq!(beside.lab.haproxy.server("wg1").await.administrative, MAINT_BY_COMMAND);
    assert!(!beside.lab.hactl_socket().exists(), "its socket goes with it");
    let last = beside.hactl.lines().pop().unwrap();
    assert!(last.contains("SIGTERM: stopping; HAProxy stays as it is"), "{last}");
    assert_eq!(beside.lab.get().await.as_deref(), Ok("wg2"), "clients are served on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigint_is_the_same_and_a_killed_one_leaves_a_socket_that_the_next_one_replaces() {
    let mut beside = Beside::start().await;
    beside.hactl.kill();
    assert!(beside.lab.hactl_socket().exists());
    let file = beside.lab.haproxy.dir().join("hactl.toml");
    let mut next = start(&["run", "--config", file.to_str().unwrap()], &[]);
    next.wait_for_line("socks_back_7891/wg1 is online", PATIENCE).await;
    next.signal(Signal::INT);
    assert!(next.wait(PATIENCE).await.success());
    assert!(!beside.lab.hactl_socket().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_manager_is_told_of_start_life_and_end() {
    let lab = Lab::start(Layout::AllBackup).await;
    let path = lab.haproxy.dir().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    let file = lab.write_config(&patient(&lab));
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let mut hactl = start(&["run", "--config", file.to_str().unwrap()], &environment);

    let mut told = Vec::new();
    hear(&manager, &mut told, "READY=1", 1);
    hear(&manager, &mut told, "WATCHDOG=1", 3);
    hear(&manager, &mut told, "STATUS=socks_back_7891 is on wg1", 1);
    assert!(hactl.terminate().await.0.success());
    hear(&manager, &mut told, "STOPPING=1", 1);
    assert_eq!(told.iter().filter(|line| *line == "READY=1").count(), 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_name_hactld_it_is_the_daemon_and_needs_no_file() {
    let lab = Lab::start(Layout::AllBackup).await;
    let hactld = lab.haproxy.dir().join("hactld");
    std::os::unix::fs::symlink(HACTL, &hactld).unwrap();
    let (haproxy, socket) = (lab.haproxy.admin_socket(), lab.hactl_socket());
    let mut command = command::plain(&hactld);
    command.args(["--haproxy", haproxy.to_str().unwrap(), "--backend", BACKEND]);
    command.args(["--socket", socket.to_str().unwrap(), "--state-dir"]).arg(lab.hactl_state());
    command.env("HACTL_PROBE__TARGETS", format!("[\"{}\"]", lab.http.url()));
    command.env("HACTL_PROBE__TIMEOUT", "5s");
    let mut hactld = Daemon::start_command(&mut command);
    hactld.wait_for_line("socks_back_7891/wg1 is online", PATIENCE).await;
    assert_eq!(command::run(HACTL, &["status", "--socket", socket.to_str().unwrap()]).await.stderr, "");
    assert!(hactld.terminate().await.0.success());
}

/// Reads what the service manager is told until `line` has come `times` times in all.
fn hear(manager: &UnixDatagram, told: &mut Vec<String>, line: &str, times: usize) {
    let start = Instant::now();
    manager.set_read_timeout(Some(Duration::from_millis(100))).expect("100 ms are a timeout");
    let mut buffer = [0; 4096];
    while told.iter().filter(|known| *known == line).count() < times {
        assert!(start.elapsed() < PATIENCE, "not {times} times `{line}` in {told:?}");
        if let Ok(length) = manager.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            told.extend(text.lines().map(str::to_owned));
        }
    }
}

fn start(args: &[&str], environment: &[(&str, &str)]) -> Daemon {
    let mut command = command::plain(HACTL.as_ref());
    Daemon::start_command(command.args(args).envs(environment.iter().copied()))
}
