//! hactl ends at the worst moment and is started again: only what it had taken out itself is lifted, and whatever others
//! did meanwhile stays.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use e2e::haproxy::Builder;
use e2e::{Fault, Lab, Layout};
use serde_json::Value;
use tokio::time::sleep;

use super::steered::{Steered, start_hactl, start_hactl_with};

/// Several looks of hactl.
const A_WHILE: Duration = Duration::from_millis(1500);

/// HAProxy tells in whole seconds when it changed a server; two changes can be told apart after this.
const TOLD_APART: Duration = Duration::from_millis(3100);

const THEIRS: &str = "socks_back_7891/wg1 stays in maint: somebody else put it there";
const KEPT: &str = "socks_back_7891/wg1 is in maint since an earlier run";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn across_a_kill_ours_is_lifted_when_the_tunnel_is_back_and_an_operators_maint_stays() {
    let mut scene = ours_then_killed(|haproxy| haproxy).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg2 state maint").await;
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, KEPT).await;
    scene.wait_for_maint(&["wg2"]).await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_ledger_that_can_be_used_nothing_is_ours() {
    let mut scene = ours_then_killed(|haproxy| haproxy).await;
    let file = ledger_file(&scene.lab);
    let whole = fs::read_to_string(&file).expect("it was kept");
    scene.break_with(Fault::None, &["wg1"]).await;
    for (why, spoilt) in [
        ("it is not a whole ledger", whole[..whole.len() / 2].to_owned()),
        ("it is about another HAProxy", whole.replace("admin.sock", "other.sock")),
        ("it has format 99", whole.replace("\"format\": 1", "\"format\": 99")),
    ] {
        fs::write(&file, spoilt).expect("it is ours");
        scene.hactl = start_hactl(&scene.lab);
        let lost = scene.said(0, "what an earlier run took out is not known").await;
        assert!(lost.contains(why) && lost.contains(".json.bad"), "{lost}");
        scene.said(0, THEIRS).await;
        scene.wait_for_maint(&["wg1"]).await;
        scene.hactl.kill();
    }
    fs::remove_file(&file).ok();
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, THEIRS).await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_ledger_and_the_command_the_next_one_sends_it() {
    let mut scene = ours_then_killed(|haproxy| haproxy).await;
    as_before_the_reply(&scene.lab);
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, "socks_back_7891/wg1 set to maint").await;
    scene.wait_for_maint(&["wg1"]).await;
    assert!(!scene.hactl.lines().iter().any(|line| line.contains("by somebody else")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_command_and_its_reply_the_next_one_knows_it_for_its_own() {
    let mut scene = ours_then_killed(|haproxy| haproxy).await;
    as_before_the_reply(&scene.lab);
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, KEPT).await;
    scene.wait_for_maint(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn someones_ready_while_hactl_was_away_is_told_and_put_right() {
    let mut scene = ours_then_killed(|haproxy| haproxy).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, "socks_back_7891/wg1 was set to ready by somebody else, over our maint").await;
    scene.wait_for_maint(&["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn someones_maint_over_ours_while_hactl_was_away_is_theirs() {
    let scene = ours_then_killed(|haproxy| haproxy).await;
    sleep(TOLD_APART).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state maint").await;
    stays_theirs(scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn someones_maint_in_a_haproxy_that_was_restarted_while_hactl_was_away_is_theirs() {
    let mut scene = ours_then_killed(|haproxy| haproxy).await;
    scene.lab.haproxy.restart().await;
    sleep(TOLD_APART).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state maint").await;
    stays_theirs(scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ours_that_a_server_state_file_hands_on_to_a_new_haproxy_stays_ours() {
    let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
    let file = dir.path().join("state");
    let mut scene = ours_then_killed(|haproxy| {
        haproxy
            .global(&format!("server-state-file {}", file.display()))
            .defaults("load-server-state-from-file global")
    })
    .await;
    let states = scene.lab.haproxy.runtime("show servers state").await;
    fs::write(&file, states).expect("a new directory is writable");
    scene.lab.haproxy.restart().await;
    scene.wait_for_maint(&["wg1"]).await;
    sleep(TOLD_APART).await;
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, KEPT).await;
    scene.wait_for_maint(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_restore_ours_is_lifted_at_the_end_and_what_others_did_stays() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.hactl.kill();
    scene.hactl =
        start_hactl_with(&scene.lab, |config| config.replace("[state]", "[state]\non_exit = \"restore\""));
    scene.said(0, KEPT).await;
    scene.said(0, "socks_back_7891/wg1 is degraded").await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg2 state maint").await;
    assert!(scene.hactl.terminate().await.0.success());
    scene.wait_for_maint(&["wg2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_fights_is_left_alone_after_four_changes_and_shown() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    let socket = scene.lab.haproxy.admin_socket();
    let script = tokio::spawn(async move {
        loop {
            // A HAProxy that is busy does not stop the script.
            e2e::haproxy::ask(&socket, "set server socks_back_7891/wg1 state ready").await.ok();
            sleep(Duration::from_millis(100)).await;
        }
    });
    let line = scene.said(0, "socks_back_7891 is contended").await;
    assert!(line.contains("find the other controller"), "{line}");
    let from = scene.hactl.lines().len();
    let ran = status(&scene.lab).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.starts_with("! socks_back_7891 is contended"), "{}", ran.stdout);
    script.abort();
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&[]).await;
    let written = |line: &&String| line.contains("set to maint");
    assert_eq!(scene.hactl.lines().iter().skip(from).find(written), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_be_written_stops_nothing_and_is_told_at_its_begin_and_end() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    while !claim(&scene.lab).is_some_and(|claim| claim["changed"].is_i64()) {
        sleep(Duration::from_millis(5)).await;
    }
    let mut in_the_way = ledger_file(&scene.lab).into_os_string();
    in_the_way.push(".new");
    fs::create_dir(&in_the_way).expect("it is ours");
    let from = scene.break_with(Fault::None, &["wg1"]).await;
    scene.wait_for_maint(&[]).await;
    let told = scene.said(from, "what is taken out cannot be written down").await;
    assert!(told.contains(".json: Is a directory"), "{told}");
    let ran = status(&scene.lab).await;
    assert!(ran.code == Some(1) && ran.stdout.starts_with("! what is taken out cannot be"), "{ran:?}");
    fs::remove_dir(&in_the_way).expect("it is empty");
    scene.said(from, "what is taken out is written down again").await;
    assert!(claim(&scene.lab).is_some_and(|claim| claim.is_null()), "it was given back");
    let times = |text: &str| scene.hactl.lines().iter().filter(|line| line.contains(text)).count();
    assert_eq!(times("written down"), 2);
}

/// hactl has taken `wg1` out, and was killed.
async fn ours_then_killed(adapt: impl FnOnce(Builder) -> Builder) -> Steered {
    let mut scene = Steered::start_broken(Layout::AllBackup, adapt, &["wg1"]).await;
    scene.said(0, "socks_back_7891/wg1 set to maint, read back").await;
    // That it was read back is written down a moment later.
    while !claim(&scene.lab).is_some_and(|claim| claim["changed"].is_i64()) {
        sleep(Duration::from_millis(5)).await;
    }
    scene.hactl.kill();
    scene
}

/// `wg1` is well again, and hactl does not lift what is not its own.
async fn stays_theirs(mut scene: Steered) {
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, THEIRS).await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg1"]).await;
}

/// Makes the ledger what it is between the write and HAProxy's reply.
fn as_before_the_reply(lab: &Lab) {
    let mut ledger = ledger(lab).expect("it was kept");
    ledger["claims"]["socks_back_7891/wg1"]["changed"] = Value::Null;
    fs::write(ledger_file(lab), ledger.to_string()).expect("it is ours");
}

fn claim(lab: &Lab) -> Option<Value> {
    Some(ledger(lab)?["claims"]["socks_back_7891/wg1"].clone())
}

fn ledger(lab: &Lab) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(ledger_file(lab)).ok()?).ok()
}

fn ledger_file(lab: &Lab) -> PathBuf {
    let entries = fs::read_dir(lab.hactl_state()).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    let is_one = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    // Until it is there, a file that is not.
    paths.find(is_one).unwrap_or_else(|| lab.hactl_state().join("ledger.json"))
}

async fn status(lab: &Lab) -> e2e::Ran {
    let socket = lab.hactl_socket().display().to_string();
    e2e::command::run(env!("CARGO_BIN_EXE_hactl-dup"), &["status", "--socket", &socket]).await
}
