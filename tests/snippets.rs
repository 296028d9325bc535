//! The examples in `config/` and in the Kubernetes manifest: each pair of HAProxy's and hactl's configuration, run as it stands
//! but for where files are, and a tunnel broken behind it. They have the ports of `config/haproxy.cfg`, so they come one after
//! the other, in one test. The manifests in `deploy/` are held to what they name.

mod snippets {
    pub(crate) mod compose;
    pub(crate) mod kubernetes;
    pub(crate) mod manifest;
}

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::lab::{EXITS, exit_names};
use e2e::target::ExitNames;
use e2e::{Daemon, Exit, ExitOptions, Fault, Haproxy, Target, command, get_through};
use snippets::kubernetes;
use snippets::manifest::{HACTL, read};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// For what takes a second; long for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the examples have the tunnels: those of `e2e::lab::EXITS`, and one of the second HAProxy.
const PORTS: [u16; 4] = [18181, 18182, 8111, 18183];

/// Those in the Kubernetes manifest.
const POD_HAPROXY: &str = "pod/haproxy.cfg";
const POD_HACTL: &str = "pod/hactl.toml";

/// Where hactl is asked in a pod.
const POD_WEB: &str = "127.0.0.1:9778";

const WG3: Ipv4Addr = Ipv4Addr::new(127, 0, 101, 4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_example_steers_traffic_out_of_a_dead_tunnel() {
    let names = exit_names().into_iter().chain([(IpAddr::from(WG3), "wg3".to_owned())]);
    let names: ExitNames = names.collect();
    let targets = [Target::http(names.clone()), Target::http(names)];
    let target = &targets[0];
    let sources = EXITS.map(|(_, source)| source).into_iter().chain([WG3]);
    let exits: Vec<Exit> = sources.zip(PORTS).map(|(source, port)| exit(source, port)).collect();
    for (haproxies, hactl) in [
        (["haproxy.cfg"].as_slice(), "hactl.toml"),
        (&["haproxy-state-file.cfg"], "hactl-state-file.toml"),
        (&["haproxy-agent.cfg"], "hactl-agent.toml"),
        (&["haproxy.cfg", "haproxy-7892.cfg"], "hactl-instances.toml"),
        (&[POD_HAPROXY], POD_HACTL),
    ] {
        eprintln!("{haproxies:?} with {hactl}");
        let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
        let _haproxies: Vec<Running> = haproxies.iter().map(|file| haproxy(dir.path(), file)).collect();
        let mut daemon = daemon(dir.path(), hactl, &targets);
        daemon.wait_for_line("socks_back_7891/wg2 is online", PATIENCE).await;
        served_by(7891, "wg1", target).await;
        exits[0].set(Fault::BlackHole).await;
        served_by(7891, "wg2", target).await;
        exits[0].set(Fault::None).await;
        served_by(7891, "wg1", target).await;
        if hactl == "hactl-instances.toml" {
            served_by(7892, "wg3", target).await;
        }
        if hactl == POD_HACTL {
            for path in [kubernetes::liveness().as_str(), kubernetes::READINESS_OF_HACTL] {
                assert_eq!(status_of(path).await, "200", "{path}");
            }
        }
        doctor_is_quiet(dir.path(), hactl, &targets).await;
        daemon.terminate().await;
    }
}

fn exit(source: Ipv4Addr, port: u16) -> Exit {
    let listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    Exit::start_with(source, ExitOptions { listen, ..ExitOptions::default() })
}

/// HAProxy with an example, in the foreground; it ends when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn haproxy(dir: &Path, example: &str) -> Running {
    let file = moved(dir, example);
    let program = Haproxy::binary().unwrap_or_else(|missing| panic!("{missing}"));
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect("HAProxy can be run"))
}

fn daemon(dir: &Path, example: &str, targets: &[Target; 2]) -> Daemon {
    let file = moved(dir, example).display().to_string();
    let (targets, control) = (listed(targets), targets[0].url());
    let variables = [
        ("HACTL_PROBE__TARGETS", targets.as_str()),
        ("HACTL_PROBE__CONTROL", control.as_str()),
        ("HACTL_PROBE__PROFILE", "fast"),
        ("HACTL_PROBE__HOLD", "500ms"),
        ("HACTL_PROBE__HOLD_MAX", "500ms"),
    ];
    let (socket, state) =
        (dir.join("hactl.sock").display().to_string(), dir.join("lib").display().to_string());
    let args = ["run", "--config", &file, "--socket", &socket, "--state-dir", &state];
    Daemon::start(HACTL, &args, &variables)
}

/// An example in `dir`, with the directories that it names there, too.
fn moved(dir: &Path, example: &str) -> std::path::PathBuf {
    let text = match example.strip_prefix("pod/") {
        // A pod has a network of its own, this host does not.
        Some(name) => {
            let text = kubernetes::configuration(name).replace("bind :", "bind 127.0.0.1:");
            text.replace("0.0.0.0:9778", POD_WEB)
        }
        None => read(&format!("config/{example}")),
    };
    let text = text.replace("/run/haproxy", &format!("{}/run", dir.display()));
    let text = text.replace("/var/lib/hactl", &format!("{}/lib", dir.display()));
    for inside in ["run", "lib", "pod"] {
        fs::create_dir_all(dir.join(inside)).expect("our directory is writable");
    }
    let file = dir.join(example);
    fs::write(&file, text).expect("our directory is writable");
    file
}

/// Waits until clients of `port` leave by this exit.
async fn served_by(port: u16, exit: &str, target: &Target) {
    let frontend = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut last = Err(String::new());
    for _ in 0..PATIENCE.as_millis() / 50 {
        last = get_through(frontend, target.addr()).await;
        if last.as_deref() == Ok(exit) {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("clients of {port} are not served by {exit}: {last:?}");
}

/// The HTTP status that hactl answers with, as the kubelet sees it.
async fn status_of(path: &str) -> String {
    let mut stream = TcpStream::connect(POD_WEB).await.expect("hactl listens there");
    let request = format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.7:9778\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it was accepted");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers in UTF-8");
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn listed(targets: &[Target; 2]) -> String {
    format!("{:?}", targets.each_ref().map(Target::url))
}

async fn doctor_is_quiet(dir: &Path, example: &str, targets: &[Target; 2]) {
    let mut doctor = command::plain(HACTL.as_ref());
    doctor.arg("doctor").arg("--config").arg(dir.join(example)).arg("--socket").arg(dir.join("hactl.sock"));
    doctor.env("HACTL_PROBE__TARGETS", listed(targets)).env("HACTL_STATE__DIR", dir.join("lib"));
    doctor.env("HACTL_PROBE__CONTROL", targets[0].url());
    let ran = command::run_command(&mut doctor, "").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
