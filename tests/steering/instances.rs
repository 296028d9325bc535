//! Several HAProxies with one hactl: whatever happens to one of them is nobody else's affair.

use std::path::{Path, PathBuf};

use e2e::command;
use e2e::{Daemon, Fault, Lab, Layout, Ran};
use serde_json::Value;
use tokio::net::TcpListener;

use super::steered::{PATIENCE, wait_for_maint};

const HACTL: &str = env!("CARGO_BIN_EXE_hactl-dup");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_steered_by_itself_and_both_are_one_status() {
    let mut scene = Two::start().await;
    scene.one.wg1.set(Fault::BlackHole).await;
    let line = scene.said("one: socks_back_7891/wg1 set to maint").await;
    let line: Value = serde_json::from_str(&line).expect("lines are objects");
    assert_eq!((&line["instance"], &line["kind"]), (&"one".into(), &"applied".into()));
    wait_for_maint(&scene.one, &["wg1"]).await;
    wait_for_maint(&scene.other, &[]).await;

    let ran = scene.hactl(&["status"]).await;
    assert_eq!(ran.code, Some(1), "the worst of the two");
    assert!(ran.stdout.starts_with("! one DEGRADED\n! socks_back_7891 DEGRADED: 2 of 3 online"), "{ran:?}");
    assert!(ran.stdout.contains("\n\n✓ other ok\n✓ socks_back_7891 ok: 3 of 3 online"), "{ran:?}");
    let status: Value = serde_json::from_str(&scene.hactl(&["status", "-o", "json"]).await.stdout).unwrap();
    assert_eq!((&status["instance"], &status["applying"]), (&"one".into(), &true.into()));
    assert_eq!(status["instances"][1]["verdict"], "ok");
    assert_eq!(status["instances"][1]["haproxy"]["pid"], scene.other.haproxy.pid());
    let instances: Vec<&Value> =
        status["backends"].as_array().unwrap().iter().map(|backend| &backend["instance"]).collect();
    assert_eq!(instances, ["one", "other"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_haproxy_that_hangs_delays_no_other() {
    let mut scene = Two::start().await;
    scene.one.haproxy.stop().await;
    scene.said("one: HAProxy does not answer").await;
    scene.other.wg1.set(Fault::Refuse).await;
    wait_for_maint(&scene.other, &["wg1"]).await;
    let status: Value = serde_json::from_str(&scene.hactl(&["status", "-o", "json"]).await.stdout).unwrap();
    assert_eq!(status["exit_code"], 2);
    assert_eq!(
        (&status["instances"][0]["applying"], &status["instances"][1]["applying"]),
        (&false.into(), &true.into())
    );
    assert!(status["problems"][0].as_str().unwrap().starts_with("one: HAProxy does not answer"), "{status}");

    scene.one.wg1.set(Fault::Refuse).await;
    scene.one.haproxy.cont();
    wait_for_maint(&scene.one, &["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_taken_out_of_the_configuration_is_left_as_it_was_found() {
    let mut scene = Two::start().await;
    scene.other.wg1.set(Fault::BlackHole).await;
    wait_for_maint(&scene.other, &["wg1"]).await;
    scene.one.write_config(&scene.one.config().replace("name = \"7891\"", "name = \"alone\""));
    let ran = scene.hactl(&["reload"]).await;
    let changes = "instance other: no longer steered\ninstance alone: was called one\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), changes), "{ran:?}");
    wait_for_maint(&scene.other, &[]).await;
    let status: Value = serde_json::from_str(&scene.hactl(&["status", "-o", "json"]).await.stdout).unwrap();
    let names: Vec<&Value> =
        status["instances"].as_array().unwrap().iter().map(|instance| &instance["name"]).collect();
    assert_eq!(names, ["alone"]);
    scene.one.wg1.set(Fault::Refuse).await;
    wait_for_maint(&scene.one, &["wg1"]).await;

    write_config(&scene.one, &scene.other);
    assert_eq!(scene.hactl(&["reload"]).await.code, Some(0));
    scene.said("other: socks_back_7891/wg1 is degraded").await;
    wait_for_maint(&scene.other, &["wg1"]).await;
    wait_for_maint(&scene.one, &["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_haproxy_that_is_written_otherwise_is_the_same_one() {
    let scene = Two::start().await;
    scene.other.wg1.set(Fault::BlackHole).await;
    wait_for_maint(&scene.other, &["wg1"]).await;
    let file = write_config(&scene.one, &scene.other);
    let socket = scene.other.haproxy.admin_socket();
    let link = socket.with_file_name("link.sock");
    std::os::unix::fs::symlink(&socket, &link).unwrap();
    let written = |path: &Path| format!("haproxy = \"{}\"", path.display());
    let text = std::fs::read_to_string(&file).unwrap().replace(&written(&socket), &written(&link));
    std::fs::write(&file, text).unwrap();
    let ran = scene.hactl(&["reload"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "nothing is changed\n"), "{ran:?}");
    scene.other.wg2.set(Fault::BlackHole).await;
    wait_for_maint(&scene.other, &["wg1", "wg2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_be_started_yet_is_told_and_started_when_it_can_be() {
    let mut scene = Two::start().await;
    scene.one.write_config(&scene.one.config().replace("name = \"7891\"", "name = \"one\""));
    assert_eq!(scene.hactl(&["reload"]).await.code, Some(0));
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent =
        format!("\nlever = \"agent\"\nagent = \"{}\"\n[[instance.backend]]", port.local_addr().unwrap());
    let file = write_config(&scene.one, &scene.other);
    let text = std::fs::read_to_string(&file).unwrap();
    let (first, second) = text.split_at(text.rfind("[[instance]]").unwrap());
    std::fs::write(&file, first.to_owned() + &second.replace("\n[[instance.backend]]", &agent)).unwrap();

    let ran = scene.hactl(&["reload"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("instance other: could not be started"), "{ran:?}");
    let ran = scene.hactl(&["status"]).await;
    assert!(ran.code == Some(2) && ran.stdout.contains("could not be started"), "{ran:?}");
    drop(port);
    scene.said("HAProxy's agent-checks are answered").await;
    scene.said("other: socks_back_7891/wg1 is online").await;
}

/// hactl beside two HAProxies, each with exits of its own.
struct Two {
    one: Lab,
    other: Lab,
    hactl: Daemon,
}

impl Two {
    async fn start() -> Self {
        let (one, other) = (Lab::start(Layout::AllBackup).await, Lab::start(Layout::AllBackup).await);
        let file = write_config(&one, &other);
        let hactl = Daemon::start_command(command::plain(HACTL.as_ref()).args(["run", "--config"]).arg(file));
        let mut scene = Self { one, other, hactl };
        for instance in ["one", "other"] {
            for server in ["wg1", "wg2", "cloudflare_warp"] {
                scene.said(&format!("{instance}: socks_back_7891/{server} is online")).await;
            }
        }
        scene
    }

    async fn said(&mut self, text: &str) -> String {
        self.hactl.wait_for_line(text, PATIENCE).await
    }

    async fn hactl(&self, args: &[&str]) -> Ran {
        let socket = self.one.hactl_socket().display().to_string();
        command::run(HACTL, &[args, &["--socket", &socket]].concat()).await
    }
}

/// The configuration of the first scene, with the HAProxy of the second one as another instance.
fn write_config(one: &Lab, other: &Lab) -> PathBuf {
    let config = one.config().replace("name = \"7891\"", "name = \"one\"");
    let haproxy = other.haproxy.admin_socket();
    let other = format!(
        "[[instance]]\nname = \"other\"\nhaproxy = \"{}\"\n[[instance.backend]]\nname = \"socks_back_7891\"\n",
        haproxy.display()
    );
    one.write_config(&format!("{config}{other}"))
}
