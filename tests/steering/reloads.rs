//! A HAProxy that is killed, restarted or reloaded forgets everything; hactl does not.

use std::time::{Duration, Instant};

use e2e::haproxy::Builder;
use e2e::{Fault, Layout, Mode};
use tokio::time::sleep;

use super::steered::Steered;

/// Ten times what `make bench` allows and a hundred times what it measures.
const REAPPLY_LIMIT: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_and_a_start_the_state_is_applied_again() {
    let mut scene = with_wg1_dead(|haproxy| haproxy).await;
    for _ in 0..3 {
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.kill();
        scene.said(from, "HAProxy does not answer: nobody listens on").await;
        scene.lab.haproxy.restart().await;
        applied_again(&scene).await;
        scene.said(from, "answers again after").await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_with_sf_the_state_is_applied_again() {
    let mut scene = with_wg1_dead(|haproxy| haproxy.hard_stop_after("3s")).await;
    reload_by_sf(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_with_sf_that_takes_over_the_sockets_the_state_is_applied_again() {
    let mut scene = with_wg1_dead(|haproxy| haproxy.expose_fd().hard_stop_after("3s")).await;
    reload_by_sf(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_of_the_master_the_state_is_applied_again() {
    let mut scene = with_wg1_dead(|haproxy| haproxy.mode(Mode::MasterWorker)).await;
    reload_by_master(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_of_the_master_with_exposed_sockets_the_state_is_applied_again() {
    let mut scene = with_wg1_dead(|haproxy| haproxy.mode(Mode::MasterWorker).expose_fd()).await;
    reload_by_master(&mut scene).await;
}

/// A write that the old worker takes between the reload's signal and the switch is lost without a sign. That it is
/// repeated is shown on demand by the controller's own tests; here verdicts fall around real reloads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_that_fall_around_a_reload_end_up_applied() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy.mode(Mode::MasterWorker)).await;
    for turn in 0..8_u64 {
        let broken = turn % 2 == 0;
        let fault = if broken { Fault::Reject(1) } else { Fault::None };
        scene.break_with(fault, &["wg1"]).await;
        // The verdict falls some time after this; over the turns it falls before, in and after the window.
        sleep(Duration::from_millis(turn * 35)).await;
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.reload_master().await;
        scene.said(from, "HAProxy was reloaded or restarted").await;
        scene.wait_for_maint(if broken { &["wg1"] } else { &[] }).await;
        // A second SIGUSR2 within about a second of the first is dropped (measured).
        sleep(Duration::from_millis(1100)).await;
    }
}

async fn with_wg1_dead(adapt: impl FnOnce(Builder) -> Builder) -> Steered {
    let scene = Steered::start_broken(Layout::AllBackup, adapt, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene
}

async fn reload_by_sf(scene: &mut Steered) {
    for _ in 0..3 {
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.reload_sf().await;
        reloaded(scene, from).await;
    }
}

async fn reload_by_master(scene: &mut Steered) {
    let master = scene.lab.haproxy.pid();
    for _ in 0..3 {
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.reload_master().await;
        reloaded(scene, from).await;
        sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(scene.lab.haproxy.pid(), master);
}

async fn applied_again(scene: &Steered) {
    let answered = Instant::now();
    scene.wait_for_maint(&["wg1"]).await;
    assert!(answered.elapsed() < REAPPLY_LIMIT, "it took {:?}", answered.elapsed());
}

async fn reloaded(scene: &mut Steered, from: usize) {
    applied_again(scene).await;
    scene.said(from, "HAProxy was reloaded or restarted").await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
    let away = |line: &&String| line.contains("does not answer");
    let lines = scene.hactl.lines();
    assert_eq!(lines.iter().skip(from).find(away), None, "a reload is no outage");
}
