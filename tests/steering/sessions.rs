//! Sessions in a dead tunnel: cut while another server works, and only then.

use std::time::{Duration, Instant};

use e2e::{Fault, Layout, closed, hold_through};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::steered::{PATIENCE, Steered};

/// What would have been cut by now is kept.
const KEPT: Duration = Duration::from_secs(4);

const GRACE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_in_a_dead_tunnel_is_cut_after_the_grace_and_comes_back_through_warp() {
    for layout in [Layout::AllBackup, Layout::WarpBackup] {
        let mut scene = Steered::start_ruled(layout, "kill_after = \"2s\"\n").await;
        let mut session = hold(&scene).await;
        let broken = Instant::now();
        let from = scene.break_with(Fault::BlackHole, &["wg1", "wg2"]).await;
        timeout(PATIENCE, closed(&mut session)).await.expect("it is cut");
        let cut = broken.elapsed();
        assert!(cut >= GRACE, "cut after {cut:?}");
        assert_eq!(scene.lab.get().await.as_deref(), Ok("cloudflare_warp"));
        let back = broken.elapsed();
        println!(
            "{layout:?}: cut {cut:?} after the fault, served again after {back:?}, with a grace of {GRACE:?}"
        );
        scene.said(from, "the sessions on socks_back_7891/wg1 were cut").await;
        // Nothing is cut twice, and nobody else is.
        sleep(KEPT).await;
        let told = scene.hactl.lines().iter().filter(|line| line.contains("were cut")).count();
        assert_eq!(told, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_kept_where_the_rule_says_so_where_the_server_lives_and_where_nothing_works() {
    let scene = Steered::start_ruled(Layout::AllBackup, "on_fail = \"keep\"\nkill_after = \"0s\"\n").await;
    let mut session = hold(&scene).await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    kept(&mut session).await;

    let scene = Steered::start_ruled(Layout::AllBackup, "kill_after = \"0s\"\n").await;
    let mut session = hold(&scene).await;
    scene.break_with(Fault::BlackHole, &["wg2"]).await;
    scene.wait_for_maint(&["wg2"]).await;
    kept(&mut session).await;

    let mut scene = Steered::start_ruled(Layout::AllBackup, "kill_after = \"0s\"\n").await;
    let mut session = hold(&scene).await;
    let from = scene.break_with(Fault::BlackHole, &["wg1", "wg2", "cloudflare_warp"]).await;
    scene.said(from, "no server is known to carry traffic").await;
    kept(&mut session).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_demand_those_on_the_one_that_stood_in_are_cut_when_a_preferred_one_is_back() {
    let rules = "on_failback = \"kill\"\nkill_after = \"0s\"\n";
    let mut scene = Steered::start_ruled(Layout::AllBackup, rules).await;
    let from = scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(from, "socks_back_7891 now on wg2").await;
    let mut session = hold(&scene).await;
    scene.break_with(Fault::None, &["wg1"]).await;
    timeout(PATIENCE, closed(&mut session)).await.expect("it is cut");
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
}

async fn hold(scene: &Steered) -> TcpStream {
    let held = hold_through(scene.lab.haproxy.frontend(), scene.lab.http.addr()).await;
    held.unwrap_or_else(|error| panic!("no session: {error}"))
}

async fn kept(session: &mut TcpStream) {
    assert!(timeout(KEPT, closed(session)).await.is_err(), "it was cut");
}
