//! With a server-state file a new HAProxy process begins as the old one ended: no request goes to a dead server.

use std::fs;
use std::time::Duration;

use e2e::haproxy::Builder;
use e2e::traffic::Sample;
use e2e::{Fault, Lab, Layout, Mode};
use tokio::time::sleep;

use super::steered::Steered;

/// In `make bench` it is fifty, and the time is measured.
const RELOADS: u32 = 8;

/// Longer than HAProxy 2.6 takes no second SIGUSR2.
const BETWEEN: Duration = Duration::from_millis(1100);

const CLIENTS: usize = 4;

/// How a client words the reply code 1, which here only wg1 gives.
const REJECTED: &str = "General SOCKS server failure";

const MASTER_WORKER: fn(Builder) -> Builder = |haproxy| haproxy.mode(Mode::MasterWorker);
const MASTER_WORKER_WITH_FDS: fn(Builder) -> Builder = |haproxy| haproxy.mode(Mode::MasterWorker).expose_fd();
const SF: fn(Builder) -> Builder = |haproxy| haproxy.hard_stop_after("3s");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_of_the_master_send_no_request_to_a_dead_server() {
    no_request_goes_wrong(MASTER_WORKER).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_of_the_master_with_exposed_sockets_send_no_request_to_a_dead_server() {
    no_request_goes_wrong(MASTER_WORKER_WITH_FDS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takeovers_by_sf_send_no_request_to_a_dead_server() {
    no_request_goes_wrong(SF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_file_no_reload_leaves_a_wrong_state() {
    for adapt in [MASTER_WORKER, MASTER_WORKER_WITH_FDS, SF] {
        let mut scene = Steered::start_broken(Layout::AllBackup, adapt, &["wg1"]).await;
        scene.wait_for_maint(&["wg1"]).await;
        let traffic = scene.lab.traffic(CLIENTS);
        for _ in 0..RELOADS / 2 {
            reload(&mut scene).await;
            scene.wait_for_maint(&["wg1"]).await;
            assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
        }
        drop(traffic);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_begins_with_our_maint_which_is_undone_once_the_server_is_back() {
    let mut scene = with_wg1_out(|haproxy| haproxy).await;
    scene.lab.haproxy.restart().await;
    assert_eq!(scene.in_maint().await, Some(vec!["wg1"]));
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.wait_for_maint(&[]).await;
    assert_eq!(rows(&scene), 0);
    scene.lab.haproxy.restart().await;
    assert_eq!(scene.in_maint().await, Some(vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_was_changed_in_the_configuration_counts_and_not_the_one_before() {
    for adapt in [SF, MASTER_WORKER] {
        let mut scene = with_wg1_out(adapt).await;
        let (dead, alive) = (scene.lab.wg1.addr(), scene.lab.warp.addr());
        let config = fs::read_to_string(scene.lab.haproxy.config_file()).unwrap();
        scene.lab.haproxy.write_config(&config.replace(&format!("wg1 {dead} "), &format!("wg1 {alive} ")));
        let from = scene.hactl.lines().len();
        reload(&mut scene).await;
        let state = scene.lab.haproxy.runtime("show servers state socks_back_7891").await;
        let wg1 = state.lines().find(|line| line.split(' ').nth(3) == Some("wg1")).unwrap().to_owned();
        assert_eq!(wg1.split(' ').nth(18), Some(alive.port().to_string().as_str()), "{wg1}");
        scene.said(from, "socks_back_7891/wg1 is online").await;
        scene.wait_for_maint(&[]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_did_is_not_in_the_file() {
    let mut scene = with_wg1_out(|haproxy| haproxy).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/cloudflare_warp state maint").await;
    scene.wait_for_maint(&["wg1", "cloudflare_warp"]).await;
    scene.lab.haproxy.restart().await;
    assert_eq!(scene.in_maint().await, Some(vec!["wg1"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_written_is_said_and_everything_else_goes_on() {
    let theirs = "1\n# be_id be_name srv_id\n";
    for nowhere in [false, true] {
        let mut scene = Steered::start_instance(Layout::AllBackup, MASTER_WORKER, &[], |lab| {
            fs::write(lab.haproxy.state_file(), theirs).unwrap();
            let file = lab.haproxy.state_file();
            let file = if nowhere { "/nowhere/hactl.state".into() } else { file };
            format!("server_state_file = \"{}\"\n", file.display())
        })
        .await;
        scene.said(0, "is not written").await;
        scene.break_with(Fault::Reject(1), &["wg1"]).await;
        scene.wait_for_maint(&["wg1"]).await;
        assert_eq!(fs::read_to_string(scene.lab.haproxy.state_file()).unwrap(), theirs);
        reload(&mut scene).await;
        scene.wait_for_maint(&["wg1"]).await;
    }
}

/// Reloads with traffic running, in a way that `adapt` says.
async fn no_request_goes_wrong(adapt: impl FnOnce(Builder) -> Builder) {
    let mut scene = with_wg1_out(adapt).await;
    let traffic = scene.lab.traffic(CLIENTS);
    for _ in 0..RELOADS {
        reload(&mut scene).await;
        assert_eq!(scene.in_maint().await, Some(vec!["wg1"]), "from the first answer on");
    }
    let samples = traffic.stop().await;
    let wrong: Vec<&Sample> = samples.iter().filter(|sample| is_wrong(sample)).collect();
    assert!(wrong.is_empty(), "{wrong:?}, {}", scene.lab.haproxy.log());
    assert!(samples.iter().filter(|sample| sample.result.as_deref() == Ok("wg2")).count() > 100);
    assert_eq!(scene.in_maint().await, Some(vec!["wg1"]));
}

fn is_wrong(sample: &Sample) -> bool {
    sample.result.as_ref().map_or_else(|error| error.contains(REJECTED), |exit| exit != "wg2")
}

async fn reload(scene: &mut Steered) {
    let from = scene.hactl.lines().len();
    if scene.lab.haproxy.has_master() {
        scene.lab.haproxy.reload_master().await;
        scene.said(from, "HAProxy was reloaded or restarted").await;
        sleep(BETWEEN).await;
    } else {
        scene.lab.haproxy.reload_sf().await;
        scene.said(from, "HAProxy was reloaded or restarted").await;
    }
}

/// wg1 refuses everything, is out, and is in the file.
async fn with_wg1_out(adapt: impl FnOnce(Builder) -> Builder) -> Steered {
    let instance = |lab: &Lab| format!("server_state_file = \"{}\"\n", lab.haproxy.state_file().display());
    let adapt = |haproxy: Builder| adapt(haproxy.state_file());
    let scene = Steered::start_instance(Layout::AllBackup, adapt, &["wg1"], instance).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.lab.wg1.set(Fault::Reject(1)).await;
    assert_eq!(rows(&scene), 1);
    scene
}

/// How many servers the file holds out.
fn rows(scene: &Steered) -> usize {
    let content = fs::read_to_string(scene.lab.haproxy.state_file()).expect("hactl wrote it");
    content.lines().skip(1).filter(|line| !line.starts_with('#')).count()
}
