//! What breaks a target says nothing of a tunnel: nobody is moved.

use std::time::{Duration, Instant};

use e2e::haproxy::BACKEND;
use e2e::wireguard::{Break, CLIENTS_TARGET, TARGETS};
use libtest_mimic::Trial;
use tokio::time::sleep;

use super::scene::{PATIENCE, Scene};
use super::trial::with_tunnels;

/// The one that is broken. Clients ask for another one.
const BROKEN: usize = 0;

/// Each of the other targets answers so many more probes before hactl is believed.
const PROBES: u64 = 10;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        with_tunnels("a_target_that_refuses_moves_nobody", || nobody_is_moved(Break::TargetDown(BROKEN))),
        with_tunnels("a_target_that_is_silent_moves_nobody", || nobody_is_moved(Break::TargetSilent(BROKEN))),
    ]
}

fn nobody_is_moved(mode: Break) {
    Scene::play(|mut scene| async move {
        let from = scene.hactl.lines().len();
        scene.lab.break_(mode).await;
        probed_on(&scene).await;
        still_in_service(&scene, from).await;
        scene.lab.heal().await;
        probed_on(&scene).await;
        still_in_service(&scene, from).await;
    });
}

/// Waits until the targets that work have been asked again and again. Clients do not ask: they would be counted.
async fn probed_on(scene: &Scene) {
    let counts =
        || (0..TARGETS.len()).filter(|target| *target != BROKEN).map(|target| scene.lab.answered(target));
    let wanted: Vec<u64> = counts().map(|count| count + PROBES).collect();
    let start = Instant::now();
    while counts().zip(&wanted).any(|(count, wanted)| count < *wanted) {
        assert!(start.elapsed() < PATIENCE, "the targets have answered {:?}", counts().collect::<Vec<_>>());
        sleep(Duration::from_millis(20)).await;
    }
}

async fn still_in_service(scene: &Scene, from: usize) {
    assert!(scene.in_maint().await.is_empty());
    let lines = scene.hactl.lines();
    let told =
        lines.iter().skip(from).find(|line| line.contains(&format!("{BACKEND}/")) && line.contains("set to"));
    assert_eq!(told, None);
    assert_ne!(BROKEN, CLIENTS_TARGET);
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
}
