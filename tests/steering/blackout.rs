//! Everything unhealthy: hactl never leaves a backend without a usable server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use e2e::{Fault, Layout};
use tokio::time::sleep;

use super::steered::Steered;

const ALL: [&str; 3] = ["wg1", "wg2", "cloudflare_warp"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_tunnels_die_at_once_one_stays_in_service_until_one_is_back() {
    for layout in [Layout::AllBackup, Layout::WarpBackup] {
        let mut scene = Steered::start(layout, |haproxy| haproxy).await;
        let watch = Watch::start(&scene);
        let from = scene.break_with(Fault::BlackHole, &ALL).await;
        scene.said(from, "no server is known to carry traffic").await;
        // What was decided before the last one died may still be on its way.
        sleep(Duration::from_millis(500)).await;
        let maint = scene.in_maint().await.expect("HAProxy answers");
        assert!(maint.len() < 3, "{maint:?}");
        let from = scene.break_with(Fault::None, &["wg2"]).await;
        scene.said(from, "socks_back_7891: wg2 carries traffic again after").await;
        scene.wait_for_maint(&["wg1", "cloudflare_warp"]).await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
        watch.never_empty().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_they_die_one_after_the_other_the_last_good_one_stays_even_across_a_restart() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    scene.break_with(Fault::BlackHole, &["wg1", "wg2"]).await;
    scene.wait_for_maint(&["wg1", "wg2"]).await;
    let from = scene.break_with(Fault::BlackHole, &["cloudflare_warp"]).await;
    scene.said(from, "no server is known to carry traffic").await;
    scene.lab.haproxy.kill();
    scene.lab.haproxy.restart().await;
    scene.wait_for_maint(&["wg1", "wg2"]).await;
    let from = scene.break_with(Fault::None, &ALL).await;
    scene.said(from, "socks_back_7891 now on wg1").await;
    scene.wait_for_maint(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_haproxy_itself_holds_the_last_one_down_ours_are_given_back() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    scene.break_with(Fault::BlackHole, &["wg1", "wg2"]).await;
    scene.wait_for_maint(&["wg1", "wg2"]).await;
    // Its port closes, so HAProxy's own check takes it down: the dead tunnels at least listen.
    let from = scene.break_with(Fault::Refuse, &["cloudflare_warp"]).await;
    scene.said(from, "no server is known to carry traffic").await;
    scene.wait_for_maint(&["wg2"]).await;
    assert_eq!(scene.lab.haproxy.server("wg1").await.operational, 2);
    // A port that listens again proves nothing: the one that was given back stays.
    let from = scene.break_with(Fault::BlackHole, &["cloudflare_warp"]).await;
    scene.said(from, "socks_back_7891/cloudflare_warp is degraded").await;
    let haproxys_check = Duration::from_millis(2500);
    sleep(haproxys_check).await;
    scene.wait_for_maint(&["wg2"]).await;
}

/// Looks at HAProxy all the time for a moment at which every server is in maint.
struct Watch {
    stop: Arc<AtomicBool>,
    empty: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<usize>,
}

impl Watch {
    fn start(scene: &Steered) -> Self {
        let (stop, empty) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let socket = scene.lab.haproxy.admin_socket();
        let task = tokio::spawn({
            let (stop, empty) = (Arc::clone(&stop), Arc::clone(&empty));
            async move {
                let mut looks = 0;
                while !stop.load(Ordering::Relaxed) {
                    let reply = e2e::haproxy::ask(&socket, "show servers state socks_back_7891").await;
                    let reply = reply.expect("HAProxy answers");
                    let rows: Vec<&str> = reply.lines().skip(2).filter(|line| !line.is_empty()).collect();
                    let usable = rows.iter().any(|row| row.split(' ').nth(6) == Some("0"));
                    empty.fetch_add(usize::from(!usable), Ordering::Relaxed);
                    looks += 1;
                    sleep(Duration::from_millis(2)).await;
                }
                looks
            }
        });
        Self { stop, empty, task }
    }

    async fn never_empty(self) {
        self.stop.store(true, Ordering::Relaxed);
        let looks = self.task.await.expect("the watch does not end early");
        assert!(looks > 10, "only {looks} looks");
        assert_eq!(self.empty.load(Ordering::Relaxed), 0, "of {looks} looks");
    }
}
