//! Steering through the master CLI: the present worker is written to, over reloads that work and that do not.

use e2e::{Fault, Lab, Layout, Mode};
use tokio::net::TcpStream;

use super::steered::{Steered, start_hactl_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_the_master_cli_the_present_worker_is_steered_beside_an_old_one() {
    let mut scene = start().await;
    let from = scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(from, "socks_back_7891/wg1 set to maint, read back").await;
    scene.wait_for_maint(&["wg1"]).await;
    // A session that the old worker waits for.
    let session = TcpStream::connect(scene.lab.haproxy.frontend()).await.expect("HAProxy listens");
    let from = scene.hactl.lines().len();
    scene.lab.haproxy.reload_master().await;
    scene.said(from, "HAProxy was reloaded or restarted").await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.wait_for_maint(&[]).await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
    drop(session);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_that_failed_the_worker_that_stayed_is_steered() {
    let mut scene = start().await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.lab.haproxy.fail_to_reload_master().await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.break_with(Fault::BlackHole, &["wg2"]).await;
    scene.wait_for_maint(&["wg1", "wg2"]).await;
    let from = scene.hactl.lines().len();
    scene.lab.haproxy.reload_master().await;
    scene.said(from, "HAProxy was reloaded or restarted").await;
    scene.wait_for_maint(&["wg1", "wg2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_takes_its_master_along_and_the_next_one_is_steered() {
    let mut scene = start().await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    let from = scene.hactl.lines().len();
    scene.lab.haproxy.kill_worker();
    scene.said(from, "HAProxy does not answer: nobody listens on master:").await;
    scene.lab.haproxy.restart().await;
    scene.wait_for_maint(&["wg1"]).await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
}

async fn start() -> Steered {
    let lab = Lab::start_with(Layout::AllBackup, |haproxy| haproxy.mode(Mode::MasterWorker)).await;
    let (worker, master) = (lab.haproxy.admin_socket(), lab.haproxy.master_socket());
    let hactl = start_hactl_with(&lab, |config| {
        let address = format!("master:{}", master.display());
        let changed = config.replace(&worker.display().to_string(), &address);
        assert_ne!(changed, config);
        changed
    });
    let mut scene = Steered { lab, hactl };
    for name in ["wg1", "wg2", "cloudflare_warp"] {
        scene.said(0, &format!("socks_back_7891/{name} is online")).await;
    }
    scene
}
