//! How long it takes from a fault until HAProxy has the server in maint.

use std::time::{Duration, Instant};

use e2e::wireguard::Dice;
use tokio::time::sleep;

use crate::arguments::Arguments;
use crate::scene::Scene;
use crate::spread::milliseconds;
use crate::tell;

/// Faults fall anywhere in this time after everything was quiet: it is longer than any cadence of probes.
const PHASES: Duration = Duration::from_secs(2);

/// Between two looks at HAProxy: the figures are as fine as this.
const LOOK: Duration = Duration::from_millis(1);

/// A fault that is not seen by then counts as missed.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a fault lasts at the least: one that ended as soon as it was seen would be an interruption, from which hactl
/// learns to be more patient.
const LASTS: Duration = Duration::from_secs(3);

/// What came of the faults.
pub(crate) struct Detected {
    /// One for each fault that was seen.
    pub(crate) times: Vec<Duration>,
    /// How many were not.
    pub(crate) missed: usize,
    /// A TCP connection through the tunnel just before each fault.
    pub(crate) connects: Vec<Duration>,
}

pub(crate) async fn measure(scene: &mut Scene, arguments: &Arguments) -> Detected {
    let mut dice = Dice::new(arguments.seed);
    let mut detected = Detected { times: Vec::new(), missed: 0, connects: Vec::new() };
    for number in 1..=arguments.trials {
        wait_for_a_moment(scene, &mut dice).await;
        detected.connects.extend(scene.lab.connect_time("wg1"));
        scene.lab.break_(arguments.mode.to_break()).await;
        let broken = Instant::now();
        let seen = time_to_maint(scene).await;
        sleep(LASTS.saturating_sub(broken.elapsed())).await;
        scene.lab.heal().await;
        tell(
            &seen.map_or_else(
                || format!("{number}: missed"),
                |time| format!("{number}: {}", milliseconds(time)),
            ),
        );
        match seen {
            Some(time) => detected.times.push(time),
            None => detected.missed += 1,
        }
    }
    detected
}

/// Waits for a random moment at which `wg1` is in service: a false alarm just before the fault would pass for a very
/// quick detection.
async fn wait_for_a_moment(scene: &mut Scene, dice: &mut Dice) {
    let micros = u64::try_from(PHASES.as_micros()).expect("a few seconds are few microseconds");
    loop {
        scene.wait_until_quiet().await;
        sleep(Duration::from_micros(dice.below(micros))).await;
        if !scene.is_in_maint("wg1").await {
            return;
        }
    }
}

/// Begins with the fault in force.
async fn time_to_maint(scene: &Scene) -> Option<Duration> {
    let fault = Instant::now();
    while fault.elapsed() < LIMIT {
        if scene.is_in_maint("wg1").await {
            return Some(fault.elapsed());
        }
        sleep(LOOK).await;
    }
    None
}
