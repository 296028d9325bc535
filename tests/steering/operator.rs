//! Operators who change things at the worst moment. Each of these once ended with something of theirs undone, or with
//! traffic on a server that nobody had asked.

use std::fs;
use std::time::Duration;

use e2e::{Fault, Lab, Layout};
use tokio::time::sleep;

use super::steered::{Steered, start_hactl};

/// Several looks of hactl.
const A_WHILE: Duration = Duration::from_millis(1500);

/// HAProxy dates changes by the second, up and down: two that are this far apart are two for everybody.
const TOLD_APART: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disabled_written_into_the_configuration_while_the_server_was_out_is_respected() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    edit(
        &scene.lab,
        |line| if line.contains("server wg1 ") { format!("{line} disabled") } else { line.to_owned() },
    );
    scene.lab.haproxy.reload_sf().await;
    let from = scene.break_with(Fault::None, &["wg1"]).await;
    scene.said(from, "socks_back_7891/wg1 is online").await;
    scene.said(from, "socks_back_7891/wg1 stays in maint: somebody else put it there").await;
    sleep(A_WHILE).await;
    assert_eq!(scene.lab.haproxy.server("wg1").await.administrative, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maint_of_all_servers_survives_a_restart_of_hactl() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    for name in ["wg1", "wg2", "cloudflare_warp"] {
        scene.lab.haproxy.runtime(&format!("set server socks_back_7891/{name} state maint")).await;
    }
    scene.hactl.kill();
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, "socks_back_7891/wg1 stays in maint: somebody else put it there").await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg1", "wg2", "cloudflare_warp"]).await;
    assert!(!scene.hactl.lines().iter().any(|line| line.contains("set to ready")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_maint_over_our_former_one_is_theirs() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state drain").await;
    sleep(A_WHILE).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state maint").await;
    sleep(A_WHILE).await;
    let from = scene.break_with(Fault::None, &["wg1"]).await;
    scene.said(from, "socks_back_7891/wg1 stays in maint: somebody else put it there").await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_server_by_the_name_of_one_that_was_out_is_left_alone() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    // The new one has the old one's id: only the time of its change tells it apart.
    sleep(TOLD_APART).await;
    let mut reply = String::new();
    for _ in 0..100 {
        reply = scene.lab.haproxy.runtime("del server socks_back_7891/wg1").await;
        if reply.contains("deleted") {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!(reply.contains("deleted"), "{reply}");
    let from = scene.hactl.lines().len();
    let healthy = scene.lab.warp.addr();
    let reply = scene.lab.haproxy.runtime(&format!("add server socks_back_7891/wg1 {healthy} backup")).await;
    assert!(reply.contains("registered"), "{reply}");
    scene.said(from, "socks_back_7891/wg1 is online").await;
    scene.said(from, "socks_back_7891/wg1 stays in maint: somebody else put it there").await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_others_track_is_not_closed_where_they_are_the_successors() {
    let lab = Lab::start(Layout::AllBackup).await;
    edit(&lab, |line| {
        let tracking = line.contains("server wg2 ") || line.contains("server cloudflare_warp ");
        if tracking { line.replace(" check", " track socks_back_7891/wg1") } else { line.to_owned() }
    });
    let mut scene = Steered { hactl: start_hactl(&lab), lab };
    scene.lab.haproxy.restart().await;
    scene.said(0, "socks_back_7891/cloudflare_warp is online").await;
    let from = scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(from, "socks_back_7891/wg1 is not taken out: no other server could take over").await;
    sleep(A_WHILE).await;
    assert!(!scene.hactl.lines().iter().any(|line| line.contains("set to")), "nothing is tried in vain");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_blackout_an_operators_ready_stands_and_is_told() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    scene.break_with(Fault::BlackHole, &["wg1", "wg2"]).await;
    scene.wait_for_maint(&["wg1", "wg2"]).await;
    let from = scene.break_with(Fault::BlackHole, &["cloudflare_warp"]).await;
    scene.said(from, "no server is known to carry traffic").await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.said(from, "socks_back_7891/wg1 was set to ready by somebody else, over our maint").await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_is_not_applied_to_another_address_after_a_reload() {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.said(0, "socks_back_7891/wg1 set to maint").await;
    let (wg1, wg2) = (scene.lab.wg1.addr().to_string(), scene.lab.wg2.addr().to_string());
    edit(&scene.lab, |line| {
        if line.contains("server wg1 ") { line.replace(&wg1, &wg2) } else { line.replace(&wg2, &wg1) }
    });
    let from = scene.hactl.lines().len();
    scene.lab.haproxy.reload_sf().await;
    scene.wait_for_maint(&["wg2"]).await;
    let lines = scene.hactl.lines();
    let wg1_closed = lines.iter().skip(from).find(|line| line.contains("socks_back_7891/wg1 set to maint"));
    assert_eq!(wg1_closed, None, "wg1 is the healthy one now");
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"), "the exit that the server wg1 leads to now");
}

fn edit(lab: &Lab, change: impl Fn(&str) -> String) {
    let file = lab.haproxy.config_file();
    let text = fs::read_to_string(&file).expect("HAProxy was started from it");
    let changed: Vec<String> = text.lines().map(change).collect();
    assert_ne!(changed.join("\n"), text.trim_end(), "nothing to change in\n{text}");
    fs::write(&file, changed.join("\n") + "\n").expect("it is ours");
}
