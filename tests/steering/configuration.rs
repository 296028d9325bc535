//! The configuration read again while hactl steers: what is good holds from now on, what is not changes nothing.

use std::time::Duration;

use e2e::command;
use e2e::{Daemon, Fault, Layout, Ran, Signal};
use serde_json::Value;
use tokio::time::sleep;

use super::steered::{Steered, patient};

const HACTL: &str = env!("CARGO_BIN_EXE_hactl-dup");

/// Several looks of hactl.
const A_WHILE: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_takes_a_good_file_and_what_is_known_stays() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    let from = scene.hactl.lines().len();
    let [one, other] = [scene.lab.https.url(), scene.lab.http.url()];
    let config =
        patient(&scene.lab).replace("hold_max = \"1.5s\"", "ride_through = \"100ms\"\nhold_max = \"9s\"");
    scene.lab.write_config(
        &config.replace(&format!("\"{one}\", \"{other}\""), &format!("\"{other}\", \"{one}\"")),
    );
    scene.hactl.signal(Signal::HUP);
    let line = scene.said(from, "configuration read again for SIGHUP").await;
    assert!(line.contains("[probe] hold_max: 9s (was 1500ms)"), "{line}");
    assert!(line.contains(&format!("[probe] targets: {other}, {one} (was {one}, {other})")), "{line}");
    sleep(A_WHILE).await;
    let news = scene.hactl.lines().split_off(from);
    assert!(!news.iter().any(|line| line.contains("is online") || line.contains("is unknown")), "{news:?}");
    scene.wait_for_maint(&["wg1"]).await;

    scene.break_with(Fault::None, &["wg1"]).await;
    scene.wait_for_maint(&[]).await;
    let ran = hactl(&scene, &["reload"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "nothing is changed\n"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_mistakes_changes_nothing_and_each_of_them_is_told() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let good = patient(&scene.lab);
    let file =
        scene.lab.write_config(&good.replace("profile = \"fast\"", "profile = \"fats\"\ntimeot = \"1s\""));
    let ran = hactl(&scene, &["reload"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{ran:?}");
    let started = command::run(HACTL, &["run", "--config", file.to_str().unwrap()]).await;
    assert_eq!(started.code, Some(64));
    assert!(ran.stderr.starts_with(&started.stderr), "{}\nis not as\n{}", ran.stderr, started.stderr);
    assert!(ran.stderr.contains("unknown profile `fats`") && ran.stderr.contains("did you mean `timeout`?"));
    scene.said(0, "and not taken, what runs is older than it").await;

    let status = hactl(&scene, &["status"]).await;
    assert_eq!(status.code, Some(1));
    assert!(status.stdout.starts_with("! the configuration cannot be used as it is now"), "{status:?}");
    // As an editor leaves it that is still writing.
    scene.lab.write_config(&good[..good.len() / 2]);
    assert_eq!(hactl(&scene, &["reload"]).await.code, Some(64));
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;

    scene.lab.write_config(&good);
    assert_eq!(hactl(&scene, &["reload"]).await.code, Some(0));
    let status: Value = serde_json::from_str(&hactl(&scene, &["status", "-o", "json"]).await.stdout).unwrap();
    assert_eq!(status["config_stale"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_longer_steered_is_given_back() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    let config = patient(&scene.lab);
    scene.lab.write_config(&format!("{config}servers = [\"wg2\", \"cloudflare_warp\"]\n"));
    let ran = hactl(&scene, &["reload"]).await;
    let change = "instance 7891: backend socks_back_7891: servers: cloudflare_warp, wg2 (was all)\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), change), "{ran:?}");
    scene.said(0, "socks_back_7891/wg1 was given back: it is not hactl's to steer any more").await;
    scene.wait_for_maint(&[]).await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_socket_needs_a_restart() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let socket = scene.lab.hactl_socket().display().to_string();
    scene.lab.write_config(&patient(&scene.lab).replace(&socket, "/nonexistent/h.sock"));
    let ran = hactl(&scene, &["reload"]).await;
    let change = format!(
        "[admin] socket: /nonexistent/h.sock needs a restart of hactl; until then it stays {socket}\n"
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), change.as_str()), "{ran:?}");
    assert_eq!(hactl(&scene, &["reload"]).await.stdout, change, "it is said as long as it is so");
    assert!(scene.hactl.ended().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observed_it_changes_nothing_and_lists_what_it_would_do() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    scene.hactl.kill();
    let file = scene.lab.write_config(&patient(&scene.lab));
    let mut hactl_run = command::plain(HACTL.as_ref());
    scene.hactl = Daemon::start_command(hactl_run.args(["run", "--observe", "--config"]).arg(file));
    scene.said(0, "socks_back_7891/cloudflare_warp is online").await;
    scene.said(0, "socks_back_7891/wg2 is online").await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(0, "would set server socks_back_7891/wg1 state maint").await;
    sleep(A_WHILE).await;
    assert_eq!(scene.lab.haproxy.server("wg1").await.administrative, 0);
    let status: Value = serde_json::from_str(&hactl(&scene, &["status", "-o", "json"]).await.stdout).unwrap();
    let instance = &status["instances"][0];
    assert_eq!((&instance["mode"], &instance["applying"]), (&"observe".into(), &false.into()));
    assert_eq!(instance["would"], serde_json::json!(["set server socks_back_7891/wg1 state maint"]));
    let table = hactl(&scene, &["status"]).await.stdout;
    assert!(table.contains("\n  would set server socks_back_7891/wg1 state maint\n"), "{table}");
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.said(0, "would change nothing: HAProxy is as it is wanted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_it_changes_nothing_and_resumed_it_does_what_was_left() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let ran = hactl(&scene, &["pause", "-m", "moving wg1"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let socket = scene.lab.hactl_socket().display().to_string();
    let told = format!("paused until `hactl resume --socket {socket}`: nothing is changed in HAProxy\n");
    assert_eq!(ran.stdout, told);
    scene.said(0, "paused by ").await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(0, "would set server socks_back_7891/wg1 state maint").await;
    sleep(A_WHILE).await;
    assert_eq!(scene.lab.haproxy.server("wg1").await.administrative, 0);
    let status = hactl(&scene, &["status"]).await;
    assert_eq!(status.code, Some(1));
    assert!(status.stdout.starts_with("! PAUSED by "), "{}", status.stdout);
    assert!(status.stdout.contains("nothing is changed in HAProxy: moving wg1\n"), "{}", status.stdout);

    assert_eq!(hactl(&scene, &["resume"]).await.stdout, "resumed\n");
    scene.wait_for_maint(&["wg1"]).await;
    assert_eq!(hactl(&scene, &["resume"]).await.stdout, "it was not paused\n");
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.wait_for_maint(&[]).await;

    let ran = hactl(&scene, &["pause", "--for", "1s", "-m", "a moment"]).await;
    assert_eq!(ran.stdout, "paused for 1s: nothing is changed in HAProxy\n");
    scene.said(0, "resumed by the end of its time").await;
}

async fn hactl(scene: &Steered, args: &[&str]) -> Ran {
    let socket = scene.lab.hactl_socket().display().to_string();
    command::run(HACTL, &[args, &["--socket", &socket]].concat()).await
}
