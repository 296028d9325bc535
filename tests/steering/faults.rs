//! A HAProxy that does not answer: said by name while it lasts, and right as soon as it is over, although another server
//! failed meanwhile. How soon that is, `make bench` measures; here it is printed.

use std::fs;
use std::time::{Duration, Instant};

use e2e::{Fault, Layout};
use tokio::net::UnixStream;

use super::steered::Steered;

/// `stats maxconn` by default, for all stats sockets together.
const CLI_SLOTS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_haproxy_is_right_again_once_it_goes_on() {
    let mut scene = with_wg1_out().await;
    scene.lab.haproxy.stop().await;
    let from = verdicts_change(&scene).await;
    away(&mut scene, from, "stopped or overloaded").await;
    let ended = Instant::now();
    scene.lab.haproxy.cont();
    println!("right again after {:?}", right_again(&mut scene, from, ended).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cli_full_of_idle_connections_is_right_again_once_they_leave() {
    let mut scene = with_wg1_out().await;
    let mut idle = Vec::new();
    for _ in 0..CLI_SLOTS {
        idle.push(UnixStream::connect(scene.lab.haproxy.admin_socket()).await.expect("HAProxy listens"));
    }
    let from = verdicts_change(&scene).await;
    away(&mut scene, from, "stats maxconn").await;
    let ended = Instant::now();
    drop(idle);
    println!("right again after {:?}", right_again(&mut scene, from, ended).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_was_removed_is_right_again_once_it_is_back() {
    let mut scene = with_wg1_out().await;
    let socket = scene.lab.haproxy.admin_socket();
    let aside = socket.with_extension("aside");
    fs::rename(&socket, &aside).expect("the scene's directory is writable");
    let from = verdicts_change(&scene).await;
    away(&mut scene, from, "does not exist").await;
    let ended = Instant::now();
    fs::rename(&aside, &socket).expect("the scene's directory is writable");
    println!("right again after {:?}", right_again(&mut scene, from, ended).await);
}

/// wg1 is out and wg2 is in service.
async fn with_wg1_out() -> Steered {
    let mut scene = Steered::start_broken(Layout::AllBackup, |haproxy| haproxy, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    scene.said(0, "socks_back_7891 now on wg2").await;
    scene
}

/// wg1 comes back and wg2 dies.
async fn verdicts_change(scene: &Steered) -> usize {
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.break_with(Fault::Reject(1), &["wg2"]).await
}

async fn away(scene: &mut Steered, from: usize, why: &str) {
    let line = scene.said(from, "HAProxy does not answer").await;
    assert!(line.contains(why), "{line}");
    scene.said(from, "socks_back_7891/wg1 is online").await;
    scene.said(from, "socks_back_7891/wg2 is degraded").await;
}

async fn right_again(scene: &mut Steered, from: usize, ended: Instant) -> Duration {
    scene.wait_for_maint(&["wg2"]).await;
    let took = ended.elapsed();
    scene.said(from, "answers again after").await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
    took
}
