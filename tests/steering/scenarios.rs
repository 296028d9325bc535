//! `SEED`'s scenarios, with clients that never stop asking: after a switch no request fails, in either direction,
//! and HAProxy is the same process throughout.

use std::time::Duration;

use e2e::traffic::Sample;
use e2e::{Fault, Layout};
use tokio::time::sleep;

use super::steered::{PATIENCE, Steered};

/// Watched after each switch.
const WATCHED: Duration = Duration::from_millis(700);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_tunnel_is_degraded_and_warp_takes_over_until_it_is_back_with_all_servers_backup() {
    there_and_back(Layout::AllBackup, Fault::BlackHole, "degraded").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_tunnel_is_degraded_and_warp_takes_over_until_it_is_back_with_only_warp_backup() {
    there_and_back(Layout::WarpBackup, Fault::BlackHole, "degraded").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crashed_proxy_is_offline_and_warp_takes_over_until_it_is_back_with_all_servers_backup() {
    there_and_back(Layout::AllBackup, Fault::Refuse, "offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crashed_proxy_is_offline_and_warp_takes_over_until_it_is_back_with_only_warp_backup() {
    there_and_back(Layout::WarpBackup, Fault::Refuse, "offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_rejects_mutes_or_lies_is_degraded() {
    for (fault, reason) in [
        (Fault::Reject(5), "connection refused (reply 5)"),
        (Fault::Mute, "greeting"),
        (Fault::FakeSuccess, "closed"),
        (Fault::Silence, "no "),
    ] {
        let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
        let from = scene.break_with(fault, &["wg1"]).await;
        let line = scene.said(from, "socks_back_7891/wg1 is degraded").await;
        assert!(line.contains(reason), "{fault:?}: {line}");
        scene.wait_for_maint(&["wg1"]).await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"), "{fault:?}");
    }
}

async fn there_and_back(layout: Layout, fault: Fault, word: &str) {
    let mut scene = Steered::start(layout, |haproxy| haproxy).await;
    let (pid, process) = (scene.lab.haproxy.pid(), scene.lab.haproxy.worker_pid().await);
    let clients = scene.lab.traffic(2);
    clients.wait_until("wg1", PATIENCE).await;

    let from = scene.break_with(fault, &["wg1", "wg2"]).await;
    scene.said(from, &format!("socks_back_7891/wg1 is {word}")).await;
    scene.said(from, "socks_back_7891 now on cloudflare_warp").await;
    let switched = clients.mark();
    clients.wait_until("cloudflare_warp", PATIENCE).await;
    sleep(WATCHED).await;
    all_by(&clients.since(switched), "cloudflare_warp");

    let healing = clients.mark();
    let from = scene.break_with(Fault::None, &["wg1", "wg2"]).await;
    scene.said(from, "socks_back_7891/wg1 is online").await;
    scene.said(from, "socks_back_7891 now on wg1").await;
    let back = clients.mark();
    clients.wait_until("wg1", PATIENCE).await;
    sleep(WATCHED).await;
    all_by(&clients.since(back), "wg1");
    let failed: Vec<Sample> =
        clients.since(healing).into_iter().filter(|sample| sample.result.is_err()).collect();
    assert!(failed.is_empty(), "going back cost requests: {failed:?}");
    clients.stop().await;

    assert_eq!(scene.lab.haproxy.pid(), pid);
    assert_eq!(scene.lab.haproxy.worker_pid().await, process, "HAProxy was never reloaded");
    assert!(scene.hactl.terminate().await.0.success());
}

fn all_by(samples: &[Sample], exit: &str) {
    assert!(!samples.is_empty(), "the clients asked nothing");
    let others: Vec<&Sample> = samples.iter().filter(|sample| sample.result.as_deref() != Ok(exit)).collect();
    assert!(others.is_empty(), "not by {exit}: {others:?}");
}
