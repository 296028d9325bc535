//! Each means by which a new HAProxy process is noticed before it is asked, and what happens where there is none.

use std::time::{Duration, Instant};

use e2e::haproxy::Builder;
use e2e::{Lab, Layout, Mode};
use tokio::time::sleep;

use super::steered::{PATIENCE, Steered};

/// Longer than HAProxy 2.6 takes no second SIGUSR2.
const BETWEEN: Duration = Duration::from_millis(1100);

const MASTER: &str = "the master CLI was closed";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_s_socket_tells_of_a_reload_and_of_one_that_failed() {
    for expose_fd in [false, true] {
        let mut scene = with_master(|haproxy| if expose_fd { haproxy.expose_fd() } else { haproxy }).await;
        for _ in 0..2 {
            let from = scene.hactl.lines().len();
            scene.lab.haproxy.reload_master().await;
            scene.said(from, MASTER).await;
            scene.said(from, "HAProxy was reloaded or restarted").await;
            scene.wait_for_maint(&["wg1"]).await;
            sleep(BETWEEN).await;
        }
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.fail_to_reload_master().await;
        scene.said(from, MASTER).await;
        scene.said(from, "the master CLI is watched").await;
        assert_eq!(scene.in_maint().await, Some(vec!["wg1"]));
        let replaced = |line: &String| line.contains("HAProxy was reloaded or restarted");
        assert!(!scene.hactl.lines().iter().skip(from).any(replaced), "the same worker goes on");
        sleep(BETWEEN).await;
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.reload_master().await;
        scene.said(from, "HAProxy was reloaded or restarted").await;
        scene.wait_for_maint(&["wg1"]).await;
    }
}

/// HAProxy 2.6 drops the second one, others take it; either way the last worker is as wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_two_reloads_within_a_tenth_of_a_second_the_state_is_applied_and_stays() {
    let mut scene = with_master(|haproxy| haproxy).await;
    for gap in [10, 40, 90] {
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.signal_master();
        sleep(Duration::from_millis(gap)).await;
        scene.lab.haproxy.signal_master();
        scene.said(from, "HAProxy was reloaded or restarted").await;
        scene.wait_for_maint(&["wg1"]).await;
        sleep(BETWEEN).await;
        assert_eq!(scene.in_maint().await, Some(vec!["wg1"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_stats_socket_tells_of_a_takeover_by_sf() {
    let mut scene = with_wg1_dead(|haproxy| haproxy.hard_stop_after("3s"), |_| String::new()).await;
    for _ in 0..2 {
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.reload_sf().await;
        scene.said(from, "the stats socket").await;
        scene.said(from, "HAProxy was reloaded or restarted").await;
        scene.wait_for_maint(&["wg1"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_s_end_is_seen_and_its_successor_too() {
    for mode in [Mode::Plain, Mode::MasterWorker] {
        let mut scene = with_wg1_dead(|haproxy| haproxy.mode(mode), |_| String::new()).await;
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.kill_worker();
        scene.said(from, "the process has ended").await;
        scene.said(from, "HAProxy does not answer").await;
        scene.lab.haproxy.restart().await;
        scene.said(from, "answers again after").await;
        scene.wait_for_maint(&["wg1"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_file_being_read_tells_of_a_reload_that_nothing_else_shows() {
    let adapt = |haproxy: Builder| haproxy.mode(Mode::MasterWorker).expose_fd().state_file();
    let mut scene = with_wg1_dead(adapt, |lab| {
        format!("server_state_file = \"{}\"\n", lab.haproxy.state_file().display())
    })
    .await;
    let from = scene.hactl.lines().len();
    scene.lab.haproxy.reload_master().await;
    scene.said(from, "the server-state file").await;
    scene.said(from, "HAProxy was reloaded or restarted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_master_socket_is_said_once_and_reloads_are_noticed_all_the_same() {
    let adapt = |haproxy: Builder| haproxy.mode(Mode::MasterWorker);
    let operator = |lab: &Lab| format!("master = \"{}\"\n", lab.haproxy.operator_socket().display());
    let missing = |_: &Lab| "master = \"/nowhere/master.sock\"\n".to_owned();
    for (instance, text) in [
        (&operator as &dyn Fn(&Lab) -> String, "it is no master CLI"),
        (&missing, "No such file or directory"),
    ] {
        let mut scene = with_wg1_dead(adapt, instance).await;
        let said = scene.said(0, text).await;
        assert!(said.contains("cannot be watched") && said.contains("-S"), "{said}");
        for _ in 0..2 {
            let from = scene.hactl.lines().len();
            scene.lab.haproxy.reload_master().await;
            scene.said(from, "HAProxy was reloaded or restarted").await;
            scene.wait_for_maint(&["wg1"]).await;
            sleep(BETWEEN).await;
        }
        let times = scene.hactl.lines().iter().filter(|line| line.contains(text)).count();
        assert_eq!(times, 1, "{:#?}", scene.hactl.lines());
    }
}

/// A connection that is kept to a worker would keep it alive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_old_worker_is_kept_alive() {
    let mut scene = with_master(|haproxy| haproxy.expose_fd()).await;
    let old = scene.lab.haproxy.worker_pid().await;
    scene.lab.haproxy.reload_master().await;
    let start = Instant::now();
    while std::fs::exists(format!("/proc/{old}")).expect("/proc is there") {
        assert!(start.elapsed() < PATIENCE, "worker {old} still runs");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn with_master(adapt: impl FnOnce(Builder) -> Builder) -> Steered {
    let master = |lab: &Lab| format!("master = \"{}\"\n", lab.haproxy.master_socket().display());
    let mut scene = with_wg1_dead(|haproxy| adapt(haproxy.mode(Mode::MasterWorker)), master).await;
    scene.said(0, "the master CLI is watched").await;
    scene
}

async fn with_wg1_dead(
    adapt: impl FnOnce(Builder) -> Builder,
    instance: impl FnOnce(&Lab) -> String,
) -> Steered {
    let scene = Steered::start_instance(Layout::AllBackup, adapt, &["wg1"], instance).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene
}
