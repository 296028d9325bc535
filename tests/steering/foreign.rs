//! Others who change things, and HAProxies that do not do as they are told: one failing server never stops the
//! others, what others did is theirs, and what was not named is never touched.

use std::time::Duration;

use e2e::{Fault, Layout, Mode};
use tokio::time::sleep;

use super::steered::{PATIENCE, Steered, start_hactl};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_deleted_does_not_stop_the_steering_of_the_others() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg2 state maint").await;
    scene.said(0, "socks_back_7891/wg2 stays in maint: somebody else put it there").await;
    // 2.6 deletes a server in maint; a check that is just under way delays it.
    let mut reply = String::new();
    for _ in 0..100 {
        reply = scene.lab.haproxy.runtime("del server socks_back_7891/wg2").await;
        if reply.contains("deleted") {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!(reply.contains("deleted"), "{reply}");
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(0, "socks_back_7891 now on cloudflare_warp").await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("cloudflare_warp"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maint_and_drain_by_an_operator_are_left_alone() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    for (state, admin) in [("maint", 1), ("drain", 8)] {
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.runtime(&format!("set server socks_back_7891/wg1 state {state}")).await;
        scene.said(from, &format!("socks_back_7891/wg1 stays in {state}: somebody else put it there")).await;
        // Several looks of hactl later it is still so.
        sleep(Duration::from_millis(1500)).await;
        assert_eq!(scene.lab.haproxy.server("wg1").await.administrative, admin);
    }
    let from = scene.hactl.lines().len();
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.said(from, "socks_back_7891 now on wg1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn someone_elses_ready_over_our_maint_is_put_right() {
    let scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.wait_for_maint(&["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backends_that_are_not_named_are_never_touched() {
    let twin = "backend twin\n  mode tcp\n  server wg1 127.0.0.1:9\n  server other 127.0.0.1:9";
    let scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy.sections(twin), &["wg1"]).await;
    scene.lab.haproxy.runtime("set server twin/other state maint").await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.wait_for_maint(&[]).await;
    let reply = scene.lab.haproxy.runtime("show servers state twin").await;
    let admin: Vec<&str> = reply.lines().skip(2).filter_map(|row| row.split(' ').nth(6)).collect();
    assert_eq!(admin, ["0", "1"], "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_haproxy_is_noticed_and_steered_again_when_it_goes_on() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let from = scene.hactl.lines().len();
    scene.lab.haproxy.stop().await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    let line = scene.said(from, "HAProxy does not answer").await;
    assert!(line.contains("stopped or overloaded"), "{line}");
    scene.said(from, "socks_back_7891/wg1 is degraded").await;
    scene.lab.haproxy.cont();
    scene.wait_for_maint(&["wg1"]).await;
    scene.said(from, "answers again after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_cli_is_noticed_and_steered_again_when_it_has_room() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy.stats_maxconn(3)).await;
    let from = scene.hactl.lines().len();
    let mut idle = Vec::new();
    for _ in 0..6 {
        idle.push(
            tokio::net::UnixStream::connect(scene.lab.haproxy.admin_socket()).await.expect("it listens"),
        );
    }
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    let line = scene.said(from, "HAProxy does not answer").await;
    assert!(line.contains("stats maxconn"), "{line}");
    drop(idle);
    scene.wait_for_maint(&["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_hactl_finishes_what_the_last_one_left() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.hactl.kill();
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, "socks_back_7891/wg1 is in maint since an earlier run").await;
    scene.wait_for_maint(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_the_configuration_disables_is_left_alone() {
    let mut scene = e2e_with_wg1_disabled().await;
    scene.said(0, "socks_back_7891/wg1 stays in maint: somebody else put it there").await;
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(scene.lab.haproxy.server("wg1").await.administrative, 5);
    // An operator who takes it into service is heard, although the bit of the configuration stays.
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.said(0, "socks_back_7891 now on wg1").await;
    assert_eq!(scene.lab.haproxy.server("wg1").await.administrative, 4);
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(0, "socks_back_7891/wg1 set to maint").await;
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.hactl.wait_for_line("socks_back_7891/wg1 set to ready", PATIENCE).await;
}

async fn e2e_with_wg1_disabled() -> Steered {
    Steered::start(Layout::AllBackup, |haproxy| haproxy.mode(Mode::Plain).disabled("wg1")).await
}
