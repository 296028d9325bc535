//! A real HAProxy: layouts, reloads, breakage.

use std::path::Path;
use std::process::Command;

use crate::haproxy::{BACKEND, ServerState, ask};
use crate::process::{children_of, is_gone};
use crate::{Haproxy, Lab, Layout, Mode};

const RUNNING: ServerState = ServerState { operational: 2, administrative: 0 };

#[tokio::test]
async fn both_layouts_keep_the_order_of_the_servers() {
    for layout in [Layout::AllBackup, Layout::WarpBackup] {
        let lab = Lab::start(layout).await;
        for (server, next) in [("wg1", "wg2"), ("wg2", "cloudflare_warp")] {
            assert_eq!(lab.get().await.unwrap(), server, "{layout:?}");
            maint(&lab.haproxy, server).await;
            assert_eq!(lab.haproxy.server(server).await, ServerState { operational: 0, administrative: 1 });
            assert_eq!(lab.get().await.unwrap(), next, "{layout:?}");
        }
    }
}

#[tokio::test]
async fn a_plain_reload_changes_the_process_and_forgets_maint() {
    for expose_fd in [false, true] {
        let adapt = |haproxy: crate::haproxy::Builder| if expose_fd { haproxy.expose_fd() } else { haproxy };
        let mut lab = Lab::start_with(Layout::AllBackup, adapt).await;
        let old = lab.haproxy.worker_pid().await;
        maint(&lab.haproxy, "wg1").await;
        lab.haproxy.reload_sf().await;
        assert_ne!(lab.haproxy.worker_pid().await, old);
        assert_eq!(lab.haproxy.worker_pid().await, lab.haproxy.pid());
        assert_eq!(lab.haproxy.server("wg1").await, RUNNING);
        assert_eq!(lab.get().await.unwrap(), "wg1");
    }
}

#[tokio::test]
async fn a_master_keeps_its_pid_over_reloads_and_its_worker_does_not() {
    let adapt = |haproxy: crate::haproxy::Builder| haproxy.mode(Mode::MasterWorker).expose_fd();
    let mut lab = Lab::start_with(Layout::WarpBackup, adapt).await;
    let master = lab.haproxy.pid();
    for _ in 0..2 {
        let old = lab.haproxy.worker_pid().await;
        lab.haproxy.reload_master().await;
        assert_ne!(lab.haproxy.worker_pid().await, old);
        assert_eq!(lab.haproxy.pid(), master);
        assert_eq!(lab.get().await.unwrap(), "wg1");
    }
    assert!(lab.haproxy.master_socket().exists());
}

#[tokio::test]
async fn nothing_is_left_of_a_dropped_haproxy() {
    let adapt = |haproxy: crate::haproxy::Builder| haproxy.mode(Mode::MasterWorker);
    let lab = Lab::start_with(Layout::AllBackup, adapt).await;
    let mut pids = children_of(lab.haproxy.pid());
    assert_eq!(pids, [lab.haproxy.worker_pid().await]);
    pids.push(lab.haproxy.pid());
    let dir = lab.haproxy.dir().to_owned();
    drop(lab);
    assert!(!dir.exists());
    assert!(pids.iter().all(|pid| is_gone(*pid)));
}

#[tokio::test]
async fn haproxy_comes_back_on_its_port_after_kill_and_restart() {
    for mode in [Mode::Plain, Mode::MasterWorker] {
        let mut lab = Lab::start_with(Layout::AllBackup, |haproxy| haproxy.mode(mode)).await;
        lab.haproxy.kill();
        assert!(ask(&lab.haproxy.admin_socket(), "show info").await.is_err());
        assert!(lab.get().await.is_err());
        lab.haproxy.restart().await;
        assert_eq!(lab.get().await.unwrap(), "wg1");
        let old = lab.haproxy.pid();
        lab.haproxy.restart().await;
        assert_ne!(lab.haproxy.pid(), old);
        assert_eq!(lab.get().await.unwrap(), "wg1");
    }
}

#[tokio::test]
async fn a_stopped_worker_answers_nothing_until_it_goes_on() {
    let lab = Lab::start_with(Layout::AllBackup, |haproxy| haproxy.mode(Mode::MasterWorker)).await;
    lab.haproxy.stop().await;
    let error = ask(&lab.haproxy.admin_socket(), "show info").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    lab.haproxy.cont();
    assert_eq!(lab.haproxy.server("wg1").await, RUNNING);
}

#[tokio::test]
async fn sockets_have_their_levels_and_options_reach_the_file() {
    let lab = Lab::start_with(Layout::AllBackup, |haproxy| {
        haproxy
            .tcp_stats()
            .disabled("wg1")
            .hard_stop_after("3s")
            .stats_maxconn(20)
            .global("nbthread 1")
            .defaults("timeout server 5s")
            .backend("option redispatch 1")
            .sections("backend other\n    server one 127.0.0.1:9")
    })
    .await;
    for (socket, level) in [
        (lab.haproxy.admin_socket(), "admin"),
        (lab.haproxy.operator_socket(), "operator"),
        (lab.haproxy.user_socket(), "user"),
    ] {
        assert_eq!(ask(&socket, "show cli level").await.unwrap().trim(), level);
    }
    assert!(lab.haproxy.tcp_stats().is_some());
    assert_eq!(lab.haproxy.server("wg1").await, ServerState { operational: 0, administrative: 5 });
    assert_eq!(lab.get().await.unwrap(), "wg2");
    assert!(!lab.haproxy.runtime("show servers state other").await.contains("Can't find"));
    assert_eq!(lab.haproxy.log(), "", "HAProxy complains about its configuration");
}

#[test]
fn the_configuration_for_users_is_clean() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/haproxy.cfg");
    let output = Command::new(Haproxy::binary().unwrap()).arg("-c").arg("-f").arg(file).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

async fn maint(haproxy: &Haproxy, server: &str) {
    let reply = haproxy.runtime(&format!("set server {BACKEND}/{server} state maint")).await;
    assert_eq!(reply, "\n");
}
