//! How often hactl takes a server out although nothing is broken.

use std::time::{Duration, Instant};

use e2e::wireguard::SERVERS;
use tokio::time::sleep;

use crate::scene::Scene;

/// Between two connections through the tunnel, to know what the path was like.
const PAUSE: Duration = Duration::from_secs(5);

pub(crate) struct Soaked {
    pub(crate) length: Duration,
    /// For each server: how often it was said not to be online, and put to maint.
    pub(crate) alarms: Vec<(&'static str, usize, usize)>,
    /// TCP connections through `wg1`.
    pub(crate) connects: Vec<Duration>,
}

pub(crate) async fn measure(scene: &Scene, length: Duration) -> Soaked {
    let (from, start, mut connects) = (scene.hactl.lines().len(), Instant::now(), Vec::new());
    while start.elapsed() < length {
        connects.extend(scene.lab.connect_time("wg1"));
        sleep(PAUSE.min(length.saturating_sub(start.elapsed()))).await;
    }
    let alarms = SERVERS.map(|name| {
        let (bad, closed) = scene.alarms(from, name);
        (name, bad, closed)
    });
    Soaked { length: start.elapsed(), alarms: alarms.to_vec(), connects }
}
