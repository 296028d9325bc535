//! A backend's rules on a real HAProxy: when traffic goes back, which exits may be used, what is done when nothing works,
//! and the faster of two.

use std::time::Duration;

use e2e::command;
use e2e::haproxy::BACKEND;
use e2e::{Fault, Layout};
use tokio::time::sleep;

use super::steered::{PATIENCE, Steered, start_hactl_ruled};

const ALL: [&str; 3] = ["wg1", "wg2", "cloudflare_warp"];

const TIERS: &str = "tiers = [[\"wg1\", \"wg2\"], [\"cloudflare_warp\"]]\n";

/// Several looks of hactl, and longer than a server is held after its first outage.
const A_WHILE: Duration = Duration::from_millis(3500);

/// Six evaluations, and the time to begin with them.
const EVALUATED: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_failback_is_not_automatic_a_server_that_is_good_again_waits_until_the_one_in_use_fails() {
    for rule in ["manual", "never"] {
        let rules = format!("failback = \"{rule}\"\n");
        let mut scene = Steered::start_ruled(Layout::AllBackup, &rules).await;
        let from = scene.break_with(Fault::BlackHole, &["wg1"]).await;
        scene.said(from, "socks_back_7891 now on wg2").await;
        let from = scene.break_with(Fault::None, &["wg1"]).await;
        scene.said(from, &format!("wg1 is not used: failback = {rule}")).await;
        // Neither time nor a restart of hactl lets it back.
        sleep(A_WHILE).await;
        scene.hactl.kill();
        scene.hactl = start_hactl_ruled(&scene.lab, &rules);
        scene.said(0, &format!("wg1 is not used: failback = {rule}")).await;
        sleep(A_WHILE).await;
        scene.wait_for_maint(&["wg1"]).await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
        let from = scene.break_with(Fault::Refuse, &["wg2"]).await;
        scene.said(from, "socks_back_7891 now on wg1").await;
        scene.wait_for_maint(&["wg2"]).await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sends_traffic_back_to_the_server_that_waits() {
    let mut scene = Steered::start_ruled(Layout::AllBackup, "failback = \"manual\"\n").await;
    let nothing = "no server of socks_back_7891 waits to be used again\n";
    assert_eq!(hactl(&scene, &["failback", BACKEND]).await, (Some(0), nothing.to_owned()));
    let from = scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(from, "socks_back_7891 now on wg2").await;
    let from = scene.break_with(Fault::None, &["wg1"]).await;
    scene.said(from, "wg1 is not used: failback = manual").await;
    assert_eq!(hactl(&scene, &["status", "socks_back_7891/wg2"]).await.0, Some(0));

    hactl(&scene, &["pause", "-m", "not yet"]).await;
    let (code, text) = hactl(&scene, &["failback", BACKEND]).await;
    assert_eq!((code, text.as_str()), (Some(1), "wg1 of socks_back_7891 is used again\n"));
    scene.said(from, "socks_back_7891 is to go back: ").await;
    scene.said(from, "socks_back_7891 goes back, as an operator wants: wg1 may take traffic again").await;
    scene.said(from, "would set server socks_back_7891/wg1 state ready").await;
    scene.wait_for_maint(&["wg1"]).await;
    hactl(&scene, &["resume"]).await;
    scene.said(from, "socks_back_7891 now on wg1").await;
    scene.wait_for_maint(&[]).await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
    assert_eq!(hactl(&scene, &["failback", "7891:socks_back_7891"]).await.0, Some(0));
    assert_eq!(hactl(&scene, &["failback", "nobody"]).await.0, Some(64));
    assert_eq!(hactl(&scene, &["status", "nobody", "-o", "json"]).await.0, Some(64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_exit_may_not_change_nobody_is_served_by_another_tier() {
    let rules = format!("{TIERS}allow_exit_change = false\n");
    let mut scene = Steered::start_ruled(Layout::AllBackup, &rules).await;
    scene.wait_for_maint(&["cloudflare_warp"]).await;
    let from = scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(from, "socks_back_7891 now on wg2").await;
    let from = scene.break_with(Fault::BlackHole, &["wg2"]).await;
    scene.said(from, "no server is known to carry traffic").await;
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg1", "cloudflare_warp"]).await;
    assert!(scene.lab.get().await.is_err());
    // HAProxy's own check takes the last one down: one of the tier is given back, and WARP is not.
    scene.break_with(Fault::Refuse, &["wg2"]).await;
    scene.wait_for_maint(&["cloudflare_warp"]).await;
    assert!(scene.lab.get().await.is_err());
    let from = scene.break_with(Fault::None, &["wg1", "wg2"]).await;
    scene.said(from, "carries traffic again after").await;
    scene.wait_for_maint(&["cloudflare_warp"]).await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nothing_works_all_are_closed_or_opened_where_the_rule_says_so() {
    for (rule, maint) in [("fail-closed", &ALL[..]), ("all-open", &[])] {
        let rules = format!("when_all_down = \"{rule}\"\n");
        let mut scene = Steered::start_ruled(Layout::AllBackup, &rules).await;
        scene.break_with(Fault::Refuse, &["wg1", "wg2"]).await;
        scene.wait_for_maint(&["wg1", "wg2"]).await;
        let from = scene.break_with(Fault::Refuse, &["cloudflare_warp"]).await;
        scene.said(from, &format!("when_all_down = {rule}")).await;
        scene.wait_for_maint(maint).await;
        let from = scene.break_with(Fault::None, &["wg2"]).await;
        scene.said(from, "socks_back_7891: wg2 carries traffic again after").await;
        scene.wait_for_maint(&["wg1", "cloudflare_warp"]).await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"), "{rule}");
        scene.break_with(Fault::None, &ALL).await;
        scene.wait_for_maint(&[]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clearly_faster_of_a_tier_is_used_and_the_other_one_drained_until_it_fails() {
    let rules = format!("{TIERS}policy = \"latency\"\n");
    let mut scene = Steered::start_ruled(Layout::WarpBackup, &rules).await;
    let from = scene.hactl.lines().len();
    scene.lab.wg1.set_delay(Duration::from_millis(60));
    scene.hactl.wait_for(from, "a move", |line| line.contains("wg2 is clearly faster"), EVALUATED).await;
    scene.said(from, "socks_back_7891 now on wg2").await;
    assert_eq!(scene.lab.haproxy.server("wg1").await.administrative, 8, "drain");
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
    let from = scene.break_with(Fault::BlackHole, &["wg2"]).await;
    scene.said(from, "socks_back_7891 now on wg1").await;
    scene.hactl.wait_for(from, "wg2 out", |line| line.contains("wg2 set to maint"), PATIENCE).await;
    scene.wait_for_maint(&["wg2"]).await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
}

/// Exit code, and what is printed.
async fn hactl(scene: &Steered, args: &[&str]) -> (Option<i32>, String) {
    let socket = scene.lab.hactl_socket().display().to_string();
    let ran = command::run(env!("CARGO_BIN_EXE_hactl-dup"), &[args, &["--socket", &socket]].concat()).await;
    (ran.code, ran.stdout)
}
