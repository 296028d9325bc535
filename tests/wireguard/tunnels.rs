//! What breaks a tunnel moves its traffic, and only for as long as it is broken.

use e2e::wireguard::{Break, Direction};
use libtest_mimic::Trial;

use super::scene::{PATIENCE, Scene};
use super::trial::with_tunnels;

/// Longer datagrams vanish: those of a handshake pass, a certificate does not.
const HOLE: usize = 700;

pub(crate) fn trials() -> Vec<Trial> {
    let modes = [
        ("a_tunnel_that_drops_everything_is_left_until_it_is_back", Break::Drop),
        ("a_tunnel_that_lets_nothing_out_is_left_until_it_is_back", Break::DropOneWay(Direction::Out)),
        ("a_tunnel_that_lets_nothing_in_is_left_until_it_is_back", Break::DropOneWay(Direction::In)),
        ("a_tunnel_whose_far_peer_was_killed_is_left_until_it_is_back", Break::FarPeerKilled),
        ("a_tunnel_that_swallows_long_packets_is_left_until_it_is_back", Break::MtuHole(HOLE)),
        ("a_socks_server_that_was_killed_is_left_until_it_is_back", Break::SocksKilled),
        ("a_socks_server_that_stands_still_is_left_until_it_goes_on", Break::SocksStopped),
    ];
    let trials = modes.map(|(name, mode)| with_tunnels(name, move || there_and_back(mode)));
    let both = with_tunnels("when_both_tunnels_are_dead_warp_takes_over", warp_takes_over);
    trials.into_iter().chain([both]).collect()
}

fn there_and_back(mode: Break) {
    Scene::play(|mut scene| async move {
        let (pid, worker) = (scene.lab.haproxy.pid(), scene.lab.haproxy.worker_pid().await);
        let clients = scene.lab.traffic(2);
        clients.wait_until("wg1", PATIENCE).await;

        scene.lab.break_(mode).await;
        clients.wait_until("wg2", PATIENCE).await;
        scene.wait_for_maint(&["wg1"]).await;

        scene.lab.heal().await;
        clients.wait_until("wg1", PATIENCE).await;
        scene.wait_for_maint(&[]).await;
        clients.stop().await;

        assert_eq!(scene.lab.haproxy.pid(), pid);
        assert_eq!(scene.lab.haproxy.worker_pid().await, worker, "HAProxy was never reloaded");
        assert!(scene.hactl.terminate().await.0.success());
    });
}

fn warp_takes_over() {
    Scene::play(|mut scene| async move {
        let clients = scene.lab.traffic(2);
        clients.wait_until("wg1", PATIENCE).await;
        scene.lab.break_at("wg1", Break::Drop).await;
        scene.lab.break_at("wg2", Break::DropOneWay(Direction::In)).await;
        clients.wait_until("cloudflare_warp", PATIENCE).await;
        scene.wait_for_maint(&["wg1", "wg2"]).await;
        scene.lab.heal().await;
        clients.wait_until("wg1", PATIENCE).await;
        scene.wait_for_maint(&[]).await;
    });
}
