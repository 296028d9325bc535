//! `hactl run --record` and `hactl simulate`: what the daemon decided, decided again.

use std::path::Path;

use e2e::command;
use e2e::{Daemon, Fault, Lab, Layout, Ran};
use serde_json::Value;

use super::beside::{HACTL, PATIENCE, patient};

/// What the controller tells; all else comes from the core.
const CONTROLLERS: [&str; 10] = [
    "applied",
    "refused",
    "held",
    "adopted",
    "overridden",
    "haproxy_present",
    "haproxy_replaced",
    "haproxy_away",
    "writes_denied",
    "missing",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_replays_to_the_very_decisions_of_the_daemon() {
    let lab = Lab::start(Layout::AllBackup).await;
    let recording = lab.haproxy.dir().join("recording.jsonl");
    let mut hactl = record(&lab, &recording);
    for server in ["wg1", "wg2", "cloudflare_warp"] {
        said(&mut hactl, &format!("socks_back_7891/{server} is online")).await;
    }
    lab.wg1.set(Fault::Reject(1)).await;
    said(&mut hactl, "socks_back_7891 now on wg2").await;
    lab.wg1.set(Fault::None).await;
    said(&mut hactl, "socks_back_7891 now on wg1").await;
    assert!(hactl.terminate().await.0.success());
    said(&mut hactl, "SIGTERM: stopping").await;

    let ran = simulate(&recording, &["-o", "json"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let document: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    let decisions = document["recorded"]["decisions"].as_array().expect("a list").clone();
    let events = decisions.iter().filter(|decision| decision["kind"] != "wish");
    let events: Vec<&Value> = events.map(|event| &event["text"]).collect();
    let lines: Vec<Value> = hactl.lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let told =
        lines.iter().filter(|line| line["kind"].as_str().is_some_and(|kind| !CONTROLLERS.contains(&kind)));
    assert_eq!(events, told.map(|line| &line["message"]).collect::<Vec<_>>());
    assert_eq!(document["recorded"]["summary"]["wanted_out"], 1);

    let table = simulate(&recording, &[]).await;
    assert!(table.stdout.contains("wants socks_back_7891/wg1 maint"), "{table:?}");
    let changed = simulate(&recording, &["--set", "probe.ride_through=60s"]).await;
    assert_eq!((changed.code, changed.stderr.as_str()), (Some(0), ""));
    assert!(changed.stdout.contains("as changed:  0 wanted out"), "{changed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_already_is_not_recorded_over_and_keeps_nobody_from_starting() {
    let lab = Lab::start(Layout::AllBackup).await;
    let there = lab.haproxy.dir().join("there");
    std::fs::write(&there, "precious").expect("our directory is writable");
    let mut hactl = record(&lab, &there);
    said(&mut hactl, "what is seen is recorded beside the file that was named, which is not empty").await;
    said(&mut hactl, "socks_back_7891/wg1 is online").await;
    assert!(hactl.terminate().await.0.success());
    let ran = simulate(&lab.haproxy.dir().join("there.1"), &[]).await;
    assert!(ran.stdout.contains("socks_back_7891/wg1 is online"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&there).expect("it is there"), "precious");

    let link = lab.haproxy.dir().join("link");
    std::os::unix::fs::symlink(&there, &link).expect("our directory is writable");
    let mut hactl = record(&lab, &link);
    assert_eq!(hactl.wait(PATIENCE).await.code(), Some(1));
    said(&mut hactl, "next: name the file that it leads to").await;
}

/// The daemon in this scene, recording.
fn record(lab: &Lab, recording: &Path) -> Daemon {
    let file = lab.write_config(&patient(lab));
    let args =
        ["run".as_ref(), "--config".as_ref(), file.as_os_str(), "--record".as_ref(), recording.as_os_str()];
    Daemon::start_command(command::plain(HACTL.as_ref()).args(args))
}

async fn said(hactl: &mut Daemon, text: &str) {
    hactl.wait_for_line(text, PATIENCE).await;
}

async fn simulate(recording: &Path, args: &[&str]) -> Ran {
    let recording = recording.display().to_string();
    command::run(HACTL, &[&["simulate"], args, &[recording.as_str()]].concat()).await
}
